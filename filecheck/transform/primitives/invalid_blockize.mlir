// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Loops in an opaque nest are plain ones.

!op = !transform.any_op

func.func @k(%A: memref<4x4xf32>, %S: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 4 {
      loop.block "map" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %r] : memref<4x4xf32>
        loop.reduce (%a) into (%S)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    %init = sched.decompose_reduction %c at %k : (!op, !op) -> !op
    sched.vectorize %k : !op
    %j, %l = sched.get_loops %c : (!op) -> (!op, !op)
    sched.blockize %j : !op
    transform.yield
  }
}
// CHECK: expected serial and unrolled loops in an opaque nest, got vectorized loop %k of extent 4

// -----

// So are those around it.

!op = !transform.any_op

func.func @k(%A: memref<4x4xf32>, %S: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 4 {
      loop.block "map" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %r] : memref<4x4xf32>
        loop.reduce (%a) into (%S)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    sched.blockize %i : !op
    sched.blockize %k : !op
    transform.yield
  }
}
// CHECK: expected loops around the nest to be plain ones, got opaque loop %i of extent 4

// -----

// A loop has no kind yet.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.unroll %i : !op
    sched.blockize %i : !op
    transform.yield
  }
}
// CHECK: expected a serial loop, got unrolled loop %i of extent 4

// -----

// Buffers live outside.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    %A = sched.get_reads %c : (!op) -> !transform.any_value
    %copy = sched.cache_read %c, %A at %i : (!op, !transform.any_value, !op) -> !op
    sched.blockize %i : !op
    transform.yield
  }
}
// CHECK: expected no buffer to live inside of an opaque nest

// -----

// What is inside stays as it is.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    sched.blockize %io : !op
    sched.unroll %ii : !op
    transform.yield
  }
}
// CHECK: expected the nest below opaque loop %io of extent 2 to stay as it is
