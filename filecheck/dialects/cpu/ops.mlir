// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s
// RUN: stepwell-opt %s | stepwell-opt | filecheck %s

// CHECK: builtin.module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", cpu = "znver4",
// CHECK-SAME: features = "+avx2", vector_bytes = 32, vector_registers = 16, l1_bytes = 49152, l2_bytes = 524288,
// CHECK-SAME: l3_bytes = 8388608, threads = 8, fma = 1>} {
builtin.module attributes {
  cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", cpu = "znver4", features = "+avx2", vector_bytes = 32,
                           l1_bytes = 49152, threads = 8, fma = 1>
} {
  // CHECK: func.func @parallel(%A: memref<8x16xf32>) {
  func.func @parallel(%A: memref<8x16xf32>) {
    // CHECK-NEXT: cpu.parallel %i : 8 {
    cpu.parallel %i : 8 {
      // CHECK-NEXT: cpu.parallel %j : 16 grain 4 attributes {note} {
      cpu.parallel %j : 16 grain 4 attributes {note} {
        // CHECK-NEXT: %a = affine.load %A[%i, %j] : memref<8x16xf32>
        %a = affine.load %A[%i, %j] : memref<8x16xf32>
      }
    }
    func.return
  }

  // CHECK: func.func @registers() {
  func.func @registers() {
    // CHECK-NEXT: cpu.free_registers {note}
    cpu.free_registers {note}
    func.return
  }

  // CHECK: func.func @prefetch(%A: memref<8x16xf32>, %i: index, %j: index) {
  func.func @prefetch(%A: memref<8x16xf32>, %i: index, %j: index) {
    // CHECK-NEXT: cpu.prefetch read %A[%i + 1, %j * 4 + 2] locality 3 : memref<8x16xf32>
    cpu.prefetch read %A[%i + 1, %j * 4 + 2] locality 3 : memref<8x16xf32>
    // CHECK-NEXT: cpu.prefetch write %A[0, %i floordiv 2] locality 0 {note} : memref<8x16xf32>
    cpu.prefetch write %A[0, %i floordiv 2] locality 0 {note} : memref<8x16xf32>
    func.return
  }

  // CHECK: func.func @slots(%W: memref<64xi8>) {
  func.func @slots(%W: memref<64xi8>) {
    // CHECK-NEXT: cpu.parallel %i : 8 grain 2 slot %t of 3 {
    cpu.parallel %i : 8 grain 2 slot %t of 3 {
      // CHECK-NEXT: %a = memref.view %W[%t][] : memref<64xi8> to memref<4xi8>
      %a = memref.view %W[%t][] : memref<64xi8> to memref<4xi8>
    }
    func.return
  }
}
