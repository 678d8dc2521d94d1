// RUN: not stepwell-opt %s -p te-specialize 2>&1 | filecheck %s --check-prefix MISSING
// RUN: not stepwell-opt %s -p "te-specialize{sizes=n:4}" 2>&1 | filecheck %s --check-prefix ONE
// RUN: not stepwell-opt %s -p "te-specialize{sizes=n:4,mm:4,m:2}" 2>&1 | filecheck %s --check-prefix UNKNOWN
// RUN: not stepwell-opt %s -p "te-specialize{sizes=n:4,m:0}" 2>&1 | filecheck %s --check-prefix POSITIVE
// RUN: not stepwell-opt %s -p "te-specialize{sizes=n}" 2>&1 | filecheck %s --check-prefix SPELLING
// RUN: not stepwell-opt %s -p "te-specialize{sizes=n:4,m:5}" 2>&1 | filecheck %s --check-prefix BOUNDS
// RUN: not stepwell-opt %s -p convert-te-to-loop 2>&1 | filecheck %s --check-prefix CONVERT

// MISSING: error: expected a size for each of m, n, got none for m, n
// ONE: error: expected a size for each of m, n, got none for m
// UNKNOWN: error: expected the symbols m, n, got 'mm'; did you mean 'm'?
// POSITIVE: error: expected a positive size for 'm', got 0
// SPELLING: expected sizes as n:128,m:3, got 'n'
// BOUNDS: error: with n = 4, m = 5: expected indices of dimension 0 in 0..3, got 0..4 in a read of tensor<4xf32> by "C"
// CONVERT: error: expected concrete sizes in @f, got symbols m, n; run te-specialize first
func.func @f(%A: tensor<?xf32, #te.shape<n>>) -> tensor<?xf32, #te.shape<m>> {
  %C = te.compute "C" spatial(%i in m) {
    %a = te.read %A[%i] : tensor<?xf32, #te.shape<n>>
    te.yield %a : f32
  } -> tensor<?xf32, #te.shape<m>>
  func.return %C : tensor<?xf32, #te.shape<m>>
}
