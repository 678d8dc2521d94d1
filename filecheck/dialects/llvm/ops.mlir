// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s
// RUN: stepwell-opt %s | stepwell-opt | filecheck %s

// CHECK: llvm.func @ops(%p: !llvm.ptr, %i: i64, %x: f32, %v: vector<4xf32>, %m: vector<4xi1>) {
llvm.func @ops(%p: !llvm.ptr, %i: i64, %x: f32, %v: vector<4xf32>, %m: vector<4xi1>) {
  // CHECK-NEXT: %0 = llvm.getelementptr %p[3] : (!llvm.ptr) -> !llvm.ptr, f32
  %0 = llvm.getelementptr %p[3] : (!llvm.ptr) -> !llvm.ptr, f32
  // CHECK-NEXT: %1 = llvm.getelementptr inbounds %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %1 = llvm.getelementptr inbounds %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  // CHECK-NEXT: %2 = llvm.getelementptr inbounds|nuw %p[0, %i] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<4 x f32>
  %2 = llvm.getelementptr inbounds|nuw %p[0, %i] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<4 x f32>
  // CHECK-NEXT: %3 = llvm.getelementptr nusw %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  %3 = llvm.getelementptr nusw %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  // CHECK-NEXT: %4 = llvm.fcmp "olt" %x, %x : f32
  %4 = llvm.fcmp "olt" %x, %x : f32
  // CHECK-NEXT: %5 = llvm.fcmp "une" %v, %v {fastmathFlags = #llvm.fastmath<nnan>} : vector<4xf32>
  %5 = llvm.fcmp "une" %v, %v {fastmathFlags = #llvm.fastmath<nnan>} : vector<4xf32>
  // CHECK-NEXT: %6 = llvm.select %4, %x, %x : i1, f32
  %6 = llvm.select %4, %x, %x : i1, f32
  // CHECK-NEXT: %7 = llvm.select %m, %v, %v : vector<4xi1>, vector<4xf32>
  %7 = llvm.select %m, %v, %v : vector<4xi1>, vector<4xf32>
  // CHECK-NEXT: %8 = llvm.fptosi %x : f32 to i32
  %8 = llvm.fptosi %x : f32 to i32
  // CHECK-NEXT: %9 = llvm.fptoui %v : vector<4xf32> to vector<4xi8>
  %9 = llvm.fptoui %v : vector<4xf32> to vector<4xi8>
  // CHECK-NEXT: %10 = llvm.uitofp %i : i64 to f64
  %10 = llvm.uitofp %i : i64 to f64
  // CHECK-NEXT: %11 = llvm.extractelement %v[%i : i64] : vector<4xf32>
  %11 = llvm.extractelement %v[%i : i64] : vector<4xf32>
  // CHECK-NEXT: %12 = llvm.mlir.poison : vector<4xf32>
  %12 = llvm.mlir.poison : vector<4xf32>
  // CHECK-NEXT: %13 = llvm.intr.masked.load %p, %m, %v {alignment = 4 : i32} :
  // CHECK-SAME: (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
  %13 = llvm.intr.masked.load %p, %m, %v {alignment = 4 : i32}
    : (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
  // CHECK-NEXT: llvm.intr.masked.store %13, %p, %m {alignment = 4 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr
  llvm.intr.masked.store %13, %p, %m {alignment = 4 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr
  llvm.return
}
