// RUN: stepwell-opt %s --split-input-file -p convert-graph-to-te | filecheck %s

// Dimensions that a reshape leaves alone stay as they are.
// CHECK-LABEL: func.func @reshape
func.func @reshape(%x: tensor<5x4x6xf32>) -> tensor<5x3x8xf32> {
  // CHECK: te.compute "reshape" spatial(%i0 in 5, %i1 in 3, %i2 in 8)
  // CHECK: te.read %x[%i0, (%i1 * 8 + %i2) floordiv 6, (%i1 * 8 + %i2) mod 6]
  %0 = graph.reshape %x : tensor<5x4x6xf32> -> tensor<5x3x8xf32>
  func.return %0 : tensor<5x3x8xf32>
}

// -----

// Sizes that are not known yet stand in front of what is split.
// CHECK-LABEL: func.func @symbolic_reshape
func.func @symbolic_reshape(%x: tensor<?x6xf32, #te.shape<n, 6>>) -> tensor<?x2x3xf32, #te.shape<n, 2, 3>> {
  // CHECK: te.read %x[%i0, %i1 * 3 + %i2]
  %0 = graph.reshape %x : tensor<?x6xf32, #te.shape<n, 6>> -> tensor<?x2x3xf32, #te.shape<n, 2, 3>>
  func.return %0 : tensor<?x2x3xf32, #te.shape<n, 2, 3>>
}

// -----

// CHECK-LABEL: func.func @slice
func.func @slice(%x: tensor<10x3xf32>) -> tensor<5x3xf32> {
  // CHECK: te.read %x[%i0 * -2 + 9, %i1]
  %0 = graph.slice %x starts [9, 0] steps [-2, 1] : tensor<10x3xf32> -> tensor<5x3xf32>
  func.return %0 : tensor<5x3xf32>
}

// -----

// Only the operand that an element is of is read.
// CHECK-LABEL: func.func @concat
func.func @concat(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<2x7xf32> {
  // CHECK: %[[THREE:.*]] = arith.constant 3 : index
  // CHECK: %[[FIRST:.*]] = arith.cmpi slt, %i1, %[[THREE]] : index
  // CHECK: scf.if %[[FIRST]]
  // CHECK: te.read %x[%i0, %i1]
  // CHECK: else
  // CHECK: te.read %y[%i0, %i1 - 3]
  %0 = graph.concat %x, %y axis 1 : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  func.return %0 : tensor<2x7xf32>
}

// -----

// CHECK-LABEL: func.func @pad
func.func @pad(%x: tensor<2x3xf32>) -> tensor<3x3xf32> {
  // CHECK: %[[INSIDE:.*]] = arith.cmpi sge, %i0, %{{.*}} : index
  // CHECK: scf.if %[[INSIDE]]
  // CHECK: te.read %x[%i0 - 1, %i1]
  // CHECK: else
  // CHECK: arith.constant 0.000000e+00 : f32
  %0 = graph.pad %x low [1, 0] high [0, 0] : (tensor<2x3xf32>) -> tensor<3x3xf32>
  func.return %0 : tensor<3x3xf32>
}

// -----

// An index that counts from the end is counted from the front; what is out of range takes the nearest element.
// CHECK-LABEL: func.func @gather
func.func @gather(%x: tensor<9x4xf32>, %i: tensor<2xi64>) -> tensor<2x4xf32> {
  // CHECK: %[[INDEX:.*]] = arith.index_cast %{{.*}} : i64 to index
  // CHECK: %[[NEGATIVE:.*]] = arith.cmpi slt, %[[INDEX]], %{{.*}} : index
  // CHECK: %[[FRONT:.*]] = arith.addi %[[INDEX]], %{{.*}} : index
  // CHECK: %[[PLACE:.*]] = arith.select %[[NEGATIVE]], %[[FRONT]], %[[INDEX]] : index
  // CHECK: te.read %x[%[[PLACE]], %i1]
  %0 = graph.gather %x, %i axis 0 : (tensor<9x4xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  func.return %0 : tensor<2x4xf32>
}

// -----

// The last of several updates wins: the reduction is associative, but keeps its order.
// CHECK-LABEL: func.func @scatter
func.func @scatter(%x: tensor<4xf32>, %i: tensor<3xi64>, %u: tensor<3xf32>) -> tensor<4xf32> {
  // CHECK: te.compute "scatter_elements" spatial(%i0 in 4) reduce(%u0 in 3)
  // CHECK: flags [associative]
  // CHECK: te.compute "updated" spatial(%i0 in 4)
  %0 = graph.scatter_elements %x, %i, %u axis 0 : (tensor<4xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
