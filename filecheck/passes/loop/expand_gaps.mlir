// RUN: stepwell-opt %s -p loop-expand --split-input-file | filecheck %s

// What nobody writes of a buffer on the stack, and vectors read, is zero: what happens to be there may be numbers that
// are slow to compute with.
// CHECK-LABEL: func.func @tail
// CHECK-NEXT:    %P = memref.alloca() {alignment = 64 : i64} : memref<2x16xf32>
// CHECK-NEXT:    %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK-NEXT:    affine.vector_store %[[ZERO]], %P[0, 0] : memref<2x16xf32>, vector<16xf32>
// CHECK-NEXT:    affine.vector_store %[[ZERO]], %P[1, 0] : memref<2x16xf32>, vector<16xf32>
// CHECK-NEXT:    affine.for %i = 0 to 8 {
func.func @tail(%X: memref<8x20xf32>, %Y: memref<8x20xf32> {loop.output}) {
  loop.for %i : 8 {
    %P = loop.alloc "P" {layout = affine_map<(d0, d1) -> (d0, d1 floordiv 16, d1 mod 16)>} : memref<8x20xf32, "local">
    loop.for %j : 20 {
      loop.block "copy" spatial(%a in 8 = %i, %b in 20 = %j) {
        %x = loop.read %X[%a, %b] : memref<8x20xf32>
        loop.write %x, %P[%a, %b] : memref<8x20xf32, "local">
      }
    }
    loop.for %jo : 2 {
      loop.for %ji : 16 vectorized {
        loop.block "map0" spatial(%a in 8 = %i, %b in 20 = %jo * 16 + %ji) {
          %x = loop.read %P[%a, %b] : memref<8x20xf32, "local">
          %y = arith.mulf %x, %x : f32
          loop.write %y, %Y[%a, %b] : memref<8x20xf32>
        }
      }
    }
  }
  func.return
}

// -----

// A buffer that is filled is not.
// CHECK-LABEL: func.func @whole
// CHECK-NEXT:    %P = memref.alloca() {alignment = 64 : i64} : memref<2x16xf32>
// CHECK-NEXT:    affine.for %i = 0 to 8 {
func.func @whole(%X: memref<8x32xf32>, %Y: memref<8x32xf32> {loop.output}) {
  loop.for %i : 8 {
    %P = loop.alloc "P" {layout = affine_map<(d0, d1) -> (d0, d1 floordiv 16, d1 mod 16)>} : memref<8x32xf32, "local">
    loop.for %j : 32 {
      loop.block "copy" spatial(%a in 8 = %i, %b in 32 = %j) {
        %x = loop.read %X[%a, %b] : memref<8x32xf32>
        loop.write %x, %P[%a, %b] : memref<8x32xf32, "local">
      }
    }
    loop.for %jo : 2 {
      loop.for %ji : 16 vectorized {
        loop.block "map0" spatial(%a in 8 = %i, %b in 32 = %jo * 16 + %ji) {
          %x = loop.read %P[%a, %b] : memref<8x32xf32, "local">
          %y = arith.mulf %x, %x : f32
          loop.write %y, %Y[%a, %b] : memref<8x32xf32>
        }
      }
    }
  }
  func.return
}

// -----

// A large one is filled by loops.
// CHECK-LABEL: func.func @large
// CHECK-NEXT:    %P = memref.alloca() {alignment = 64 : i64} : memref<63x16xf32>
// CHECK-NEXT:    %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK-NEXT:    affine.for %[[R:.*]] = 0 to 63 {
// CHECK-NEXT:      affine.vector_store %[[ZERO]], %P[%[[R]], 0] : memref<63x16xf32>, vector<16xf32>
// CHECK-NEXT:    }
func.func @large(%X: memref<8x1000xf32>, %Y: memref<8x1000xf32> {loop.output}) {
  loop.for %i : 8 {
    %P = loop.alloc "P" {layout = affine_map<(d0, d1) -> (d0, d1 floordiv 16, d1 mod 16)>} : memref<8x1000xf32, "local">
    loop.for %j : 1000 {
      loop.block "copy" spatial(%a in 8 = %i, %b in 1000 = %j) {
        %x = loop.read %X[%a, %b] : memref<8x1000xf32>
        loop.write %x, %P[%a, %b] : memref<8x1000xf32, "local">
      }
    }
    loop.for %jo : 63 {
      loop.for %ji : 16 vectorized {
        loop.block "map0" spatial(%a in 8 = %i, %b in 1000 = %jo * 16 + %ji) {
          %x = loop.read %P[%a, %b] : memref<8x1000xf32, "local">
          %y = arith.mulf %x, %x : f32
          loop.write %y, %Y[%a, %b] : memref<8x1000xf32>
        }
      }
    }
  }
  func.return
}
