// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected result 0 of type tensor<4x2xf32>, got tensor<4x3xf32>
func.func @result(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>) {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x3xf32>
  func.return
}

// -----

// CHECK: expected result 0 of type tensor<4x2xf32>, got tensor<4x2xf64>
func.func @element_type(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>) {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf64>
  func.return
}

// -----

// CHECK: expected 8-bit integers as elements, got i32
func.func @matmul_integer(%x: tensor<4x8xi32>, %w: tensor<8x2xi8>) {
  %0 = graph.matmul_integer %x, %w : (tensor<4x8xi32>, tensor<8x2xi8>) -> tensor<4x2xi32>
  func.return
}

// -----

// CHECK: expected operands of one element type, got f32 and f64
func.func @mixed(%x: tensor<4xf32>, %y: tensor<4xf64>) {
  %0 = graph.add %x, %y : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected an element type of bf16, f16, f32, f64, i1, i8 to i64 or ui8 to ui64, got si8
func.func @signed(%x: tensor<4xsi8>) {
  %0 = graph.relu %x : tensor<4xsi8>
  func.return
}

// -----

// CHECK: expected #te.shape as the tensor's encoding, got "csr"
func.func @encoding(%x: tensor<4xf32, "csr">) {
  %0 = graph.relu %x : tensor<4xf32, "csr">
  func.return
}

// -----

// CHECK: expected shapes that broadcast, got 4x3 and 2
func.func @broadcast(%x: tensor<4x3xf32>, %y: tensor<2xf32>) {
  %0 = graph.add %x, %y : (tensor<4x3xf32>, tensor<2xf32>) -> tensor<4x3xf32>
  func.return
}

// -----

// CHECK: expected shapes that broadcast, got n and m
func.func @symbols(%x: tensor<?xf32, #te.shape<n>>, %y: tensor<?xf32, #te.shape<m>>) {
  %0 = graph.add %x, %y : (tensor<?xf32, #te.shape<n>>, tensor<?xf32, #te.shape<m>>) -> tensor<?xf32, #te.shape<n>>
  func.return
}

// -----

// CHECK: expected numbers as elements, got i1
func.func @div(%x: tensor<4xi1>) {
  %0 = graph.div %x, %x : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  func.return
}

// -----

// CHECK: expected operands of rank 1 or more, got scalar and 4
func.func @matmul_scalar(%x: tensor<f32>, %y: tensor<4xf32>) {
  %0 = graph.matmul %x, %y : (tensor<f32>, tensor<4xf32>) -> tensor<f32>
  func.return
}

// -----

// CHECK: expected operands that agree on what is summed over, got 4x8 and 4x8
func.func @matmul_inner(%x: tensor<4x8xf32>) {
  %0 = graph.matmul %x, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  func.return
}

// -----

// CHECK: expected matrices, got 2x4x8 and 8x2
func.func @gemm_rank(%x: tensor<2x4x8xf32>, %w: tensor<8x2xf32>) {
  %0 = graph.gemm %x, %w : (tensor<2x4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  func.return
}

// -----

// CHECK: expected a third operand that broadcasts to 4x2, got 4
func.func @gemm_bias(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>, %b: tensor<4xf32>) {
  %0 = graph.gemm %x, %w, %b : (tensor<4x8xf32>, tensor<8x2xf32>, tensor<4xf32>) -> tensor<4x2xf32>
  func.return
}

// -----

// CHECK: expected no alpha or beta on elements of type i32
func.func @gemm_alpha(%x: tensor<4x4xi32>) {
  %0 = graph.gemm %x, %x {alpha = 0.5 : f32} : (tensor<4x4xi32>, tensor<4x4xi32>) -> tensor<4x4xi32>
  func.return
}

// -----

// CHECK: expected increasing axes from 0 to 1, got [2]
func.func @softmax_axis(%x: tensor<4x8xf32>) {
  %0 = graph.softmax %x axes [2] : tensor<4x8xf32>
  func.return
}

// -----

// CHECK: expected a graph.data named @w, got none
func.func @no_data() {
  %0 = graph.weight @w : tensor<4xf32>
  func.return
}

// -----

// CHECK: expected @main to name a graph.data, got func.func
func.func @main() {
  %0 = graph.weight @main : tensor<4xf32>
  func.return
}

// -----

// CHECK: expected @w of type tensor<2xf32>, got tensor<4xf32>
func.func @weight_type() {
  %0 = graph.weight @w : tensor<4xf32>
  func.return
}
graph.data @w : tensor<2xf32>

// -----

// CHECK: expected 8 bytes for tensor<2xf32>, got 4
graph.data @w = #graph.resource<w> : tensor<2xf32>
{-# dialect_resources: { graph: { w: "0x4000000001020304" } } #-}

// -----

// CHECK: expected a hex string with an alignment, got 'AAAA' for resource 'w'
graph.data @w = #graph.resource<w> : tensor<2xf32>
{-# dialect_resources: { graph: { w: "AAAA" } } #-}

// -----

// CHECK: expected one value for resource 'w', got another
graph.data @w = #graph.resource<w> : tensor<4xi8>
{-# dialect_resources: { graph: { w: "0x4000000001020304", w: "0x4000000001020304" } } #-}

// -----

// CHECK: expected data of a static shape, got tensor<?xf32, #te.shape<n>>
graph.data @w : tensor<?xf32, #te.shape<n>>

// -----

// CHECK: expected data of type tensor<2xf32>, got tensor<3xf32>
"graph.data"() <{sym_name = "w", type = tensor<2xf32>, value = dense<1.0> : tensor<3xf32>}> : () -> ()

// -----

// CHECK: expected one number in all elements, got several: use graph.weight
func.func @constant() {
  %0 = graph.constant dense<[1.0, 2.0]> : tensor<2xf32>
  func.return
}

// -----

// CHECK: expected a dense attribute
func.func @constant_kind() {
  %0 = graph.constant 1.0 : f32
  func.return
}

// -----

// CHECK: expected a value of type tensor<2xf32>, got tensor<3xf32>
func.func @constant_type() {
  %0 = "graph.constant"() <{value = dense<1.0> : tensor<3xf32>}> : () -> tensor<2xf32>
  func.return
}
