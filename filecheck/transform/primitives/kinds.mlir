// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Marks: what becomes of loops.

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
// CHECK-NEXT:   loop.for %io : 2 parallel peel {
// CHECK-NEXT:     loop.for %jo : 2 {
// CHECK-NEXT:       loop.for %k : 8 unrolled {
// CHECK-NEXT:         loop.for %ii : 4 unrolled {
// CHECK-NEXT:           loop.for %ji : 8 vectorized {
// CHECK-NEXT:             loop.block "matmul" spatial(%vi in 6 = %io * 4 + %ii, %vj in 16 = %jo * 8 + %ji) reduce(%vk in 8 = %k) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "matmul" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [4, 8] : (!op, !op) -> (!op, !op, !op, !op)
    sched.interchange %ii, %ji, %k permutation = [2, 0, 1] : (!op, !op, !op) -> ()
    sched.vectorize %ji : !op
    sched.unroll %ii, %k : !op, !op
    sched.parallelize %io : !op
    sched.peel %io : !op
    transform.yield
  }
}

// -----

// A grain is an integer or a param.

!op = !transform.any_op
!param = !transform.any_param

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

// CHECK-LABEL: func.func @copy(
// CHECK-NEXT:   loop.for %i : 6 parallel(grain = 8) {
// CHECK-NEXT:     loop.for %j : 8 {
// CHECK-NEXT:       loop.block "copy" spatial(%vi in 6 = %i, %vj in 8 = %j) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %n = sched.get_extent %j : (!op) -> !param
    sched.parallelize %i grain = %n : !op, !param
    transform.yield
  }
}

// -----

// Lanes that gather write a vector.

!op = !transform.any_op

func.func @rows(%I: memref<4xi32>, %A: memref<9x4xf32>, %D: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.block "rows" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %r = loop.read %I[%vi] : memref<4xi32>
        %x = arith.index_cast %r : i32 to index
        %a = loop.read %A[%x, %vj] : memref<9x4xf32>
        loop.write %a, %D[%vi, %vj] : memref<4x4xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:   loop.for %i : 4 parallel(grain = 2) {
// CHECK-NEXT:     loop.for %j : 4 vectorized {
// CHECK-NEXT:       loop.block "rows" spatial(%vi in 4 = %i, %vj in 4 = %j) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "rows" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.parallelize %i grain = 2 : !op
    sched.vectorize %j : !op
    transform.yield
  }
}

// -----

// Lanes that scatter, each an element of its own.

!op = !transform.any_op

func.func @flat(%A: memref<4x6xf32>, %D: memref<24xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 6 {
      loop.block "flat" spatial(%vi in 4 = %i, %vj in 6 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x6xf32>
        loop.write %a, %D[%vi * 6 + %vj] : memref<24xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @flat(
// CHECK-NEXT:   loop.for %i : 4 vectorized {
// CHECK-NEXT:     loop.for %j : 6 {
// CHECK-NEXT:       loop.block "flat" spatial(%vi in 4 = %i, %vj in 6 = %j) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "flat" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.vectorize %i : !op
    transform.yield
  }
}

// -----

// A scan: its steps in order, neighbours of a row at once where each reads only itself.

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

// CHECK-LABEL: func.func @scan(
// CHECK-NEXT:   loop.for %j : 4 {
// CHECK-NEXT:     loop.block "first" spatial(%vt in 1 = 0, %vj in 4 = %j) {
// CHECK:   loop.for %t : 6 unrolled {
// CHECK-NEXT:     loop.for %j : 4 vectorized {
// CHECK-NEXT:       loop.block "scan" ordered(%vt in 6 = %t) spatial(%vj in 4 = %j) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "scan" in %root : (!op) -> !op
    %t, %j = sched.get_loops %b : (!op) -> (!op, !op)
    sched.unroll %t : !op
    sched.vectorize %j : !op
    transform.yield
  }
}

// -----

// Lanes along a reduction, which are combined at the end of the step.

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

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.block "reduce0_init" spatial(%vi in 8 = %i) {
// CHECK-NEXT:        %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:        loop.write %z, %S[%vi] : memref<8xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:      loop.for %k : 12 vectorized {
// CHECK-NEXT:        loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
// CHECK-NEXT:          %a = loop.read %A[%vi, %vk] : memref<8x12xf32>
// CHECK-NEXT:          loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:            %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:            loop.yield %s : f32
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %init = sched.decompose_reduction %b at %k : (!op, !op) -> !op
    sched.vectorize %k : !op
    transform.yield
  }
}
