// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// One copy is none more.

func.func @f(%D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %L = loop.alloc "L" {multibuffer = 1 : i64} : memref<8xf32>
  }
  func.return
}
// CHECK: expected at least 2 copies, got 1

// -----

// Iterations take turns with copies, so that there have to be some.

func.func @f(%D: memref<8xf32> {loop.output}) {
  %L = loop.alloc "L" {multibuffer = 2 : i64} : memref<8xf32>
  func.return
}
// CHECK: expected copies of a buffer that lives in a loop only

// -----

// What runs ahead does not read what the same iteration computes.

func.func @f(%A: memref<8xf32>, %T: memref<8xf32> {loop.output}, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 pipelined {
    %L = loop.alloc "L" {multibuffer = 2 : i64} : memref<8xf32>
    loop.block "map0" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
    loop.block "copy" spatial(%v in 8 = %i) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %L[%v] : memref<8xf32>
    }
    loop.block "map1" spatial(%v in 8 = %i) {
      %l = loop.read %L[%v] : memref<8xf32>
      loop.write %l, %D[%v] : memref<8xf32>
    }
  }
  func.return
}
// CHECK: expected 'copy', which runs iterations ahead, not to touch 'T' after 'map0'

// -----

// What runs ahead does not read what earlier iterations write.

func.func @f(%A: memref<8xf32>, %T: memref<16xf32> {loop.output}, %D: memref<8xf32> {loop.output}) {
  loop.for %h : 16 {
    loop.block "map0" spatial(%v in 16 = %h) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %T[%v] : memref<16xf32>
    }
  }
  loop.for %i : 8 pipelined {
    %L = loop.alloc "L" {multibuffer = 2 : i64} : memref<16xf32>
    loop.block "copy" spatial(%v in 16 = %i) {
      %t = loop.read %T[%v] : memref<16xf32>
      loop.write %t, %L[%v] : memref<16xf32>
    }
    loop.block "map1" spatial(%v in 8 = %i) {
      %l = loop.read %L[%v] : memref<16xf32>
      loop.write %l, %T[%v + 8] : memref<16xf32>
      loop.write %l, %D[%v] : memref<8xf32>
    }
  }
  func.return
}
// CHECK: expected 'copy', which runs iterations ahead, and 'map1' to touch the same elements of 'T' only in one iteration

// -----

// A buffer has a copy for each iteration that uses it at one time.

func.func @f(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 pipelined {
    %L = loop.alloc "L" {multibuffer = 2 : i64} : memref<8xf32>
    %M = loop.alloc "M" {multibuffer = 3 : i64} : memref<8xf32>
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %L[%v] : memref<8xf32>
    }
    loop.block "again" spatial(%v in 8 = %i) {
      %l = loop.read %L[%v] : memref<8xf32>
      loop.write %l, %M[%v] : memref<8xf32>
    }
    loop.block "map1" spatial(%v in 8 = %i) {
      %l = loop.read %L[%v] : memref<8xf32>
      %m = loop.read %M[%v] : memref<8xf32>
      %s = arith.addf %l, %m : f32
      loop.write %s, %D[%v] : memref<8xf32>
    }
  }
  func.return
}
// CHECK: expected 3 copies of 'L', got 2
