// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Patterns, and what is known passes, with the options of a dictionary; a param may give an option.

func.func @f() -> i32 {
  %a = arith.constant 1 : i32
  %b = arith.constant 1 : i32
  %c = arith.addi %a, %b : i32
  %d = arith.addi %b, %a : i32
  func.return %c : i32
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_cse to %f : !transform.any_op
    transform.print %f {name = "cse"} : !transform.any_op
    transform.apply_patterns to %f {
      transform.apply_patterns.canonicalization
    } : !transform.any_op
    transform.print %f {name = "canonical"} : !transform.any_op
    transform.print %f {skip_regions} : !transform.any_op
    transform.verify %f : !transform.any_op
    transform.yield
  }
}
// CHECK-LABEL: IR printer: cse
// CHECK-NEXT:  func.func @f() -> i32 {
// CHECK-NEXT:    %a = arith.constant 1 : i32
// CHECK-NEXT:    %c = arith.addi %a, %a : i32
// CHECK-NEXT:    func.return %c : i32
// CHECK-LABEL: IR printer: canonical
// CHECK:         %{{.*}} = arith.constant 2 : i32
// CHECK-NEXT:    func.return
// CHECK-LABEL: IR printer:
// CHECK-NEXT:  func.func @f() -> i32{{$}}

// -----

func.func @g() -> i32 {
  %a = arith.constant 1 : i32
  %b = arith.constant 1 : i32
  func.return %a : i32
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    %g = transform.apply_registered_pass "canonicalize" to %f : (!transform.any_op) -> !transform.any_op
    transform.annotate %g "canonical" : !transform.any_op
    transform.apply_dce to %g : !transform.any_op
    transform.yield
  }
}
// CHECK-LABEL: func.func @g() -> i32 attributes {canonical} {
// CHECK-NEXT:    %a = arith.constant 1 : i32
// CHECK-NEXT:    func.return %a : i32

// -----

func.func @scaled(%x: tensor<?xf32, #te.shape<n>>) -> tensor<?xf32, #te.shape<n>> {
  %y = te.compute "Y" spatial(%i in n) {
    %a = te.read %x[%i] : tensor<?xf32, #te.shape<n>>
    te.yield %a : f32
  } -> tensor<?xf32, #te.shape<n>>
  func.return %y : tensor<?xf32, #te.shape<n>>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %size = transform.param.constant "n:128" -> !transform.any_param
    %new = transform.apply_registered_pass "te-specialize" with options = {"sizes" = %size} to %root : (!transform.any_op, !transform.any_param) -> !transform.any_op
    transform.yield
  }
}
// CHECK-LABEL: func.func @scaled(%x: tensor<128xf32>) -> tensor<128xf32> {
