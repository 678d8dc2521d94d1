// RUN: stepwell-opt %s -p graph-infer-shapes --split-input-file --verify-diagnostics | filecheck %s

// What is said of a result does not agree with what is inferred once the operands are known.
// CHECK: graph.add: expected a result of type tensor<4x2xf32>, got tensor<?x3xf32>
func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>) {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<?x?xf32>
  %1 = graph.add %0, %0 : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x3xf32>
  func.return
}

// -----

// CHECK: graph.matmul: expected operands that agree on what is summed over, got 4x2 and 3x2
func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>, %v: tensor<3x2xf32>) {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<?x?xf32>
  %1 = graph.matmul %0, %v : (tensor<?x?xf32>, tensor<3x2xf32>) -> tensor<?x?xf32>
  func.return
}

// -----

// CHECK: graph.add: expected a result of type tensor<4xf32>, got tensor<5xf32>
func.func @main(%x: tensor<4xf32>) {
  %0 = func.call @callee(%x) : (tensor<4xf32>) -> tensor<?xf32>
  %1 = func.call @again(%x) : (tensor<4xf32>) -> tensor<5xf32>
  func.return
}
func.func private @callee(%x: tensor<4xf32>) -> tensor<?xf32> {
  %0 = graph.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
func.func private @again(%x: tensor<4xf32>) -> tensor<5xf32> {
  %0 = func.call @callee(%x) : (tensor<4xf32>) -> tensor<?xf32>
  %1 = graph.add %0, %0 : (tensor<?xf32>, tensor<?xf32>) -> tensor<5xf32>
  func.return %1 : tensor<5xf32>
}
