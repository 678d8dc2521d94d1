// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// What a user causes in a pass is a diagnostic, and the next chunk runs.

// CHECK: expected a named sequence @__transform_main, got none

func.func private @f()

// -----

// CHECK: expected a named sequence @__transform_main, got none

func.func private @g()
