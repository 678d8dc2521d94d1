// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Sequences, includes and foreach hand payloads on.

func.func @f() {
  %a = arith.constant 1 : i32
  %b = arith.constant 2 : i32
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @mark(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.annotate %op "marked" : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %c = transform.structured.match ops{["arith.constant"]} in %root : (!transform.any_op) -> !transform.any_op
    %d = transform.include @mark failures(propagate) (%c) : (!transform.any_op) -> !transform.any_op
    %e = transform.foreach %d : !transform.any_op -> !transform.any_op {
    ^bb0(%each: !transform.any_op):
      %p = transform.get_parent_op %each {op_name = "func.func"} : (!transform.any_op) -> !transform.any_op
      transform.yield %p : !transform.any_op
    }
    %n = transform.num_associations %e : (!transform.any_op) -> !transform.param<i64>
    transform.annotate %root "parents" = %n : !transform.any_op, !transform.param<i64>
    transform.sequence %root : !transform.any_op failures(suppress) {
    ^bb0(%r: !transform.any_op):
      transform.annotate %r "before" : !transform.any_op
      transform.match.operation_empty %r : !transform.any_op
      transform.annotate %r "after" : !transform.any_op
    }
    transform.yield
  }
}
// CHECK-LABEL: builtin.module attributes {parents = 2 : i64, before} {
// CHECK:         arith.constant {marked} 1 : i32
// CHECK-NEXT:    arith.constant {marked} 2 : i32

// -----

// The first matcher that accepts an op has its action run; the walk is post-order.

func.func @g() {
  %a = arith.constant 1 : i32
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @is_constant(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.operation_name %op ["arith.constant"] : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @is_func(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.operation_name %op ["func.func", "arith.constant"] : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @first(%op: !transform.any_op {transform.readonly}) {
    transform.debug.emit_remark_at %op, "a constant" : !transform.any_op
    transform.yield
  }
  transform.named_sequence @second(%op: !transform.any_op {transform.readonly}) {
    transform.debug.emit_remark_at %op, "a function" : !transform.any_op
    transform.yield
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %new = transform.foreach_match in %root @is_constant -> @first, @is_func -> @second : (!transform.any_op) -> !transform.any_op
    %found = transform.collect_matching @is_func in %new : (!transform.any_op) -> !transform.any_op
    %n = transform.num_associations %found : (!transform.any_op) -> !transform.any_param
    transform.debug.emit_param_as_remark %n, "found" : !transform.any_param
    transform.yield
  }
}
// CHECK:      control.mlir:43:3: remark: a constant
// CHECK-NEXT: control.mlir:42:1: remark: a function
// CHECK-NEXT: remark: found 2 : i64

// -----

// An alternative that is refused leaves nothing behind.

func.func @h() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    %g = transform.alternatives %f : !transform.any_op -> !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      transform.annotate %scope "first" : !transform.any_op
      %r = transform.structured.match ops{["func.return"]} in %scope : (!transform.any_op) -> !transform.any_op
      transform.annotate %r "inside" : !transform.any_op
      transform.match.operation_empty %scope : !transform.any_op
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.annotate %scope "second" : !transform.any_op
      transform.yield %scope : !transform.any_op
    }
    transform.annotate %g "chosen" : !transform.any_op
    transform.yield
  }
}
// CHECK-LABEL: func.func @h() attributes {second, chosen} {
// CHECK-NEXT:    func.return{{$}}
