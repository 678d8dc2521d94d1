// RUN: stepwell compile %s --list-kernels | filecheck %s
// RUN: not stepwell compile %s --emit obect 2>&1 | filecheck %s --check-prefix=ERROR

// Two layers of one shape are one kernel, whatever their weights are.
// CHECK:      {{^[0-9a-f]+}}    2 x  matmul+relu (4x8xf32, 8x8xf32) -> 4x8xf32
// CHECK-NEXT: {{^[0-9a-f]+}}    1 x  matmul (4x8xf32, 8x3xf32) -> 4x3xf32
// ERROR: error: unknown kind 'obect' to emit; did you mean 'object'?
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x3xf32> {
  %w0 = graph.weight @w0 : tensor<8x8xf32>
  %m0 = graph.matmul %x, %w0 : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %r0 = graph.relu %m0 : tensor<4x8xf32>
  %w1 = graph.weight @w1 : tensor<8x8xf32>
  %m1 = graph.matmul %r0, %w1 : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %r1 = graph.relu %m1 : tensor<4x8xf32>
  %w2 = graph.weight @w2 : tensor<8x3xf32>
  %m2 = graph.matmul %r1, %w2 : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
  func.return %m2 : tensor<4x3xf32>
}
graph.data @w0 = dense<0.5> : tensor<8x8xf32>
graph.data @w1 = dense<0.25> : tensor<8x8xf32>
graph.data @w2 = dense<0.125> : tensor<8x3xf32>
