// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s | stepwell-opt | filecheck %s

// CHECK-LABEL: func.func @lstm
// CHECK: graph.lstm %x, %r initial_h(%h : tensor<2x3xf32>) lengths(%n : tensor<2xi32>) initial_c(%h : tensor<2x3xf32>) peephole(%p : tensor<9xf32>)
// CHECK-SAME: {activations = ["Sigmoid", "Tanh", "HardSigmoid"], alpha = array<f32: 0.000000e+00, 0.000000e+00, 2.500000e-01>, beta = array<f32: 0.000000e+00, 0.000000e+00, 5.000000e-01>, clip = 3.000000e+00 : f32, coupled}
// CHECK-SAME: tensor<4x2x12xf32>, tensor<3x12xf32> -> tensor<4x2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
func.func @lstm(%x: tensor<4x2x12xf32>, %r: tensor<3x12xf32>, %h: tensor<2x3xf32>, %n: tensor<2xi32>, %p: tensor<9xf32>) {
  %y, %y_h, %y_c = graph.lstm %x, %r initial_h(%h : tensor<2x3xf32>) lengths(%n : tensor<2xi32>) initial_c(%h : tensor<2x3xf32>) peephole(%p : tensor<9xf32>)
    {activations = ["Sigmoid", "Tanh", "HardSigmoid"], alpha = array<f32: 0.0, 0.0, 0.25>, beta = array<f32: 0.0, 0.0, 0.5>, clip = 3.0 : f32, coupled}
    : tensor<4x2x12xf32>, tensor<3x12xf32> -> tensor<4x2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
  func.return
}

// Steps and batch may be symbolic.
// CHECK-LABEL: func.func @gru
// CHECK: graph.gru %x, %r bias(%b : tensor<3xf32>) {activations = ["Sigmoid", "Tanh"], linear_before_reset, reverse}
func.func @gru(%x: tensor<?x?x9xf32, #te.shape<t, n, 9>>, %r: tensor<3x9xf32>, %b: tensor<3xf32>) {
  %y, %y_h = graph.gru %x, %r bias(%b : tensor<3xf32>) {activations = ["Sigmoid", "Tanh"], linear_before_reset, reverse}
    : tensor<?x?x9xf32, #te.shape<t, n, 9>>, tensor<3x9xf32> -> tensor<?x?x3xf32, #te.shape<t, n, 3>>, tensor<?x3xf32, #te.shape<n, 3>>
  func.return
}

// CHECK-LABEL: func.func @rnn
// CHECK: graph.rnn %x, %r {activations = ["Relu"]}
func.func @rnn(%x: tensor<4x2x3xf64>, %r: tensor<3x3xf64>) {
  %y, %y_h = graph.rnn %x, %r {activations = ["Relu"]} : tensor<4x2x3xf64>, tensor<3x3xf64> -> tensor<4x2x3xf64>, tensor<2x3xf64>
  func.return
}

// CHECK-LABEL: func.func @einsum
// CHECK: graph.einsum %a, %b {equation = "bij,kj->bik"}
func.func @einsum(%a: tensor<?x3x4xf32, #te.shape<n, 3, 4>>, %b: tensor<5x4xf32>) {
  %0 = graph.einsum %a, %b {equation = "bij,kj->bik"} : (tensor<?x3x4xf32, #te.shape<n, 3, 4>>, tensor<5x4xf32>) -> tensor<?x3x5xf32, #te.shape<n, 3, 5>>
  func.return
}
