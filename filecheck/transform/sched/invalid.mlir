// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = sched.match_structure "contractoin" in %r : (!transform.any_op) -> !transform.any_op
}
// CHECK: expected a structure (any, contraction, costly, map, ordered, pad, reduction, row_reduction, sink, window), got 'contractoin'; did you mean 'contraction'?

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = sched.get_loops %r {of = "spacial"} : (!transform.any_op) -> !transform.any_op
}
// CHECK: expected an iterator kind (spatial, reduce, ordered), got 'spacial'; did you mean 'spatial'?

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = sched.get_loops %r {rest = 1} : (!transform.any_op) -> !transform.any_op
}
// CHECK: expected rest below 1, got 1

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}, %p: !transform.any_param {transform.readonly}) {
  %x = sched.param plus %p, 1 : (!transform.any_param) -> !transform.any_param
}
// CHECK: expected one of add, sub, mul, floordiv, ceildiv, mod, min, max, round_up, round_down, largest_divisor, eq, ne, lt, le, gt, ge, got 'plus'

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}, %p: !transform.any_param {transform.readonly}) {
  %x = "sched.param"(%p) <{kind = "add", static_operands = array<i64: 1, 2>}> : (!transform.any_param) -> !transform.any_param
}
// CHECK: expected two operands, integers or params, got [1, 2]

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}, %p: !transform.any_param {transform.readonly}) {
  sched.constrain %p divide 1 : !transform.any_param
}
// CHECK: expected one of eq, ne, lt, le, gt, ge, divides, got 'divide'; did you mean 'divides'?

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x:2 = sched.tile %r tile_sizes [4] {tail = "pad"} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
}
// CHECK: expected a tail (guard, exact), got 'pad'

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x:3 = sched.tile %r tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
}
// CHECK: expected 2 results, got 3

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x:2 = "sched.tile"(%r) <{static_sizes = array<i64: -9223372036854775808>, operandSegmentSizes = array<i32: 1, 0>}> : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
}
// CHECK: expected 1 params among the sizes, got 0

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}, %p: !transform.any_param {transform.readonly}) {
  %x:2 = sched.tile %r tile_sizes [%p] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
}
// CHECK: expected 2 operand types, got 1

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.interchange %r permutation = [1, 1] : (!transform.any_op) -> ()
}
// CHECK: expected a permutation of 0..1, got [1, 1]

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x:2 = sched.interchange %r permutation = [2, 0, 1] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
}
// CHECK: expected 0, 1 or 3 results, got 2

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  "sched.parallelize"(%r) <{static_grain = array<i64: 1, 2>}> : (!transform.any_op) -> ()
}
// CHECK: expected one grain, an integer or a param
