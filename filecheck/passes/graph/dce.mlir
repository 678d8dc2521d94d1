// RUN: stepwell-opt %s -p graph-dce | filecheck %s

// Operators that nothing needs, and data that no function names.

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %v = graph.weight @v
// CHECK-NEXT:    %a = graph.add %x, %v
// CHECK-NEXT:    func.return %a
// CHECK-NOT:   graph.data @w
// CHECK:       graph.data @v
// CHECK-NOT:   graph.data
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %w = graph.weight @w : tensor<2xf32>
  %v = graph.weight @v : tensor<2xf32>
  %a = graph.add %x, %v : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %b = graph.add %x, %w : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %c = graph.relu %b : tensor<2xf32>
  func.return %a : tensor<2xf32>
}
graph.data @w : tensor<2xf32>
graph.data @v : tensor<2xf32>
graph.data @unused : tensor<2xf32>
