// The IR before the pass that failed and the pipeline from it on, in a file that runs on its own.

// RUN: rm -rf %t && not stepwell-opt %s -p "canonicalize, transform-interpreter{entry-point=main}, func.func(cse)" --reproducer-dir %t 2>&1 | filecheck %s --check-prefix=ERROR
// RUN: sed -n p %t/transform-interpreter-*.mlir | filecheck %s
// RUN: stepwell-opt %t/transform-interpreter-*.mlir --run-reproducer --verify-diagnostics | filecheck %s --check-prefix=AGAIN
// RUN: rm -rf %t && not stepwell-opt %s -p "transform-interpreter" --reproducer-dir %t --no-reproducer 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not stepwell-opt %s --run-reproducer 2>&1 | filecheck %s --check-prefix=HEADER

// ERROR: error: expected a named sequence @main, got none
// ERROR: note: reproducer of pass 'transform-interpreter': {{.*}}.mlir

// CHECK:      // reproducer: run it with `stepwell-opt --run-reproducer FILE`
// CHECK-NEXT: // error: expected a named sequence @main, got none
// CHECK-NEXT: // pipeline: builtin.module(transform-interpreter{entry-point=main}, func.func(cse))
// CHECK-NEXT: builtin.module {
// CHECK-NOT:  arith.subf
// CHECK:      arith.mulf

// AGAIN: expected a named sequence @main, got none

// NONE: error: expected a named sequence @__transform_main, got none
// NONE-NOT: note: reproducer of pass

// HEADER: error: expected a reproducer with a line '// pipeline: …'
func.func @f(%a: f32) -> f32 {
  %dead = arith.subf %a, %a : f32
  %b = arith.mulf %a, %a : f32
  func.return %b : f32
}
