// RUN: stepwell-opt %s -p canonicalize | filecheck %s
// RUN: stepwell-opt %s -p "func.func(canonicalize)" | filecheck %s

// CHECK:      func.func @fold() -> i32 {
// CHECK-NEXT:   %{{.*}} = arith.constant 5 : i32
// CHECK-NEXT:   func.return
func.func @fold() -> i32 {
  %a = arith.constant 2 : i32
  %b = arith.constant 3 : i32
  %dead = arith.muli %a, %b : i32
  %c = arith.addi %a, %b : i32
  func.return %c : i32
}
