// RUN: stepwell-opt %s -p loop-expand --split-input-file | filecheck %s

// A read that is a constant beyond an edge is a masked load of the lanes whose element exists. Rows that copies of a
// block share are loaded once; a row beyond the edge is the constant.

// CHECK-LABEL: func.func @rows
// CHECK-DAG:     [[PAD:%.*]] = arith.constant dense<-1.000000e+00> : vector<8xf32>
// CHECK:         [[NOT_FIRST:%.*]] = arith.xori
// CHECK-NEXT:    [[A:%.*]] = vector.maskedload %X[{{.*}}, {{.*}}], [[NOT_FIRST]], [[PAD]]
// CHECK-NEXT:    [[S:%.*]] = arith.addf [[PAD]], [[A]] : vector<8xf32>
// CHECK-NEXT:    affine.vector_store [[S]], %Y[0, 0]
// CHECK-NEXT:    [[B:%.*]] = vector.maskedload %X[{{.*}}, {{.*}}], [[NOT_FIRST]], [[PAD]]
// CHECK-NEXT:    [[T:%.*]] = arith.addf [[A]], [[B]] : vector<8xf32>
// CHECK-NEXT:    affine.vector_store [[T]], %Y[1, 0]
// CHECK-NOT:     maskedload
func.func @rows(%X: memref<4x8xf32>, %Y: memref<2x8xf32> {loop.output}) {
  loop.for %i : 2 unrolled {
    loop.for %j : 8 vectorized {
      loop.block "map0" spatial(%y in 2 = %i, %x in 8 = %j) {
        %one = arith.constant 1 : index
        %left = arith.cmpi sge, %x, %one : index
        %up = arith.cmpi sge, %y, %one : index
        %both = arith.andi %left, %up : i1
        %a = scf.if %both -> (f32) {
          %r = loop.read %X[%y - 1, %x - 1] : memref<4x8xf32>
          scf.yield %r : f32
        } else {
          %c = arith.constant -1.0 : f32
          scf.yield %c : f32
        }
        %b = scf.if %left -> (f32) {
          %r = loop.read %X[%y, %x - 1] : memref<4x8xf32>
          scf.yield %r : f32
        } else {
          %c = arith.constant -1.0 : f32
          scf.yield %c : f32
        }
        %s = arith.addf %a, %b : f32
        loop.write %s, %Y[%y, %x] : memref<2x8xf32>
      }
    }
  }
  func.return
}

// -----

// Lanes that are two elements apart take part of two vectors, which start at an even element: odd ones are there, too.

// CHECK-LABEL: func.func @strided
// CHECK:         [[A:%.*]] = vector.maskedload %X
// CHECK-NEXT:    [[B:%.*]] = vector.load %X
// CHECK-NEXT:    vector.shuffle [[A]], [[B]] [1, 3, 5, 7, 9, 11, 13, 15]
// CHECK-NEXT:    [[C:%.*]] = vector.load %X
// CHECK:         [[D:%.*]] = vector.maskedload %X
// CHECK:         vector.shuffle [[C]], [[D]] [0, 2, 4, 6, 8, 10, 12, 14]
// CHECK-NEXT:    vector.shuffle [[C]], [[D]] [1, 3, 5, 7, 9, 11, 13, 15]
// CHECK-NOT:     load
func.func @strided(%X: memref<14xf32>, %Y: memref<8xf32> {loop.output}) {
  loop.for %j : 8 vectorized {
    loop.block "map0" spatial(%x in 8 = %j) {
      %zero = arith.constant 0 : index
      %last = arith.constant 14 : index
      %before = affine.apply affine_map<(d0) -> (d0 * 2 - 1)> (%x)
      %after = affine.apply affine_map<(d0) -> (d0 * 2 + 1)> (%x)
      %left = arith.cmpi sge, %before, %zero : index
      %a = scf.if %left -> (f32) {
        %r = loop.read %X[%x * 2 - 1] : memref<14xf32>
        scf.yield %r : f32
      } else {
        %c = arith.constant 0.0 : f32
        scf.yield %c : f32
      }
      %middle = affine.apply affine_map<(d0) -> (d0 * 2)> (%x)
      %near = arith.cmpi slt, %middle, %last : index
      %m = scf.if %near -> (f32) {
        %r = loop.read %X[%x * 2] : memref<14xf32>
        scf.yield %r : f32
      } else {
        %c = arith.constant 0.0 : f32
        scf.yield %c : f32
      }
      %right = arith.cmpi slt, %after, %last : index
      %b = scf.if %right -> (f32) {
        %r = loop.read %X[%x * 2 + 1] : memref<14xf32>
        scf.yield %r : f32
      } else {
        %c = arith.constant 0.0 : f32
        scf.yield %c : f32
      }
      %s = arith.addf %a, %m : f32
      %t = arith.addf %s, %b : f32
      loop.write %t, %Y[%x] : memref<8xf32>
    }
  }
  func.return
}

// -----

// A condition that is not where the element exists stays a choice.

// CHECK-LABEL: func.func @another_condition
// CHECK:         arith.select
func.func @another_condition(%X: memref<8xf32>, %Y: memref<8xf32> {loop.output}) {
  loop.for %j : 8 vectorized {
    loop.block "map0" spatial(%x in 8 = %j) {
      %three = arith.constant 3 : index
      %some = arith.cmpi sge, %x, %three : index
      %a = scf.if %some -> (f32) {
        %r = loop.read %X[%x] : memref<8xf32>
        scf.yield %r : f32
      } else {
        %c = arith.constant 0.0 : f32
        scf.yield %c : f32
      }
      loop.write %a, %Y[%x] : memref<8xf32>
    }
  }
  func.return
}
