// REQUIRES: mlir-opt-22
// RUN: stepwell-opt %S/ops.mlir | mlir-opt-22 | filecheck %s

// What we print, the stock tool reads and prints alike.
// CHECK: llvm.getelementptr inbounds|nuw %{{.*}}[0, %{{.*}}] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<4 x f32>
// CHECK: llvm.fcmp "une" %{{.*}}, %{{.*}} {fastmathFlags = #llvm.fastmath<nnan>} : vector<4xf32>
// CHECK: llvm.intr.masked.store %{{.*}}, %{{.*}}, %{{.*}} {alignment = 4 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr
