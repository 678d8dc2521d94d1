// RUN: stepwell-opt %s -p "arith-emulate-unsupported-floats" --split-input-file | filecheck %s

// Operands are widened once, constants are constants, results are rounded each.

// CHECK:      func.func @chain(%x: vector<8xbf16>) -> vector<8xbf16> {
// CHECK-NEXT:   %c = arith.constant dense<2.500000e+00> : vector<8xbf16>
// CHECK-NEXT:   %0 = arith.extf %x : vector<8xbf16> to vector<8xf32>
// CHECK-NEXT:   %1 = arith.constant dense<2.500000e+00> : vector<8xf32>
// CHECK-NEXT:   %2 = arith.mulf %0, %1 fastmath<contract> : vector<8xf32>
// CHECK-NEXT:   %y = arith.truncf %2 : vector<8xf32> to vector<8xbf16>
// CHECK-NEXT:   %3 = arith.extf %y : vector<8xbf16> to vector<8xf32>
// CHECK-NEXT:   %4 = math.exp %3 : vector<8xf32>
// CHECK-NEXT:   %z = arith.truncf %4 : vector<8xf32> to vector<8xbf16>
// CHECK-NEXT:   %5 = arith.cmpf olt, %0, %3 : vector<8xf32>
// CHECK-NEXT:   %6 = arith.select %5, %y, %z : vector<8xi1>, vector<8xbf16>
func.func @chain(%x: vector<8xbf16>) -> vector<8xbf16> {
  %c = arith.constant dense<2.5> : vector<8xbf16>
  %y = arith.mulf %x, %c fastmath<contract> : vector<8xbf16>
  %z = math.exp %y : vector<8xbf16>
  %5 = arith.cmpf olt, %x, %y : vector<8xbf16>
  %6 = arith.select %5, %y, %z : vector<8xi1>, vector<8xbf16>
  func.return %6 : vector<8xbf16>
}

// -----

// f16 stays where there is no target, or one that converts it.

// CHECK: func.func @half(
// CHECK-NEXT: arith.addf %x, %x : f16
func.func @half(%x: f16) -> f16 {
  %y = arith.addf %x, %x : f16
  func.return %y : f16
}

// -----

// An x86 without F16C has no instruction for it.

// CHECK: func.func @half(
// CHECK-NEXT: arith.extf %x : f16 to f32
// CHECK-NEXT: arith.addf %{{.*}}, %{{.*}} : f32
// CHECK-NEXT: arith.truncf %{{.*}} : f32 to f16
module attributes {llvm.target_triple = "x86_64-unknown-linux-gnu", llvm.target_features = "+sse4.2"} {
  func.func @half(%x: f16) -> f16 {
    %y = arith.addf %x, %x : f16
    func.return %y : f16
  }
}
