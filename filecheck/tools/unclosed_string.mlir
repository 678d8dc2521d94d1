// RUN: stepwell-opt %s --verify-diagnostics | filecheck %s

// A string that does not end on a long line is found at once.

// CHECK: unclosed_string.mlir:8:3: End of file reached before closing string literal.

func.func @f() {
  "test.op() : () -> (), which is followed by enough text to keep an expression with nested repetitions busy for years
}
