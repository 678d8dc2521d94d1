// RUN: stepwell-opt %s -p graph-fuse --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p graph-fuse,graph-fuse --split-input-file | filecheck %s

// An anchor takes its epilogue; rows of softmax are a kernel of their own. Weights are marked.

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %w = graph.weight @w : tensor<8x4xf32>
// CHECK-NEXT:    %r = func.call @kernel0(%x, %w, %b) : (tensor<5x8xf32>, tensor<8x4xf32>, tensor<4xf32>) -> tensor<5x4xf32>
// CHECK-NEXT:    %y = func.call @kernel1(%r) : (tensor<5x4xf32>) -> tensor<5x4xf32>
// CHECK-NEXT:    func.return %y : tensor<5x4xf32>
// CHECK:       func.func private @kernel0(%{{.*}}: tensor<5x8xf32>, %{{.*}}: tensor<8x4xf32> {loop.constant}, %{{.*}}: tensor<4xf32>) -> tensor<5x4xf32> {
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    graph.add
// CHECK-NEXT:    graph.constant dense<2.000000e+00>
// CHECK-NEXT:    graph.mul
// CHECK-NEXT:    graph.relu
// CHECK-NEXT:    func.return
// CHECK:       func.func private @kernel1
// CHECK-NEXT:    graph.softmax
// CHECK-NEXT:    func.return
func.func @main(%x: tensor<5x8xf32>, %b: tensor<4xf32>) -> tensor<5x4xf32> {
  %w = graph.weight @w : tensor<8x4xf32>
  %two = graph.constant dense<2.0> : tensor<f32>
  %m = graph.matmul %x, %w : (tensor<5x8xf32>, tensor<8x4xf32>) -> tensor<5x4xf32>
  %a = graph.add %m, %b : (tensor<5x4xf32>, tensor<4xf32>) -> tensor<5x4xf32>
  %t = graph.mul %a, %two : (tensor<5x4xf32>, tensor<f32>) -> tensor<5x4xf32>
  %r = graph.relu %t : tensor<5x4xf32>
  %y = graph.softmax %r axes [1] : tensor<5x4xf32>
  func.return %y : tensor<5x4xf32>
}
graph.data @w : tensor<8x4xf32>

// -----

// An epilogue is a DAG: the product is used twice, and both uses lead to the sum.

// CHECK-LABEL: func.func @dag
// CHECK-NEXT:    func.call @kernel0(%x)
// CHECK-NEXT:    func.return
// CHECK:       func.func private @kernel0
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    graph.relu
// CHECK-NEXT:    graph.mul
// CHECK-NEXT:    func.return
func.func @dag(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %m = graph.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %r = graph.relu %m : tensor<4x4xf32>
  %p = graph.mul %r, %m : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %p : tensor<4x4xf32>
}

// -----

// A value that is used elsewhere ends the epilogue; kernels have one anchor; equal kernels are one function.

// CHECK-LABEL: func.func @residual
// CHECK-NEXT:    %m = func.call @kernel0(%x, %w)
// CHECK-NEXT:    %n = func.call @kernel1(%m, %w)
// CHECK-NEXT:    %s = func.call @kernel0(%n, %w)
// CHECK-NEXT:    func.return %s, %m
// CHECK:       func.func private @kernel0
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    func.return
// CHECK:       func.func private @kernel1
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    graph.add
// CHECK-NEXT:    func.return
// CHECK-NOT:   func.func
func.func @residual(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %m = graph.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %p = graph.matmul %m, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %n = graph.add %p, %m : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = graph.matmul %n, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %s, %m : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// A weight and a value that is computed make different kernels.

// CHECK-LABEL: func.func @constness
// CHECK:         func.call @kernel0(%x, %w)
// CHECK-NEXT:    func.call @kernel1(%{{.*}}, %x)
func.func @constness(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %w = graph.weight @w : tensor<4x4xf32>
  %m = graph.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %n = graph.matmul %m, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %n : tensor<4x4xf32>
}
graph.data @w : tensor<4x4xf32>

// -----

// Injective producers go into a reduction, and into an injective kernel, but not into a matrix product, which would
// compute them again and again.

// CHECK-LABEL: func.func @producers
// CHECK-NEXT:    %a = func.call @kernel0(%x)
// CHECK-NEXT:    %m = func.call @kernel1(%a, %x)
// CHECK-NEXT:    %y = func.call @kernel2(%m, %b)
// CHECK-NEXT:    func.return %y
// CHECK:       func.func private @kernel0
// CHECK-NEXT:    graph.relu
// CHECK-NEXT:    graph.add
// CHECK-NEXT:    func.return
// CHECK:       func.func private @kernel1
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    func.return
// CHECK:       func.func private @kernel2
// CHECK-NEXT:    graph.sub
// CHECK-NEXT:    graph.softmax
// CHECK-NEXT:    graph.relu
// CHECK-NEXT:    func.return
func.func @producers(%x: tensor<4x4xf32>, %b: tensor<2x4x4xf32>) -> tensor<2x4x4xf32> {
  %r = graph.relu %x : tensor<4x4xf32>
  %a = graph.add %r, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %m = graph.matmul %a, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = graph.sub %m, %b : (tensor<4x4xf32>, tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %p = graph.softmax %s axes [2] : tensor<2x4x4xf32>
  %y = graph.relu %p : tensor<2x4x4xf32>
  func.return %y : tensor<2x4x4xf32>
}

// -----

// An epilogue takes the producer of its other operand; it may be that of another anchor's, whose kernel ends before.

// CHECK-LABEL: func.func @other_operand
// CHECK-NEXT:    %y = func.call @kernel0(%x, %z)
// CHECK-NEXT:    func.return %y
// CHECK:       func.func private @kernel0
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    graph.relu
// CHECK-NEXT:    graph.add
// CHECK-NEXT:    func.return
func.func @other_operand(%x: tensor<4x4xf32>, %z: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %m = graph.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %r = graph.relu %z : tensor<4x4xf32>
  %y = graph.add %m, %r : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %y : tensor<4x4xf32>
}

// -----

// A name that is taken is left alone.

// CHECK-LABEL: func.func @taken
// CHECK:         func.call @kernel1
// CHECK:       func.func private @kernel1
// CHECK:       func.func private @kernel0(
func.func @taken(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = graph.relu %x : tensor<4xf32>
  func.return %y : tensor<4xf32>
}
func.func private @kernel0(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
