// RUN: stepwell-opt %s -p convert-graph-to-te --split-input-file | filecheck %s

// Weights become arguments, each once, and their data leaves the program.

// CHECK-LABEL: func.func @main(%x: tensor<4x8xf32> {te.name = "x"}, %w: tensor<8x2xf32> {te.name = "fc/w", loop.constant, graph.weight = "fc/w"}) -> tensor<4x2xf32>
func.func @main(%x: tensor<4x8xf32> {te.name = "x"}) -> tensor<4x2xf32> {
  %w = graph.weight @"fc/w" : tensor<8x2xf32>
  %again = graph.weight @"fc/w" : tensor<8x2xf32>
  // CHECK-NEXT: %m = te.compute "matmul" spatial(%{{.*}} in 4, %{{.*}} in 2) reduce(%k in 8) {
  // CHECK:        te.read %x[%{{.*}}, %k] : tensor<4x8xf32>
  // CHECK-NEXT:   te.read %w[%k, %{{.*}}] : tensor<8x2xf32>
  %m = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  // CHECK:      combine(%acc: f32, %{{.*}}: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc,contract>
  // CHECK:      te.compute "matmul"
  // CHECK:        te.read %w[%k, %{{.*}}] : tensor<8x2xf32>
  %n = graph.matmul %x, %again : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  // CHECK:      te.compute "sub"
  // CHECK:        arith.subf
  %y = graph.sub %m, %n : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}
// CHECK-NOT: graph.data
graph.data @"fc/w" : tensor<8x2xf32>

// -----

// Gemm is its product, and an epilogue only where something is left to do: alpha and beta of 1 fold, beta of 0 too.

// CHECK-LABEL: func.func @gemm
func.func @gemm(%a: tensor<8x4xf32>, %b: tensor<2x8xf32>, %c: tensor<2xf32>) {
  // CHECK-NEXT: te.compute "gemm" spatial(%i in 4, %j in 2) reduce(%k in 8)
  // CHECK-NEXT:   te.read %a[%k, %i] : tensor<8x4xf32>
  // CHECK-NEXT:   te.read %b[%j, %k] : tensor<2x8xf32>
  // CHECK-NOT:  te.compute "gemm_epilogue"
  // CHECK:      te.compute "gemm"
  %0 = graph.gemm %a, %b {trans_a, trans_b} : (tensor<8x4xf32>, tensor<2x8xf32>) -> tensor<4x2xf32>
  %1 = graph.gemm %a, %b, %c {trans_a, trans_b, beta = 0.0 : f32} : (tensor<8x4xf32>, tensor<2x8xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  // CHECK:      te.compute "gemm_epilogue" spatial(%i in 4, %j in 2) {
  // CHECK-NOT:    arith.mulf
  // CHECK:        te.read %c[%j] : tensor<2xf32>
  // CHECK-NEXT:   arith.addf
  // CHECK-NEXT:   te.yield
  %2 = graph.gemm %a, %b, %c {trans_a, trans_b} : (tensor<8x4xf32>, tensor<2x8xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  // CHECK:      te.compute "gemm_epilogue" spatial(%i in 4, %j in 2) {
  // CHECK:        arith.constant 5.000000e-01 : f32
  // CHECK-NEXT:   arith.mulf
  // CHECK-NEXT:   te.read %c[%j]
  // CHECK-NEXT:   arith.constant 2.000000e+00 : f32
  // CHECK-NEXT:   arith.mulf
  // CHECK-NEXT:   arith.addf
  %3 = graph.gemm %a, %b, %c {trans_a, trans_b, alpha = 0.5 : f32, beta = 2.0 : f32} : (tensor<8x4xf32>, tensor<2x8xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  func.return
}

// -----

// Softmax is stable: less the greatest of each row. Broadcast dimensions are read at 0.

// CHECK-LABEL: func.func @softmax
func.func @softmax(%x: tensor<?x10xf32, #te.shape<n, 10>>, %b: tensor<1x10xf32>) -> tensor<?x10xf32, #te.shape<n, 10>> {
  // CHECK-NEXT: %z = te.compute "add" spatial(%i0 in n, %i1 in 10) {
  // CHECK-NEXT:   te.read %x[%i0, %i1]
  // CHECK-NEXT:   te.read %b[0, %i1] : tensor<1x10xf32>
  %z = graph.add %x, %b : (tensor<?x10xf32, #te.shape<n, 10>>, tensor<1x10xf32>) -> tensor<?x10xf32, #te.shape<n, 10>>
  // CHECK:      %row_max = te.compute "row_max" spatial(%i0 in n) reduce(%k1 in 10)
  // CHECK:        arith.maximumf {{.*}} fastmath<reassoc,nsz>
  // CHECK:      %power = te.compute "power"
  // CHECK:        arith.subf
  // CHECK-NEXT:   math.exp
  // CHECK:      %row_sum = te.compute "row_sum" spatial(%i0 in n) reduce(%k1 in 10)
  // CHECK:      te.compute "softmax"
  // CHECK:        arith.divf
  %y = graph.softmax %z axes [1] : tensor<?x10xf32, #te.shape<n, 10>>
  func.return %y : tensor<?x10xf32, #te.shape<n, 10>>
}

// -----

// CHECK-LABEL: func.func @constant
func.func @constant(%x: tensor<2x3xi32>) -> tensor<2x3xi32> {
  // CHECK-NEXT: %c = te.compute "constant" spatial(%i0 in 3) {
  // CHECK-NEXT:   arith.constant -7 : i32
  %c = graph.constant dense<-7> : tensor<3xi32>
  // CHECK:      te.compute "mul"
  // CHECK:        arith.muli
  %y = graph.mul %x, %c : (tensor<2x3xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK:      te.compute "relu"
  // CHECK:        arith.maxsi
  %z = graph.relu %y : tensor<2x3xi32>
  func.return %z : tensor<2x3xi32>
}
