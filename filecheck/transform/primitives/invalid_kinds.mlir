// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A loop becomes one thing.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.vectorize %i : !op
    sched.unroll %i : !op
    transform.yield
  }
}
// CHECK: expected a serial loop, got vectorized loop %i of extent 8

// -----

// A vector has a size that makes sense.

!op = !transform.any_op

func.func @copy(%A: memref<300xf32>, %D: memref<300xf32> {loop.output}) {
  loop.for %i : 300 {
    loop.block "copy" spatial(%v in 300 = %i) {
      %a = loop.read %A[%v] : memref<300xf32>
      loop.write %a, %D[%v] : memref<300xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.vectorize %i : !op
    transform.yield
  }
}
// CHECK: expected at most 256 lanes, got 300, to vectorize loop %i of extent 300

// -----

// A vector has one dimension.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.vectorize %i : !op
    sched.vectorize %j : !op
    transform.yield
  }
}
// CHECK: expected one vectorized loop in a nest, got one inside of another, to vectorize loop %j of extent 8

// -----

// Threads do not start inside of a vector.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.parallelize %j : !op
    sched.vectorize %i : !op
    transform.yield
  }
}
// CHECK: expected no parallel loop inside of a vectorized one, to vectorize loop %i of extent 6

// -----

// Lanes do not accumulate into one element.

!op = !transform.any_op

func.func @sum(%A: memref<4x5x3xf32>, %D: memref<4xf32> {loop.output}) {
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
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    sched.vectorize %l : !op
    transform.yield
  }
}
// CHECK: block 'sum': expected the lanes to write different elements, got one element for all of them, to vectorize loop %l of extent 3

// -----

// Lanes have no buffers.

!op = !transform.any_op

func.func @staged(%A: memref<4x4xf32>, %D: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      %T = loop.alloc "T" : memref<4x4xf32>
      loop.block "make" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %T[%vi, %vj] : memref<4x4xf32>
      }
      loop.block "use" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %T[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %D[%vi, %vj] : memref<4x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "use" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.vectorize %j : !op
    transform.yield
  }
}
// CHECK: expected no buffer to live inside of a vectorized loop

// -----

// Steps of a recurrence are no lanes.

!op = !transform.any_op

func.func @prefix(%A: memref<7xf32>, %D: memref<8xf32> {loop.output}) {
  loop.block "first" spatial(%v in 1 = 0) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %D[%v] : memref<8xf32>
  }
  loop.for %i : 7 {
    loop.block "prefix" spatial(%v in 7 = %i) {
      %a = loop.read %A[%v] : memref<7xf32>
      %d = loop.read %D[%v] : memref<8xf32>
      %s = arith.addf %a, %d : f32
      loop.write %s, %D[%v + 1] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "prefix" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.vectorize %i : !op
    transform.yield
  }
}
// CHECK: expected each iteration of loop %i of extent 7 to write elements of its own to vectorize it

// -----

// Steps of a recurrence do not run at once.

!op = !transform.any_op

func.func @prefix(%A: memref<7xf32>, %D: memref<8xf32> {loop.output}) {
  loop.block "first" spatial(%v in 1 = 0) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %D[%v] : memref<8xf32>
  }
  loop.for %i : 7 {
    loop.block "prefix" spatial(%v in 7 = %i) {
      %a = loop.read %A[%v] : memref<7xf32>
      %d = loop.read %D[%v] : memref<8xf32>
      %s = arith.addf %a, %d : f32
      loop.write %s, %D[%v + 1] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "prefix" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.parallelize %i : !op
    transform.yield
  }
}
// CHECK: expected each iteration of loop %i of extent 7 to write elements of its own to parallelize it

// -----

// Threads do not accumulate into one element.

!op = !transform.any_op

func.func @sum(%A: memref<4x5x3xf32>, %D: memref<4xf32> {loop.output}) {
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
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    sched.parallelize %k : !op
    transform.yield
  }
}
// CHECK: expected a loop over spatial iterators to parallelize, got loop %k of extent 5 over reduce iterators of block 'sum', split the reduction first

// -----

// The steps of a scan come one after another.

!op = !transform.any_op

func.func @scan(%X: memref<6x4xf32>, %S: memref<7x4xf32> {loop.output}) {
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
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "scan" in %root : (!op) -> !op
    %t, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.parallelize %t : !op
    transform.yield
  }
}
// CHECK: expected a loop over spatial iterators to parallelize, got loop %t of extent 6 over ordered iterators of block 'scan'

// -----

// A thread has something to do.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.parallelize %i grain = 0 : !op
    transform.yield
  }
}
// CHECK: expected a positive grain, got 0

// -----

// Threads start no threads.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.parallelize %j : !op
    sched.parallelize %i : !op
    transform.yield
  }
}
// CHECK: expected one parallel loop in a nest, got loop %i of extent 6 with loop %j of extent 8

// -----

// Threads are not started by each copy of a body.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.unroll %i : !op
    sched.parallelize %j : !op
    transform.yield
  }
}
// CHECK: expected serial loops around a parallel one, got unrolled loop %i of extent 6

// -----

// An unrolled loop has no iterations to peel.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.unroll %i : !op
    sched.peel %i : !op
    transform.yield
  }
}
// CHECK: expected a loop that stays a loop to peel, got unrolled loop %i of extent 8

// -----

// A loop is peeled once.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.peel %i : !op
    sched.peel %i : !op
    transform.yield
  }
}
// CHECK: expected a loop that is not peeled yet, got loop %i of extent 8

// -----

// A loop is peeled once, also by one step.

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
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.peel %i, %i : !op, !op
    transform.yield
  }
}
// CHECK: expected each loop once

// -----

// Lanes along a reduction are combined in another order.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] {
          %s = arith.addf %acc, %x : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %init = sched.decompose_reduction %b at %k : (!op, !op) -> !op
    sched.vectorize %k : !op
    transform.yield
  }
}
// CHECK: block 'reduce0': expected the lanes to write different elements, got one element for all of them, to vectorize loop %k of extent 12

// -----

// The init comes first.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    sched.vectorize %k : !op
    transform.yield
  }
}
// CHECK: block 'reduce0': expected the lanes to write different elements, got one element for all of them, to vectorize loop %k of extent 12
