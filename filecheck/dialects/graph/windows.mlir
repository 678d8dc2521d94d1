// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s | stepwell-opt | filecheck %s

// Extents may be symbolic; those of weights are numbers.
// CHECK-LABEL: func.func @conv
// CHECK: graph.conv %x, %w strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1] groups 1 :
// CHECK-SAME: tensor<?x8x?x?xf32, #te.shape<n, 8, (h + 1) floordiv 2, (h + 1) floordiv 2>>
func.func @conv(%x: tensor<?x3x?x?xf32, #te.shape<n, 3, h, h>>, %w: tensor<8x3x3x3xf32>) {
  %y = graph.conv %x, %w strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1] groups 1
    : (tensor<?x3x?x?xf32, #te.shape<n, 3, h, h>>, tensor<8x3x3x3xf32>) -> tensor<?x8x?x?xf32, #te.shape<n, 8, (h + 1) floordiv 2, (h + 1) floordiv 2>>
  func.return
}

// A group for each channel; a negative pad crops.
// CHECK-LABEL: func.func @depthwise
// CHECK: graph.conv %x, %w strides [1] pads [2, -1] dilations [2] groups 4 :
func.func @depthwise(%x: tensor<1x4x9xi32>, %w: tensor<4x1x3xi32>) {
  %y = graph.conv %x, %w strides [1] pads [2, -1] dilations [2] groups 4 : (tensor<1x4x9xi32>, tensor<4x1x3xi32>) -> tensor<1x4x6xi32>
  func.return
}

// CHECK-LABEL: func.func @pools
// CHECK: graph.max_pool %x window [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<1x4x8x6xui8>) -> tensor<1x4x4x3xui8>
// CHECK: graph.sum_pool %x window [3, 1, 1] strides [1, 1, 1] pads [1, 0, 0, 1, 0, 0] dilations [1, 1, 1] : (tensor<1x4x8x6xui8>) -> tensor<1x4x8x6xui8>
// CHECK: graph.arg_max_pool %x window [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] {column_major} : (tensor<1x4x8x6xui8>) -> tensor<1x4x4x3xi64>
func.func @pools(%x: tensor<1x4x8x6xui8>) {
  %0 = graph.max_pool %x window [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<1x4x8x6xui8>) -> tensor<1x4x4x3xui8>
  %1 = graph.sum_pool %x window [3, 1, 1] strides [1, 1, 1] pads [1, 0, 0, 1, 0, 0] dilations [1, 1, 1] : (tensor<1x4x8x6xui8>) -> tensor<1x4x8x6xui8>
  %2 = graph.arg_max_pool %x window [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] {column_major} : (tensor<1x4x8x6xui8>) -> tensor<1x4x4x3xi64>
  func.return
}

// CHECK-LABEL: func.func @regions
// CHECK: graph.roi_align %x, %r, %i size [2, 3] scale {{.*}} samples 2 {half_pixel, maximum} :
// CHECK: graph.max_roi_pool %x, %b size [2, 3] scale {{.*}} : (tensor<1x4x8x6xf32>, tensor<5x5xf32>) -> tensor<5x4x2x3xf32>
func.func @regions(%x: tensor<1x4x8x6xf32>, %r: tensor<5x4xf32>, %i: tensor<5xi64>, %b: tensor<5x5xf32>) {
  %0 = graph.roi_align %x, %r, %i size [2, 3] scale 0.5 : f32 samples 2 {half_pixel, maximum} : (tensor<1x4x8x6xf32>, tensor<5x4xf32>, tensor<5xi64>) -> tensor<5x4x2x3xf32>
  %1 = graph.max_roi_pool %x, %b size [2, 3] scale 1.0 : f32 : (tensor<1x4x8x6xf32>, tensor<5x5xf32>) -> tensor<5x4x2x3xf32>
  func.return
}

// CHECK-LABEL: func.func @deform
// CHECK: graph.deform %x, %o window [2, 2] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 2 :
// CHECK: graph.deform %x, %o, %m window [2, 2] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 2 :
func.func @deform(%x: tensor<1x4x3x3xf32>, %o: tensor<1x16x2x2xf32>, %m: tensor<1x8x2x2xf32>) {
  %0 = graph.deform %x, %o window [2, 2] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 2 : (tensor<1x4x3x3xf32>, tensor<1x16x2x2xf32>) -> tensor<1x16x2x2xf32>
  %1 = graph.deform %x, %o, %m window [2, 2] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 2 : (tensor<1x4x3x3xf32>, tensor<1x16x2x2xf32>, tensor<1x8x2x2xf32>) -> tensor<1x16x2x2xf32>
  func.return
}

// CHECK-LABEL: func.func @rows
// CHECK: graph.topk %x axis 1 k 3 {smallest} : (tensor<4x9xi8>) -> (tensor<4x3xi8>, tensor<4x3xi64>)
// CHECK: graph.det %m : (tensor<?x3x3xf32, #te.shape<n, 3, 3>>) -> tensor<?xf32, #te.shape<n>>
func.func @rows(%x: tensor<4x9xi8>, %m: tensor<?x3x3xf32, #te.shape<n, 3, 3>>) {
  %v, %i = graph.topk %x axis 1 k 3 {smallest} : (tensor<4x9xi8>) -> (tensor<4x3xi8>, tensor<4x3xi64>)
  %d = graph.det %m : (tensor<?x3x3xf32, #te.shape<n, 3, 3>>) -> tensor<?xf32, #te.shape<n>>
  func.return
}
