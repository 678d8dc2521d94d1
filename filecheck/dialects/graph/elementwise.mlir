// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s

// CHECK-LABEL: func.func @arithmetic
func.func @arithmetic(%x: tensor<4x3xi32>, %y: tensor<3xi32>) {
  // CHECK-NEXT: %{{.*}} = graph.mod %x, %y : (tensor<4x3xi32>, tensor<3xi32>) -> tensor<4x3xi32>
  %0 = graph.mod %x, %y : (tensor<4x3xi32>, tensor<3xi32>) -> tensor<4x3xi32>
  // CHECK-NEXT: graph.rem %x, %y
  %1 = graph.rem %x, %y : (tensor<4x3xi32>, tensor<3xi32>) -> tensor<4x3xi32>
  // CHECK-NEXT: graph.pow %x, %y
  %2 = graph.pow %x, %y : (tensor<4x3xi32>, tensor<3xi32>) -> tensor<4x3xi32>
  // CHECK-NEXT: graph.min %x, %y
  %3 = graph.min %x, %y : (tensor<4x3xi32>, tensor<3xi32>) -> tensor<4x3xi32>
  // CHECK-NEXT: graph.max %x, %y
  %4 = graph.max %x, %y : (tensor<4x3xi32>, tensor<3xi32>) -> tensor<4x3xi32>
  func.return
}

// CHECK-LABEL: func.func @functions
func.func @functions(%x: tensor<?x3xf32, #te.shape<n, 3>>, %b: tensor<4xbf16>, %u: tensor<4xui8>) {
  // CHECK-NEXT: %{{.*}} = graph.exp %x : tensor<?x3xf32, #te.shape<n, 3>>
  %0 = graph.exp %x : tensor<?x3xf32, #te.shape<n, 3>>
  // CHECK-NEXT: %{{.*}} = graph.sigmoid %b : tensor<4xbf16>
  %1 = graph.sigmoid %b : tensor<4xbf16>
  // CHECK-NEXT: %{{.*}} = graph.abs %u : tensor<4xui8>
  %2 = graph.abs %u : tensor<4xui8>
  // CHECK-NEXT: %{{.*}} = graph.cast %x : tensor<?x3xf32, #te.shape<n, 3>> -> tensor<?x3xui16, #te.shape<n, 3>>
  %3 = graph.cast %x : tensor<?x3xf32, #te.shape<n, 3>> -> tensor<?x3xui16, #te.shape<n, 3>>
  func.return
}

// CHECK-LABEL: func.func @choice
func.func @choice(%c: tensor<4x1xi1>, %x: tensor<3xf32>, %y: tensor<f32>) {
  // CHECK-NEXT: %{{.*}} = graph.select %c, %x, %y : (tensor<4x1xi1>, tensor<3xf32>, tensor<f32>) -> tensor<4x3xf32>
  %0 = graph.select %c, %x, %y : (tensor<4x1xi1>, tensor<3xf32>, tensor<f32>) -> tensor<4x3xf32>
  func.return
}

// CHECK-LABEL: func.func @logic
func.func @logic(%x: tensor<4xf32>, %y: tensor<f32>, %u: tensor<4xui32>, %p: tensor<4xi1>) {
  // CHECK-NEXT: %{{.*}} = graph.equal %x, %y : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %0 = graph.equal %x, %y : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  // CHECK-NEXT: graph.less %x, %y
  %1 = graph.less %x, %y : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  // CHECK-NEXT: graph.less_or_equal %x, %y
  %2 = graph.less_or_equal %x, %y : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  // CHECK-NEXT: graph.and %p, %{{.*}} : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %3 = graph.and %p, %0 : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  // CHECK-NEXT: graph.or
  %4 = graph.or %p, %0 : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  // CHECK-NEXT: graph.xor %u, %u : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  %5 = graph.xor %u, %u : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  // CHECK-NEXT: graph.not %p : tensor<4xi1>
  %6 = graph.not %p : tensor<4xi1>
  // CHECK-NEXT: graph.shift_left %u, %u
  %7 = graph.shift_left %u, %u : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  // CHECK-NEXT: graph.shift_right %u, %u
  %8 = graph.shift_right %u, %u : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  // CHECK-NEXT: %{{.*}} = graph.isnan %x : tensor<4xf32> -> tensor<4xi1>
  %9 = graph.isnan %x : tensor<4xf32> -> tensor<4xi1>
  // CHECK-NEXT: %{{.*}} = graph.isinf %x {negative} : tensor<4xf32> -> tensor<4xi1>
  %10 = graph.isinf %x {negative} : tensor<4xf32> -> tensor<4xi1>
  func.return
}
