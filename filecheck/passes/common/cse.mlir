// RUN: stepwell-opt %s -p cse | filecheck %s
// RUN: stepwell-opt %s -p "builtin.module(func.func(cse))" | filecheck %s

// CHECK:      func.func @twice(%a: f32) -> f32 {
// CHECK-NEXT:   %b = arith.mulf %a, %a : f32
// CHECK-NEXT:   %d = arith.addf %b, %b : f32
// CHECK-NEXT:   func.return %d : f32
func.func @twice(%a: f32) -> f32 {
  %b = arith.mulf %a, %a : f32
  %c = arith.mulf %a, %a : f32
  %d = arith.addf %b, %c : f32
  func.return %d : f32
}
