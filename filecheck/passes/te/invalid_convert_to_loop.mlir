// RUN: stepwell-opt %s -p convert-te-to-loop --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected one block in @two_blocks, got 2
func.func @two_blocks(%A: tensor<4xf32>) {
  "cf.br"()[^next] : () -> ()
^next:
  func.return
}

// -----

// CHECK: expected static tensors or #te.shape in @dynamic, got tensor<?xf32>
func.func @dynamic(%A: tensor<?xf32>) {
  func.return
}

// -----

// CHECK: expected tensors as the results of @scalar, got f32
func.func @scalar(%A: tensor<4xf32>) -> f32 {
  %one = arith.constant 1.0 : f32
  func.return %one : f32
}
