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

// -----

// A shift by all bits or more leaves none, or the sign; one by a constant is known to be less.

// CHECK: llvm.func @shift(
// CHECK-DAG: %[[width:.*]] = llvm.mlir.constant(32 : i32) : i32
// CHECK-DAG: %[[last:.*]] = llvm.mlir.constant(31 : i32) : i32
// CHECK:      %[[left:.*]] = llvm.shl %x, %n : i32
// CHECK-NEXT: %[[fits:.*]] = llvm.icmp "ult" %n, %[[width]] : i32
// CHECK-NEXT: %a = llvm.select %[[fits]], %[[left]], %{{.*}} : i1, i32
// CHECK-NEXT: %[[most:.*]] = llvm.call_intrinsic "llvm.umin.i32"(%n, %[[last]]) : (i32, i32) -> i32
// CHECK-NEXT: %b = llvm.ashr %a, %[[most]] : i32
// CHECK-NEXT: %d = llvm.lshr %b, %{{.*}} : i32
// CHECK-NEXT: llvm.return
func.func @shift(%x: i32, %n: i32) -> i32 {
  %a = arith.shli %x, %n : i32
  %b = arith.shrsi %a, %n : i32
  %c = arith.constant 3 : i32
  %d = arith.shrui %b, %c : i32
  func.return %d : i32
}

// -----

// Floats are clamped to what the integers have; NaN is 0, which an unsigned range's end is anyway.

// CHECK: llvm.func @to_integers(
// CHECK-DAG: %[[low:.*]] = llvm.mlir.constant(dense<-1.280000e+02> : vector<8xf32>)
// CHECK-DAG: %[[high:.*]] = llvm.mlir.constant(dense<1.270000e+02> : vector<8xf32>)
// CHECK:      %[[above:.*]] = llvm.fcmp "ogt" %x, %[[low]] : vector<8xf32>
// CHECK-NEXT: %[[x:.*]] = llvm.select %[[above]], %x, %[[low]] : vector<8xi1>, vector<8xf32>
// CHECK-NEXT: %[[below:.*]] = llvm.fcmp "olt" %[[x]], %[[high]] : vector<8xf32>
// CHECK-NEXT: %[[y:.*]] = llvm.select %[[below]], %[[x]], %[[high]] : vector<8xi1>, vector<8xf32>
// CHECK-NEXT: %[[wide:.*]] = llvm.fptosi %[[y]] : vector<8xf32> to vector<8xi32>
// CHECK-NEXT: %[[narrow:.*]] = llvm.trunc %[[wide]] : vector<8xi32> to vector<8xi8>
// CHECK-NEXT: %[[nan:.*]] = llvm.fcmp "uno" %x, %x : vector<8xf32>
// CHECK-NEXT: %a = llvm.select %[[nan]], %{{.*}}, %[[narrow]] : vector<8xi1>, vector<8xi8>
// CHECK-NOT: llvm.fcmp "uno"
// CHECK: llvm.return
func.func @to_integers(%x: vector<8xf32>) -> (vector<8xi8>) {
  %a = arith.fptosi %x : vector<8xf32> to vector<8xi8>
  %b = arith.fptoui %x : vector<8xf32> to vector<8xi8>
  %c = arith.addi %a, %b : vector<8xi8>
  func.return %c : vector<8xi8>
}

// -----

// Vectors of integers divide as floats, but by constants.

// CHECK: llvm.func @quotients(
// CHECK: llvm.fdiv %{{.*}}, %{{.*}} : vector<8xf32>
// CHECK-NOT: llvm.fdiv
// CHECK: llvm.udiv %{{.*}}, %{{.*}} : vector<8xi16>
func.func @quotients(%x: vector<8xi16>, %y: vector<8xi16>) -> vector<8xi16> {
  %a = arith.divsi %x, %y : vector<8xi16>
  %c = arith.constant dense<10> : vector<8xi16>
  %b = arith.divui %a, %c : vector<8xi16>
  func.return %b : vector<8xi16>
}

// -----

// bf16 is i16: it is loaded, chosen and stored only.

// CHECK: llvm.func @choose(%A: !llvm.ptr
// CHECK: llvm.mlir.constant(dense<16320> : vector<8xi16>)
// CHECK: llvm.load %A {alignment = 2 : i64} : !llvm.ptr -> vector<8xi16>
// CHECK: llvm.select %c, %{{.*}}, %{{.*}} : i1, vector<8xi16>
func.func @choose(%A: memref<8xbf16>, %c: i1) {
  %x = "affine.vector_load"(%A) <{map = affine_map<() -> (0)>}> : (memref<8xbf16>) -> vector<8xbf16>
  %k = arith.constant dense<1.5> : vector<8xbf16>
  %y = arith.select %c, %x, %k : vector<8xbf16>
  "affine.vector_store"(%y, %A) <{map = affine_map<() -> (0)>}> : (vector<8xbf16>, memref<8xbf16>) -> ()
  func.return
}
