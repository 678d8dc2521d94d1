// RUN: stepwell-opt %s -p "graph-fuse{max-ops=2}" | filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    func.call @kernel0
// CHECK-NEXT:    func.call @kernel1
// CHECK:       func.func private @kernel0
// CHECK-NEXT:    graph.matmul
// CHECK-NEXT:    graph.relu
// CHECK-NEXT:    func.return
// CHECK:       func.func private @kernel1
// CHECK-NEXT:    graph.add
// CHECK-NEXT:    graph.sub
// CHECK-NEXT:    func.return
func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = graph.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = graph.relu %0 : tensor<4x4xf32>
  %2 = graph.add %1, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = graph.sub %2, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %3 : tensor<4x4xf32>
}
