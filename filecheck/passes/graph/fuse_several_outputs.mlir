// RUN: stepwell-opt %s -p graph-fuse --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p graph-fuse,graph-fuse --split-input-file | filecheck %s

// A value inside of an epilogue that is needed elsewhere is an output, too.

// CHECK-LABEL: func.func @epilogue
// CHECK-NEXT:    %r, %a = func.call @kernel0(%x, %b) : (tensor<4x4xf32>, tensor<4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)
// CHECK-NEXT:    %p = func.call @kernel1(%r, %a)
// CHECK-NEXT:    func.return %p
// CHECK:       func.func private @kernel0(%{{.*}}: tensor<4x4xf32>, %{{.*}}: tensor<4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    %r = graph.relu
// CHECK-NEXT:    %a = graph.add
// CHECK-NEXT:    func.return %r, %a
func.func @epilogue(%x: tensor<4x4xf32>, %b: tensor<4xf32>) -> tensor<4x4xf32> {
  %m = graph.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %r = graph.relu %m : tensor<4x4xf32>
  %a = graph.add %r, %b : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  %p = graph.matmul %r, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %p : tensor<4x4xf32>
}

// -----

// A cell of an LSTM: the state is an output, and the hidden state is computed from it.

// CHECK-LABEL: func.func @cell
// CHECK-NEXT:    %c, %h = func.call @kernel0(%f, %i, %o) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
// CHECK-NEXT:    func.return %h, %c
func.func @cell(%f: tensor<4xf32>, %i: tensor<4xf32>, %o: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %c = graph.add %f, %i : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %t = graph.relu %c : tensor<4xf32>
  %h = graph.mul %o, %t : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %h, %c : tensor<4xf32>, tensor<4xf32>
}

// -----

// Kernels do not need one another: the sum stays out of the first product's kernel, whose result the second one reads.

// CHECK-LABEL: func.func @no_cycle
// CHECK-NEXT:    %m = func.call @kernel0(%x)
// CHECK-NEXT:    %s = func.call @kernel1(%m, %x)
// CHECK-NEXT:    func.return %s
// CHECK:       func.func private @kernel1
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    graph.add
// CHECK-NEXT:    func.return
func.func @no_cycle(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %m = graph.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %n = graph.matmul %m, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = graph.add %m, %n : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %s : tensor<4x4xf32>
}

// -----

// The order in which independent operators stand changes nothing, and what nothing needs is erased.

// CHECK-LABEL: func.func @order
// CHECK-NEXT:    %m, %r = func.call @kernel0(%x)
// CHECK-NEXT:    %n = func.call @kernel1(%m, %x)
// CHECK-NEXT:    func.return %r, %n
func.func @order(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %m = graph.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %n = graph.matmul %m, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %dead = graph.relu %n : tensor<4x4xf32>
  %r = graph.relu %m : tensor<4x4xf32>
  func.return %r, %n : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// A constant that is a result is a kernel.

// CHECK-LABEL: func.func @constant
// CHECK-NEXT:    %c = func.call @kernel0() : () -> tensor<4xf32>
// CHECK-NEXT:    func.return %c
func.func @constant() -> tensor<4xf32> {
  %c = graph.constant dense<2.0> : tensor<4xf32>
  func.return %c : tensor<4xf32>
}

// -----

// The square would be one more result of the product's kernel, which gives %r anyway: what sums it computes it.

// CHECK-LABEL: func.func @computed_elsewhere
// CHECK-NEXT:    %r = func.call @kernel0(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    %y = func.call @kernel1(%r) : (tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    func.return %y
// CHECK:       func.func private @kernel1
// CHECK-NEXT:    graph.mul
// CHECK-NEXT:    graph.reduce_sum
// CHECK-NEXT:    graph.mul
// CHECK-NEXT:    func.return
func.func @computed_elsewhere(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %m = graph.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %r = graph.relu %m : tensor<4x4xf32>
  %q = graph.mul %r, %r : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = graph.reduce_sum %q axes [1] {keepdims} : (tensor<4x4xf32>) -> tensor<4x1xf32>
  %y = graph.mul %r, %s : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  func.return %y : tensor<4x4xf32>
}

// -----

// Not so where the product itself is needed nowhere else.

// CHECK-LABEL: func.func @swish
// CHECK-NEXT:    %y = func.call @kernel0(%x)
// CHECK-NEXT:    %z = func.call @kernel1(%y)
func.func @swish(%x: tensor<4x4xf32>) -> tensor<4xf32> {
  %m = graph.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = graph.sigmoid %m : tensor<4x4xf32>
  %y = graph.mul %m, %s : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %z = graph.reduce_sum %y axes [1] : (tensor<4x4xf32>) -> tensor<4xf32>
  func.return %z : tensor<4xf32>
}
