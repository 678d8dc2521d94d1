// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Both loops have iterations.

!op = !transform.any_op

func.func @copy(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    %first, %rest = sched.split %i after 8 : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected to split loop %i of extent 8 after 1..7 iterations, got 8

// -----

// Marks come last.

!op = !transform.any_op

func.func @copy(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    sched.unroll %i : !op
    %first, %rest = sched.split %i after 4 : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected a serial loop, got unrolled loop %i of extent 8

// -----

// An inner part of an iterator leaves no box.

!op = !transform.any_op

func.func @copy(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    %first, %rest = sched.split %ii after 2 : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected loop %ii of extent 4 to be the outermost part of iterator %v of 'copy' to split it, got an inner one

// -----

// A part that begins within a row of what was coalesced is no part of an iterator.

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

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %ij = sched.coalesce %i, %j : (!op, !op) -> !op
    %first, %rest = sched.split %ij after 12 : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected the iterations of loop %ij of extent 48 from 12 on to be the later part of iterator %vi of 'copy', of extent 6
