// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected 6 input channels for 2 groups of 3, got 4
func.func @channels(%x: tensor<1x4x9xf32>, %w: tensor<2x3x3xf32>) {
  %y = graph.conv %x, %w strides [1] pads [0, 0] dilations [1] groups 2 : (tensor<1x4x9xf32>, tensor<2x3x3xf32>) -> tensor<1x2x7xf32>
  func.return
}

// -----

// CHECK: expected a multiple of 2 result channels, got 3
func.func @groups(%x: tensor<1x4x9xf32>, %w: tensor<3x2x3xf32>) {
  %y = graph.conv %x, %w strides [1] pads [0, 0] dilations [1] groups 2 : (tensor<1x4x9xf32>, tensor<3x2x3xf32>) -> tensor<1x3x7xf32>
  func.return
}

// -----

// CHECK: expected one group or more, got 0
func.func @no_group(%x: tensor<1x4x9xf32>, %w: tensor<3x4x3xf32>) {
  %y = graph.conv %x, %w strides [1] pads [0, 0] dilations [1] groups 0 : (tensor<1x4x9xf32>, tensor<3x4x3xf32>) -> tensor<1x3x7xf32>
  func.return
}

// -----

// CHECK: expected weights of a static shape, got 3x4xk
func.func @weights(%x: tensor<1x4x9xf32>, %w: tensor<3x4x?xf32, #te.shape<3, 4, k>>) {
  %y = graph.conv %x, %w strides [1] pads [0, 0] dilations [1] groups 1 : (tensor<1x4x9xf32>, tensor<3x4x?xf32, #te.shape<3, 4, k>>) -> tensor<1x3x7xf32>
  func.return
}

// -----

// CHECK: expected an input and weights of rank 3, got 1x4x9x9 and 3x4x3
func.func @ranks(%x: tensor<1x4x9x9xf32>, %w: tensor<3x4x3xf32>) {
  %y = graph.conv %x, %w strides [1] pads [0, 0] dilations [1] groups 1 : (tensor<1x4x9x9xf32>, tensor<3x4x3xf32>) -> tensor<1x3x7xf32>
  func.return
}

// -----

// CHECK: expected numbers to convolve, got i1
func.func @truths(%x: tensor<1x4x9xi1>, %w: tensor<3x4x3xi1>) {
  %y = graph.conv %x, %w strides [1] pads [0, 0] dilations [1] groups 1 : (tensor<1x4x9xi1>, tensor<3x4x3xi1>) -> tensor<1x3x7xi1>
  func.return
}

// -----

// CHECK: expected result 0 of type tensor<1x2x4xf32>, got tensor<1x2x5xf32>
func.func @result(%x: tensor<1x2x8xf32>) {
  %y = graph.max_pool %x window [2] strides [2] pads [0, 0] dilations [1] : (tensor<1x2x8xf32>) -> tensor<1x2x5xf32>
  func.return
}

// -----

// CHECK: expected a window over one dimension or more, got none
func.func @no_window(%x: tensor<8xf32>) {
  %y = graph.max_pool %x window [] strides [] pads [] dilations [] : (tensor<8xf32>) -> tensor<8xf32>
  func.return
}

// -----

// CHECK: expected 1 positive strides of the window, got [0]
func.func @strides(%x: tensor<8xf32>) {
  %y = graph.sum_pool %x window [2] strides [0] pads [0, 0] dilations [1] : (tensor<8xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected 2 pads of the window, got [1]
func.func @pads(%x: tensor<8xf32>) {
  %y = graph.sum_pool %x window [2] strides [1] pads [1] dilations [1] : (tensor<8xf32>) -> tensor<8xf32>
  func.return
}

// -----

// CHECK: expected 9 elements or more for a window, got 8
func.func @span(%x: tensor<8xf32>) {
  %y = graph.sum_pool %x window [3] strides [1] pads [0, 0] dilations [4] : (tensor<8xf32>) -> tensor<1xf32>
  func.return
}

// -----

// CHECK: expected rank 2 or more, got 8
func.func @rank(%x: tensor<8xf32>) {
  %y = graph.sum_pool %x window [1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<8xf32>) -> tensor<8xf32>
  func.return
}

// -----

// CHECK: expected numbers, got i1
func.func @pool_of_truths(%x: tensor<8xi1>) {
  %y = graph.max_pool %x window [1] strides [1] pads [0, 0] dilations [1] : (tensor<8xi1>) -> tensor<8xi1>
  func.return
}

// -----

// CHECK: expected 4 numbers for each region, got 5x3
func.func @regions(%x: tensor<1x4x8x6xf32>, %r: tensor<5x3xf32>, %i: tensor<5xi64>) {
  %0 = graph.roi_align %x, %r, %i size [2, 3] scale 0.5 : f32 samples 2 : (tensor<1x4x8x6xf32>, tensor<5x3xf32>, tensor<5xi64>) -> tensor<5x4x2x3xf32>
  func.return
}

// -----

// CHECK: expected an image for each region, got tensor<4xi64>
func.func @images(%x: tensor<1x4x8x6xf32>, %r: tensor<5x4xf32>, %i: tensor<4xi64>) {
  %0 = graph.roi_align %x, %r, %i size [2, 3] scale 0.5 : f32 samples 2 : (tensor<1x4x8x6xf32>, tensor<5x4xf32>, tensor<4xi64>) -> tensor<5x4x2x3xf32>
  func.return
}

// -----

// CHECK: expected one sample or more, got 0
func.func @samples(%x: tensor<1x4x8x6xf32>, %r: tensor<5x4xf32>, %i: tensor<5xi64>) {
  %0 = graph.roi_align %x, %r, %i size [2, 3] scale 0.5 : f32 samples 0 : (tensor<1x4x8x6xf32>, tensor<5x4xf32>, tensor<5xi64>) -> tensor<5x4x2x3xf32>
  func.return
}

// -----

// CHECK: expected a positive height and width, got [2]
func.func @size(%x: tensor<1x4x8x6xf32>, %r: tensor<5x5xf32>) {
  %0 = graph.max_roi_pool %x, %r size [2] scale 0.5 : f32 : (tensor<1x4x8x6xf32>, tensor<5x5xf32>) -> tensor<5x4x2x3xf32>
  func.return
}

// -----

// CHECK: expected images of rank 4, got 4x8x6
func.func @rank_of_images(%x: tensor<4x8x6xf32>, %r: tensor<5x5xf32>) {
  %0 = graph.max_roi_pool %x, %r size [2, 3] scale 0.5 : f32 : (tensor<4x8x6xf32>, tensor<5x5xf32>) -> tensor<5x4x2x3xf32>
  func.return
}

// -----

// CHECK: expected a mask of shape 1x4x2x2, got 1x8x2x2
func.func @mask(%x: tensor<1x4x3x3xf32>, %o: tensor<1x8x2x2xf32>, %m: tensor<1x8x2x2xf32>) {
  %0 = graph.deform %x, %o, %m window [2, 2] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 1 : (tensor<1x4x3x3xf32>, tensor<1x8x2x2xf32>, tensor<1x8x2x2xf32>) -> tensor<1x16x2x2xf32>
  func.return
}

// -----

// CHECK: expected a multiple of 3 channels, got 4
func.func @channels_of_groups(%x: tensor<1x4x3x3xf32>, %o: tensor<1x24x2x2xf32>) {
  %0 = graph.deform %x, %o window [2, 2] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] groups 3 : (tensor<1x4x3x3xf32>, tensor<1x24x2x2xf32>) -> tensor<1x16x2x2xf32>
  func.return
}

// -----

// CHECK: expected a window over 2 dimensions, got 1
func.func @line(%x: tensor<1x4x3x3xf32>, %o: tensor<1x8x2x2xf32>) {
  %0 = graph.deform %x, %o window [2] strides [1] pads [0, 0] dilations [1] groups 1 : (tensor<1x4x3x3xf32>, tensor<1x8x2x2xf32>) -> tensor<1x16x2x2xf32>
  func.return
}

// -----

// CHECK: expected from 1 to 9 elements of each row, got 10
func.func @topk(%x: tensor<4x9xi8>) {
  %v, %i = graph.topk %x axis 1 k 10 : (tensor<4x9xi8>) -> (tensor<4x10xi8>, tensor<4x10xi64>)
  func.return
}

// -----

// CHECK: expected an axis from 0 to 1, got 2
func.func @axis(%x: tensor<4x9xi8>) {
  %v, %i = graph.topk %x axis 2 k 1 : (tensor<4x9xi8>) -> (tensor<4x1xi8>, tensor<4x1xi64>)
  func.return
}

// -----

// CHECK: expected numbers to put in order, got i1
func.func @order(%x: tensor<9xi1>) {
  %v, %i = graph.topk %x axis 0 k 1 : (tensor<9xi1>) -> (tensor<1xi1>, tensor<1xi64>)
  func.return
}

// -----

// CHECK: expected square matrices of static extents, got 4x3
func.func @det(%x: tensor<4x3xf32>) {
  %0 = graph.det %x : (tensor<4x3xf32>) -> tensor<f32>
  func.return
}
