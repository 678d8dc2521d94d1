// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// Conditions clip what a read in a branch touches: conjunctions, negations, disjunctions in the else branch, nesting.

// CHECK-LABEL: func.func @guarded
func.func @guarded(%A: tensor<10xf32>, %I: tensor<14xi32>) {
  %P = te.compute "P" spatial(%i in 14) {
    %zero = arith.constant 0.0 : f32
    %2 = arith.constant 2 : index
    %12 = arith.constant 12 : index
    %true = arith.constant true
    %below = arith.cmpi slt, %i, %2 : index
    %within = arith.cmpi slt, %i, %12 : index
    %beyond = arith.xori %within, %true : i1
    %outside = arith.ori %below, %beyond : i1
    %a = scf.if %outside -> (f32) {
      scf.yield %zero : f32
    } else {
      // CHECK: te.read %A[%i - 2]
      %x = te.read %A[%i - 2] : tensor<10xf32>
      scf.yield %x : f32
    }
    %b = scf.if %below -> (f32) {
      scf.yield %zero : f32
    } else {
      %at = te.read %I[%i] : tensor<14xi32>
      %0 = arith.constant 0 : i32
      %some = arith.cmpi sgt, %at, %0 : i32
      %both = arith.andi %within, %some : i1
      %c = scf.if %both -> (f32) {
        // CHECK: te.read %A[%i - 2]
        %x = te.read %A[%i - 2] : tensor<10xf32>
        scf.yield %x : f32
      } else {
        scf.yield %zero : f32
      }
      scf.yield %c : f32
    }
    %ab = arith.addf %a, %b : f32
    te.yield %ab : f32
  } -> tensor<14xf32>
  func.return
}

// -----

// A transposed convolution: the conditions are on what floordiv and mod are taken of.

// CHECK-LABEL: func.func @spread
func.func @spread(%A: tensor<5xf32>) {
  %P = te.compute "P" spatial(%i in 11) reduce(%k in 3) {
    %zero = arith.constant 0.0 : f32
    %0 = arith.constant 0 : index
    %5 = arith.constant 5 : index
    %at = affine.apply affine_map<(d0, d1) -> (d0 - d1)> (%i, %k)
    %odd = affine.apply affine_map<(d0, d1) -> ((d0 - d1) mod 2)> (%i, %k)
    %half = affine.apply affine_map<(d0, d1) -> ((d0 - d1) floordiv 2)> (%i, %k)
    %c0 = arith.cmpi sge, %at, %0 : index
    %c1 = arith.cmpi eq, %odd, %0 : index
    %c2 = arith.cmpi slt, %half, %5 : index
    %c3 = arith.andi %c0, %c1 : i1
    %inside = arith.andi %c3, %c2 : i1
    %a = scf.if %inside -> (f32) {
      // CHECK: te.read %A[(%i + %k * -1) floordiv 2]
      %x = te.read %A[(%i - %k) floordiv 2] : tensor<5xf32>
      scf.yield %x : f32
    } else {
      scf.yield %zero : f32
    }
    te.yield %a : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    %s = arith.addf %acc, %x : f32
    te.yield %s : f32
  } -> tensor<11xf32>
  func.return
}

// -----

// A branch that is never taken may read anything.

// CHECK-LABEL: func.func @never
func.func @never(%A: tensor<5xf32>) {
  %P = te.compute "P" spatial(%i in 4) {
    %zero = arith.constant 0.0 : f32
    %9 = arith.constant 9 : index
    %never = arith.cmpi sgt, %i, %9 : index
    %a = scf.if %never -> (f32) {
      // CHECK: te.read %A[%i]
      %x = te.read %A[%i] : tensor<5xf32>
      scf.yield %x : f32
    } else {
      scf.yield %zero : f32
    }
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected indices of dimension 1 in 0..3, got 1..4 in a read of tensor<4x4xf32> by "C"
func.func @f(%A: tensor<4x4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i, %i + 1] : tensor<4x4xf32>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected indices of dimension 0 in 0..3, got -1..2
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i - 1] : tensor<4xf32>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// A disjunction says nothing about either of its parts.

// CHECK: expected indices of dimension 0 in 0..3, got 0..5
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 6) {
    %4 = arith.constant 4 : index
    %2 = arith.constant 2 : index
    %c0 = arith.cmpi slt, %i, %4 : index
    %c1 = arith.cmpi sgt, %i, %2 : index
    %c = arith.ori %c0, %c1 : i1
    %r = scf.if %c -> (f32) {
      %a = te.read %A[%i] : tensor<4xf32>
      scf.yield %a : f32
    } else {
      %z = arith.constant 0.0 : f32
      scf.yield %z : f32
    }
    te.yield %r : f32
  } -> tensor<6xf32>
  func.return
}

// -----

// Symbolic: what may fit for some sizes is left to te-specialize.

// CHECK-LABEL: func.func @perhaps
func.func @perhaps(%A: tensor<?xf32, #te.shape<n>>) {
  %C = te.compute "C" spatial(%i in m) {
    // CHECK: te.read %A[%i]
    %a = te.read %A[%i] : tensor<?xf32, #te.shape<n>>
    te.yield %a : f32
  } -> tensor<?xf32, #te.shape<m>>
  func.return
}

// -----

// What fits for none is not.

// CHECK: expected indices of dimension 0 in 0..n - 1, got 2..n + 1 in a read of tensor<?xf32, #te.shape<n>> by "C"
func.func @f(%A: tensor<?xf32, #te.shape<n>>) {
  %C = te.compute "C" spatial(%i in n) {
    %a = te.read %A[%i + 2] : tensor<?xf32, #te.shape<n>>
    te.yield %a : f32
  } -> tensor<?xf32, #te.shape<n>>
  func.return
}
