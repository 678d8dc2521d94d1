// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// The iterators of a block in another order; its loops stay.

!op = !transform.any_op

func.func @copy(%A: memref<6x8xf32>, %D: memref<6x8xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 8 {
      loop.block "copy" spatial(%vi in 6 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<6x8xf32>
        loop.write %a, %D[%vi, %vj] : memref<6x8xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @copy(
// CHECK-NEXT:   loop.for %i : 6 {
// CHECK-NEXT:     loop.for %j : 8 {
// CHECK-NEXT:       loop.block "copy" spatial(%vj in 8 = %j, %vi in 6 = %i) {
// CHECK-NEXT:         %a = loop.read %A[%vi, %vj] : memref<6x8xf32>
// CHECK-NEXT:         loop.write %a, %D[%vi, %vj] : memref<6x8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    sched.reorder_iterators %c permutation = [1, 0] : !op
    transform.yield
  }
}
