// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected one extent, got 2
func.func @f(%S0: tensor<1xf32>) {
  %S = "te.scan"(%S0) <{te_name = "S", extents = #te.shape<3, 4>}> ({
  ^bb0(%t: index, %s: tensor<4xf32>):
    te.yield
  }) : (tensor<1xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected at least one state, got none
func.func @f() {
  "te.scan"() <{te_name = "S", extents = #te.shape<3>}> ({
  ^bb0(%t: index):
    te.yield
  }) : () -> ()
  func.return
}

// -----

// CHECK: expected 1 initial values, got 2
func.func @f(%S0: tensor<1xf32>) {
  %S = "te.scan"(%S0, %S0) <{te_name = "S", extents = #te.shape<3>}> ({
  ^bb0(%t: index, %s: tensor<4xf32>):
    te.yield
  }) : (tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected one iterator, got none
func.func @f(%S0: tensor<1xf32>) {
  %S = "te.scan"(%S0) <{te_name = "S", extents = #te.shape<3>}> ({
    te.yield
  }) : (tensor<1xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected iterators of type index, got i32
func.func @f(%S0: tensor<1xf32>) {
  %S = "te.scan"(%S0) <{te_name = "S", extents = #te.shape<3>}> ({
  ^bb0(%t: i32, %s: tensor<4xf32>):
    te.yield
  }) : (tensor<1xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected states of types (tensor<4xf32>), got (tensor<5xf32>)
func.func @f(%S0: tensor<1xf32>) {
  %S = "te.scan"(%S0) <{te_name = "S", extents = #te.shape<3>}> ({
  ^bb0(%t: index, %s: tensor<5xf32>):
    te.yield
  }) : (tensor<1xf32>) -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected te.compute in the body of te.scan, got arith.constant
func.func @f(%S0: tensor<1xf32>) {
  %S = te.scan "S" ordered(%t in 3) init(%s = %S0 : tensor<1xf32>) {
    %one = arith.constant 1.0 : f32
    te.yield
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected te.yield of (tensor<f32>), got (tensor<2xf32>)
func.func @f(%S0: tensor<1xf32>) {
  %S = te.scan "S" ordered(%t in 3) init(%s = %S0 : tensor<1xf32>) {
    %u = te.compute "U" spatial(%j in 2) {
      %a = te.read %s[%t] : tensor<4xf32>
      te.yield %a : f32
    } -> tensor<2xf32>
    te.yield %u : tensor<2xf32>
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected te.yield of results of te.compute ops in the body of te.scan
func.func @f(%S0: tensor<1xf32>, %u: tensor<f32>) {
  %S = te.scan "S" ordered(%t in 3) init(%s = %S0 : tensor<1xf32>) {
    te.yield %u : tensor<f32>
  } -> tensor<4xf32>
  func.return
}

// -----

// CHECK: expected a constant number of initial rows, got tensor<?xf32, #te.shape<n>>
func.func @f(%S0: tensor<?xf32, #te.shape<n>>) {
  %S = te.scan "S" ordered(%t in 3) init(%s = %S0 : tensor<?xf32, #te.shape<n>>) {
    %u = te.compute "U" spatial() {
      %one = arith.constant 1.0 : f32
      te.yield %one : f32
    } -> tensor<f32>
    te.yield %u : tensor<f32>
  } -> tensor<?xf32, #te.shape<n + 3>>
  func.return
}

// -----

// CHECK: expected a state of type tensor<4xf32>, got tensor<5xf32>
func.func @f(%S0: tensor<1xf32>) {
  %S = "te.scan"(%S0) <{te_name = "S", extents = #te.shape<3>}> ({
  ^bb0(%t: index, %s: tensor<5xf32>):
    te.yield
  }) : (tensor<1xf32>) -> tensor<5xf32>
  func.return
}

// -----

// The row that the step computes is not there to be read.

// CHECK: expected a read of one of the 1 rows before the one that the step computes
func.func @f(%S0: tensor<1xf32>) {
  %S = te.scan "S" ordered(%t in 3) init(%s = %S0 : tensor<1xf32>) {
    %u = te.compute "U" spatial() {
      %a = te.read %s[%t + 1] : tensor<4xf32>
      te.yield %a : f32
    } -> tensor<f32>
    te.yield %u : tensor<f32>
  } -> tensor<4xf32>
  func.return
}

// -----

// Nor is one further back than the history.

// CHECK: expected a read of one of the 2 rows before the one that the step computes
func.func @f(%S0: tensor<2xf32>) {
  %S = te.scan "S" ordered(%t in 3) init(%s = %S0 : tensor<2xf32>) {
    %u = te.compute "U" spatial() {
      %a = te.read %s[0] : tensor<5xf32>
      te.yield %a : f32
    } -> tensor<f32>
    te.yield %u : tensor<f32>
  } -> tensor<5xf32>
  func.return
}
