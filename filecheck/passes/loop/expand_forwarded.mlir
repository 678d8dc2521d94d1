// RUN: stepwell-opt %s -p loop-expand --split-input-file | filecheck %s

// Steps of a sum that follow one another in a straight line take their values from one another: each accumulator is
// loaded before the first step and stored after the last one.

func.func @steps(%X: memref<8x2xf32>, %Y: memref<2x8xf32> {loop.output}) {
  loop.for %k : 2 unrolled {
    loop.for %r : 2 unrolled {
      loop.for %i : 8 vectorized {
        loop.block "sum" spatial(%v in 2 = %r, %w in 8 = %i) reduce(%vk in 2 = %k) {
          %x = loop.read %X[%w, %vk] : memref<8x2xf32>
          loop.reduce (%x) into (%Y)[%v, %w] : memref<2x8xf32> combine(%a: f32, %b: f32) identity [0.000000e+00 : f32] {
            %s = arith.addf %a, %b : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @steps(
// CHECK:           [[FIRST:%.*]] = affine.vector_load %Y[0, 0]
// CHECK-NEXT:      [[FIRST_0:%.*]] = arith.addf [[FIRST]],
// CHECK-NEXT:      [[SECOND:%.*]] = affine.vector_load %Y[1, 0]
// CHECK-NEXT:      [[SECOND_0:%.*]] = arith.addf [[SECOND]],
// CHECK-NOT:       affine.vector_load %Y
// CHECK-NOT:       affine.vector_store
// CHECK:           [[FIRST_1:%.*]] = arith.addf [[FIRST_0]],
// CHECK-NEXT:      affine.vector_store [[FIRST_1]], %Y[0, 0]
// CHECK-NEXT:      [[SECOND_1:%.*]] = arith.addf [[SECOND_0]],
// CHECK-NEXT:      affine.vector_store [[SECOND_1]], %Y[1, 0]
// CHECK-NOT:       affine.vector_store

// -----

// What overlaps is stored before it is loaded.

func.func @overlapping(%X: memref<16xf32>, %Y: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<16xf32>
  loop.for %i : 8 vectorized {
    loop.block "low" spatial(%v in 8 = %i) {
      %x = loop.read %X[%v] : memref<16xf32>
      loop.write %x, %T[%v] : memref<16xf32>
    }
  }
  loop.for %i : 8 vectorized {
    loop.block "high" spatial(%v in 8 = %i) {
      %x = loop.read %X[%v + 8] : memref<16xf32>
      loop.write %x, %T[%v + 8] : memref<16xf32>
    }
  }
  loop.for %i : 8 vectorized {
    loop.block "between" spatial(%v in 8 = %i) {
      %x = loop.read %T[%v + 4] : memref<16xf32>
      loop.write %x, %Y[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 vectorized {
    loop.block "again" spatial(%v in 8 = %i) {
      %x = loop.read %X[%v + 1] : memref<16xf32>
      loop.write %x, %T[%v] : memref<16xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @overlapping(
// CHECK:           affine.vector_store %{{.*}}, %T[0]
// CHECK:           affine.vector_store %{{.*}}, %T[8]
// CHECK:           [[BETWEEN:%.*]] = affine.vector_load %T[4]
// CHECK:           affine.vector_store [[BETWEEN]], %Y[0]
// CHECK:           affine.vector_store %{{.*}}, %T[0]
