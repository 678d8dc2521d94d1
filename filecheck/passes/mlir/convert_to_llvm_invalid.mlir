// RUN: not stepwell-opt %s -p "convert-to-llvm{filter-dialects=arit}" 2>&1 | filecheck %s

// CHECK: expected a dialect with patterns to llvm, got 'arit'; did you mean 'arith'?
func.func @f() {
  func.return
}
