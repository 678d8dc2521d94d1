// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Each iterator has one place.

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
    sched.reorder_iterators %c permutation = [0, 0] : !op
    transform.yield
  }
}
// CHECK: expected a permutation of 0..1, got [0, 0]

// -----

// All iterators have a place.

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
    sched.reorder_iterators %c permutation = [2, 1, 0] : !op
    transform.yield
  }
}
// CHECK: expected a permutation of 0..1, got [2, 1, 0]

// -----

// The order of a float sum stays without reassoc.

!op = !transform.any_op

func.func @sum(%A: memref<6x8xf32>, %S: memref<1xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %k : 8 {
      loop.block "reduce0" spatial(%v in 1 = 0) reduce(%vi in 6 = %i, %vk in 8 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%v] : memref<1xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
        loop.reduce (%a) into (%S)[%v] : memref<1xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] {
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
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    sched.reorder_iterators %c permutation = [0, 2, 1] : !op
    transform.yield
  }
}
// CHECK: expected reduce iterators of 'reduce0' to keep their order, or a combiner that may be reordered, got [0, 2, 1]
