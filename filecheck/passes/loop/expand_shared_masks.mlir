// RUN: stepwell-opt %s -p loop-expand --split-input-file | filecheck %s

// Unrolled copies have one mask, made where it is needed first, and load what they share once.

func.func @copies(%X: memref<30xf32>, %W: memref<2xf32>, %Y: memref<2x30xf32> {loop.output}) {
  loop.for %o : 4 {
    loop.for %r : 2 unrolled {
      loop.for %i : 8 vectorized {
        loop.block "map0" spatial(%v in 2 = %r, %w in 30 = %o * 8 + %i) {
          %x = loop.read %X[%w] : memref<30xf32>
          %f = loop.read %W[%v] : memref<2xf32>
          %y = arith.mulf %x, %f : f32
          loop.write %y, %Y[%v, %w] : memref<2x30xf32>
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @copies(
// CHECK:           affine.for %o = 0 to 4 {
// CHECK:             [[MASK:%.*]] = vector.create_mask
// CHECK:             [[X:%.*]] = vector.maskedload %X[%{{.*}}], [[MASK]],
// CHECK-NOT:         vector.create_mask
// CHECK-NOT:         vector.maskedload
// CHECK:             arith.mulf [[X]],
// CHECK:             vector.maskedstore %Y[%{{.*}}], [[MASK]],
// CHECK:             arith.mulf [[X]],
// CHECK:             vector.maskedstore %Y[%{{.*}}], [[MASK]],
// CHECK-NOT:         vector.maskedstore

// -----

// What was stored is loaded again; the mask stays what it is, also in what is nested.

func.func @stored(%X: memref<30xf32>, %Y: memref<30xf32> {loop.output}) {
  loop.for %o : 4 {
    loop.for %i : 8 vectorized {
      loop.block "fill" spatial(%w in 30 = %o * 8 + %i) {
        %x = loop.read %X[%w] : memref<30xf32>
        loop.write %x, %Y[%w] : memref<30xf32>
      }
    }
    loop.for %k : 5 {
      loop.for %i : 8 vectorized {
        loop.block "sum" spatial(%w in 30 = %o * 8 + %i) reduce(%vk in 5 = %k) {
          %x = loop.read %X[%w] : memref<30xf32>
          loop.reduce (%x) into (%Y)[%w] : memref<30xf32> combine(%a: f32, %b: f32) identity [0.000000e+00 : f32] {
            %s = arith.addf %a, %b : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @stored(
// CHECK:           [[MASK:%.*]] = vector.create_mask
// CHECK:           vector.maskedstore %Y[%{{.*}}], [[MASK]],
// CHECK:           affine.for %k = 0 to 5 {
// CHECK-NOT:         vector.create_mask
// CHECK:             vector.maskedload %X[%{{.*}}], [[MASK]],
// CHECK:             vector.maskedload %Y[%{{.*}}], [[MASK]],
// CHECK:             vector.maskedstore %Y[%{{.*}}], [[MASK]],
