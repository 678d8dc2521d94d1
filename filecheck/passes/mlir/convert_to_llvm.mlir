// RUN: stepwell-opt %s -p "convert-to-llvm" --split-input-file | filecheck %s

// The moving part of an address is computed once where it varies, constants are offsets.

// CHECK: llvm.func @tile(%A: !llvm.ptr {llvm.readonly, llvm.noalias, llvm.nonnull, llvm.noundef}, %C: !llvm.ptr
// CHECK-NOT: affine
// CHECK:   %[[row:.*]] = llvm.mul %i, %{{.*}} : i64
// CHECK-NEXT: %[[a:.*]] = llvm.getelementptr %A[%[[row]]] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// CHECK:   llvm.br ^[[body:.*]](%{{.*}} : i64)
// CHECK:   %[[moving:.*]] = llvm.getelementptr %[[a]][%k] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// CHECK-NEXT: %x = llvm.load %[[moving]] {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
// CHECK-NEXT: %[[next:.*]] = llvm.getelementptr %[[moving]][528] : (!llvm.ptr) -> !llvm.ptr, f32
// CHECK-NEXT: %y = llvm.load %[[next]] {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
func.func @tile(%A: memref<512x512xf32> {llvm.readonly}, %C: memref<512x512xf32>) {
  affine.for %i = 0 to 256 {
    affine.for %k = 0 to 480 {
      %x = "affine.vector_load"(%A, %i, %k) <{map = affine_map<(d0, d1) -> (d0 * 2, d1)>}>
        : (memref<512x512xf32>, index, index) -> vector<16xf32>
      %y = "affine.vector_load"(%A, %i, %k) <{map = affine_map<(d0, d1) -> (d0 * 2 + 1, d1 + 16)>}>
        : (memref<512x512xf32>, index, index) -> vector<16xf32>
      %z = arith.addf %x, %y : vector<16xf32>
      "affine.vector_store"(%z, %C, %i, %k) <{map = affine_map<(d0, d1) -> (d0, d1)>}>
        : (vector<16xf32>, memref<512x512xf32>, index, index) -> ()
    }
  }
  func.return
}

// -----

// Floor division needs no sign where there is none.

// CHECK: llvm.func @divide(
// CHECK: llvm.udiv
// CHECK-NOT: llvm.sdiv
// CHECK: llvm.ashr
// CHECK: llvm.sdiv
func.func @divide(%C: memref<64x64xf32>, %v: f32) {
  affine.for %i = 0 to 64 {
    "affine.store"(%v, %C, %i) <{map = affine_map<(d0) -> (d0 floordiv 3, 0)>}> : (f32, memref<64x64xf32>, index) -> ()
  }
  affine.for %i = -9 to 64 {
    "affine.store"(%v, %C, %i) <{map = affine_map<(d0) -> (d0 floordiv 3 + 3, 0)>}>
      : (f32, memref<64x64xf32>, index) -> ()
  }
  func.return
}

// -----

// A register tile is one array, where the function starts.

// CHECK: llvm.func @buffers(
// CHECK: llvm.alloca %{{.*}} x !llvm.array<384 x f32> {alignment = 64 : i64} : (i64) -> !llvm.ptr
// CHECK: llvm.br
func.func @buffers(%A: memref<8xf32>) {
  affine.for %i = 0 to 8 {
    %t = memref.alloca() : memref<6x64xf32, "local">
    %a = affine.load %A[%i] : memref<8xf32>
    affine.store %a, %t[0, 0] : memref<6x64xf32, "local">
  }
  func.return
}

// -----

// A loop that runs once is none, a loop that runs never is gone.

// CHECK: llvm.func @once(
// CHECK-NOT: llvm.br
// CHECK: llvm.store
// CHECK-NOT: llvm.store
// CHECK: llvm.return
func.func @once(%A: memref<8xf32>, %v: f32) {
  affine.for %i = 3 to 4 {
    affine.store %v, %A[%i] : memref<8xf32>
  }
  affine.for %i = 4 to 4 {
    affine.store %v, %A[%i] : memref<8xf32>
  }
  func.return
}

// -----

// Private functions are internal; public ones keep the types of their memrefs.

// CHECK: llvm.func internal @helper(
// CHECK-SAME: attributes {no_inline}
// CHECK: llvm.func @public(
// CHECK-SAME: attributes {signature = (memref<8xf32>) -> ()}
func.func private @helper(%A: memref<8xf32>) {
  func.return
}
func.func @public(%A: memref<8xf32>) {
  func.call @helper(%A) : (memref<8xf32>) -> ()
  func.return
}
