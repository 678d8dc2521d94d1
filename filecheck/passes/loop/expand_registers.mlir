// RUN: stepwell-opt %s -p loop-expand | filecheck %s

// What is written is stored a register at a time, in the order of addresses; what is only read is loaded at once.

module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", vector_bytes = 32>} {
  // CHECK-LABEL: func.func @scale
  // CHECK:         %[[X:.*]] = affine.vector_load %X[%i, 0] : memref<8x16xf32>, vector<16xf32>
  // CHECK-NEXT:    %[[Y:.*]] = arith.mulf %[[X]], %[[X]] : vector<16xf32>
  // CHECK-NEXT:    %[[LOW:.*]] = vector.shuffle %[[Y]], %[[Y]] [0, 1, 2, 3, 4, 5, 6, 7]
  // CHECK-NEXT:    affine.vector_store %[[LOW]], %Y[%i, 0] : memref<8x16xf32>, vector<8xf32>
  // CHECK-NEXT:    %[[HIGH:.*]] = vector.shuffle %[[Y]], %[[Y]] [8, 9, 10, 11, 12, 13, 14, 15]
  // CHECK-NEXT:    affine.vector_store %[[HIGH]], %Y[%i, 8] : memref<8x16xf32>, vector<8xf32>
  func.func @scale(%X: memref<8x16xf32>, %Y: memref<8x16xf32> {loop.output}) {
    loop.for %i : 8 {
      loop.for %j : 16 vectorized {
        loop.block "map0" spatial(%a in 8 = %i, %b in 16 = %j) {
          %x = loop.read %X[%a, %b] : memref<8x16xf32>
          %y = arith.mulf %x, %x : f32
          loop.write %y, %Y[%a, %b] : memref<8x16xf32>
        }
      }
    }
    func.return
  }

  // What is added to is loaded the same way, so that a loop may keep it in registers.
  // CHECK-LABEL: func.func @sum
  // CHECK:         affine.vector_load %Y[0] : memref<16xf32>, vector<8xf32>
  // CHECK-NEXT:    affine.vector_load %Y[8] : memref<16xf32>, vector<8xf32>
  func.func @sum(%X: memref<8x16xf32>, %Y: memref<16xf32> {loop.output}) {
    loop.for %i : 8 {
      loop.for %j : 16 vectorized {
        loop.block "reduce0" spatial(%b in 16 = %j) reduce(%a in 8 = %i) {
          %x = loop.read %X[%a, %b] : memref<8x16xf32>
          loop.reduce (%x) into (%Y)[%b] : memref<16xf32> combine(%l: f32, %r: f32) identity [0.0 : f32] {
            %s = arith.addf %l, %r : f32
            loop.yield %s : f32
          }
        }
      }
    }
    func.return
  }

  // CHECK-LABEL: func.func @tail
  // CHECK:         %[[MASK:.*]] = vector.create_mask
  // CHECK:         %[[RUNS:.*]] = vector.shuffle %[[MASK]], %[[MASK]] [8, 9, 10, 11, 12, 13, 14, 15]
  // CHECK:         vector.maskedstore %Y[{{.*}}], %[[RUNS]], %{{.*}} : memref<8x20xf32>, vector<8xi1>, vector<8xf32>
  func.func @tail(%X: memref<8x20xf32>, %Y: memref<8x20xf32> {loop.output}) {
    loop.for %i : 8 {
      loop.for %jo : 2 {
        loop.for %ji : 16 vectorized {
          loop.block "map0" spatial(%a in 8 = %i, %b in 20 = %jo * 16 + %ji) {
            %x = loop.read %X[%a, %b] : memref<8x20xf32>
            %y = arith.mulf %x, %x : f32
            loop.write %y, %Y[%a, %b] : memref<8x20xf32>
          }
        }
      }
    }
    func.return
  }
}
