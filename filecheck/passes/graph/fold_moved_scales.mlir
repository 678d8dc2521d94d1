// RUN: stepwell-opt %s -p graph-fold-constants | filecheck %s

// A scale of channels, behind a shuffle of the elements, goes into the weights in front of it.
// CHECK-LABEL: func.func @shuffled
// CHECK: %[[W:.*]] = graph.weight @w.scaled : tensor<4x1x1x1xf32>
// CHECK: graph.conv %x, %[[W]]
// CHECK: graph.reshape
// CHECK: graph.transpose
// CHECK: %[[Y:.*]] = graph.reshape
// CHECK-NOT: graph.mul
// CHECK: %[[B:.*]] = graph.weight @w.bias : tensor<2x1x1xf32>
// CHECK: %[[Z:.*]] = graph.add %[[Y]], %[[B]]
// CHECK: func.return %[[Z]]
func.func @shuffled(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x3x6xf32> {
  %w = graph.weight @w : tensor<4x1x1x1xf32>
  %s = graph.weight @s : tensor<2x1x1xf32>
  %t = graph.weight @t : tensor<2x1x1xf32>
  %0 = graph.conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x1x3x3xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x3x3xf32>
  %1 = graph.reshape %0 : tensor<1x4x3x3xf32> -> tensor<1x2x2x3x3xf32>
  %2 = graph.transpose %1 permutation [0, 1, 3, 4, 2] : tensor<1x2x2x3x3xf32> -> tensor<1x2x3x3x2xf32>
  %3 = graph.reshape %2 : tensor<1x2x3x3x2xf32> -> tensor<1x2x3x6xf32>
  %4 = graph.add %3, %t : (tensor<1x2x3x6xf32>, tensor<2x1x1xf32>) -> tensor<1x2x3x6xf32>
  %5 = graph.mul %4, %s : (tensor<1x2x3x6xf32>, tensor<2x1x1xf32>) -> tensor<1x2x3x6xf32>
  func.return %5 : tensor<1x2x3x6xf32>
}

// A scale that differs within a channel stays.
// CHECK-LABEL: func.func @within
// CHECK: graph.mul
func.func @within(%x: tensor<1x1x3x3xf32>) -> tensor<1x4x9xf32> {
  %w = graph.weight @w : tensor<4x1x1x1xf32>
  %s = graph.weight @columns : tensor<9xf32>
  %0 = graph.conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x1x3x3xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x3x3xf32>
  %1 = graph.reshape %0 : tensor<1x4x3x3xf32> -> tensor<1x4x9xf32>
  %2 = graph.mul %1, %s : (tensor<1x4x9xf32>, tensor<9xf32>) -> tensor<1x4x9xf32>
  func.return %2 : tensor<1x4x9xf32>
}

// CHECK: graph.data @w.scaled = dense<{{\[\[\[\[}}2.000000e+00{{.*}}4.000000e+00{{.*}}9.000000e+00{{.*}}1.200000e+01
// CHECK: graph.data @w.bias = dense<{{\[\[\[}}2.000000e+01{{.*}}6.000000e+01
graph.data @w = dense<[[[[1.0]]], [[[2.0]]], [[[3.0]]], [[[4.0]]]]> : tensor<4x1x1x1xf32>
graph.data @s = dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
graph.data @t = dense<[[[10.0]], [[20.0]]]> : tensor<2x1x1xf32>
graph.data @columns = dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]> : tensor<9xf32>
