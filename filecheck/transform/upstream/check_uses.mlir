// RUN: stepwell-opt %s -p transform-dialect-check-uses --split-input-file --verify-diagnostics | filecheck %s

// Uses of what was consumed are found without a payload.

!op = !transform.any_op
transform.named_sequence @main(%i: !op {transform.consumed}) {
  transform.loop.unroll %i {factor = 4} : !op
  transform.annotate %i "late" : !op
}
// CHECK:      {{.*}}check_uses.mlir:{{[0-9:]+}}: op uses a handle that is consumed before
// CHECK-NEXT:   in script: transform.annotate %i "late" : !transform.any_op
// CHECK-NEXT:   note: operand #0 is consumed here: {{.*}}check_uses.mlir:{{[0-9:]+}}: transform.loop.unroll %i

// -----

// Also inside of what comes later.

!op = !transform.any_op
transform.named_sequence @main(%root: !op {transform.consumed}, %i: !op {transform.readonly}) {
  %f = transform.apply_registered_pass "canonicalize" to %root : (!op) -> !op
  transform.foreach %i : !op {
  ^bb0(%each: !op):
    transform.annotate %root "late" : !op
  }
}
// CHECK: op uses a handle that is consumed before
// CHECK: transform.annotate %root

// -----

// What alternatives do to what they are given is undone between them.

!op = !transform.any_op
transform.named_sequence @main(%root: !op {transform.consumed}) {
  %f = transform.alternatives %root : !op -> !op {
  ^bb0(%scope: !op):
    %g = transform.apply_registered_pass "canonicalize" to %scope : (!op) -> !op
    transform.yield %g : !op
  }, {
  ^bb0(%scope: !op):
    transform.yield %scope : !op
  }
  transform.annotate %f "fine" : !op
}
// CHECK: transform.annotate %f "fine"
