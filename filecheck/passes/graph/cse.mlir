// RUN: stepwell-opt %s -p graph-cse --split-input-file | filecheck %s

// Equal operators are one, whichever way round their operands are where that makes no difference.

// CHECK-LABEL: func.func @operators
// CHECK-NEXT:    %a = graph.add %x, %y
// CHECK-NEXT:    %c = graph.sub %x, %y
// CHECK-NEXT:    %d = graph.sub %y, %x
// CHECK-NEXT:    %e = graph.mul %a, %a
// CHECK-NEXT:    func.return %c, %d, %e
func.func @operators(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %a = graph.add %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %b = graph.add %y, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %c = graph.sub %x, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d = graph.sub %y, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %e = graph.mul %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %c, %d, %e : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// Data of the same type and bytes is kept once; data that is not here may be anything.

// CHECK-LABEL: func.func @data
// CHECK-NEXT:    %a = graph.weight @a : tensor<2xf32>
// CHECK-NEXT:    %c = graph.weight @c : tensor<1x2xf32>
// CHECK-NEXT:    %d = graph.weight @d : tensor<2xf32>
// CHECK-NEXT:    %e = graph.weight @e : tensor<2xf32>
// CHECK-NEXT:    func.return %a, %a, %c, %d, %e
// CHECK:       graph.data @a
// CHECK-NOT:   graph.data @b
// CHECK:       graph.data @c
func.func @data() -> (tensor<2xf32>, tensor<2xf32>, tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %a = graph.weight @a : tensor<2xf32>
  %b = graph.weight @b : tensor<2xf32>
  %c = graph.weight @c : tensor<1x2xf32>
  %d = graph.weight @d : tensor<2xf32>
  %e = graph.weight @e : tensor<2xf32>
  func.return %a, %b, %c, %d, %e : tensor<2xf32>, tensor<2xf32>, tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>
}
graph.data @a = dense<[1.0, 2.0]> : tensor<2xf32>
graph.data @b = dense<[1.0, 2.0]> : tensor<2xf32>
graph.data @c = dense<[[1.0, 2.0]]> : tensor<1x2xf32>
graph.data @d : tensor<2xf32>
graph.data @e : tensor<2xf32>
