// RUN: stepwell-opt %s -p graph-infer-shapes | filecheck %s

// Types follow from the inputs, through calls too, and into the signature.

// CHECK: func.func @main(%x: tensor<?x8xf32, #te.shape<n, 8>>) -> tensor<?x2xf32, #te.shape<n, 2>>
func.func @main(%x: tensor<?x8xf32, #te.shape<n, 8>>) -> tensor<?x2xf32> {
  // CHECK-NEXT: %w = graph.weight @w : tensor<8x2xf32>
  %w = graph.weight @w : tensor<8x2xf32>
  // CHECK-NEXT: graph.relu %x : tensor<?x8xf32, #te.shape<n, 8>>
  %0 = graph.relu %x : tensor<?x8xf32, #te.shape<n, 8>>
  // CHECK-NEXT: func.call @inner(%{{.*}}) : (tensor<?x8xf32, #te.shape<n, 8>>) -> tensor<?x8xf32, #te.shape<n, 8>>
  %1 = func.call @inner(%0) : (tensor<?x8xf32, #te.shape<n, 8>>) -> tensor<?x?xf32>
  // CHECK-NEXT: graph.matmul {{.*}} -> tensor<?x2xf32, #te.shape<n, 2>>
  %2 = graph.matmul %1, %w : (tensor<?x?xf32>, tensor<8x2xf32>) -> tensor<?x2xf32>
  // CHECK-NEXT: graph.softmax {{.*}} : tensor<?x2xf32, #te.shape<n, 2>>
  %3 = graph.softmax %2 axes [1] : tensor<?x2xf32>
  func.return %3 : tensor<?x2xf32>
}
// CHECK: func.func private @inner(%y: tensor<?x8xf32, #te.shape<n, 8>>) -> tensor<?x8xf32, #te.shape<n, 8>>
func.func private @inner(%y: tensor<?x8xf32, #te.shape<n, 8>>) -> tensor<?x?xf32> {
  // CHECK-NEXT: graph.add {{.*}} -> tensor<?x8xf32, #te.shape<n, 8>>
  %0 = graph.add %y, %y : (tensor<?x8xf32, #te.shape<n, 8>>, tensor<?x8xf32, #te.shape<n, 8>>) -> tensor<?x?xf32>
  func.return %0 : tensor<?x?xf32>
}
graph.data @w : tensor<8x2xf32>
