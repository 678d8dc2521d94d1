// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// What lives in the kernel moves and vanishes.

func.func @f(%A: memref<8xf32>) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "ask" spatial(%v in 8 = %i) {
      loop.prefetch %T[%v] : memref<8xf32>
    }
  }
  func.return
}
// CHECK: expected a prefetch of an argument, got a buffer inside of the kernel

// -----

func.func @f(%A: memref<8xf32>) {
  loop.for %i : 8 {
    loop.block "ask" spatial(%v in 8 = %i) {
      %c = arith.constant 3 : index
      loop.prefetch %A[%c] : memref<8xf32>
    }
  }
  func.return
}
// CHECK: expected a prefetch at affine functions of iterators, got a data-dependent index

// -----

func.func @f(%A: memref<8xf32>) {
  loop.for %i : 8 {
    loop.block "ask" spatial(%v in 8 = %i) {
      loop.prefetch %A[%v + 1] : memref<8xf32>
    }
  }
  func.return
}
// CHECK: expected indices of dimension 0 in 0..7, got 1..8

// -----

func.func @f(%A: memref<8xf32>) {
  loop.for %i : 8 {
    loop.block "ask" spatial(%v in 8 = %i) {
      loop.prefetch %A[%v, %v] : memref<8xf32>
    }
  }
  func.return
}
// CHECK: expected 1 indices for memref<8xf32>, got 2
