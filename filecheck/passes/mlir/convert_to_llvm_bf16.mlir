// RUN: not stepwell-opt %s -p "convert-to-llvm" 2>&1 | filecheck %s

// CHECK: 'arith.addf': expected no arithmetic on bf16 after arith-emulate-unsupported-floats and arith-expand, got bf16
func.func @f(%x: bf16) -> bf16 {
  %y = arith.addf %x, %x : bf16
  func.return %y : bf16
}
