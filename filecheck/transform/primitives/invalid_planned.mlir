// RUN: stepwell-opt %s -p transform-interpreter --verify-diagnostics | filecheck %s

// Buffers that may share memory are not scheduled any more.

!op = !transform.any_op

func.func @copy(%A: memref<8xf32>, %w: memref<32xi8> {loop.workspace}, %D: memref<8xf32> {loop.output}) {
  %B = loop.view "B" %w[0] : memref<32xi8> to memref<8xf32>
  loop.for %i : 8 {
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %B[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "back" spatial(%v in 8 = %i) {
      %a = loop.read %B[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %o:2 = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected a kernel whose memory is not planned yet, got one with 'loop.workspace'
