// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected 4 gates of one width, got 4x2x12 and 3x9
func.func @gates(%x: tensor<4x2x12xf32>, %r: tensor<3x9xf32>) {
  %y, %h, %c = graph.lstm %x, %r {activations = ["Sigmoid", "Tanh", "Tanh"]} : tensor<4x2x12xf32>, tensor<3x9xf32> -> tensor<4x2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
  func.return
}

// -----

// CHECK: expected an activation of Affine, {{.*}}, got Sigmod; did you mean 'Sigmoid'?
func.func @activation(%x: tensor<4x2x3xf32>, %r: tensor<3x3xf32>) {
  %y, %h = graph.rnn %x, %r {activations = ["Sigmod"]} : tensor<4x2x3xf32>, tensor<3x3xf32> -> tensor<4x2x3xf32>, tensor<2x3xf32>
  func.return
}

// -----

// CHECK: expected 2 activations, got 1
func.func @activations(%x: tensor<4x2x9xf32>, %r: tensor<3x9xf32>) {
  %y, %h = graph.gru %x, %r {activations = ["Tanh"]} : tensor<4x2x9xf32>, tensor<3x9xf32> -> tensor<4x2x3xf32>, tensor<2x3xf32>
  func.return
}

// -----

// CHECK: expected initial_h of shape 2x3, got 3x2
func.func @state(%x: tensor<4x2x3xf32>, %r: tensor<3x3xf32>, %s: tensor<3x2xf32>) {
  %y, %h = graph.rnn %x, %r initial_h(%s : tensor<3x2xf32>) {activations = ["Tanh"]} : tensor<4x2x3xf32>, tensor<3x3xf32> -> tensor<4x2x3xf32>, tensor<2x3xf32>
  func.return
}

// -----

// CHECK: expected lengths of type i32, got i64
func.func @lengths(%x: tensor<4x2x3xf32>, %r: tensor<3x3xf32>, %n: tensor<2xi64>) {
  %y, %h = graph.rnn %x, %r lengths(%n : tensor<2xi64>) {activations = ["Tanh"]} : tensor<4x2x3xf32>, tensor<3x3xf32> -> tensor<4x2x3xf32>, tensor<2x3xf32>
  func.return
}

// -----

// CHECK: expected a bias with linear_before_reset only; others belong to x
func.func @bias(%x: tensor<4x2x9xf32>, %r: tensor<3x9xf32>, %b: tensor<3xf32>) {
  %y, %h = graph.gru %x, %r bias(%b : tensor<3xf32>) {activations = ["Sigmoid", "Tanh"]} : tensor<4x2x9xf32>, tensor<3x9xf32> -> tensor<4x2x3xf32>, tensor<2x3xf32>
  func.return
}

// -----

// CHECK: expected floating-point elements, got i32
func.func @integers(%x: tensor<4x2x3xi32>, %r: tensor<3x3xi32>) {
  %y, %h = graph.rnn %x, %r {activations = ["Tanh"]} : tensor<4x2x3xi32>, tensor<3x3xi32> -> tensor<4x2x3xi32>, tensor<2x3xi32>
  func.return
}

// -----

// CHECK: expected one extent of 'j', got 4 and 5
func.func @einsum(%a: tensor<3x4xf32>, %b: tensor<5x2xf32>) {
  %0 = graph.einsum %a, %b {equation = "ij,jk->ik"} : (tensor<3x4xf32>, tensor<5x2xf32>) -> tensor<3x2xf32>
  func.return
}
