// RUN: stepwell-opt %s -p graph-simplify --split-input-file | filecheck %s

// What leaves everything in its place, and what undoes itself.

// CHECK-LABEL: func.func @neutral
// CHECK-NEXT:    func.return %x, %x, %x, %x, %x, %x
func.func @neutral(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %one = graph.constant dense<1.0> : tensor<f32>
  %a = graph.mul %x, %one : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %b = graph.reshape %x : tensor<2x3xf32> -> tensor<6xf32>
  %c = graph.reshape %b : tensor<6xf32> -> tensor<2x3xf32>
  %d = graph.transpose %x permutation [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %e = graph.transpose %d permutation [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  %f = graph.slice %x starts [0, 0] steps [1, 1] : tensor<2x3xf32> -> tensor<2x3xf32>
  %g = graph.concat %x axis 0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %h = graph.neg %x : tensor<2x3xf32>
  %i = graph.neg %h : tensor<2x3xf32>
  func.return %a, %c, %e, %f, %g, %i : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// Plus 0 makes 0 of -0, so it stays.

// CHECK-LABEL: func.func @zero
// CHECK:         %a = graph.add %x, %zero
// CHECK-NEXT:    func.return %a, %x
func.func @zero(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %zero = graph.constant dense<0.0> : tensor<f32>
  %a = graph.add %x, %zero : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %b = graph.sub %x, %zero : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// -----

// A Gemm is a product, and what is done with it; what is known is last, and transposed beforehand.

// CHECK-LABEL: func.func @gemm
// CHECK-NEXT:    %w = graph.weight @w : tensor<2x3xf32>
// CHECK-NEXT:    %b = graph.weight @b : tensor<2xf32>
// CHECK-NEXT:    %[[T:.*]] = graph.transpose %w permutation [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
// CHECK-NEXT:    %[[M:.*]] = graph.matmul %x, %[[T]] : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
// CHECK-NEXT:    graph.add %[[M]], %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
// CHECK-NEXT:    func.return
func.func @gemm(%x: tensor<4x3xf32>) -> tensor<4x2xf32> {
  %w = graph.weight @w : tensor<2x3xf32>
  %b = graph.weight @b : tensor<2xf32>
  %y = graph.gemm %x, %w, %b {trans_b} : (tensor<4x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}
graph.data @w = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
graph.data @b = dense<[1.0, 2.0]> : tensor<2xf32>

// -----

// What is not known stays as it lies.

// CHECK-LABEL: func.func @gemm_of_inputs
// CHECK-NEXT:    %[[M:.*]] = graph.gemm %x, %w {trans_b} : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<4x2xf32>
// CHECK-NEXT:    graph.add %[[M]], %b
func.func @gemm_of_inputs(%x: tensor<4x3xf32>, %w: tensor<2x3xf32>, %b: tensor<2xf32>) -> tensor<4x2xf32> {
  %y = graph.gemm %x, %w, %b {trans_b} : (tensor<4x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}

// -----

// Products of many rows are one of a taller matrix, and what follows is done there, too: bias, residual, softmax.

// CHECK-LABEL: func.func @rows
// CHECK-NEXT:    %[[X:.*]] = graph.reshape %x : tensor<2x5x3xf32> -> tensor<10x3xf32>
// CHECK-NEXT:    %[[M:.*]] = graph.matmul %[[X]], %w : (tensor<10x3xf32>, tensor<3x4xf32>) -> tensor<10x4xf32>
// CHECK-NEXT:    %[[A:.*]] = graph.add %[[M]], %b : (tensor<10x4xf32>, tensor<4xf32>) -> tensor<10x4xf32>
// CHECK-NEXT:    %[[Z:.*]] = graph.reshape %z : tensor<2x5x4xf32> -> tensor<10x4xf32>
// CHECK-NEXT:    %[[R:.*]] = graph.add %[[A]], %[[Z]]
// CHECK-NEXT:    %[[S:.*]] = graph.softmax %[[R]] axes [1] : tensor<10x4xf32>
// CHECK-NEXT:    graph.reshape %[[S]] : tensor<10x4xf32> -> tensor<2x5x4xf32>
func.func @rows(%x: tensor<2x5x3xf32>, %w: tensor<3x4xf32>, %b: tensor<4xf32>, %z: tensor<2x5x4xf32>) -> tensor<2x5x4xf32> {
  %m = graph.matmul %x, %w : (tensor<2x5x3xf32>, tensor<3x4xf32>) -> tensor<2x5x4xf32>
  %a = graph.add %m, %b : (tensor<2x5x4xf32>, tensor<4xf32>) -> tensor<2x5x4xf32>
  %r = graph.add %a, %z : (tensor<2x5x4xf32>, tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  %s = graph.softmax %r axes [2] : tensor<2x5x4xf32>
  func.return %s : tensor<2x5x4xf32>
}

// -----

// A movement has one form: here both are a transpose of 3 dimensions between reshapes.

// CHECK-LABEL: func.func @movement
// CHECK-NEXT:    %[[A:.*]] = graph.transpose %x permutation [0, 2, 1] : tensor<6x4x5xf32> -> tensor<6x5x4xf32>
// CHECK-NEXT:    %[[B:.*]] = graph.reshape %[[A]] : tensor<6x5x4xf32> -> tensor<2x3x5x4xf32>
// CHECK-NEXT:    %[[C:.*]] = graph.transpose %y permutation [0, 2, 1] : tensor<6x4x5xf32> -> tensor<6x5x4xf32>
// CHECK-NEXT:    %[[D:.*]] = graph.reshape %[[C]] : tensor<6x5x4xf32> -> tensor<2x3x5x4xf32>
// CHECK-NEXT:    func.return %[[B]], %[[D]]
func.func @movement(%x: tensor<6x4x5xf32>, %y: tensor<6x4x5xf32>) -> (tensor<2x3x5x4xf32>, tensor<2x3x5x4xf32>) {
  %a = graph.reshape %x : tensor<6x4x5xf32> -> tensor<2x3x4x5xf32>
  %b = graph.transpose %a permutation [0, 1, 3, 2] : tensor<2x3x4x5xf32> -> tensor<2x3x5x4xf32>
  %c = graph.transpose %y permutation [0, 2, 1] : tensor<6x4x5xf32> -> tensor<6x5x4xf32>
  %d = graph.reshape %c : tensor<6x5x4xf32> -> tensor<2x3x5x4xf32>
  func.return %b, %d : tensor<2x3x5x4xf32>, tensor<2x3x5x4xf32>
}

// -----

// A transpose that only moves an extent of 1 is a reshape, and a slice moves before what is moved.

// CHECK-LABEL: func.func @slices
// CHECK-NEXT:    %[[A:.*]] = graph.slice %x starts [0, 4] steps [1, 1] : tensor<5x12xf32> -> tensor<5x4xf32>
// CHECK-NEXT:    %[[B:.*]] = graph.transpose %[[A]] permutation [1, 0]
// CHECK-NEXT:    %[[C:.*]] = graph.reshape %[[B]] : tensor<4x5xf32> -> tensor<1x4x5xf32>
// CHECK-NEXT:    func.return %[[C]]
func.func @slices(%x: tensor<5x12xf32>) -> tensor<1x4x5xf32> {
  %a = graph.reshape %x : tensor<5x12xf32> -> tensor<5x3x4xf32>
  %b = graph.transpose %a permutation [1, 2, 0] : tensor<5x3x4xf32> -> tensor<3x4x5xf32>
  %c = graph.slice %b starts [1, 0, 0] steps [1, 1, 1] : tensor<3x4x5xf32> -> tensor<1x4x5xf32>
  func.return %c : tensor<1x4x5xf32>
}

// -----

// Operators on each element stand beside what computes them, also if known operands have to be moved the other way.

// CHECK-LABEL: func.func @channels
// CHECK-NEXT:    %b = graph.weight @b : tensor<4xf32>
// CHECK-NEXT:    %[[C:.*]] = graph.conv %x, %w
// CHECK-NEXT:    %[[B:.*]] = graph.reshape %b : tensor<4xf32> -> tensor<4x1x1xf32>
// CHECK-NEXT:    %[[A:.*]] = graph.add %[[C]], %[[B]] : (tensor<1x4x1x1xf32>, tensor<4x1x1xf32>) -> tensor<1x4x1x1xf32>
// CHECK-NEXT:    %[[R:.*]] = graph.relu %[[A]]
// CHECK-NEXT:    graph.reshape %[[R]] : tensor<1x4x1x1xf32> -> tensor<1x4xf32>
func.func @channels(%x: tensor<1x3x2x2xf32>, %w: tensor<4x3x2x2xf32>) -> tensor<1x4xf32> {
  %b = graph.weight @b : tensor<4xf32>
  %c = graph.conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x3x2x2xf32>, tensor<4x3x2x2xf32>) -> tensor<1x4x1x1xf32>
  %f = graph.reshape %c : tensor<1x4x1x1xf32> -> tensor<1x4xf32>
  %a = graph.add %b, %f : (tensor<4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %r = graph.relu %a : tensor<1x4xf32>
  func.return %r : tensor<1x4xf32>
}
graph.data @b = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>

// -----

// Extents that are not known yet: nothing is done. Those with names are like numbers.

// CHECK-LABEL: func.func @unknown
// CHECK-NEXT:    graph.reshape
// CHECK-NEXT:    graph.reshape
// CHECK:       func.func @symbolic
// CHECK-NEXT:    func.return %x
func.func @unknown(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %a = graph.reshape %x : tensor<?x3xf32> -> tensor<?xf32>
  %b = graph.reshape %a : tensor<?xf32> -> tensor<?x3xf32>
  func.return %b : tensor<?x3xf32>
}
func.func @symbolic(%x: tensor<?x3xf32, #te.shape<n, 3>>) -> tensor<?x3xf32, #te.shape<n, 3>> {
  %a = graph.reshape %x : tensor<?x3xf32, #te.shape<n, 3>> -> tensor<?xf32, #te.shape<3 * n>>
  %b = graph.reshape %a : tensor<?xf32, #te.shape<3 * n>> -> tensor<?x3xf32, #te.shape<n, 3>>
  func.return %b : tensor<?x3xf32, #te.shape<n, 3>>
}

// -----

// A convolution pads what it is given; other numbers than 0 stay where they are.

// CHECK-LABEL: func.func @pads
// CHECK-NEXT:    graph.conv %x, %w strides [1, 1] pads [1, 2, 1, 0] dilations [1, 1] groups 1
// CHECK-NEXT:    func.return
// CHECK-LABEL: func.func @ones
// CHECK:         graph.pad
// CHECK-NEXT:    graph.conv
func.func @pads(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32> {
  %p = graph.pad %x low [0, 0, 1, 1] high [0, 0, 1, 0] : (tensor<1x1x4x4xf32>) -> tensor<1x1x6x5xf32>
  %y = graph.conv %p, %w strides [1, 1] pads [0, 1, 0, 0] dilations [1, 1] groups 1 : (tensor<1x1x6x5xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  func.return %y : tensor<1x1x4x4xf32>
}
func.func @ones(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32> {
  %one = graph.constant dense<1.0> : tensor<f32>
  %p = graph.pad %x, %one low [0, 0, 1, 1] high [0, 0, 1, 1] : (tensor<1x1x4x4xf32>, tensor<f32>) -> tensor<1x1x6x6xf32>
  %y = graph.conv %p, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x1x6x6xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  func.return %y : tensor<1x1x4x4xf32>
}
