// RUN: stepwell-opt %s -p loop-expand | filecheck %s

// Lanes that nobody asks for are divided by 1, since who knows what is there; by a constant as the others are.

func.func @k(%A: memref<20xi64>, %B: memref<20xi64>, %D: memref<20xi64> {loop.output}, %E: memref<20xi64> {loop.output}) {
  loop.for %i : 20 vectorized {
    loop.block "by_data" spatial(%v in 20 = %i) {
      %a = loop.read %A[%v] : memref<20xi64>
      %b = loop.read %B[%v] : memref<20xi64>
      %d = arith.floordivsi %a, %b : i64
      loop.write %d, %D[%v] : memref<20xi64>
    }
    loop.block "by_a_constant" spatial(%v in 20 = %i) {
      %a = loop.read %A[%v] : memref<20xi64>
      %four = arith.constant 4 : i64
      %e = arith.floordivsi %a, %four : i64
      loop.write %e, %E[%v] : memref<20xi64>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK:         [[FOUR:%.*]] = arith.constant dense<4> : vector<32xi64>
// CHECK:         [[SAFE:%.*]] = arith.select %{{.*}} : vector<32xi1>, vector<32xi64>
// CHECK-NEXT:    arith.floordivsi %{{.*}}, [[SAFE]] : vector<32xi64>
// CHECK-NOT:     arith.select
// CHECK:         arith.floordivsi %{{.*}}, [[FOUR]] : vector<32xi64>
