// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s

// CHECK-LABEL: func.func @movement
func.func @movement(%x: tensor<2x6xf32>, %y: tensor<2x1xf32>, %v: tensor<f32>, %s: tensor<?x64xf32, #te.shape<n, 64>>) {
  // CHECK-NEXT: %{{.*}} = graph.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32>
  %0 = graph.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32>
  // CHECK-NEXT: %{{.*}} = graph.reshape %s : tensor<?x64xf32, #te.shape<n, 64>> -> tensor<?x16xf32, #te.shape<n * 4, 16>>
  %1 = graph.reshape %s : tensor<?x64xf32, #te.shape<n, 64>> -> tensor<?x16xf32, #te.shape<n * 4, 16>>
  // CHECK-NEXT: %{{.*}} = graph.transpose %x permutation [1, 0] : tensor<2x6xf32> -> tensor<6x2xf32>
  %2 = graph.transpose %x permutation [1, 0] : tensor<2x6xf32> -> tensor<6x2xf32>
  // CHECK-NEXT: %{{.*}} = graph.broadcast %y : tensor<2x1xf32> -> tensor<3x2x5xf32>
  %3 = graph.broadcast %y : tensor<2x1xf32> -> tensor<3x2x5xf32>
  // CHECK-NEXT: %{{.*}} = graph.tile %x repeats [1, 2] : tensor<2x6xf32> -> tensor<2x12xf32>
  %4 = graph.tile %x repeats [1, 2] : tensor<2x6xf32> -> tensor<2x12xf32>
  // CHECK-NEXT: %{{.*}} = graph.slice %x starts [0, 5] steps [1, -2] : tensor<2x6xf32> -> tensor<2x3xf32>
  %5 = graph.slice %x starts [0, 5] steps [1, -2] : tensor<2x6xf32> -> tensor<2x3xf32>
  // CHECK-NEXT: %{{.*}} = graph.concat %x, %y axis 1 : (tensor<2x6xf32>, tensor<2x1xf32>) -> tensor<2x7xf32>
  %6 = graph.concat %x, %y axis 1 : (tensor<2x6xf32>, tensor<2x1xf32>) -> tensor<2x7xf32>
  // CHECK-NEXT: %{{.*}} = graph.pad %x low [1, 0] high [0, 2] : (tensor<2x6xf32>) -> tensor<3x8xf32>
  %7 = graph.pad %x low [1, 0] high [0, 2] : (tensor<2x6xf32>) -> tensor<3x8xf32>
  // CHECK-NEXT: %{{.*}} = graph.pad %x, %v low [1, 0] high [0, 2] : (tensor<2x6xf32>, tensor<f32>) -> tensor<3x8xf32>
  %8 = graph.pad %x, %v low [1, 0] high [0, 2] : (tensor<2x6xf32>, tensor<f32>) -> tensor<3x8xf32>
  // CHECK-NEXT: %{{.*}} = graph.pad %x low [1, 0] high [0, 2] {mode = "reflect"} : (tensor<2x6xf32>) -> tensor<3x8xf32>
  %9 = graph.pad %x low [1, 0] high [0, 2] {mode = "reflect"} : (tensor<2x6xf32>) -> tensor<3x8xf32>
  // CHECK-NEXT: %{{.*}} = graph.trilu %x k 1 {upper} : tensor<2x6xf32> -> tensor<2x6xf32>
  %10 = graph.trilu %x k 1 {upper} : tensor<2x6xf32> -> tensor<2x6xf32>
  func.return
}

// CHECK-LABEL: func.func @indexing
func.func @indexing(%x: tensor<9x4xf32>, %i: tensor<2x3xi64>, %e: tensor<9x2xi64>, %r: tensor<7x2xi64>, %n: tensor<4xi64>,
                    %u: tensor<9x2xf32>, %v: tensor<7xf32>) {
  // CHECK-NEXT: %{{.*}} = graph.gather %x, %i axis 1 : (tensor<9x4xf32>, tensor<2x3xi64>) -> tensor<9x2x3xf32>
  %0 = graph.gather %x, %i axis 1 : (tensor<9x4xf32>, tensor<2x3xi64>) -> tensor<9x2x3xf32>
  // CHECK-NEXT: %{{.*}} = graph.gather_elements %x, %e axis 1 : (tensor<9x4xf32>, tensor<9x2xi64>) -> tensor<9x2xf32>
  %1 = graph.gather_elements %x, %e axis 1 : (tensor<9x4xf32>, tensor<9x2xi64>) -> tensor<9x2xf32>
  // CHECK-NEXT: %{{.*}} = graph.gather_nd %x, %r batch 0 : (tensor<9x4xf32>, tensor<7x2xi64>) -> tensor<7xf32>
  %2 = graph.gather_nd %x, %r batch 0 : (tensor<9x4xf32>, tensor<7x2xi64>) -> tensor<7xf32>
  // CHECK-NEXT: %{{.*}} = graph.reverse_sequence %x, %n time 0 batch 1 : (tensor<9x4xf32>, tensor<4xi64>) -> tensor<9x4xf32>
  %3 = graph.reverse_sequence %x, %n time 0 batch 1 : (tensor<9x4xf32>, tensor<4xi64>) -> tensor<9x4xf32>
  // CHECK-NEXT: %{{.*}} = graph.scatter_elements %x, %e, %u axis 1 {reduction = "add"} : (tensor<9x4xf32>, tensor<9x2xi64>, tensor<9x2xf32>) -> tensor<9x4xf32>
  %4 = graph.scatter_elements %x, %e, %u axis 1 {reduction = "add"} : (tensor<9x4xf32>, tensor<9x2xi64>, tensor<9x2xf32>) -> tensor<9x4xf32>
  // CHECK-NEXT: %{{.*}} = graph.scatter_nd %x, %r, %v : (tensor<9x4xf32>, tensor<7x2xi64>, tensor<7xf32>) -> tensor<9x4xf32>
  %5 = graph.scatter_nd %x, %r, %v : (tensor<9x4xf32>, tensor<7x2xi64>, tensor<7xf32>) -> tensor<9x4xf32>
  func.return
}

// CHECK-LABEL: func.func @sampling
func.func @sampling(%x: tensor<1x3x4x4xf32>, %g: tensor<1x5x6x2xf32>, %c: tensor<1x2x4xf32>) {
  // CHECK-NEXT: %{{.*}} = graph.grid_sample %x, %g mode "linear" padding "zeros" {align_corners} : (tensor<1x3x4x4xf32>, tensor<1x5x6x2xf32>) -> tensor<1x3x5x6xf32>
  %0 = graph.grid_sample %x, %g mode "linear" padding "zeros" {align_corners} : (tensor<1x3x4x4xf32>, tensor<1x5x6x2xf32>) -> tensor<1x3x5x6xf32>
  // CHECK-NEXT: %{{.*}} = graph.col2im %c block [2] strides [1] dilations [1] pads [0, 0] : tensor<1x2x4xf32> -> tensor<1x1x5xf32>
  %1 = graph.col2im %c block [2] strides [1] dilations [1] pads [0, 0] : tensor<1x2x4xf32> -> tensor<1x1x5xf32>
  func.return
}
