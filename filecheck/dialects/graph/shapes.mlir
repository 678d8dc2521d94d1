// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s

// Extents are numbers, named sizes, or not known yet.

// CHECK-LABEL: func.func @shapes
func.func @shapes(%x: tensor<?x8xf32, #te.shape<n, 8>>, %u: tensor<?x8xf32>, %w: tensor<8x2xf32>) {
  // CHECK: graph.matmul %x, %w : (tensor<?x8xf32, #te.shape<n, 8>>, tensor<8x2xf32>) -> tensor<?x2xf32, #te.shape<n, 2>>
  %0 = graph.matmul %x, %w : (tensor<?x8xf32, #te.shape<n, 8>>, tensor<8x2xf32>) -> tensor<?x2xf32, #te.shape<n, 2>>
  // CHECK: graph.matmul %x, %w : (tensor<?x8xf32, #te.shape<n, 8>>, tensor<8x2xf32>) -> tensor<?x?xf32>
  %1 = graph.matmul %x, %w : (tensor<?x8xf32, #te.shape<n, 8>>, tensor<8x2xf32>) -> tensor<?x?xf32>
  // CHECK: graph.matmul %u, %w : (tensor<?x8xf32>, tensor<8x2xf32>) -> tensor<?x2xf32>
  %2 = graph.matmul %u, %w : (tensor<?x8xf32>, tensor<8x2xf32>) -> tensor<?x2xf32>
  // CHECK: graph.add %x, %u : (tensor<?x8xf32, #te.shape<n, 8>>, tensor<?x8xf32>) -> tensor<5x8xf32>
  %3 = graph.add %x, %u : (tensor<?x8xf32, #te.shape<n, 8>>, tensor<?x8xf32>) -> tensor<5x8xf32>
  func.return
}
