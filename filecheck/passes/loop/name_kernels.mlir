// RUN: stepwell-opt %s -p loop-name-kernels --split-input-file | filecheck %s

// Two kernels that differ in names only are one; a third that computes something else is another.
// CHECK: func.func @main
// CHECK: func.call @k_[[SAME:[0-9a-f]+]](%x, %y)
// CHECK-NEXT: func.call @k_[[SAME]](%x, %z)
// CHECK-NEXT: func.call @k_[[OTHER:[0-9a-f]+]](%x, %u)
// CHECK: func.func private @k_[[SAME]](
// CHECK: arith.addf
// CHECK-NOT: arith.addf
// CHECK: func.func private @k_[[OTHER]](
// CHECK: arith.mulf
func.func @main(%x: memref<8xf32>, %y: memref<8xf32> {loop.output}, %z: memref<8xf32> {loop.output}, %u: memref<8xf32> {loop.output}) {
  func.call @twice(%x, %y) : (memref<8xf32>, memref<8xf32>) -> ()
  func.call @double(%x, %z) : (memref<8xf32>, memref<8xf32>) -> ()
  func.call @square(%x, %u) : (memref<8xf32>, memref<8xf32>) -> ()
  func.return
}
func.func private @twice(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" alias "twice" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%vi] : memref<8xf32>
    }
  }
  func.return
}
func.func private @double(%x: memref<8xf32> {te.name = "x"}, %y: memref<8xf32> {loop.output}) {
  loop.for %j : 8 {
    loop.block "map0" spatial(%vj in 8 = %j) {
      %v = loop.read %x[%vj] : memref<8xf32>
      %w = arith.addf %v, %v : f32
      loop.write %w, %y[%vj] : memref<8xf32>
    }
  }
  func.return
}
func.func private @square(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      %b = arith.mulf %a, %a : f32
      loop.write %b, %B[%vi] : memref<8xf32>
    }
  }
  func.return
}

// -----

// What callers outside may name, what is no kernel, and what is named by more than calls keep their names.
// CHECK: func.func @public
// CHECK: func.func private @helper
// CHECK: func.func private @declared
// CHECK: func.func private @named
// CHECK: addressof @named
func.func @public(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %B[%vi] : memref<8xf32>
    }
  }
  func.return
}
func.func private @helper(%A: f32) -> f32 {
  func.return %A : f32
}
func.func private @declared(memref<8xf32>, memref<8xf32> {loop.output})
func.func private @named(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %B[%vi] : memref<8xf32>
    }
  }
  func.return
}
func.func @address() -> !llvm.ptr {
  %f = llvm.mlir.addressof @named : !llvm.ptr
  func.return %f : !llvm.ptr
}
