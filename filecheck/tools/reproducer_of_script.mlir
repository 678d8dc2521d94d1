// A failure in a pipeline that is a script: the passes before it have run, those after it are the rest.

// RUN: rm -rf %t && not stepwell-opt %s --pipeline %S/Inputs/failing_pipeline.mlir --reproducer-dir %t 2>&1 | filecheck %s --check-prefix=ERROR
// RUN: sed -n p %t/transform-interpreter-*.mlir | filecheck %s
// RUN: stepwell-opt %t/transform-interpreter-*.mlir --run-reproducer --verify-diagnostics | filecheck %s --check-prefix=AGAIN

// A schedule is put into the file.

// RUN: rm -rf %t && not stepwell-opt %s --schedule %S/Inputs/failing_pipeline.mlir --reproducer-dir %t 2>&1 | filecheck %s --check-prefix=ERROR
// RUN: sed -n p %t/transform-interpreter-*.mlir | filecheck %s --check-prefix=SCHEDULE
// RUN: stepwell-opt %t/transform-interpreter-*.mlir --run-reproducer --verify-diagnostics | filecheck %s --check-prefix=AGAIN

// ERROR: error: {{.*}}expected a named sequence @nothing, got none
// ERROR: note: reproducer of pass 'transform-interpreter': {{.*}}.mlir

// CHECK:      // pipeline: builtin.module(transform-interpreter{entry-point=nothing}, func.func(cse))
// CHECK-NEXT: builtin.module {
// CHECK-NOT:  arith.subf
// CHECK:      arith.mulf

// AGAIN: {{.*}}expected a named sequence @nothing, got none

// SCHEDULE: // pipeline: builtin.module(transform-interpreter{script={{.*}}failing_pipeline.mlir script-text="module attributes {transform.with_named_sequence} {\n
// SCHEDULE: arith.subf
func.func @f(%a: f32) -> f32 {
  %dead = arith.subf %a, %a : f32
  %b = arith.mulf %a, %a : f32
  func.return %b : f32
}
func.func @g() {
  func.return
}
