// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p transform-interpreter,loop-expand --split-input-file | filecheck %s --check-prefix=EXPANDED

// The nest says what is computed, the region what is emitted. Rows of a buffer may lie anywhere.

!op = !transform.any_op

func.func @transpose(%A: memref<6x4xf32>, %B: memref<4x2xf32> {loop.output}) {
  loop.for %i : 2 {
    loop.for %j : 4 {
      loop.block "map" spatial(%vi in 2 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi * 5, %vj] : memref<6x4xf32>
        loop.write %a, %B[%vj, %vi] : memref<4x2xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @transpose(
// CHECK-NEXT:   loop.for %i : 2 tensorized("turned") {
// CHECK-NEXT:     loop.for %j : 4 {
// CHECK-NEXT:       loop.block "map" spatial(%vi in 2 = %i, %vj in 4 = %j) {
// CHECK:        } by [#loop.tensor<0, affine_map<(d0, d1) -> (d0, d1)> : memref<2x4xf32>>, #loop.tensor<1, affine_map<(d0, d1) -> (d1, d0)> : memref<4x2xf32>>] {
// CHECK-NEXT:   ^bb0(%r0: vector<4xf32>, %r1: vector<4xf32>):
// CHECK-NEXT:     %t = vector.shuffle %r0, %r1 [0, 4, 1, 5, 2, 6, 3, 7] : vector<4xf32>, vector<4xf32>
// CHECK-NEXT:     loop.yield %t : vector<8xf32>

// EXPANDED-LABEL: func.func @transpose(
// EXPANDED-NEXT:    %0 = affine.vector_load %A[0, 0] : memref<6x4xf32>, vector<4xf32>
// EXPANDED-NEXT:    %1 = affine.vector_load %A[5, 0] : memref<6x4xf32>, vector<4xf32>
// EXPANDED-NEXT:    %t = vector.shuffle %0, %1 [0, 4, 1, 5, 2, 6, 3, 7] : vector<4xf32>, vector<4xf32>
// EXPANDED-NEXT:    affine.vector_store %t, %B[0, 0] : memref<4x2xf32>, vector<8xf32>
// EXPANDED-NEXT:    func.return

module attributes {transform.with_named_sequence} {
  func.func @turned(%a: memref<2x4xf32>, %b: memref<4x2xf32> {loop.output}) attributes {sched.implementation = @turned_vectors} {
    loop.for %i : 2 {
      loop.for %j : 4 {
        loop.block "turn" spatial(%vi in 2 = %i, %vj in 4 = %j) {
          %x = loop.read %a[%vi, %vj] : memref<2x4xf32>
          loop.write %x, %b[%vj, %vi] : memref<4x2xf32>
        }
      }
    }
    func.return
  }
  func.func @turned_vectors(%r0: vector<4xf32>, %r1: vector<4xf32>) -> vector<8xf32> {
    %t = vector.shuffle %r0, %r1 [0, 4, 1, 5, 2, 6, 3, 7] : vector<4xf32>, vector<4xf32>
    func.return %t : vector<8xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    sched.tensorize %i with @turned : !op
    transform.yield
  }
}

// -----

// Where only a part of a nest runs, the nest is emitted; its iterations are lanes, as they write elements of their own.

!op = !transform.any_op

func.func @tail(%A: memref<10xf32>, %B: memref<10xf32> {loop.output}) {
  loop.for %i : 10 {
    loop.block "map" spatial(%v in 10 = %i) {
      %a = loop.read %A[%v] : memref<10xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<10xf32>
    }
  }
  func.return
}

// EXPANDED-LABEL: func.func @tail(
// EXPANDED:         affine.for %io = 0 to 3 {
// EXPANDED-NEXT:      "affine.if"(%io)
// EXPANDED-NEXT:        %[[A:.*]] = affine.vector_load %A[%io * 4] : memref<10xf32>, vector<4xf32>
// EXPANDED-NEXT:        %{{.*}} = arith.addf %[[A]], %[[A]] : vector<4xf32>
// EXPANDED-NEXT:        affine.vector_store
// EXPANDED:           }, {
// EXPANDED:             vector.create_mask
// EXPANDED:             vector.maskedload
// EXPANDED:             vector.maskedstore

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    sched.tensorize %ii with @twice : !op
    transform.yield
  }
}
