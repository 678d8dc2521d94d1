// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected an affine extent, got a product of two sizes
func.func @f(%A: tensor<?xf32, #te.shape<n * m>>) {
  func.return
}

// -----

// CHECK: expected a positive constant divisor, got 0
func.func @f(%A: tensor<?xf32, #te.shape<n floordiv 0>>) {
  func.return
}

// -----

// CHECK: identifier expected in an extent
func.func @f(%A: tensor<?xf32, #te.shape<n + "m">>) {
  func.return
}

// -----

// CHECK: expected one iterator, got 2
func.func @f(%S0: tensor<1xf32>) {
  %S = te.scan "S" ordered(%t in 3, %u in 4) init(%s = %S0 : tensor<1xf32>) {
    te.yield
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a tensor with rows, got tensor<f32>
func.func @f(%S0: tensor<f32>) {
  %S = te.scan "S" ordered(%t in 3) init(%s = %S0 : tensor<f32>) {
    te.yield
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a ranked tensor, got memref<4xf32>
func.func @f(%A: memref<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i] : memref<4xf32>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}
