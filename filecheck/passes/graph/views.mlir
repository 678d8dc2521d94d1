// RUN: stepwell-opt %s -p graph-fuse | filecheck %s
// RUN: stepwell-opt %s -p "graph-fuse, convert-graph-to-te" | filecheck %s --check-prefix TE
// RUN: stepwell-opt %s -p "graph-fuse, convert-graph-to-te, te-specialize, convert-te-to-loop" | filecheck %s --check-prefix LOOP

// A reshape at the ends of kernels moves nothing, so it is no kernel: it lies between their calls. One between two operators
// that move is part of their kernel.

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %a = graph.reshape %x : tensor<2x3x4xf32> -> tensor<6x4xf32>
// CHECK-NEXT:    %b = func.call @kernel0(%a, %w) : (tensor<6x4xf32>, tensor<4x8xf32>) -> tensor<6x8xf32>
// CHECK-NEXT:    %c = graph.reshape %b : tensor<6x8xf32> -> tensor<2x3x8xf32>
// CHECK-NEXT:    %f = func.call @kernel1(%b) : (tensor<6x8xf32>) -> tensor<4x12xf32>
// CHECK-NEXT:    func.return %c, %f
// CHECK:       func.func private @kernel1
// CHECK-NEXT:    graph.transpose
// CHECK-NEXT:    graph.reshape
// CHECK-NEXT:    graph.transpose
// CHECK-NEXT:    func.return

// TE-LABEL:    func.func @main
// TE-NEXT:       %a = te.reshape %x : tensor<2x3x4xf32> -> tensor<6x4xf32>
// TE-NEXT:       %b = func.call @kernel0(%a, %w)
// TE-NEXT:       %c = te.reshape %b : tensor<6x8xf32> -> tensor<2x3x8xf32>

// The kernel writes to the output itself.

// LOOP-LABEL:  func.func @main(%x: memref<2x3x4xf32>, %w: memref<4x8xf32>, %c: memref<2x3x8xf32> {loop.output}, %f: memref<4x12xf32> {loop.output}) {
// LOOP-NEXT:     %[[OUT:.*]] = memref.reinterpret_cast %c to offset: [0], sizes: [6, 8], strides: [8, 1] : memref<2x3x8xf32> to memref<6x8xf32>
// LOOP-NEXT:     %[[IN:.*]] = memref.reinterpret_cast %x to offset: [0], sizes: [6, 4], strides: [4, 1] : memref<2x3x4xf32> to memref<6x4xf32>
// LOOP-NEXT:     func.call @kernel0(%[[IN]], %w, %[[OUT]])
// LOOP:          func.call @kernel1(%[[OUT]], %f)
// LOOP-NEXT:     func.return
func.func @main(%x: tensor<2x3x4xf32>, %w: tensor<4x8xf32>) -> (tensor<2x3x8xf32>, tensor<4x12xf32>) {
  %a = graph.reshape %x : tensor<2x3x4xf32> -> tensor<6x4xf32>
  %b = graph.matmul %a, %w : (tensor<6x4xf32>, tensor<4x8xf32>) -> tensor<6x8xf32>
  %c = graph.reshape %b : tensor<6x8xf32> -> tensor<2x3x8xf32>
  %d = graph.transpose %b permutation [1, 0] : tensor<6x8xf32> -> tensor<8x6xf32>
  %e = graph.reshape %d : tensor<8x6xf32> -> tensor<12x4xf32>
  %f = graph.transpose %e permutation [1, 0] : tensor<12x4xf32> -> tensor<4x12xf32>
  func.return %c, %f : tensor<2x3x8xf32>, tensor<4x12xf32>
}
