// RUN: stepwell-opt %s -p "cpu-outline-parallel,convert-cpu-to-llvm" | filecheck %s

// A buffer of the kernel's own that a parallel loop writes is none of its inputs.

// CHECK: func.func private @kernel_par0(%lo: index, %hi: index, %A: memref<4xf32> {llvm.readonly}, %T: memref<4xf32>)
func.func @kernel(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  %T = memref.alloca() : memref<4xf32>
  cpu.parallel %i : 4 {
    %a = affine.load %A[%i] : memref<4xf32>
    affine.store %a, %T[%i] : memref<4xf32>
  }
  affine.for %i = 0 to 4 {
    %t = affine.load %T[%i] : memref<4xf32>
    affine.store %t, %B[%i] : memref<4xf32>
  }
  func.return
}
