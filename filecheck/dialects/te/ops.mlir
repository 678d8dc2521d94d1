// RUN: stepwell-opt %s --print-op-generic --split-input-file | stepwell-opt --split-input-file | filecheck %s

// A reduction with symbolic extents.

// CHECK-LABEL: func.func @matmul(%A: tensor<?x512xf32, #te.shape<n, 512>>, %B: tensor<512x64xf32>)
func.func @matmul(%A: tensor<?x512xf32, #te.shape<n, 512>>, %B: tensor<512x64xf32>) -> tensor<?x64xf32, #te.shape<n, 64>> {
  // CHECK-NEXT: %C = te.compute "C" spatial(%i in n, %j in 64) reduce(%k in 512) {
  %C = te.compute "C" spatial(%i in n, %j in 64) reduce(%k in 512) {
    // CHECK-NEXT: %a = te.read %A[%i, %k] : tensor<?x512xf32, #te.shape<n, 512>>
    // CHECK-NEXT: %b = te.read %B[%k, %j] : tensor<512x64xf32>
    // CHECK-NEXT: %p = arith.mulf %a, %b : f32
    // CHECK-NEXT: te.yield %p : f32
    %a = te.read %A[%i, %k] : tensor<?x512xf32, #te.shape<n, 512>>
    %b = te.read %B[%k, %j] : tensor<512x64xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  // CHECK-NEXT: } combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
  // CHECK-NEXT:   %s = arith.addf %acc, %x fastmath<reassoc,contract> : f32
  // CHECK-NEXT:   te.yield %s : f32
  // CHECK-NEXT: } -> tensor<?x64xf32, #te.shape<n, 64>>
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
    %s = arith.addf %acc, %x fastmath<reassoc,contract> : f32
    te.yield %s : f32
  } -> tensor<?x64xf32, #te.shape<n, 64>>
  func.return %C : tensor<?x64xf32, #te.shape<n, 64>>
}

// -----

// Several results, a combiner over a tuple, no flags, attributes.

// CHECK-LABEL: func.func @argmax
func.func @argmax(%A: tensor<4x9xf32>) -> (tensor<4xi64>, tensor<4xf32>) {
  // CHECK-NEXT: %i, %v = te.compute "M" spatial(%i_1 in 4) reduce(%k in 9) {
  %i, %v = te.compute "M" spatial(%i in 4) reduce(%k in 9) {
    %at = arith.index_cast %k : index to i64
    %a = te.read %A[%i, %k] : tensor<4x9xf32>
    te.yield %at, %a : i64, f32
  // CHECK: } combine(%ai: i64, %av: f32, %xi: i64, %xv: f32) identity [0 : i64, 0xff800000 : f32] {
  } combine(%ai: i64, %av: f32, %xi: i64, %xv: f32) identity [0 : i64, 0xff800000 : f32] {
    %c = arith.cmpf ogt, %xv, %av : f32
    %ni = arith.select %c, %xi, %ai : i64
    %nv = arith.select %c, %xv, %av : f32
    // CHECK: te.yield %ni, %nv : i64, f32
    te.yield %ni, %nv : i64, f32
  // CHECK-NEXT: } attributes {hint = "rows"} -> (tensor<4xi64>, tensor<4xf32>)
  } attributes {hint = "rows"} -> (tensor<4xi64>, tensor<4xf32>)
  func.return %i, %v : tensor<4xi64>, tensor<4xf32>
}

// -----

// Affine reads, reads at data, lazy choice, sizes, and a result of rank 0.

// CHECK-LABEL: func.func @reads
func.func @reads(%A: tensor<9x6xf32>, %I: tensor<3xi32>) -> tensor<4x3xf32> {
  // CHECK-NEXT: te.compute "R" spatial(%i in 4, %j in 3) {
  %R = te.compute "R" spatial(%i in 4, %j in 3) {
    // CHECK-NEXT: te.read %A[%i * 2 + %j, %j * -1 + 3] : tensor<9x6xf32>
    %a = te.read %A[%i * 2 + %j, 3 - %j] : tensor<9x6xf32>
    // CHECK-NEXT: te.read %A[(%i + %j) floordiv 2, %i mod 3] : tensor<9x6xf32>
    %b = te.read %A[(%i + %j) floordiv 2, %i mod 3] : tensor<9x6xf32>
    %at = te.read %I[%j] : tensor<3xi32>
    %row = arith.index_cast %at : i32 to index
    // CHECK: te.read %A[%row, %j] : tensor<9x6xf32>
    %c = te.read %A[%row, %j] : tensor<9x6xf32>
    // CHECK-NEXT: te.read %A[%row, %j + 1] wrap : tensor<9x6xf32>
    %d = te.read %A[%row, %j + 1] wrap : tensor<9x6xf32>
    // CHECK-NEXT: %n = te.size 7
    %n = te.size 7
    %0 = arith.constant 0 : index
    %shifted = affine.apply affine_map<(d0) -> (d0 - 2)> (%i)
    %inside = arith.cmpi sge, %shifted, %0 : index
    // CHECK: scf.if
    %e = scf.if %inside -> (f32) {
      // CHECK-NEXT: te.read %A[%i - 2, 5] : tensor<9x6xf32>
      %f = te.read %A[%i - 2, 5] : tensor<9x6xf32>
      scf.yield %f : f32
    } else {
      scf.yield %a : f32
    }
    te.yield %e : f32
  } -> tensor<4x3xf32>
  // CHECK: te.compute "scalar" spatial() {
  %s = te.compute "scalar" spatial() {
    %one = arith.constant 1.0 : f32
    te.yield %one : f32
  // CHECK: } -> tensor<f32>
  } -> tensor<f32>
  func.return %R : tensor<4x3xf32>
}

// -----

// A scan over two states.

// CHECK-LABEL: func.func @scan
func.func @scan(%S0: tensor<2x8xf32>, %T0: tensor<1xi32>, %X: tensor<?x8xf32, #te.shape<n, 8>>) -> tensor<?x8xf32, #te.shape<n + 2, 8>> {
  // CHECK-NEXT: %S, %T = te.scan "S" ordered(%t in n) init(%h = %S0 : tensor<2x8xf32>, %c = %T0 : tensor<1xi32>) {
  %S, %T = te.scan "S" ordered(%t in n) init(%h = %S0 : tensor<2x8xf32>, %c = %T0 : tensor<1xi32>) {
    %u = te.compute "U" spatial(%j in 8) {
      // CHECK: te.read %h[%t, %j] : tensor<?x8xf32, #te.shape<n + 2, 8>>
      %a = te.read %h[%t, %j] : tensor<?x8xf32, #te.shape<n + 2, 8>>
      %b = te.read %h[%t + 1, %j] : tensor<?x8xf32, #te.shape<n + 2, 8>>
      %x = te.read %X[%t, %j] : tensor<?x8xf32, #te.shape<n, 8>>
      %ab = arith.addf %a, %b : f32
      %abx = arith.addf %ab, %x : f32
      te.yield %abx : f32
    } -> tensor<8xf32>
    %v = te.compute "V" spatial() {
      %old = te.read %c[%t] : tensor<?xi32, #te.shape<n + 1>>
      te.yield %old : i32
    } -> tensor<i32>
    // CHECK: te.yield %u, %v : tensor<8xf32>, tensor<i32>
    te.yield %u, %v : tensor<8xf32>, tensor<i32>
  // CHECK-NEXT: } -> (tensor<?x8xf32, #te.shape<n + 2, 8>>, tensor<?xi32, #te.shape<n + 1>>)
  } -> (tensor<?x8xf32, #te.shape<n + 2, 8>>, tensor<?xi32, #te.shape<n + 1>>)
  func.return %S : tensor<?x8xf32, #te.shape<n + 2, 8>>
}

// -----

// Extents are kept in normal form.

// CHECK-LABEL: func.func @extents
// CHECK-SAME: #te.shape<m + n * 2, (n + 3) floordiv 4, m - n + 5>
func.func @extents(%A: tensor<?x?x?xf32, #te.shape<n + m + n, (n - 1 + 4) floordiv 4, m - n + 5>>) {
  // CHECK: te.size (n + 1) mod 2
  %s = te.compute "S" spatial() {
    %n = te.size (3 * n + 5 - n - n) mod 2
    %m = arith.index_cast %n : index to i64
    te.yield %m : i64
  } -> tensor<i64>
  func.return
}
