// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A scan stays where it is.

!op = !transform.any_op

func.func @scan(%X: memref<6x4xf32>, %D: memref<7x4xf32> {loop.output}) {
  %S = loop.alloc "S" : memref<7x4xf32>
  loop.for %j : 4 {
    loop.block "first" spatial(%vt in 1 = 0, %vj in 4 = %j) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %S[%vt, %vj] : memref<7x4xf32>
    }
  }
  loop.for %t : 6 {
    loop.for %j : 4 {
      loop.block "scan" ordered(%vt in 6 = %t) spatial(%vj in 4 = %j) {
        %s = loop.read %S[%vt, %vj] : memref<7x4xf32>
        %x = loop.read %X[%vt, %vj] : memref<6x4xf32>
        %y = arith.addf %s, %x : f32
        loop.write %y, %S[%vt + 1, %vj] : memref<7x4xf32>
      }
    }
  }
  loop.for %i : 7 {
    loop.for %k : 4 {
      loop.block "out" spatial(%vi in 7 = %i, %vk in 4 = %k) {
        %s = loop.read %S[%vi, %vk] : memref<7x4xf32>
        loop.write %s, %D[%vi, %vk] : memref<7x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "scan" in %root : (!op) -> !op
    %t, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "out" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    sched.compute_at %p into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected a block without ordered iterators to move it, got 'scan'

// -----

// A block moves into a loop of others.

!op = !transform.any_op

func.func @chain(%A: memref<8x8xf32>, %D: memref<8x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x8xf32>
  loop.for %i : 8 {
    loop.for %j : 8 {
      loop.block "double" spatial(%vi in 8 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
        %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %D[%vk, %vl] : memref<8x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    sched.compute_at %p into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected a loop that 'double' is not in, got loop %i of extent 8

// -----

// Lanes have no buffers.

!op = !transform.any_op

func.func @chain(%A: memref<8x8xf32>, %D: memref<8x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x8xf32>
  loop.for %i : 8 {
    loop.for %j : 8 {
      loop.block "double" spatial(%vi in 8 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
        %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %D[%vk, %vl] : memref<8x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    sched.vectorize %l : !op
    sched.compute_at %p into %l : !op, !op
    transform.yield
  }
}
// CHECK: expected no vectorized loop around a staged buffer, got loop %l of extent 8

// -----

// An output is computed as a whole.

!op = !transform.any_op

func.func @chain(%A: memref<8x8xf32>, %D: memref<8x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x8xf32>
  loop.for %i : 8 {
    loop.for %j : 8 {
      loop.block "double" spatial(%vi in 8 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
        %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %D[%vk, %vl] : memref<8x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    sched.compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected a producer of a buffer inside of the kernel, got 'square' of an output

// -----

// One of several writers does not move.

!op = !transform.any_op

func.func @pipe(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "first" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
    loop.block "second" spatial(%v in 8 = %j) {
      %b = loop.read %B[%v] : memref<8xf32>
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "first" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}
// CHECK: expected 'first' alone to write 'T'

// -----

// All readers are there.

!op = !transform.any_op

func.func @beyond(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}, %E: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "first" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "second" spatial(%v in 8 = %k) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %E[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    %c = sched.match_block "first" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}
// CHECK: expected all readers of 'T' inside of loop %j of extent 8, got 'second' outside

// -----

// Something is there that reads.

!op = !transform.any_op

func.func @unread(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "unread" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "copy" spatial(%v in 8 = %j) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "unread" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}
// CHECK: expected a reader of what 'unread' writes inside of loop %j of extent 8

// -----

// Inputs are there.

!op = !transform.any_op

func.func @inside(%A: memref<4x4xf32>, %D: memref<4x4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4x4xf32>
  loop.for %i : 4 {
    %R = loop.alloc "R" : memref<4x4xf32>
    loop.for %j : 4 {
      loop.block "first" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %R[%vi, %vj] : memref<4x4xf32>
      }
    }
    loop.for %j : 4 {
      loop.block "second" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %r = loop.read %R[%vi, %vj] : memref<4x4xf32>
        loop.write %r, %T[%vi, %vj] : memref<4x4xf32>
      }
    }
  }
  loop.for %k : 4 {
    loop.for %l : 4 {
      loop.block "use" spatial(%vk in 4 = %k, %vl in 4 = %l) {
        %t = loop.read %T[%vk, %vl] : memref<4x4xf32>
        loop.write %t, %D[%vk, %vl] : memref<4x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "second" in %root : (!op) -> !op
    %c = sched.match_block "use" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    sched.compute_at %p into %k : !op, !op
    transform.yield
  }
}
// CHECK: expected 'R', which 'second' reads, to be there at its new place

// -----

// Inputs are what they were.

!op = !transform.any_op

func.func @later(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %R = loop.alloc "R" : memref<8xf32>
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %h : 8 {
    loop.block "before" spatial(%v in 8 = %h) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %R[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "keep" spatial(%v in 8 = %i) {
      %r = loop.read %R[%v] : memref<8xf32>
      loop.write %r, %T[%v] : memref<8xf32>
    }
  }
  loop.for %h : 8 {
    loop.block "after" spatial(%v in 8 = %h) {
      %b = loop.read %B[%v] : memref<8xf32>
      loop.write %b, %R[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "keep" in %root : (!op) -> !op
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}
// CHECK: expected 'R' to be written before both places of 'keep'

// -----

// Inputs are what they were when they were read.

!op = !transform.any_op

func.func @changing(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %R = loop.alloc "R" : memref<8xf32>
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %h : 8 {
    loop.block "before" spatial(%v in 8 = %h) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %R[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "change" spatial(%v in 8 = %i) {
      %b = loop.read %B[%v] : memref<8xf32>
      loop.write %b, %R[%v] : memref<8xf32>
    }
    loop.block "mirror" spatial(%v in 8 = %i) {
      %r = loop.read %R[7 - %v] : memref<8xf32>
      loop.write %r, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "mirror" in %root : (!op) -> !op
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}
// CHECK: expected 'R', which 'mirror' reads, not to change after that in loop %i of extent 8

// -----

// What of a producer a consumer needs is seen from its indices.

!op = !transform.any_op

func.func @use(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i, %u in 1 = 0) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
      loop.write %a, %T[%v + %u] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}
// CHECK: expected 'make' to write at one iterator a dimension, each plus a constant, to move it

// -----

// What cannot move is put back where it was, also a buffer in front of the block that fills it.

!op = !transform.any_op
!value = !transform.any_value

func.func @k(%A: memref<6xf32>, %D: memref<3x2x5xf32> {loop.output}) {
  loop.for %i0 : 3 {
    loop.for %i1 : 2 {
      loop.for %i2 : 5 {
        loop.block "map0" spatial(%vi0 in 3 = %i0, %vi1 in 2 = %i1, %vi2 in 5 = %i2) {
          %a = loop.read %A[%vi0 floordiv 2] : memref<6xf32>
          loop.write %a, %D[%vi0, %vi1, %vi2] : memref<3x2x5xf32>
        }
      }
    }
  }
  func.return
}

// CHECK: expected 2 copies of 'arg0_reindex', got 1, to move 'arg0_reindex_read' there
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.consumed}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %a = sched.get_reads %c : (!op) -> !value
    %r = sched.reindex %c, %a : (!op, !value) -> !op
    %own = sched.get_loops %r : (!op) -> !op
    %i0, %i1, %i2 = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %f = sched.fuse_sibling %own into %i0 : (!op, !op) -> !op
    %x = sched.get_reads %c : (!op) -> !value
    %l = sched.cache_read %c, %x at %i2 : (!op, !value, !op) -> !op
    sched.pipeline %i2 {depth = 1 : i64} : !op
    %o, %i = sched.tile %f tile_sizes [5] : (!op) -> (!op, !op)
    sched.compute_at %r into %i2 : !op, !op
    transform.yield
  }
}
