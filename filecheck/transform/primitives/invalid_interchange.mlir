// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Nothing says that last written values may come in another order.

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
          %d = loop.read %D[%v] : memref<4xf32>
          %s = arith.subf %a, %d : f32
          loop.write %s, %D[%v] : memref<4xf32>
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
    sched.interchange %k, %l permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected 'sum' to touch what it writes by loop.reduce alone, to reorder its loop %k of extent 5 and loop %l of extent 3

// -----

// A combiner does not speak for values that depend on what was combined before.

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
          %d = loop.read %D[%v] : memref<4xf32>
          %m = arith.maximumf %a, %d : f32
          loop.reduce (%m) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
    sched.interchange %k, %l permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected 'sum' to touch what it writes by loop.reduce alone, to reorder its loop %k of extent 5 and loop %l of extent 3

// -----

// Additions of floats are reordered where they say 'reassoc'.

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
          loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] {
            %s = arith.addf %acc, %x : f32
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
    sched.interchange %k, %l permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected an associative and commutative combiner, with 'reassoc' for floats, to reorder loop %k of extent 5 and loop %l of extent 3 of the reduction 'sum'

// -----

// A combiner without flags keeps its order.

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
          loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative] fastmath<reassoc> {
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
    sched.interchange %k, %l permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected an associative and commutative combiner, with 'reassoc' for floats, to reorder loop %k of extent 5 and loop %l of extent 3 of the reduction 'sum'

// -----

// The steps of a scan stay outside.

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
    sched.interchange %t, %j permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected loops of ordered iterators to keep their place, got a reorder of loop %t of extent 6 and loop %j of extent 4 around block 'scan'

// -----

// A dependence between different iterations of both loops fixes their order.

!op = !transform.any_op

func.func @wave(%A: memref<6x6xf32>, %D: memref<7x7xf32> {loop.output}) {
  loop.for %i : 7 {
    loop.for %j : 7 {
      loop.block "one" spatial(%vi in 7 = %i, %vj in 7 = %j) {
        %one = arith.constant 1.0 : f32
        loop.write %one, %D[%vi, %vj] : memref<7x7xf32>
      }
    }
  }
  loop.for %i : 6 {
    loop.for %j : 6 {
      loop.block "wave" spatial(%vi in 6 = %i, %vj in 6 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<6x6xf32>
        %d = loop.read %D[%vi, %vj + 1] : memref<7x7xf32>
        %s = arith.addf %a, %d : f32
        loop.write %s, %D[%vi + 1, %vj] : memref<7x7xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "wave" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.interchange %i, %j permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected blocks to share elements only within one iteration of loop %i of extent 6 or loop %j of extent 6 to reorder them

// -----

// What makes a loop a vector was proven where it stands.

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
    sched.vectorize %j : !op
    sched.interchange %i, %j permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected a serial or unrolled loop to move, got vectorized loop %j of extent 8

// -----

// Loops that are permuted are different ones.

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
    sched.interchange %i, %i permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected each loop once

// -----

// Loops that are permuted are around one another.

!op = !transform.any_op

func.func @two(%A: memref<4x4xf32>, %D: memref<4x4xf32> {loop.output}, %E: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.block "first" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %D[%vi, %vj] : memref<4x4xf32>
      }
    }
    loop.for %k : 4 {
      loop.block "second" spatial(%vi in 4 = %i, %vk in 4 = %k) {
        %a = loop.read %A[%vi, %vk] : memref<4x4xf32>
        loop.write %a, %E[%vi, %vk] : memref<4x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "first" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %c = sched.match_block "second" in %root : (!op) -> !op
    %i2, %k = sched.get_loops %c : (!op) -> (!op, !op)
    sched.interchange %j, %k permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected loops of one nest, got loop %k of extent 4 beside loop %j of extent 4

// -----

// A loop that holds more than the next one keeps its place.

!op = !transform.any_op

func.func @two(%A: memref<4x4xf32>, %D: memref<4x4xf32> {loop.output}, %E: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.block "first" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %D[%vi, %vj] : memref<4x4xf32>
      }
    }
    loop.for %k : 4 {
      loop.block "second" spatial(%vi in 4 = %i, %vk in 4 = %k) {
        %a = loop.read %A[%vi, %vk] : memref<4x4xf32>
        loop.write %a, %E[%vi, %vk] : memref<4x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "first" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.interchange %i, %j permutation = [1, 0] : (!op, !op) -> ()
    transform.yield
  }
}
// CHECK: expected loop %i of extent 4 to hold nothing but loop %j of extent 4

// -----

// A permutation names each loop once.

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
    sched.interchange %i permutation = [1, 0] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected 2 loops to permute, got 1
