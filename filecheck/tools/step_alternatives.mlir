// RUN: stepwell-opt %s -p transform-interpreter --step | filecheck %s

// What an alternative did is seen to be undone.

module attributes {transform.with_named_sequence} {
func.func @copy(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %B[%vi] : memref<8xf32>
    }
  }
  func.return
}
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = sched.match_kernel "copy" in %root : (!transform.any_op) -> !transform.any_op
    transform.alternatives %f : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_block "map0" in %scope : (!transform.any_op) -> !transform.any_op
      %i = sched.get_loops %c : (!transform.any_op) -> !transform.any_op
      sched.unroll %i : !transform.any_op
      sched.vectorize %i : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_block "map0" in %scope : (!transform.any_op) -> !transform.any_op
      %i = sched.get_loops %c : (!transform.any_op) -> !transform.any_op
      sched.vectorize %i : !transform.any_op
    }
    transform.yield
  }
}
// CHECK:      sched.unroll
// CHECK:      -  loop.for %i : 8 {
// CHECK-NEXT: +  loop.for %i : 8 unrolled {
// CHECK:      sched.vectorize
// CHECK-NEXT: refused: expected a serial loop, got unrolled loop %i of extent 8
// CHECK-NEXT: undone: an alternative of {{.*}}transform.alternatives
// CHECK:      -  loop.for %i : 8 unrolled {
// CHECK-NEXT: +  loop.for %i : 8 {
// CHECK:      sched.vectorize
// CHECK:      +  loop.for %i : 8 vectorized {
