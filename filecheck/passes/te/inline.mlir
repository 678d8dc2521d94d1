// RUN: stepwell-opt %s -p "func.func(te-inline,te-simplify)" --split-input-file | filecheck %s

// A padded image disappears into the convolution that reads it; what else reads it does not matter.

// CHECK-LABEL: func.func @padded
func.func @padded(%A: tensor<8xf32>, %W: tensor<3xf32>) -> tensor<8xf32> {
  // CHECK-NOT: te.compute "P"
  %P = te.compute "P" spatial(%i in 10) {
    %1 = arith.constant 1 : index
    %9 = arith.constant 9 : index
    %low = arith.cmpi sge, %i, %1 : index
    %high = arith.cmpi slt, %i, %9 : index
    %c = arith.andi %low, %high : i1
    %r = scf.if %c -> (f32) {
      %a = te.read %A[%i - 1] : tensor<8xf32>
      scf.yield %a : f32
    } else {
      %z = arith.constant 0.0 : f32
      scf.yield %z : f32
    }
    te.yield %r : f32
  } -> tensor<10xf32>
  // CHECK: te.compute "Y" spatial(%x in 8) reduce(%k in 3) {
  %Y = te.compute "Y" spatial(%x in 8) reduce(%k in 3) {
    // CHECK: affine.apply affine_map<(d0, d1) -> ((d0 + d1))> (%x, %k)
    // CHECK: scf.if
    // CHECK-NEXT: te.read %A[%x + %k - 1] : tensor<8xf32>
    %p = te.read %P[%x + %k] : tensor<10xf32>
    %w = te.read %W[%k] : tensor<3xf32>
    %m = arith.mulf %p, %w : f32
    te.yield %m : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    %s = arith.addf %acc, %x : f32
    te.yield %s : f32
  } -> tensor<8xf32>
  func.return %Y : tensor<8xf32>
}

// -----

// Reductions stay, reads at data stay, outputs stay.

// CHECK-LABEL: func.func @kept
func.func @kept(%A: tensor<4x4xf32>, %I: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK: te.compute "S"
  %S = te.compute "S" spatial(%i in 4) reduce(%k in 4) {
    %a = te.read %A[%i, %k] : tensor<4x4xf32>
    te.yield %a : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    %s = arith.addf %acc, %x : f32
    te.yield %s : f32
  } -> tensor<4xf32>
  // CHECK: %D = te.compute "D"
  %D = te.compute "D" spatial(%i in 4) {
    // CHECK-NEXT: te.read %S[%i]
    %s = te.read %S[%i] : tensor<4xf32>
    %d = arith.addf %s, %s : f32
    te.yield %d : f32
  } -> tensor<4xf32>
  // CHECK: te.compute "G"
  %G = te.compute "G" spatial(%i in 4) {
    %at = te.read %I[%i] : tensor<4xi32>
    %row = arith.index_cast %at : i32 to index
    // CHECK: te.read %D[%{{.*}}] : tensor<4xf32>
    %d = te.read %D[%row] : tensor<4xf32>
    // CHECK-NEXT: %[[s:.*]] = te.read %S[%i * -1 + 3] : tensor<4xf32>
    // CHECK-NEXT: arith.addf %[[s]], %[[s]] : f32
    %e = te.read %D[3 - %i] : tensor<4xf32>
    %de = arith.addf %d, %e : f32
    te.yield %de : f32
  } -> tensor<4xf32>
  func.return %D, %G : tensor<4xf32>, tensor<4xf32>
}
