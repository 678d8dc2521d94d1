// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// What is divided is positive.

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %n = sched.param largest_divisor -12, 5 : () -> !transform.any_param
    transform.yield
  }
}
// CHECK:      {{.*}}refused_operands.mlir:{{[0-9]+}}:5: expected a positive integer to divide, got -12
// CHECK-NEXT:   in script: %n = sched.param largest_divisor -12, 5 : () -> !transform.any_param

// -----

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %n = sched.param largest_divisor 0, 5 : () -> !transform.any_param
    transform.yield
  }
}
// CHECK:      {{.*}}refused_operands.mlir:{{[0-9]+}}:5: expected a positive integer to divide, got 0
// CHECK-NEXT:   in script: %n = sched.param largest_divisor 0, 5 : () -> !transform.any_param

// -----

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %n = sched.param largest_divisor 12, 0 : () -> !transform.any_param
    transform.yield
  }
}
// CHECK:      {{.*}}refused_operands.mlir:{{[0-9]+}}:5: expected a positive divisor, got 0
// CHECK-NEXT:   in script: %n = sched.param largest_divisor 12, 0 : () -> !transform.any_param

// -----

// A param has 64 bits.

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %n = sched.param mul 9223372036854775807, 2 : () -> !transform.any_param
    transform.yield
  }
}
// CHECK:      {{.*}}refused_operands.mlir:{{[0-9]+}}:5: expected an integer of 64 bits, got 18446744073709551614
// CHECK-NEXT:   in script: %n = sched.param mul 9223372036854775807, 2 : () -> !transform.any_param

// -----

// A new order names each loop once.

func.func @scale(%A: memref<8x64xf32>, %B: memref<8x64xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %j : 64 {
      loop.block "map0" spatial(%vi in 8 = %i, %vj in 64 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x64xf32>
        loop.write %a, %B[%vi, %vj] : memref<8x64xf32>
      }
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    %i, %j = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.reorder %i, %i : !transform.any_op, !transform.any_op
    transform.yield
  }
}
// CHECK:      {{.*}}refused_operands.mlir:{{[0-9]+}}:5: expected each loop once
// CHECK-NEXT:   in script: sched.reorder %i, %i : !transform.any_op, !transform.any_op

// -----

// A module without a target.

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %v = sched.target_query "vector_bytes" : !transform.any_param
    transform.yield
  }
}
// CHECK:      {{.*}}refused_operands.mlir:{{[0-9]+}}:5: expected a module with a target to ask for 'vector_bytes', got none; stepwell compile sets it, else give the module an attribute cpu.target = #cpu.target<…>
// CHECK-NEXT:   in script: %v = sched.target_query "vector_bytes" : !transform.any_param
