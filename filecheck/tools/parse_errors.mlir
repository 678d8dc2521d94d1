// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s --strict-whitespace

// CHECK:      parse_errors.mlir:7:15: Expected argument or type
// CHECK-NEXT:  func.func @f( {
// CHECK-NEXT:                ^

func.func @f( {

// -----

// CHECK:      parse_errors.mlir:16:3: unknown operation 'func.retrn'; did you mean 'func.return'?
// CHECK-NEXT:    func.retrn
// CHECK-NEXT:    ^^^^^^^^^^

func.func @f() {
  func.retrn
}

// -----

// CHECK:      parse_errors.mlir:25:13: unknown operation 'nowhere.op'
// CHECK-NEXT:  %c, %d:2 = "nowhere.op"() : () -> ()
// CHECK-NEXT:              ^^^^^^^^^^

%c, %d:2 = "nowhere.op"() : () -> ()

// -----

// An attribute that contradicts itself.

// CHECK:      parse_errors.mlir:34:47: Shape mismatch in dense literal.
// CHECK-NEXT:  "test.op"() {a = dense<{{.*}}> : tensor<3xi32>}

"test.op"() {a = dense<[1, 2]> : tensor<3xi32>} : () -> ()

// -----

// What comes after is read all the same.

// CHECK: func.func private @last()

func.func private @last() -> ()
