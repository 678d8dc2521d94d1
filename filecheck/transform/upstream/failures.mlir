// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A consumed handle is dead, and so are handles to what is nested in it.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    %r = transform.structured.match ops{["func.return"]} in %f : (!transform.any_op) -> !transform.any_op
    %g = transform.apply_registered_pass "canonicalize" to %f : (!transform.any_op) -> !transform.any_op
    transform.annotate %r "late" : !transform.any_op
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: op uses a handle invalidated by a previously executed transform op
// CHECK-NEXT: in script: transform.annotate %r "late" : !transform.any_op
// CHECK-NEXT: note: handle to invalidated ops: {{.*}}failures.mlir:{{[0-9:]+}}: %r = transform.structured.match
// CHECK-NEXT: note: invalidated by this transform op that consumes its operand #0 and invalidates all handles to payload IR entities associated with this operand and entities nested in them: {{.*}}failures.mlir:{{[0-9:]+}}: %g = transform.apply_registered_pass
// CHECK-NEXT: note: ancestor payload op: {{.*}}failures.mlir:{{[0-9:]+}}: func.func "f"
// CHECK-NEXT: note: nested payload op: {{.*}}failures.mlir:{{[0-9:]+}}: func.return

// -----

// A handle that is consumed lists an op once.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    %g = transform.merge_handles %f, %f : !transform.any_op
    %h = transform.apply_registered_pass "canonicalize" to %g : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: a handle passed as operand #0 and consumed by this operation points to a payload entity more than once

// -----

// An open knob has no value.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %t = transform.tune.knob<"tile"> options = [4, 8] -> !transform.any_param
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: non-deterministic choice "tile" is only resolved through providing a 'selected' attr

// -----

// Open alternatives choose no region.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.tune.alternatives<"how"> {
    }
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: non-deterministic choice "how" is only resolved through providing a 'selected_region' attr

// -----

// A symbol that is not there.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.include @actoin failures(propagate) (%root) : (!transform.any_op) -> ()
    transform.yield
  }
  transform.named_sequence @action(%op: !transform.any_op {transform.readonly}) {
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a named sequence, got unknown symbol @actoin; did you mean 'action'?

// -----

// Recursion.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.include @again failures(propagate) (%root) : (!transform.any_op) -> ()
    transform.yield
  }
  transform.named_sequence @again(%op: !transform.any_op {transform.readonly}) {
    transform.include @again failures(suppress) (%op) : (!transform.any_op) -> ()
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: recursion not allowed in named sequences: @again
// CHECK-NEXT: in script: transform.include @again
// CHECK-NEXT: called from: {{.*}}failures.mlir:{{[0-9:]+}}: transform.include @again

// -----

// A sequence without a body.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.include @outside failures(propagate) () : () -> ()
    transform.yield
  }
  transform.named_sequence private @outside()
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a named sequence with a body, got a declaration @outside

// -----

// Results that a sequence does not yield.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %x = transform.include @none failures(propagate) (%root) : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
  transform.named_sequence @none(%op: !transform.any_op {transform.readonly}) {
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected results () as @none yields them, got (!transform.any_op)

// -----

// Matchers only look.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %n = transform.foreach_match in %root @m -> @m : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
  transform.named_sequence @m(%op: !transform.any_op {transform.readonly}) {
    transform.annotate %op "x" : !transform.any_op
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected operations that only look in a matcher, got transform.annotate

// -----

// Arguments of matchers are read only.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %n = transform.foreach_match in %root @m -> @m : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
  transform.named_sequence @m(%op: !transform.any_op) {
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected the arguments of matcher @m to be transform.readonly

// -----

// Matchers take one op.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %n = transform.foreach_match in %root @m -> @m : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
  transform.named_sequence @m() {
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a matcher with 1 arguments, an op handle first, got @m with ()

// -----

// A refusal of an action refuses the whole op.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %n = transform.foreach_match in %root @m -> @a : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
  transform.named_sequence @m(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.operation_name %op ["func.func"] : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @a(%op: !transform.any_op {transform.readonly}) {
    transform.match.operation_empty %op : !transform.any_op
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: actions failed
// CHECK-NEXT: in script: %n = transform.foreach_match
// CHECK-NEXT: note: failed action: expected an empty handle, got 1 payload ops: {{.*}}failures.mlir:{{[0-9:]+}}: transform.match.operation_empty %op
// CHECK-NEXT: note: when applied to this matching payload: {{.*}}failures.mlir:{{[0-9:]+}}: func.func "f"

// -----

// Actions yield what the op gives.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %n = transform.foreach_match in %root @m -> @m : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
  transform.named_sequence @m(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.operation_name %op ["func.func"] : !transform.any_op
    transform.yield %op : !transform.any_op
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected action @m to yield 0 values, got 1

// -----

// Several payloads of one result are asked for.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %n, %x = transform.foreach_match in %root @m -> @a : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
  transform.named_sequence @m(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.operation_name %op ["func.func"] : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @a(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    %x = transform.merge_handles %op, %op : !transform.any_op
    transform.yield %x : !transform.any_op
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected action @a to yield one payload a result, got 2 (flatten_results allows several)

// -----

// The script is no part of what is tried.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.alternatives {
    ^bb0(%s: !transform.any_op):
    }
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: scope must not contain the transforms being applied

// -----

// Scopes of alternatives stand on their own.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %r = transform.structured.match ops{["func.return"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.alternatives %r : !transform.any_op {
    ^bb0(%s: !transform.any_op):
    }
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: only isolated-from-above ops can be alternative scopes

// -----

// No alternative is left.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.alternatives %f : !transform.any_op {
    ^bb0(%s: !transform.any_op):
      transform.match.operation_empty %s : !transform.any_op
    }
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: all alternatives failed
// CHECK-NEXT: in script: transform.alternatives %f : !transform.any_op
// CHECK-NEXT: note: expected an empty handle, got 1 payload ops: {{.*}}failures.mlir:{{[0-9:]+}}: transform.match.operation_empty %s

// -----

// Handles side by side are as long.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    %e = transform.merge_handles %f, %root : !transform.any_op
    transform.foreach %f, %e : !transform.any_op, !transform.any_op {
    ^bb0(%a: !transform.any_op, %b: !transform.any_op):
    }
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected handles with the same number of payloads, got 1, 2

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.match.operation_name %root ["func.func"] : !transform.any_op
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: wrong operation name: expected func.func, got builtin.module

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %x = transform.cast %root : !transform.any_op to !transform.op<"func.func">
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: incompatible payload operation name: expected func.func, got builtin.module

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %x = transform.get_parent_op %root : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: could not find a parent op that matches all requirements

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %x = transform.get_producer_of_operand %root[0] : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected operand number below 0, got 0

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %x = transform.get_consumers_of_result %root[0] : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected result number below 0, got 0

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %x = transform.get_result %root[0] : (!transform.any_op) -> !transform.any_value
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a position below 0, got 0

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %x:2 = transform.split_handle %root : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a handle to 2 payload ops, got 1

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %a = transform.param.constant 1 : i64 -> !transform.param<i64>
    transform.match.param.cmpi gt %a, %a : !transform.param<i64>
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a param gt 1, got 1

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %a = transform.param.constant "x" -> !transform.any_param
    transform.match.param.cmpi gt %a, %a : !transform.any_param
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected an integer param, got "x"

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %a = transform.param.constant 1 : i32 -> !transform.param<i64>
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a param of type i64, got 1 : i32

// -----

// Refused.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %a = transform.param.constant 2 : i64 -> !transform.param<i64>
    transform.tune.alternatives<"x"> selected_region = %a : !transform.param<i64> {
    }
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a selected region below 1, got 2

// -----

// Operations that are none of the transform's.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %c = arith.constant 1 : i32
    transform.yield
  }
}
// CHECK: {{.*}}failures.mlir:{{[0-9:]+}}: expected a transform operation, got 'arith.constant'

// -----

// Passes that are not there.

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %x = transform.apply_registered_pass "canonicalise" to %root : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
// CHECK: unknown pass 'canonicalise'; did you mean 'canonicalize'?
// CHECK-NEXT: note: in script: {{.*}}failures.mlir:{{[0-9:]+}}: transform.apply_registered_pass

// -----

// The entry is not there.

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_mian() {
    transform.yield
  }
}
// CHECK: expected a named sequence @__transform_main, got @__transform_mian; did you mean '__transform_mian'?
