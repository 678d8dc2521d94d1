// RUN: stepwell-opt %s -p "cpu-outline-parallel" --split-input-file | filecheck %s

// The body is a function of a range of iterations, the thunk is what a thread runs, the number of threads is asked for.

// CHECK: llvm.mlir.global weak @stepwell_threads(0 : i32)
// CHECK: llvm.func @GOMP_parallel(!llvm.ptr, !llvm.ptr, i32, i32)
// CHECK: func.func private @stepwell_team_size(%0: i32) -> i32 {
// CHECK: func.func private @scale_par0(%lo: index, %hi: index, %A: memref<510xf32> {llvm.readonly}, %s: f32, %C: memref<510xf32>) {
// CHECK-NEXT:   affine.for %i = max affine_map<()[s0] -> (s0, 0)>()[%lo] to min affine_map<()[s0] -> (s0, 510)>()[%hi] {
// CHECK-NEXT:     %a = affine.load %A[%i] : memref<510xf32>
// CHECK-NEXT:     %b = arith.mulf %a, %s : f32
// CHECK-NEXT:     affine.store %b, %C[%i] : memref<510xf32>
// CHECK-NEXT:   }
// CHECK-NEXT:   func.return
// CHECK: llvm.func internal @scale_par0_thunk(%data: !llvm.ptr) {
// CHECK:   llvm.call @omp_get_thread_num() : () -> i32
// CHECK:   arith.constant 128 : index
// CHECK:   arith.minsi %{{.*}}, %{{.*}} : index
// CHECK:   builtin.unrealized_conversion_cast %{{.*}} : !llvm.ptr to memref<510xf32>
// CHECK:   func.call @scale_par0(
// CHECK: func.func @scale(
// CHECK:   %[[n:.*]] = func.call @stepwell_team_size(%{{.*}}) : (i32) -> i32
// CHECK:   %[[serial:.*]] = arith.cmpi sle, %[[n]], %{{.*}} : i32
// CHECK:   scf.if %[[serial]] {
// CHECK-NEXT: func.call @scale_par0(%{{.*}}, %{{.*}}, %A, %s, %C)
// CHECK:   } else {
// CHECK:     llvm.call @GOMP_parallel(%{{.*}}, %{{.*}}, %[[n]], %{{.*}}) : (!llvm.ptr, !llvm.ptr, i32, i32) -> ()
func.func @scale(%A: memref<510xf32> {llvm.readonly}, %s: f32, %C: memref<510xf32>) {
  cpu.parallel %i : 510 grain 4 {
    %a = affine.load %A[%i] : memref<510xf32>
    %b = arith.mulf %a, %s : f32
    affine.store %b, %C[%i] : memref<510xf32>
  }
  func.return
}

// -----

// Constants are copied, a loop inside is serial, and names are not taken twice.

// CHECK: func.func private @f_par1(%lo: index, %hi: index, %C: memref<4x8xf32>) {
// CHECK-NEXT:   %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:   affine.for %i = max
// CHECK-NEXT:     affine.for %j = 0 to 8 {
// CHECK-NEXT:       affine.store %z, %C[%i, %j] : memref<4x8xf32>
func.func private @f_par0()
func.func @f(%C: memref<4x8xf32>) {
  %z = arith.constant 0.0 : f32
  cpu.parallel %i : 4 {
    cpu.parallel %j : 8 {
      affine.store %z, %C[%i, %j] : memref<4x8xf32>
    }
  }
  func.return
}

// -----

// One chunk needs no threads.

// CHECK: func.func @one(
// CHECK-NOT: GOMP_parallel
// CHECK: func.call @one_par0(
// CHECK-NEXT: func.return
func.func @one(%C: memref<4xf32>) {
  %z = arith.constant 0.0 : f32
  cpu.parallel %i : 4 grain 4 {
    affine.store %z, %C[%i] : memref<4xf32>
  }
  func.return
}

// -----

// Nothing to outline: nothing is declared.

// CHECK: builtin.module {
// CHECK-NEXT: func.func @none() {
func.func @none() {
  func.return
}
