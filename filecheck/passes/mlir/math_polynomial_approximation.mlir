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
