// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

// CHECK-LABEL: func.func @operators
func.func @operators(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>, %b: tensor<2xf32>) -> tensor<4x2xf32> {
  // CHECK: %{{.*}} = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  // GENERIC: "graph.matmul"(%{{.*}}, %{{.*}}) : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %m = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  // CHECK-NEXT: %{{.*}} = graph.gemm %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %g = graph.gemm %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  // CHECK: %{{.*}} = graph.gemm %w, %x, %b4 {alpha = 5.000000e-01 : f32, beta = 2.000000e+00 : f32, trans_a, trans_b} : (tensor<8x2xf32>, tensor<4x8xf32>, tensor<4xf32>)
  // GENERIC: "graph.gemm"({{.*}}) <{alpha = 5.000000e-01 : f32, beta = 2.000000e+00 : f32, trans_a, trans_b}>
  %b4 = graph.constant dense<0.5> : tensor<4xf32>
  %h = graph.gemm %w, %x, %b4 {alpha = 0.5 : f32, beta = 2.0 : f32, trans_a, trans_b} : (tensor<8x2xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  // CHECK-NEXT: %{{.*}} = graph.add %m, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %0 = graph.add %m, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  // CHECK-NEXT: %{{.*}} = graph.sub
  %1 = graph.sub %0, %g : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  // CHECK-NEXT: %{{.*}} = graph.mul
  %2 = graph.mul %1, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  // CHECK-NEXT: %{{.*}} = graph.div
  %3 = graph.div %2, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  // CHECK-NEXT: %{{.*}} = graph.relu %{{.*}} : tensor<4x2xf32>
  %4 = graph.relu %3 : tensor<4x2xf32>
  // CHECK-NEXT: %{{.*}} = graph.softmax %{{.*}} axes [0, 1] : tensor<4x2xf32>
  // GENERIC: "graph.softmax"(%{{.*}}) <{axes = array<i64: 0, 1>}> : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %5 = graph.softmax %4 axes [0, 1] : tensor<4x2xf32>
  func.return %5 : tensor<4x2xf32>
}
