// RUN: stepwell-opt %s -p graph-fold-constants --split-input-file | filecheck %s

// What depends on data only is new data, named after what it is made of. One number is a constant.

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %a = graph.weight @w.add : tensor<2xf32>
// CHECK-NEXT:    %y = graph.mul %x, %a
// CHECK-NEXT:    %t = graph.constant dense<5.000000e+00> : tensor<f32>
// CHECK-NEXT:    %z = graph.add %y, %t
// CHECK-NEXT:    func.return %z
// CHECK-NOT:   graph.data @w =
// CHECK:       graph.data @w.add = dense<[3.000000e+00, 4.000000e+00]> : tensor<2xf32>
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %w = graph.weight @w : tensor<2xf32>
  %two = graph.constant dense<2.0> : tensor<f32>
  %a = graph.add %w, %two : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %y = graph.mul %x, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %s = graph.weight @s : tensor<f32>
  %t = graph.add %s, %two : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %z = graph.add %y, %t : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  func.return %z : tensor<2xf32>
}
graph.data @w = dense<[1.0, 2.0]> : tensor<2xf32>
graph.data @s = dense<3.0> : tensor<f32>

// -----

// Data that is used as it is stays, and so does what depends on data that is not here.

// CHECK-LABEL: func.func @not_here
// CHECK-NEXT:    %w = graph.weight @w
// CHECK-NEXT:    %v = graph.weight @v
// CHECK-NEXT:    %a = graph.add %v, %v
// CHECK-NEXT:    graph.mul %w, %x
// CHECK:       graph.data @w
// CHECK:       graph.data @v
func.func @not_here(%x: tensor<2xf32>) -> tensor<2xf32> {
  %w = graph.weight @w : tensor<2xf32>
  %v = graph.weight @v : tensor<2xf32>
  %a = graph.add %v, %v : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %y = graph.mul %w, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %z = graph.mul %y, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %z : tensor<2xf32>
}
graph.data @w = dense<[1.0, 2.0]> : tensor<2xf32>
graph.data @v : tensor<2xf32>

// -----

// A function that is called names no weights: there only single numbers are folded.

// CHECK-LABEL: func.func @main
// CHECK:       func.func private @called
// CHECK-NEXT:    %d = graph.constant dense<4.000000e+00> : tensor<2xf32>
// CHECK-NEXT:    graph.add %{{.*}}, %d
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = func.call @called(%x) : (tensor<2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}
func.func private @called(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = graph.constant dense<2.0> : tensor<2xf32>
  %d = graph.add %c, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %e = graph.add %x, %d : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %e : tensor<2xf32>
}

// -----

// Batch normalisation goes into the convolution before it: other weights, and one bias.

// CHECK-LABEL: func.func @batch_norm
// CHECK-NEXT:    %w = graph.weight @w.scaled : tensor<2x1x1x1xf32>
// CHECK-NEXT:    %c = graph.conv %x, %w
// CHECK-NEXT:    %bias = graph.weight @w.bias : tensor<2x1x1xf32>
// CHECK-NEXT:    %y = graph.add %c, %bias
// CHECK-NEXT:    func.return %y
// CHECK:       graph.data @w.scaled = dense<{{\[\[\[\[}}1.000000e+00]]], {{\[\[\[}}6.000000e+00]]]]> : tensor<2x1x1x1xf32>
// CHECK-NEXT:  graph.data @w.bias = dense<{{\[\[\[}}-1.000000e+00]], {{\[\[}}-5.000000e+00]]]> : tensor<2x1x1xf32>
func.func @batch_norm(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = graph.weight @w : tensor<2x1x1x1xf32>
  %mean = graph.weight @mean : tensor<2x1x1xf32>
  %scale = graph.weight @scale : tensor<2x1x1xf32>
  %shift = graph.weight @shift : tensor<2x1x1xf32>
  %c = graph.conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %d = graph.sub %c, %mean : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %s = graph.mul %d, %scale : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %y = graph.add %s, %shift : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  func.return %y : tensor<1x2x4x4xf32>
}
graph.data @w = dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
graph.data @mean = dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
graph.data @scale = dense<[[[1.0]], [[3.0]]]> : tensor<2x1x1xf32>
graph.data @shift = dense<[[[0.0]], [[1.0]]]> : tensor<2x1x1xf32>

// -----

// The columns of a matrix product are scaled, too; not its rows, and not where others need the product itself.

// CHECK-LABEL: func.func @columns
// CHECK-NEXT:    %w = graph.weight @w.scaled : tensor<2x2xf32>
// CHECK-NEXT:    %c = graph.matmul %x, %w
// CHECK-NEXT:    %rows = graph.weight @rows
// CHECK-NEXT:    %q = graph.mul %c, %rows
// CHECK-NEXT:    %w_1 = graph.weight @w
// CHECK-NEXT:    %r = graph.matmul %q, %w_1
// CHECK-NEXT:    %two = graph.constant
// CHECK-NEXT:    %s = graph.mul %r, %two
// CHECK-NEXT:    func.return %r, %s
func.func @columns(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = graph.weight @w : tensor<2x2xf32>
  %columns = graph.weight @factors : tensor<2xf32>
  %p = graph.matmul %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %c = graph.div %p, %columns : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %rows = graph.weight @rows : tensor<2x1xf32>
  %q = graph.mul %c, %rows : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %w_1 = graph.weight @w : tensor<2x2xf32>
  %r = graph.matmul %q, %w_1 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %two = graph.constant dense<2.0> : tensor<f32>
  %s = graph.mul %r, %two : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  func.return %r, %s : tensor<2x2xf32>, tensor<2x2xf32>
}
graph.data @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
graph.data @factors = dense<[4.0, 2.0]> : tensor<2xf32>
graph.data @rows = dense<[[1.0], [2.0]]> : tensor<2x1xf32>

// -----

// A scale that is not finite stays outside: weights times infinity are no numbers where they are zero.

// CHECK-LABEL: func.func @infinite
// CHECK:         %c = graph.div %p, %zero
func.func @infinite(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = graph.weight @w : tensor<2x2xf32>
  %zero = graph.constant dense<0.0> : tensor<f32>
  %p = graph.matmul %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %c = graph.div %p, %zero : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  func.return %c : tensor<2x2xf32>
}
graph.data @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>

// -----

// Scales and shifts of anything else are one product and one sum.

// CHECK-LABEL: func.func @merged
// CHECK-NEXT:    %affine = graph.weight @affine : tensor<2xf32>
// CHECK-NEXT:    %0 = graph.mul %x, %affine
// CHECK-NEXT:    %affine_1 = graph.weight @affine_1 : tensor<2xf32>
// CHECK-NEXT:    %d = graph.add %0, %affine_1
// CHECK-NEXT:    func.return %d
// CHECK:       graph.data @affine = dense<[2.000000e+00, 6.000000e+00]> : tensor<2xf32>
// CHECK-NEXT:  graph.data @affine_1 = dense<[3.000000e+00, 4.000000e+00]> : tensor<2xf32>
func.func @merged(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %two = graph.constant dense<2.0> : tensor<f32>
  %s = graph.weight @s : tensor<2xf32>
  %a = graph.mul %x, %s : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %b = graph.add %a, %s : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %c = graph.mul %b, %two : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %t = graph.weight @t : tensor<2xf32>
  %d = graph.sub %c, %t : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  func.return %d : tensor<2x2xf32>
}
graph.data @s = dense<[1.0, 3.0]> : tensor<2xf32>
graph.data @t = dense<[-1.0, 2.0]> : tensor<2xf32>
