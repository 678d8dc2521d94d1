// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK:      verify_errors.mlir:7:3: 'arith.constant' op: {{.*}}f32{{.*}}i32
// CHECK-NEXT:   see current operation: %{{.*}} = "arith.constant"() <{value = 2 : i32}> : () -> f32

func.func @f() {
  %a = "arith.constant"() <{value = 2 : i32}> : () -> f32
  func.return
}

// -----

// CHECK:      verify_errors.mlir:17:3: 'arith.constant' op: Operation arith.constant terminates block
// CHECK-NEXT:   see current operation: %b = "arith.constant"()

func.func @g(%a: i32) -> i32 {
  %b = arith.constant 1 : i32
}

// -----

// Upstream verifies the return first, which asks the function for the type that it lacks.

// CHECK: verify_errors.mlir:{{[0-9]+}}:1: 'func.func' op: {{.*}}function_type

"func.func"() <{sym_name = "nested"}> ({
  func.return
}) : () -> ()
