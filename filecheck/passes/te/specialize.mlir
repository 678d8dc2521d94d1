// RUN: stepwell-opt %s -p "te-specialize{sizes=n:5,m:3}" | filecheck %s

// Types, iterators, sizes in bodies, and indices that are affine once sizes are known.

// CHECK-LABEL: func.func @reverse(%A: tensor<5x3xf32>) -> tensor<7x3xf32>
func.func @reverse(%A: tensor<?x?xf32, #te.shape<n, m>>) -> tensor<?x?xf32, #te.shape<n + 2, m>> {
  // CHECK-NEXT: te.compute "R" spatial(%i in 7, %j in 3) {
  %R = te.compute "R" spatial(%i in n + 2, %j in m) {
    %n = te.size n
    %last = te.size m - 1
    %row = arith.subi %n, %i : index
    %column = arith.subi %last, %j : index
    %0 = arith.constant 0 : index
    %1 = arith.constant 1 : index
    %low = arith.cmpi sge, %i, %1 : index
    %high = arith.cmpi sge, %row, %0 : index
    %c = arith.andi %low, %high : i1
    // CHECK: scf.if
    %r = scf.if %c -> (f32) {
      // CHECK-NEXT: te.read %A[%i * -1 + 5, %j * -1 + 2] : tensor<5x3xf32>
      %a = te.read %A[%row, %column] : tensor<?x?xf32, #te.shape<n, m>>
      scf.yield %a : f32
    } else {
      %z = arith.constant 0.0 : f32
      scf.yield %z : f32
    }
    te.yield %r : f32
  // CHECK: } -> tensor<7x3xf32>
  } -> tensor<?x?xf32, #te.shape<n + 2, m>>
  // CHECK-NEXT: func.return %{{.*}} : tensor<7x3xf32>
  func.return %R : tensor<?x?xf32, #te.shape<n + 2, m>>
}

// CHECK-LABEL: func.func @scan
func.func @scan(%S0: tensor<1x?xf32, #te.shape<1, m>>) -> tensor<?x?xf32, #te.shape<n + 1, m>> {
  // CHECK-NEXT: te.scan "S" ordered(%t in 5) init(%s = %S0 : tensor<1x3xf32>) {
  %S = te.scan "S" ordered(%t in n) init(%s = %S0 : tensor<1x?xf32, #te.shape<1, m>>) {
    // CHECK-NEXT: te.compute "U" spatial(%j in 3) {
    %u = te.compute "U" spatial(%j in m) {
      // CHECK-NEXT: te.read %s[%t, %j] : tensor<6x3xf32>
      %a = te.read %s[%t, %j] : tensor<?x?xf32, #te.shape<n + 1, m>>
      te.yield %a : f32
    } -> tensor<?xf32, #te.shape<m>>
    te.yield %u : tensor<?xf32, #te.shape<m>>
  // CHECK: } -> tensor<6x3xf32>
  } -> tensor<?x?xf32, #te.shape<n + 1, m>>
  func.return %S : tensor<?x?xf32, #te.shape<n + 1, m>>
}
