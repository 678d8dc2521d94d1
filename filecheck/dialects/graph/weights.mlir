// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s
// RUN: stepwell-opt %s | stepwell-opt | filecheck %s

// CHECK-LABEL: func.func @main
func.func @main() -> tensor<2x2xi8> {
  // CHECK-NEXT: %{{.*}} = graph.weight @inline : tensor<3xf32>
  %0 = graph.weight @inline : tensor<3xf32>
  // CHECK-NEXT: %{{.*}} = graph.weight @"beside/the text" : tensor<2x2xi8>
  %1 = graph.weight @"beside/the text" : tensor<2x2xi8>
  // CHECK-NEXT: %{{.*}} = graph.weight @given_later : tensor<64x32xf32>
  %2 = graph.weight @given_later : tensor<64x32xf32>
  // CHECK-NEXT: %{{.*}} = graph.constant dense<2.500000e+00> : tensor<7xf64>
  %3 = graph.constant dense<2.5> : tensor<7xf64>
  func.return %1 : tensor<2x2xi8>
}

// CHECK: graph.data @inline = dense<[1.000000e+00, -2.000000e+00, 3.500000e+00]> : tensor<3xf32>
graph.data @inline = dense<[1.0, -2.0, 3.5]> : tensor<3xf32>
// CHECK-NEXT: graph.data @"beside/the text" = #graph.resource<beside> : tensor<2x2xi8>
graph.data @"beside/the text" = #graph.resource<beside> : tensor<2x2xi8>
// CHECK-NEXT: graph.data @again = #graph.resource<beside> : tensor<4xi8>
graph.data @again = #graph.resource<beside> : tensor<4xi8>
// CHECK-NEXT: graph.data @given_later : tensor<64x32xf32>
graph.data @given_later : tensor<64x32xf32>
// Data left out of the text.
// CHECK-NEXT: graph.data @elided = #graph.resource<elided> : tensor<9xf32>
graph.data @elided = #graph.resource<elided> : tensor<9xf32>

// CHECK:      {-#
// CHECK-NEXT:   dialect_resources: {
// CHECK-NEXT:     graph: {
// CHECK-NEXT:       beside: "0x4000000001020304"
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: #-}
{-#
  dialect_resources: {
    graph: {
      beside: "0x4000000001020304"
    }
  }
#-}
