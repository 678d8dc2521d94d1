// RUN: stepwell-opt %s -p "math-polynomial-approximation" --split-input-file | filecheck %s

// Constants stand where the function starts, once.

// CHECK: func.func @exp(%x: vector<16xf32>) -> vector<16xf32> {
// CHECK-NEXT: arith.constant dense<{{.*}}> : vector<16xf32>
// CHECK-NOT: math.exp
// CHECK: arith.bitcast %{{.*}} : vector<16xi32> to vector<16xf32>
// CHECK-NOT: arith.constant
// CHECK: func.return
func.func @exp(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp %x : vector<16xf32>
  %z = math.exp %y : vector<16xf32>
  func.return %z : vector<16xf32>
}

// -----

// f16 is widened, f64 is left alone.

// CHECK: func.func @types(
// CHECK: arith.extf %x : f16 to f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK-NEXT: math.tanh %y : f64
func.func @types(%x: f16, %y: f64) -> f16 {
  %a = math.tanh %x : f16
  %b = math.tanh %y : f64
  func.return %a : f16
}

// -----

// Angles that are too large for the polynomial are left to the library, in their lanes.

// CHECK: func.func @angles(
// CHECK-NOT: math.sin
// CHECK: %[[large:.*]] = arith.cmpf ogt, %{{.*}}, %{{.*}} : vector<8xf32>
// CHECK-NEXT: %[[some:.*]] = vector.reduction <or>, %[[large]] : vector<8xi1> into i1
// CHECK-NEXT: %y = scf.if %[[some]] -> (vector<8xf32>) {
// CHECK-NEXT:   %[[exact:.*]] = math.sin %x : vector<8xf32>
// CHECK-NEXT:   %[[chosen:.*]] = arith.select %[[large]], %[[exact]], %[[fast:.*]] : vector<8xi1>, vector<8xf32>
// CHECK-NEXT:   scf.yield %[[chosen]]
// CHECK-NEXT: } else {
// CHECK-NEXT:   scf.yield %[[fast]]
func.func @angles(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.sin %x : vector<8xf32>
  func.return %y : vector<8xf32>
}
