// RUN: stepwell-opt %s -p "arith-expand" --split-input-file | filecheck %s

// The lower half is rounded away; NaN keeps a bit that says what it is.

// CHECK: func.func @truncf(
// CHECK-NOT: arith.truncf
// CHECK: arith.shrui
// CHECK: arith.addi
// CHECK: arith.cmpf une, %x, %x : vector<8xf32>
// CHECK: arith.trunci %{{.*}} : vector<8xi32> to vector<8xi16>
// CHECK-NEXT: arith.bitcast %{{.*}} : vector<8xi16> to vector<8xbf16>
func.func @truncf(%x: vector<8xf32>) -> vector<8xbf16> {
  %y = arith.truncf %x : vector<8xf32> to vector<8xbf16>
  func.return %y : vector<8xbf16>
}

// -----

// f64 goes through an f32 that remembers that it is inexact.

// CHECK: func.func @twice(
// CHECK-NEXT: arith.truncf %x : f64 to f32
// CHECK-NEXT: arith.extf %{{.*}} : f32 to f64
// CHECK: arith.cmpf une, %{{.*}}, %x : f64
// CHECK: arith.bitcast %{{.*}} : i16 to bf16
func.func @twice(%x: f64) -> bf16 {
  %y = arith.truncf %x : f64 to bf16
  func.return %y : bf16
}

// -----

// f16 stays where there is no target, or one that converts it.

// CHECK: func.func @half(
// CHECK-NEXT: arith.extf %x : f16 to f32
func.func @half(%x: f16) -> f32 {
  %y = arith.extf %x : f16 to f32
  func.return %y : f32
}

// -----

// CHECK: func.func @half(
// CHECK-NOT: arith.extf
// CHECK: arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK-NOT: arith.extf
module attributes {llvm.target_triple = "x86_64-unknown-linux-gnu", llvm.target_features = "+sse4.2"} {
  func.func @half(%x: f16) -> f32 {
    %y = arith.extf %x : f16 to f32
    func.return %y : f32
  }
}
