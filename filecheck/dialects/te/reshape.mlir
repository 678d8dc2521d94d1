// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s
// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | stepwell-opt --split-input-file | filecheck %s

// CHECK-LABEL: func.func @views
// CHECK-NEXT:    %y = te.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32>
// CHECK-NEXT:    %z = te.reshape %s : tensor<?x2xf32, #te.shape<n, 2>> -> tensor<?xf32, #te.shape<n * 2>>
func.func @views(%x: tensor<2x6xf32>, %s: tensor<?x2xf32, #te.shape<n, 2>>) {
  %y = te.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32>
  %z = te.reshape %s : tensor<?x2xf32, #te.shape<n, 2>> -> tensor<?xf32, #te.shape<2 * n>>
  func.return
}
