// RUN: stepwell-opt %s -p graph-select-conv-algorithm --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p graph-select-conv-algorithm{exact} --split-input-file | filecheck %s --check-prefix=EXACT
// RUN: stepwell-opt %s -p graph-select-conv-algorithm{algorithm=winograd-2} --split-input-file | filecheck %s --check-prefix=TWO
// RUN: stepwell-opt %s -p graph-select-conv-algorithm{algorithm=gemm} --split-input-file | filecheck %s --check-prefix=GEMM

// Large windows of 3x3 are computed tile by tile. Their weights are transformed, in panels of 32 channels.

// CHECK-LABEL: func.func @main
// CHECK-NEXT:    %w = graph.weight @w.winograd : tensor<6x6x2x64x32xf32>
// CHECK-NEXT:    %y = graph.winograd_conv %x, %w tile 4 pads [1, 1, 1, 1] channels 48
// CHECK-NOT:   graph.data @w =
// CHECK:       graph.data @w.winograd
// EXACT-LABEL: func.func @main
// EXACT:         graph.conv
// EXACT-NOT:     algorithm
// TWO-LABEL:   func.func @main
// TWO:           graph.winograd_conv %x, %w tile 2 pads [1, 1, 1, 1] channels 48
// GEMM-LABEL:  func.func @main
// GEMM:          graph.conv {{.*}} groups 1 algorithm "gemm"
func.func @main(%x: tensor<1x64x56x56xf32>) -> tensor<1x48x56x56xf32> {
  %w = graph.weight @w : tensor<48x64x3x3xf32>
  %y = graph.conv %x, %w strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1 : (tensor<1x64x56x56xf32>, tensor<48x64x3x3xf32>) -> tensor<1x48x56x56xf32>
  func.return %y : tensor<1x48x56x56xf32>
}
graph.data @w = dense<1.0> : tensor<48x64x3x3xf32>

// -----

// Few channels are computed directly, unless they are asked for.

// CHECK-LABEL: func.func @few
// CHECK:         graph.conv
// TWO-LABEL:   func.func @few
// TWO:           graph.winograd_conv
func.func @few(%x: tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32> {
  %w = graph.weight @w : tensor<2x2x3x3xf32>
  %y = graph.conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x2x8x8xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x6x6xf32>
  func.return %y : tensor<1x2x6x6xf32>
}
graph.data @w = dense<1.0> : tensor<2x2x3x3xf32>

// -----

// So are other strides, dilations and groups, weights that are not there, and sizes that are not known.

// CHECK-LABEL: func.func @others
// CHECK-NOT:     graph.winograd_conv
// TWO-LABEL:   func.func @others
// TWO-NOT:       graph.winograd_conv
func.func @others(%x: tensor<1x64x56x56xf32>, %z: tensor<1x64x?x56xf32, #te.shape<1, 64, n, 56>>) -> (tensor<1x64x27x27xf32>, tensor<1x64x52x52xf32>, tensor<1x64x54x54xf32>, tensor<1x64x?x54xf32, #te.shape<1, 64, n, 54>>, tensor<1x64x54x54xf32>) {
  %w = graph.weight @w : tensor<64x64x3x3xf32>
  %g = graph.weight @g : tensor<64x32x3x3xf32>
  %v = graph.weight @v : tensor<64x64x3x3xf32>
  %a = graph.conv %x, %w strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x27x27xf32>
  %b = graph.conv %x, %w strides [1, 1] pads [0, 0, 0, 0] dilations [2, 2] groups 1 : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x52x52xf32>
  %c = graph.conv %x, %g strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 2 : (tensor<1x64x56x56xf32>, tensor<64x32x3x3xf32>) -> tensor<1x64x54x54xf32>
  %d = graph.conv %z, %w strides [1, 1] pads [1, 0, 1, 0] dilations [1, 1] groups 1 : (tensor<1x64x?x56xf32, #te.shape<1, 64, n, 56>>, tensor<64x64x3x3xf32>) -> tensor<1x64x?x54xf32, #te.shape<1, 64, n, 54>>
  %e = graph.conv %x, %v strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x54x54xf32>
  func.return %a, %b, %c, %d, %e : tensor<1x64x27x27xf32>, tensor<1x64x52x52xf32>, tensor<1x64x54x54xf32>, tensor<1x64x?x54xf32, #te.shape<1, 64, n, 54>>, tensor<1x64x54x54xf32>
}
graph.data @w = dense<1.0> : tensor<64x64x3x3xf32>
graph.data @g = dense<1.0> : tensor<64x32x3x3xf32>
graph.data @v : tensor<64x64x3x3xf32>
