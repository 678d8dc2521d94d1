// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// An init in front of the reduction's loops.

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

// CHECK-LABEL: func.func @sum(
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     loop.block "sum_init" spatial(%v in 4 = %i) attributes {init} {
// CHECK:       loop.write %z, %D[%v] : memref<4xf32>
// CHECK:     loop.for %k : 5 {
// CHECK-NEXT:       loop.for %l : 3 {
// CHECK-NEXT:         loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
// CHECK-NEXT:           %a = loop.read %A[%v, %vk, %vl] : memref<4x5x3xf32>
// CHECK-NEXT:           loop.reduce (%a) into (%D)[%v]

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %x = sched.decompose_reduction %b at %k : (!op, !op) -> !op
    transform.annotate %x "init" : !op
    transform.yield
  }
}

// -----

// In front of spatial loops: these are copied, with their kinds.

!op = !transform.any_op

func.func @matmul(%A: memref<6x8xf32>, %B: memref<8x16xf32>, %C: memref<6x16xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 16 {
      loop.for %k : 8 {
        loop.block "matmul" spatial(%vi in 6 = %i, %vj in 16 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x16xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x16xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @matmul(
// CHECK-NEXT:   loop.for %i : 6 {
// CHECK-NEXT:     loop.for %jo : 2 {
// CHECK-NEXT:       loop.for %ji : 8 vectorized {
// CHECK-NEXT:         loop.block "matmul_init" spatial(%vi in 6 = %i, %vj in 16 = %jo * 8 + %ji) {
// CHECK:       loop.for %k : 8 {
// CHECK-NEXT:         loop.for %ji : 8 vectorized {
// CHECK-NEXT:           loop.block "matmul" spatial(%vi in 6 = %i, %vj in 16 = %jo * 8 + %ji) reduce(%vk in 8 = %k) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "matmul" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %jo, %ji = sched.tile %j tile_sizes [8] : (!op) -> (!op, !op)
    sched.interchange %ji, %k permutation = [1, 0] : (!op, !op) -> ()
    sched.vectorize %ji : !op
    %x = sched.decompose_reduction %b at %k : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// A tail is one of the init, too.

!op = !transform.any_op

func.func @matmul(%A: memref<6x8xf32>, %B: memref<8x16xf32>, %C: memref<6x16xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 16 {
      loop.for %k : 8 {
        loop.block "matmul" spatial(%vi in 6 = %i, %vj in 16 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x16xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x16xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @matmul(
// CHECK-NEXT:   loop.for %io : 2 {
// CHECK-NEXT:     loop.for %ii : 4 {
// CHECK-NEXT:       loop.for %j : 16 {
// CHECK-NEXT:         loop.block "matmul_init" spatial(%vi in 6 = %io * 4 + %ii, %vj in 16 = %j) {
// CHECK:     loop.for %ii : 4 {
// CHECK-NEXT:       loop.for %j : 16 {
// CHECK-NEXT:         loop.for %k : 8 {
// CHECK-NEXT:           loop.block "matmul" spatial(%vi in 6 = %io * 4 + %ii, %vj in 16 = %j) reduce(%vk in 8 = %k) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "matmul" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    %x = sched.decompose_reduction %b at %ii : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// All that a tuple reduction starts with.

!op = !transform.any_op

func.func @argmax(%A: memref<4x8xf32>, %V: memref<4xf32> {loop.output}, %I: memref<4xi64> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 8 {
      loop.block "argmax" spatial(%v in 4 = %i) reduce(%vk in 8 = %k) {
        loop.init {
          %least = arith.constant 0xFF800000 : f32
          %first = arith.constant 0 : i64
          loop.write %least, %V[%v] : memref<4xf32>
          loop.write %first, %I[%v] : memref<4xi64>
        }
        %a = loop.read %A[%v, %vk] : memref<4x8xf32>
        %at = arith.index_cast %vk : index to i64
        loop.reduce (%a, %at) into (%V, %I)[%v] : memref<4xf32>, memref<4xi64> combine(%u: f32, %m: i64, %x: f32, %n: i64) identity [0xFF800000 : f32, 0 : i64] flags [associative] {
          %more = arith.cmpf ogt, %x, %u : f32
          %w = arith.select %more, %x, %u : f32
          %o = arith.select %more, %n, %m : i64
          loop.yield %w, %o : f32, i64
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @argmax(
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     loop.block "argmax_init" spatial(%v in 4 = %i) {
// CHECK:       loop.write %least, %V[%v] : memref<4xf32>
// CHECK-NEXT:       loop.write %first, %I[%v] : memref<4xi64>
// CHECK:   loop.for %i : 4 {
// CHECK-NEXT:     loop.for %k : 8 {
// CHECK-NEXT:       loop.block "argmax" spatial(%v in 4 = %i) reduce(%vk in 8 = %k) {
// CHECK-NEXT:         %a = loop.read %A[%v, %vk] : memref<4x8xf32>
// CHECK:         loop.reduce (%a, %at) into (%V, %I)[%v]

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "argmax" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.decompose_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// What reads the result in the same iteration does so after both.

!op = !transform.any_op

func.func @sum(%A: memref<4x5x3xf32>, %D: memref<4xf32> {loop.output}, %E: memref<4xf32> {loop.output}) {
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
    loop.block "use" spatial(%v in 4 = %i) {
      %d = loop.read %D[%v] : memref<4xf32>
      loop.write %d, %E[%v] : memref<4xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @sum(
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     loop.block "sum_init" spatial(%v in 4 = %i) {
// CHECK:   loop.for %i : 4 {
// CHECK-NEXT:     loop.for %k : 5 {
// CHECK-NEXT:       loop.for %l : 3 {
// CHECK-NEXT:         loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
// CHECK:     loop.block "use" spatial(%v in 4 = %i) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %x = sched.decompose_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
