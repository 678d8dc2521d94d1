// RUN: stepwell-opt %s -p "func.func(te-simplify)" --split-input-file | filecheck %s

// Comparisons that the domain decides fold, and the branch taken stays.

// CHECK-LABEL: func.func @decided
func.func @decided(%A: tensor<10xf32>) -> tensor<10xf32> {
  %P = te.compute "P" spatial(%i in 10) {
    // CHECK: te.compute "P"
    // CHECK-NEXT: %a = te.read %A[%i] : tensor<10xf32>
    // CHECK-NEXT: te.yield %a : f32
    %0 = arith.constant 0 : index
    %10 = arith.constant 10 : index
    %low = arith.cmpi sge, %i, %0 : index
    %high = arith.cmpi slt, %i, %10 : index
    %c = arith.andi %low, %high : i1
    %r = scf.if %c -> (f32) {
      %a = te.read %A[%i] : tensor<10xf32>
      scf.yield %a : f32
    } else {
      %z = arith.constant 0.0 : f32
      scf.yield %z : f32
    }
    te.yield %r : f32
  } -> tensor<10xf32>
  func.return %P : tensor<10xf32>
}

// -----

// One that only the condition around it decides folds too; one that nothing decides stays.

// CHECK-LABEL: func.func @nested
func.func @nested(%A: tensor<10xf32>) -> tensor<20xf32> {
  %P = te.compute "P" spatial(%i in 20) {
    %z = arith.constant 0.0 : f32
    %10 = arith.constant 10 : index
    %12 = arith.constant 12 : index
    // CHECK: arith.cmpi slt, %i
    // CHECK-NOT: arith.cmpi
    %outer = arith.cmpi slt, %i, %10 : index
    // CHECK: scf.if
    %r = scf.if %outer -> (f32) {
      %inner = arith.cmpi sge, %i, %12 : index
      // CHECK-NOT: scf.if
      %q = scf.if %inner -> (f32) {
        scf.yield %z : f32
      } else {
        // CHECK: te.read %A[%i]
        %a = te.read %A[%i] : tensor<10xf32>
        scf.yield %a : f32
      }
      scf.yield %q : f32
    } else {
      scf.yield %z : f32
    }
    te.yield %r : f32
  } -> tensor<20xf32>
  func.return %P : tensor<20xf32>
}

// -----

// An index that is affine and in range becomes part of the read; one that may be clamped stays.

// CHECK-LABEL: func.func @indices
func.func @indices(%A: tensor<9xf32>) -> tensor<4xf32> {
  %P = te.compute "P" spatial(%i in 4) {
    %2 = arith.constant 2 : index
    %twice = arith.muli %i, %2 : index
    %next = affine.apply affine_map<(d0) -> (d0 + 1)> (%twice)
    %far = affine.apply affine_map<(d0) -> (d0 + 3)> (%twice)
    // CHECK: %[[far:.*]] = affine.apply affine_map<(d0) -> (((d0 * 2) + 3))> (%i)
    // CHECK-NEXT: te.read %A[%i * 2 + 1] : tensor<9xf32>
    %a = te.read %A[%next] : tensor<9xf32>
    // CHECK-NEXT: te.read %A[%[[far]]] : tensor<9xf32>
    %b = te.read %A[%far] : tensor<9xf32>
    // CHECK-NEXT: te.read %A[%i + 4] : tensor<9xf32>
    %c = te.read %A[(%i + 4) mod 9] : tensor<9xf32>
    %ab = arith.addf %a, %b : f32
    %abc = arith.addf %ab, %c : f32
    te.yield %abc : f32
  } -> tensor<4xf32>
  func.return %P : tensor<4xf32>
}

// -----

// What is neutral goes, where that is so bit for bit.

// CHECK-LABEL: func.func @neutral
func.func @neutral(%A: tensor<4xf32>, %B: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xi32>) {
  // CHECK: te.compute "F"
  %F = te.compute "F" spatial(%i in 4) {
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    // CHECK: %a = te.read
    %a = te.read %A[%i] : tensor<4xf32>
    %b = arith.mulf %one, %a : f32
    %c = arith.divf %b, %one : f32
    %d = arith.subf %c, %zero : f32
    // -0.0 + 0.0 is 0.0
    // CHECK-NEXT: %[[e:.*]] = arith.addf %a, %{{.*}} : f32
    %e = arith.addf %d, %zero : f32
    %f = arith.addf %e, %zero fastmath<nsz> : f32
    %true = arith.constant true
    %g = arith.select %true, %f, %zero : f32
    // CHECK-NEXT: te.yield %[[e]] : f32
    te.yield %g : f32
  } -> tensor<4xf32>
  // CHECK: te.compute "I"
  %I = te.compute "I" spatial(%i in 4) {
    %one = arith.constant 1 : i32
    %zero = arith.constant 0 : i32
    // CHECK-NEXT: %a = te.read
    %a = te.read %B[%i] : tensor<4xi32>
    %b = arith.muli %a, %one : i32
    %c = arith.addi %zero, %b : i32
    %d = arith.subi %c, %zero : i32
    %e = arith.floordivsi %d, %one : i32
    // CHECK-NEXT: te.yield %a : i32
    te.yield %e : i32
  } -> tensor<4xi32>
  func.return %F, %I : tensor<4xf32>, tensor<4xi32>
}

// -----

// Casts of constants fold where the result is exact.

// CHECK-LABEL: func.func @casts
func.func @casts() -> (tensor<f32>, tensor<f32>) {
  %F = te.compute "F" spatial() {
    // CHECK: arith.constant 3.000000e+00 : f32
    %n = arith.constant 3 : index
    %i = arith.index_cast %n : index to i64
    %f = arith.sitofp %i : i64 to f32
    te.yield %f : f32
  } -> tensor<f32>
  %G = te.compute "G" spatial() {
    // CHECK: %[[i:.*]] = arith.constant 16777217 : i64
    // CHECK-NEXT: arith.sitofp %[[i]] : i64 to f32
    %i = arith.constant 16777217 : i64
    %f = arith.sitofp %i : i64 to f32
    te.yield %f : f32
  } -> tensor<f32>
  func.return %F, %G : tensor<f32>, tensor<f32>
}

// -----

// Casts of constants fold as their ops read them: 200 of i8 is -56, but without a sign it is not known.

// CHECK-LABEL: func.func @casts
func.func @casts(%A: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>) {
  %P, %Q, %R = te.compute "P" spatial(%i in 4) {
    // CHECK: arith.constant -56 : i8
    // CHECK: arith.extui %{{.*}} : i8 to i32
    // CHECK-NEXT: arith.constant -56 : i32
    // CHECK-NEXT: arith.constant 1.000000e+00 : bf16
    // CHECK-NEXT: te.yield
    %c = arith.constant 200 : i8
    %t = arith.constant true
    %0 = arith.extui %c : i8 to i32
    %1 = arith.extsi %c : i8 to i32
    %2 = arith.uitofp %t : i1 to bf16
    te.yield %0, %1, %2 : i32, i32, bf16
  } -> (tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>)
  func.return %P, %Q, %R : tensor<4xi32>, tensor<4xi32>, tensor<4xbf16>
}
