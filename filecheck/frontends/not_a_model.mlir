// RUN: cp %s %t.onnx
// RUN: not stepwell compile %t.onnx -o %t.program 2>&1 | filecheck %s
// RUN: not stepwell compile %t.nothing.onnx -o %t.program 2>&1 | filecheck %s --check-prefix=MISSING

// CHECK:     error: expected an ONNX model, got a truncated or different file: '{{.*}}.onnx'
// CHECK-NOT: Traceback

// MISSING:   error: cannot read '{{.*}}.nothing.onnx': No such file or directory
