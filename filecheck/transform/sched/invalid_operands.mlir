// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// A primitive on loops needs one.

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.reorder :
}
// CHECK: {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.reorder' op: expected at least one loop, got none

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.unroll :
}
// CHECK: {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.unroll' op: expected at least one loop, got none

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.vectorize :
}
// CHECK: {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.vectorize' op: expected at least one loop, got none

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.peel :
}
// CHECK: {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.peel' op: expected at least one loop, got none

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.interchange permutation = [] : () -> ()
}
// CHECK: {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.interchange' op: expected at least one loop, got none

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = sched.coalesce : () -> !transform.any_op
}
// CHECK: {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.coalesce' op: expected at least one loop, got none

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x:2 = sched.tile tile_sizes [] : () -> (!transform.any_op, !transform.any_op)
}
// CHECK: {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.tile' op: expected at least one loop, got none

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}, %p: !transform.any_param {transform.readonly}) {
  %x:2 = sched.tile tile_sizes [%p] : (!transform.any_param) -> (!transform.any_op, !transform.any_op)
}
// CHECK: {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.tile' op: expected at least one loop, got none

// -----

// Only near names are offered, and the dialect alone is not near.

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.frobnicate %r : !transform.any_op
}
// CHECK:      unknown operation 'sched.frobnicate'{{$}}

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.vectorise %r : !transform.any_op
}
// CHECK:      unknown operation 'sched.vectorise'; did you mean 'sched.vectorize'?

// -----

// Types of operands that are missing, and integers that do not fit, are found behind the line.

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  sched.unroll %r, %r : !transform.any_op
}
// CHECK:      {{.*}}invalid_operands.mlir:{{[0-9]+}}:3: 'sched.unroll' op: expected 2 operand types, got 1
// CHECK-NEXT:   sched.unroll %r, %r : !transform.any_op

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x:2 = sched.tile %r tile_sizes [99999999999999999999] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
}
// CHECK:      {{.*}}invalid_operands.mlir:{{[0-9]+}}:10: 'sched.tile' op: Integer value 99999999999999999999 is out of range
// CHECK-NEXT:   %x:2 = sched.tile %r tile_sizes
