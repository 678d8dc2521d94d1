// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected a shape of 12 elements, got 3x5
func.func @reshape(%x: tensor<2x6xf32>) {
  %0 = graph.reshape %x : tensor<2x6xf32> -> tensor<3x5xf32>
  func.return
}

// -----

// CHECK: expected a shape of 64 * n elements, got n * 4x32
func.func @symbolic_reshape(%s: tensor<?x64xf32, #te.shape<n, 64>>) {
  %1 = graph.reshape %s : tensor<?x64xf32, #te.shape<n, 64>> -> tensor<?x32xf32, #te.shape<n * 4, 32>>
  func.return
}

// -----

// CHECK: expected a permutation of 2 dimensions, got [0, 2]
func.func @transpose(%x: tensor<2x6xf32>) {
  %0 = graph.transpose %x permutation [0, 2] : tensor<2x6xf32> -> tensor<6x2xf32>
  func.return
}

// -----

// CHECK: expected a slice of 2x6, got one that leaves it
func.func @slice(%x: tensor<2x6xf32>) {
  %0 = graph.slice %x starts [0, 4] steps [1, 1] : tensor<2x6xf32> -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: expected equal extents, got 2 and 3
func.func @concat(%x: tensor<2x6xf32>, %y: tensor<3x6xf32>) {
  %0 = graph.concat %x, %y axis 1 : (tensor<2x6xf32>, tensor<3x6xf32>) -> tensor<2x12xf32>
  func.return
}

// -----

// CHECK: expected result 0 of type tensor<3x6xf32>, got tensor<4x6xf32>
func.func @pad(%x: tensor<2x6xf32>) {
  %0 = graph.pad %x low [1, 0] high [0, 0] : (tensor<2x6xf32>) -> tensor<4x6xf32>
  func.return
}

// -----

// CHECK: expected integers as elements, got f32
func.func @gather(%x: tensor<2x6xf32>) {
  %0 = graph.gather %x, %x axis 0 : (tensor<2x6xf32>, tensor<2x6xf32>) -> tensor<2x6x6xf32>
  func.return
}

// -----

// CHECK: expected updates of shape 7, got 7x4
func.func @scatter(%x: tensor<9x4xf32>, %r: tensor<7x2xi64>, %v: tensor<7x4xf32>) {
  %0 = graph.scatter_nd %x, %r, %v : (tensor<9x4xf32>, tensor<7x2xi64>, tensor<7x4xf32>) -> tensor<9x4xf32>
  func.return
}
