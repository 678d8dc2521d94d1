// RUN: stepwell-opt %s -p "convert-cpu-to-llvm" --split-input-file | filecheck %s

// LLVM is told that all vector registers are written: the widest that there are.

builtin.module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", features = "+avx,+avx512f">} {
  // CHECK-LABEL: func.func @wide
  // CHECK-NEXT:    llvm.inline_asm has_side_effects "", "~{zmm0},~{zmm1},{{.*}},~{zmm31}" : () -> ()
  // CHECK-NEXT:    func.return
  func.func @wide() {
    cpu.free_registers
    func.return
  }
}

// -----

builtin.module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", features = "+avx">} {
  // CHECK-LABEL: func.func @narrow
  // CHECK-NEXT:    llvm.inline_asm has_side_effects "", "~{ymm0},{{.*}},~{ymm15}" : () -> ()
  func.func @narrow() {
    cpu.free_registers
    func.return
  }
}

// -----

builtin.module attributes {cpu.target = #cpu.target<triple = "aarch64-unknown-linux-gnu">} {
  // CHECK-LABEL: func.func @arm
  // CHECK-NEXT:    llvm.inline_asm has_side_effects "", "~{v0},{{.*}},~{v31}" : () -> ()
  func.func @arm() {
    cpu.free_registers
    func.return
  }
}

// -----

// Where registers are not known, it was a wish.

// CHECK-LABEL: func.func @any
// CHECK-NEXT:    func.return
func.func @any() {
  cpu.free_registers
  func.return
}
