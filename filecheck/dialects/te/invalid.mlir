// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// Tensor types

// CHECK: expected #te.shape on a tensor with dynamic extents, got tensor<?xf32>
func.func @f(%A: tensor<?xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i] : tensor<?xf32>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected #te.shape to agree with the tensor's extents, got tensor<?x4xf32, #te.shape<n, 5>>
func.func @f(%A: tensor<?x4xf32, #te.shape<n, 5>>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[0, %i] : tensor<?x4xf32, #te.shape<n, 5>>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected no #te.shape on a tensor with static extents, got tensor<4xf32, #te.shape<4>>
func.func @f(%A: tensor<4xf32, #te.shape<4>>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i] : tensor<4xf32, #te.shape<4>>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected #te.shape as the tensor's encoding, got "sparse"
func.func @f(%A: tensor<4xf32, "sparse">) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i] : tensor<4xf32, "sparse">
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected positive extents, got 0
func.func @f(%A: tensor<0xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i] : tensor<0xf32>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected an element type of bf16, f16, f32, f64, i1, i8, i16, i32 or i64, got i7
func.func @f(%A: tensor<4xi7>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i] : tensor<4xi7>
    te.yield %a : i7
  } -> tensor<4xi7>
  func.return
}

// -----

// Reads

// CHECK: expected a result of type f32, got f64
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = "te.read"(%A, %i) <{map = affine_map<(d0) -> (d0)>}> : (tensor<4xf32>, index) -> f64
    te.yield %a : f64
  } -> tensor<4xf64>
  func.return
}

// -----

// CHECK: expected a map without symbols, got (d0)[s0] -> (d0)
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = "te.read"(%A, %i) <{map = affine_map<(d0)[s0] -> (d0)>}> : (tensor<4xf32>, index) -> f32
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a map of 1 dimensions, got (d0, d1) -> (d0)
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = "te.read"(%A, %i) <{map = affine_map<(d0, d1) -> (d0)>}> : (tensor<4xf32>, index) -> f32
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected every index operand to be used, got (d0) -> (0)
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = "te.read"(%A, %i) <{map = affine_map<(d0) -> (0)>}> : (tensor<4xf32>, index) -> f32
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected 1 indices, got 2
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i, %i] : tensor<4xf32>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a data-dependent index to stand alone in its dimension
func.func @f(%A: tensor<4xf32>, %I: tensor<4xi32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %at = te.read %I[%i] : tensor<4xi32>
    %row = arith.index_cast %at : i32 to index
    %a = te.read %A[%row + %i] : tensor<4xf32>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected out_of_range clamp or wrap, got zero
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = "te.read"(%A, %i) <{map = affine_map<(d0) -> (d0)>, out_of_range = "zero"}> : (tensor<4xf32>, index) -> f32
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a data-dependent index with wrap, got affine ones only
func.func @f(%A: tensor<4xf32>) {
  %C = te.compute "C" spatial(%i in 4) {
    %a = te.read %A[%i] wrap : tensor<4xf32>
    te.yield %a : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: 'te.read' expects ancestor op 'te.compute'
func.func @f(%A: tensor<4xf32>) {
  %a = te.read %A[0] : tensor<4xf32>
  func.return
}

// -----

// Computes

// CHECK: expected iterator kind spatial or reduce, got ordered
func.func @f() {
  "te.compute"() <{te_name = "C", extents = #te.shape<4>, iterator_kinds = ["ordered"], regionSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%i: index):
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  }) : () -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected spatial iterators before reduce iterators
func.func @f() {
  "te.compute"() <{te_name = "C", extents = #te.shape<4, 4>, iterator_kinds = ["reduce", "spatial"], regionSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%i: index, %j: index):
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  }) : () -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected 1 iterator extents, got 2
func.func @f() {
  "te.compute"() <{te_name = "C", extents = #te.shape<4, 4>, iterator_kinds = ["spatial"], regionSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%i: index):
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  }) : () -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected 1 iterators, got 2
func.func @f(%A: tensor<4xf32>) {
  "te.compute"() <{te_name = "C", extents = #te.shape<4>, iterator_kinds = ["spatial"], regionSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%i: index, %j: index):
    %a = te.read %A[%j] : tensor<4xf32>
    te.yield %a : f32
  }) : () -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected iterators of type index, got i64
func.func @f() {
  "te.compute"() <{te_name = "C", extents = #te.shape<4>, iterator_kinds = ["spatial"], regionSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%i: i64):
    te.yield %i : i64
  }) : () -> tensor<4xi64>
  func.return
}

// -----

// CHECK: expected at least one result, got none
func.func @f() {
  "te.compute"() <{te_name = "C", extents = #te.shape<4>, iterator_kinds = ["spatial"], regionSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%i: index):
    te.yield
  }) : () -> ()
  func.return
}

// -----

// CHECK: expected a result of extents (4, n), got tensor<4x5xf32>
func.func @f() {
  %C = te.compute "C" spatial(%i in 4, %j in n) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } -> tensor<4x5xf32>
  func.return
}

// -----

// CHECK: expected te.yield at the end of the body, got test.termop
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) {
    "test.termop"() : () -> ()
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected te.yield of (f32), got (f64)
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) {
    %one = arith.constant 1.0 : f64
    te.yield %one : f64
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a combiner for reduce iterators, got none
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) reduce(%k in 3) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected no combiner without reduce iterators
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    te.yield %acc : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected identity and flags with a combiner only
func.func @f() {
  "te.compute"() <{te_name = "C", extents = #te.shape<4>, iterator_kinds = ["spatial"], associative, regionSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%i: index):
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  }) : () -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected an identity with a combiner, got none
func.func @f() {
  "te.compute"() <{te_name = "C", extents = #te.shape<4>, iterator_kinds = ["reduce"], regionSegmentSizes = array<i32: 1, 1>}> ({
  ^bb0(%i: index):
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  }, {
  ^bb0(%acc: f32, %x: f32):
    te.yield %acc : f32
  }) : () -> tensor<f32>
  func.return
}

// -----

// CHECK: expected one extent, got 2
func.func @f() {
  %C = te.compute "C" spatial(%i in 4) {
    %n = "te.size"() <{extent = #te.shape<n, m>}> : () -> index
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a shape of 12 elements, got tensor<3x5xf32>
func.func @f(%x: tensor<2x6xf32>) {
  %y = te.reshape %x : tensor<2x6xf32> -> tensor<3x5xf32>
  func.return
}

// -----

// CHECK: expected elements of type f32, got i32
func.func @f(%x: tensor<2x6xf32>) {
  %y = te.reshape %x : tensor<2x6xf32> -> tensor<3x4xi32>
  func.return
}
