// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

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
    sched.reverse_compute_at %c into %k : !op, !op
    transform.yield
  }
}
// CHECK: expected a loop that 'square' is not in, got loop %k of extent 8

// -----

// A reduction consumes as a whole.

!op = !transform.any_op

func.func @sum(%B: memref<4x5x3xf32>, %D: memref<4xf32> {loop.output}) {
  %A = loop.alloc "A" : memref<4x5x3xf32>
  loop.for %a : 4 {
    loop.for %b : 5 {
      loop.for %c : 3 {
        loop.block "make" spatial(%va in 4 = %a, %vb in 5 = %b, %vc in 3 = %c) {
          %x = loop.read %B[%va, %vb, %vc] : memref<4x5x3xf32>
          loop.write %x, %A[%va, %vb, %vc] : memref<4x5x3xf32>
        }
      }
    }
  }
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.for %l : 3 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %D[%v] : memref<4xf32>
          }
          %a = loop.read %A[%v, %vk, %vl] : memref<4x5x3xf32>
          loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    %a, %b, %c = sched.get_loops %p : (!op) -> (!op, !op, !op)
    %s = sched.match_block "sum" in %root : (!op) -> !op
    sched.reverse_compute_at %s into %a : !op, !op
    transform.yield
  }
}
// CHECK: expected a block without reduce iterators to move it to its producer, got 'sum'

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
    sched.vectorize %j : !op
    sched.reverse_compute_at %c into %j : !op, !op
    transform.yield
  }
}
// CHECK: expected no vectorized loop around the block's new place, got loop %j of extent 8

// -----

// A consumer moves to its producer.

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
    sched.reverse_compute_at %p into %k : !op, !op
    transform.yield
  }
}
// CHECK: expected loop %k of extent 8 to produce something that 'double' reads

// -----

// An iteration makes a box.

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
    %ij = sched.coalesce %i, %j : (!op, !op) -> !op
    %o:2 = sched.tile %ij tile_sizes [16] : (!op) -> (!op, !op)
    %q:2 = sched.tile %o#1 tile_sizes [5] : (!op) -> (!op, !op)
    sched.reverse_compute_at %c into %q#0 : !op, !op
    transform.yield
  }
}
// CHECK: expected 'double' to write a box of 'T' in each iteration of loop %ijio of extent 4

// -----

// What an iteration makes is not changed by later ones.

!op = !transform.any_op

func.func @reversed(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "down" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[7 - %v] : memref<8xf32>
    }
    loop.block "up" spatial(%v in 8 = %i) {
      %b = loop.read %B[%v] : memref<8xf32>
      loop.write %b, %T[%v] : memref<8xf32>
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
    %p = sched.match_block "up" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected each iteration of loop %i of extent 8 to write 'T' only where 'up' does last

// -----

// All that is consumed is made there.

!op = !transform.any_op

func.func @wider(%A: memref<8xf32>, %D: memref<12xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<12xf32>
  loop.for %h : 12 {
    loop.block "zero" spatial(%v in 12 = %h) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %T[%v] : memref<12xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<12xf32>
    }
  }
  loop.for %j : 12 {
    loop.block "use" spatial(%v in 12 = %j) {
      %t = loop.read %T[%v] : memref<12xf32>
      loop.write %t, %D[%v] : memref<12xf32>
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
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected all writes of 'T' inside of loop %i of extent 8

// -----

// A sum is consumed when it is complete.

!op = !transform.any_op

func.func @sum(%A: memref<4x5x3xf32>, %E: memref<4xf32> {loop.output}) {
  %D = loop.alloc "D" : memref<4xf32>
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.for %l : 3 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %D[%v] : memref<4xf32>
          }
          %a = loop.read %A[%v, %vk, %vl] : memref<4x5x3xf32>
          loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  loop.for %j : 4 {
    loop.block "use" spatial(%v in 4 = %j) {
      %d = loop.read %D[%v] : memref<4xf32>
      loop.write %d, %E[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %p : (!op) -> (!op, !op, !op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.reverse_compute_at %c into %l : !op, !op
    transform.yield
  }
}
// CHECK: expected the whole reduction of 'sum' inside of one iteration of loop %l of extent 3, got its loop %k of extent 5 outside

// -----

// A scan is consumed as a whole.

!op = !transform.any_op

func.func @scan(%X: memref<6x4xf32>, %D: memref<7x4xf32> {loop.output}) {
  %S = loop.alloc "S" : memref<7x4xf32>
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
    sched.reverse_compute_at %c into %t : !op, !op
    transform.yield
  }
}
// CHECK: expected a block without ordered iterators to consume it step by step, got 'scan'

// -----

// Which of its points a block computes there is seen from its indices.

!op = !transform.any_op

func.func @use(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[7 - %v] : memref<8xf32>
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
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected 'use' to read at one iterator a dimension, each plus a constant, to move it to its producer

// -----

// All reads of a block need the same iteration.

!op = !transform.any_op

func.func @use(%A: memref<8xf32>, %D: memref<7xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 7 {
    loop.block "use" spatial(%v in 7 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      %u = loop.read %T[%v + 1] : memref<8xf32>
      %s = arith.addf %t, %u : f32
      loop.write %s, %D[%v] : memref<7xf32>
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
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected all reads of 'use' to need the same of each iterator, to move it to its producer

// -----

// All else that is read is there already.

!op = !transform.any_op

func.func @use(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}, %E: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "also" spatial(%v in 8 = %k) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %E[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      %e = loop.read %E[%v] : memref<8xf32>
      %s = arith.addf %t, %e : f32
      loop.write %s, %D[%v] : memref<8xf32>
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
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected 'arg2', which 'use' also reads, to be written before

// -----

// What is written is written in the same order.

!op = !transform.any_op

func.func @use(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "first" spatial(%v in 8 = %k) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %D[%v] : memref<8xf32>
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
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected 'use' to come first to touch 'arg1'

// -----

// What is written lives there.

!op = !transform.any_op

func.func @there(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %x : 2 {
    %U = loop.alloc "U" : memref<8xf32>
    loop.for %j : 4 {
      loop.block "use" spatial(%v in 8 = %x * 4 + %j) {
        %t = loop.read %T[%v] : memref<8xf32>
        loop.write %t, %U[%v] : memref<8xf32>
      }
    }
    loop.for %k : 4 {
      loop.block "out" spatial(%v in 8 = %x * 4 + %k) {
        %u = loop.read %U[%v] : memref<8xf32>
        loop.write %u, %D[%v] : memref<8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %x, %j = sched.get_loops %c : (!op) -> (!op, !op)
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected 'U', which 'use' writes, to be there at its new place

// -----

// All points of a block are computed.

!op = !transform.any_op

func.func @until(%A: memref<8xf32>, %D: memref<12xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 12 {
    loop.block "use" spatial(%v in 12 = %j) {
      %z = arith.constant 0.0 : f32
      %8 = arith.constant 8 : index
      %inside = arith.cmpi slt, %v, %8 : index
      %p = scf.if %inside -> (f32) {
        %t = loop.read %T[%v] : memref<8xf32>
        scf.yield %t : f32
      } else {
        scf.yield %z : f32
      }
      loop.write %p, %D[%v] : memref<12xf32>
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
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}
// CHECK: expected a spatial iterator of extent 12 to be covered, got 8 values, to move 'use' there
