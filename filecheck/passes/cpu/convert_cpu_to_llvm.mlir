// RUN: stepwell-opt %s -p "convert-cpu-to-llvm" | filecheck %s

// CHECK: builtin.module attributes {llvm.target_triple = "x86_64-unknown-linux-gnu", llvm.target_cpu = "znver4"} {
builtin.module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", cpu = "znver4">} {
  // CHECK-NEXT: func.func @f(%A: memref<8x16xf32> {llvm.readonly}, %W: memref<4xf32> {llvm.readonly}, %C: memref<4xf32>) {
  func.func @f(%A: memref<8x16xf32> {te.name = "A"}, %W: memref<4xf32> {loop.constant}, %C: memref<4xf32> {loop.output})
      attributes {sched.done} {
    // CHECK-NEXT: affine.for %i = 0 to 8 {
    affine.for %i = 0 to 8 {
      // CHECK-NEXT: %[[o:.*]] = affine.apply affine_map<(d0) -> (((d0 * 16) + 18))> (%i)
      // CHECK-NEXT: %[[i:.*]] = arith.index_cast %[[o]] : index to i64
      // CHECK-NEXT: %[[p:.*]] = builtin.unrealized_conversion_cast %A : memref<8x16xf32> to !llvm.ptr
      // CHECK-NEXT: %[[q:.*]] = llvm.getelementptr %[[p]][%[[i]]] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      // CHECK-NEXT: %[[w:.*]] = llvm.mlir.constant(1 : i32) : i32
      // CHECK-NEXT: %[[l:.*]] = llvm.mlir.constant(2 : i32) : i32
      // CHECK-NEXT: %[[d:.*]] = llvm.mlir.constant(1 : i32) : i32
      // CHECK-NEXT: llvm.call_intrinsic "llvm.prefetch.p0"(%[[q]], %[[w]], %[[l]], %[[d]])
      cpu.prefetch write %A[%i + 1, 2] locality 2 : memref<8x16xf32>
    }
    func.return
  }
}
