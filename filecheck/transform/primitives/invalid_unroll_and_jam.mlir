// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// One iteration is not interleaved with itself.

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
    %io = sched.unroll_and_jam %i factor = 1 : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a factor of at least 2 to unroll and jam loop %i of extent 8, got 1

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
    %io = sched.unroll_and_jam %i factor = 2 : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a serial loop, got unrolled loop %i of extent 8

// -----

// The order of a float sum stays without reassoc.

!op = !transform.any_op

func.func @rows(%A: memref<6x8xf32>, %S: memref<6xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %k : 8 {
      loop.block "reduce0" spatial(%vi in 6 = %i) reduce(%vk in 8 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<6xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<6xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] {
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
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %io = sched.unroll_and_jam %ko factor = 2 : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected an associative and commutative combiner, with 'reassoc' for floats, to reorder loop %ko of extent 2 and loop %ki of extent 4 of the reduction 'reduce0'

// -----

// Iterations that share a buffer of one can't alternate.

!op = !transform.any_op

func.func @own(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<1xf32>
    loop.for %u : 1 {
      loop.block "map0" spatial(%v in 1 = %u, %vi in 8 = %i) {
        %a = loop.read %A[%vi] : memref<8xf32>
        loop.write %a, %T[%v] : memref<1xf32>
      }
    }
    loop.block "map1" spatial(%vi in 8 = %i) {
      %t = loop.read %T[0] : memref<1xf32>
      loop.write %t, %D[%vi] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    %io = sched.unroll_and_jam %i factor = 2 : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected each iteration of loop %i of extent 8 to have elements of 'T' of its own to unroll and jam it
