// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected scalar arith, math, affine.apply or scf.if in a body, got test.op
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) {
    "test.op"() : () -> ()
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected operands of arith.addf from the body or its iterators, got one from outside
func.func @f(%x: f32) {
  %C = te.compute "C" spatial(%i in 4) {
    %y = arith.addf %x, %x : f32
    te.yield %y : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected scalars in a body, got tensor<4xf32> at arith.addf
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %B = arith.addf %A, %A : tensor<4xf32>
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected scf.if with results in a body, got none
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) {
    %true = arith.constant true
    scf.if %true {
    }
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected scf.if with an else branch in a body, got none
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) {
    %true = arith.constant true
    %r = scf.if %true -> (f32) {
      %one = arith.constant 1.0 : f32
      scf.yield %one : f32
    }
    te.yield %r : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected both branches of scf.if to yield its result types
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) {
    %true = arith.constant true
    %r = scf.if %true -> (f32) {
      %one = arith.constant 1.0 : f32
      scf.yield %one : f32
    } else {
      %one = arith.constant 1.0 : f64
      scf.yield %one : f64
    }
    te.yield %r : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected scalar arith, math or scf.if in a combiner, got te.size
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) reduce(%k in 3) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    %n = te.size n
    te.yield %acc : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected the combiner to use its own arguments only, got a value from outside
func.func @f(%y: f32) {
  %C = te.compute "C" spatial(%i in 4) reduce(%k in 3) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    %s = arith.addf %acc, %y : f32
    te.yield %s : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a combiner over (f32, f32), got (f32)
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) reduce(%k in 3) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } combine(%acc: f32) identity [0.0 : f32] {
    te.yield %acc : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected 1 identity values, got 2
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) reduce(%k in 3) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32, 1.0 : f32] {
    te.yield %acc : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected an identity of type f32, got 0 : i32
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) reduce(%k in 3) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } combine(%acc: f32, %x: f32) identity [0 : i32] {
    te.yield %acc : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a combiner that ends with te.yield
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) reduce(%k in 3) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    "test.termop"() : () -> ()
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a combiner that yields (f32), got (f32, f32)
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) reduce(%k in 3) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    te.yield %acc, %x : f32, f32
  } -> tensor<4xf32>
  func.return
}
