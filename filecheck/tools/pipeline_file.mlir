// RUN: stepwell-opt --show-pipeline --pipeline %S/Inputs/pipeline.mlir | filecheck %s --check-prefix=TEXT
// RUN: stepwell-opt %s --pipeline %S/Inputs/pipeline.mlir | filecheck %s
// RUN: stepwell-opt %s --pipeline %S/Inputs/pipeline.mlir --print-ir-after-all --timing 2>&1 >/dev/null | filecheck %s --check-prefix=WATCH
// RUN: not stepwell-opt --show-pipeline --pipeline %S/Inputs/branching_pipeline.mlir 2>&1 | filecheck %s --check-prefix=BRANCHES
// RUN: stepwell-opt %s --pipeline %S/Inputs/branching_pipeline.mlir | filecheck %s
// RUN: stepwell-opt %s --pipeline %S/Inputs/bad_pass.mlir --verify-diagnostics | filecheck %s --check-prefix=UNKNOWN

// A pipeline that is a script runs, shows and is watched like one that is text.

// TEXT: builtin.module(cse, func.func(canonicalize), symbol-dce)

// WATCH:      IR Dump After cse
// WATCH:      IR Dump After canonicalize
// WATCH:      IR Dump After symbol-dce
// WATCH:      parse
// WATCH:      cse
// WATCH-NEXT: canonicalize
// WATCH:      symbol-dce

// BRANCHES: error: {{.*}}branching_pipeline.mlir:5:5: expected only passes in a row, got 'transform.foreach'

// UNKNOWN: unknown pass 'canonicalise'; did you mean 'canonicalize'?
// UNKNOWN: note: in script: {{.*}}bad_pass.mlir:3:5

// CHECK:      func.func @f(%a: f32) -> f32 {
// CHECK-NEXT:   %b = arith.mulf %a, %a : f32
// CHECK-NEXT:   func.return %b : f32
// CHECK-NEXT: }
// CHECK-NOT:  @unused
func.func @f(%a: f32) -> f32 {
  %dead = arith.subf %a, %a : f32
  %b = arith.mulf %a, %a : f32
  func.return %b : f32
}
func.func private @unused() {
  func.return
}
