// RUN: stepwell-opt %s | stepwell-opt | filecheck %s
// RUN: stepwell-opt %s -p loop-expand | filecheck %s --check-prefix EXPANDED
// RUN: stepwell-opt %s -p "loop-expand,canonicalize,cse,cpu-outline-parallel,convert-cpu-to-llvm,convert-to-llvm" | filecheck %s --check-prefix LLVM

// What runs beyond the end of its domain asks for nothing; lanes ask for the line of the first one.

// CHECK-LABEL: func.func @prefetch(
// EXPANDED-LABEL: func.func @prefetch(
// LLVM-LABEL: llvm.func @prefetch(
func.func @prefetch(%A: memref<8x64xf32>, %D: memref<8x64xf32> {loop.output}) {
  // EXPANDED: affine.for %i = 0 to 8 {
  loop.for %i : 8 {
    // CHECK: loop.for %p : 4 {
    // EXPANDED: affine.if
    // EXPANDED: affine.for %p = 0 to 4 {
    loop.for %p : 4 {
      loop.block "A_prefetch" spatial(%v in 8 = %i + 2, %w in 64 = %p * 16) {
        // CHECK: loop.prefetch %A[%v, %w] {note} : memref<8x64xf32>
        // EXPANDED: cpu.prefetch read %A[%i + 2, %p * 16] locality 3 : memref<8x64xf32>
        // LLVM: llvm.call_intrinsic "llvm.prefetch.p0"
        loop.prefetch %A[%v, %w] {note} : memref<8x64xf32>
      }
    }
    // EXPANDED: affine.for %j = 0 to 4 {
    loop.for %j : 4 {
      // EXPANDED-NEXT: cpu.prefetch read %A[%i, %j * 16] locality 3 : memref<8x64xf32>
      loop.for %l : 16 vectorized {
        loop.block "again" spatial(%v in 8 = %i, %w in 64 = %j * 16 + %l) {
          loop.prefetch %A[%v, %w] : memref<8x64xf32>
          %a = loop.read %A[%v, %w] : memref<8x64xf32>
          loop.write %a, %D[%v, %w] : memref<8x64xf32>
        }
      }
    }
  }
  func.return
}
