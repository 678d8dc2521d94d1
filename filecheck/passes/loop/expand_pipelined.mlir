// RUN: stepwell-opt %s -p loop-expand --split-input-file | filecheck %s

// What fills a buffer runs an iteration ahead: before the loop for the first one, then in turns with the other copy.

func.func @pipelined(%A: memref<8x4xf32>, %D: memref<8x4xf32> {loop.output}) {
  loop.for %i : 8 pipelined {
    %L = loop.alloc "L" {multibuffer = 2 : i64} : memref<8x4xf32, "local">
    loop.for %c : 4 vectorized {
      loop.block "copy" spatial(%v in 8 = %i, %w in 4 = %c) {
        %a = loop.read %A[%v, %w] : memref<8x4xf32>
        loop.write %a, %L[%v, %w] : memref<8x4xf32, "local">
      }
    }
    loop.for %j : 4 vectorized {
      loop.block "map0" spatial(%v in 8 = %i, %w in 4 = %j) {
        %l = loop.read %L[%v, %w] : memref<8x4xf32, "local">
        loop.write %l, %D[%v, %w] : memref<8x4xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @pipelined(
// CHECK-NEXT:    %L = memref.alloca() {alignment = 64 : i64} : memref<2x4xf32>
// CHECK-NEXT:    %0 = affine.vector_load %A[0, 0] : memref<8x4xf32>, vector<4xf32>
// CHECK-NEXT:    affine.vector_store %0, %L[0, 0] : memref<2x4xf32>, vector<4xf32>
// CHECK-NEXT:    affine.for %i = 0 to 7 {
// CHECK-NEXT:      %1 = affine.vector_load %A[%i + 1, 0] : memref<8x4xf32>, vector<4xf32>
// CHECK-NEXT:      affine.vector_store %1, %L[(%i + 1) mod 2, 0] : memref<2x4xf32>, vector<4xf32>
// CHECK-NEXT:      %2 = affine.vector_load %L[%i mod 2, 0] : memref<2x4xf32>, vector<4xf32>
// CHECK-NEXT:      affine.vector_store %2, %D[%i, 0] : memref<8x4xf32>, vector<4xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    %3 = affine.vector_load %L[1, 0] : memref<2x4xf32>, vector<4xf32>
// CHECK-NEXT:    affine.vector_store %3, %D[7, 0] : memref<8x4xf32>, vector<4xf32>

// -----

// Without a pipeline, iterations take turns all the same.

func.func @turns(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %L = loop.alloc "L" {multibuffer = 3 : i64} : memref<8xf32, "local">
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %L[%v] : memref<8xf32, "local">
    }
    loop.block "map0" spatial(%v in 8 = %i) {
      %l = loop.read %L[%v] : memref<8xf32, "local">
      loop.write %l, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @turns(
// CHECK-NEXT:    %L = memref.alloca() {alignment = 64 : i64} : memref<3xf32>
// CHECK-NEXT:    affine.for %i = 0 to 8 {
// CHECK-NEXT:      %0 = affine.load %A[%i] : memref<8xf32>
// CHECK-NEXT:      affine.store %0, %L[%i mod 3] : memref<3xf32>

// -----

// More iterations ahead than there are: nothing is left for a loop.

func.func @short(%A: memref<2xf32>, %D: memref<2xf32> {loop.output}) {
  loop.for %i : 2 pipelined {
    %L = loop.alloc "L" {multibuffer = 4 : i64} : memref<2xf32, "local">
    loop.block "copy" spatial(%v in 2 = %i) {
      %a = loop.read %A[%v] : memref<2xf32>
      loop.write %a, %L[%v] : memref<2xf32, "local">
    }
    loop.block "map0" spatial(%v in 2 = %i) {
      %l = loop.read %L[%v] : memref<2xf32, "local">
      loop.write %l, %D[%v] : memref<2xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @short(
// CHECK-NOT:     affine.for
// CHECK:         affine.store %{{.*}}, %L[0]
// CHECK:         affine.store %{{.*}}, %L[1]
// CHECK:         affine.store %{{.*}}, %D[0]
// CHECK:         affine.store %{{.*}}, %D[1]
