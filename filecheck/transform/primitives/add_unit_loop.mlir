// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A loop that runs once, around a block and around a loop.

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
// CHECK-NEXT:   loop.for %u : 1 {
// CHECK-NEXT:     loop.for %i : 6 {
// CHECK-NEXT:       loop.for %j : 8 {
// CHECK-NEXT:         loop.for %u_1 : 1 {
// CHECK-NEXT:           loop.block "copy" spatial(%vi in 6 = %i, %vj in 8 = %j) {
// CHECK-NEXT:             %a = loop.read %A[%vi, %vj] : memref<6x8xf32>
// CHECK-NEXT:             loop.write %a, %D[%vi, %vj] : memref<6x8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %u = sched.add_unit_loop %c : (!op) -> !op
    %w = sched.add_unit_loop %i : (!op) -> !op
    transform.yield
  }
}
