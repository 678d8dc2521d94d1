// RUN: stepwell-opt %s -p graph-fuse --split-input-file | filecheck %s

// A softmax in elementary operators: both reductions are of the same rows, and so is what lies between and after them.

// CHECK-LABEL: func.func @softmax
// CHECK-NEXT:    %y = func.call @kernel0(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
// CHECK-NEXT:    func.return %y
// CHECK:       func.func private @kernel0
// CHECK-NEXT:    graph.reduce_max
// CHECK-NEXT:    graph.sub
// CHECK-NEXT:    graph.mul
// CHECK-NEXT:    graph.reduce_sum
// CHECK-NEXT:    graph.div
// CHECK-NEXT:    func.return
func.func @softmax(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %m = graph.reduce_max %x axes [1] {keepdims} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %d = graph.sub %x, %m : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %e = graph.mul %d, %d : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = graph.reduce_sum %e axes [1] {keepdims} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %y = graph.div %e, %s : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  func.return %y : tensor<4x8xf32>
}

// -----

// The reductions need not follow one another: here both read what the kernel takes, and what follows needs both.

// CHECK-LABEL: func.func @moments
// CHECK-NEXT:    %v = func.call @kernel0(%x) : (tensor<4x8xf32>) -> tensor<4x1xf32>
// CHECK-NEXT:    func.return %v
func.func @moments(%x: tensor<4x8xf32>) -> tensor<4x1xf32> {
  %a = graph.reduce_sum %x axes [1] {keepdims} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %q = graph.mul %x, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %b = graph.reduce_sum %q axes [1] {keepdims} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %c = graph.mul %a, %a : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %v = graph.sub %b, %c : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  func.return %v : tensor<4x1xf32>
}

// -----

// Rows that are columns of the ones before are another kernel's.

// CHECK-LABEL: func.func @other_rows
// CHECK-NEXT:    %s = func.call @kernel0(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    %t = func.call @kernel1(%s) : (tensor<4x4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %d = func.call @kernel2(%s, %t) : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    func.return %d
func.func @other_rows(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %s = graph.softmax %x axes [0] : tensor<4x4xf32>
  %t = graph.reduce_sum %s axes [1] : (tensor<4x4xf32>) -> tensor<4xf32>
  %d = graph.sub %s, %t : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  func.return %d : tensor<4x4xf32>
}

// -----

// Rows pass through a kernel and give results at its end: what the rows are computed from and others need is computed before,
// and so is what others need of what lies between.

// CHECK-LABEL: func.func @results
// CHECK-NEXT:    %h = func.call @kernel0(%x, %y) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    %s = func.call @kernel1(%h) : (tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    %t = func.call @kernel2(%s) : (tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:    func.return %h, %s, %t
func.func @results(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %h = graph.add %x, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = graph.softmax %h axes [1] : tensor<4x4xf32>
  %t = graph.relu %s : tensor<4x4xf32>
  func.return %h, %s, %t : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}
