// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected a condition of the shape of vector<4xf32>, got vector<2xi1>
func.func @f(%m: vector<2xi1>, %a: vector<4xf32>) {
  %0 = arith.select %m, %a, %a : vector<2xi1>, vector<4xf32>
  func.return
}

// -----

// CHECK: expected scalars, or vectors of one shape
func.func @f(%a: vector<4xi8>) {
  %0 = arith.extsi %a : vector<4xi8> to vector<2xi32>
  func.return
}

// -----

// CHECK: expected a wider result, got i8 and i8
func.func @f(%a: vector<4xi8>) {
  %0 = arith.extsi %a : vector<4xi8> to vector<4xi8>
  func.return
}

// -----

// CHECK: expected a narrower result, got i8 and i32
func.func @f(%a: vector<4xi8>) {
  %0 = arith.trunci %a : vector<4xi8> to vector<4xi32>
  func.return
}

// -----

// CHECK: expected one of the types to be index, got i8 and i32
func.func @f(%a: vector<4xi8>) {
  %0 = arith.index_cast %a : vector<4xi8> to vector<4xi32>
  func.return
}
