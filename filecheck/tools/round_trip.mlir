// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s

// CHECK:      func.func @f(%a: f32) -> f32 {
// CHECK-NEXT:   %b = arith.addf %a, %a : f32
// CHECK-NEXT:   func.return %b : f32
// CHECK-NEXT: }
func.func @f(%a: f32) -> f32 {
  %b = arith.addf %a, %a : f32
  func.return %b : f32
}
