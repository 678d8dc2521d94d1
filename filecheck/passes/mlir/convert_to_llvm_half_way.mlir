// RUN: stepwell-opt %s -p "convert-to-llvm{filter-dialects=arith,math}" | filecheck %s

// What is not asked for stays, with casts where types differ.

// CHECK: func.func @f(%A: memref<8xf32>) {
// CHECK-NEXT:   affine.for %i = 0 to 8 {
// CHECK-NEXT:     %[[i:.*]] = builtin.unrealized_conversion_cast %i : index to i64
// CHECK-NEXT:     %[[j:.*]] = builtin.unrealized_conversion_cast %i : index to i64
// CHECK-NEXT:     %k = llvm.add %[[i]], %[[j]] : i64
// CHECK-NEXT:     %[[k:.*]] = builtin.unrealized_conversion_cast %k : i64 to index
// CHECK-NEXT:     memref.load %A[%[[k]]] : memref<8xf32>
func.func @f(%A: memref<8xf32>) {
  affine.for %i = 0 to 8 {
    %k = arith.addi %i, %i : index
    %a = memref.load %A[%k] : memref<8xf32>
  }
  func.return
}
