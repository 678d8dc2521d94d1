// REQUIRES: mlir-opt-22
// RUN: stepwell-opt %S/ops.mlir --split-input-file | mlir-opt-22 --split-input-file | filecheck %s
// RUN: stepwell-opt %S/ops.mlir --split-input-file --print-op-generic | mlir-opt-22 --split-input-file | filecheck %s

// What we print, in custom and in generic form, a stock mlir-opt reads.

// CHECK: transform.named_sequence @match
// CHECK: transform.foreach_match restrict_root flatten_results in
// CHECK: transform.tune.knob<"t"> = 8 : i64 from options = [4, 8] -> !transform.any_param
// CHECK: transform.apply_registered_pass "canonicalize" with options = {"max-iterations" = %{{.*}}, "top-down" = true}
// CHECK: transform.alternatives
// CHECK: transform.sequence failures(propagate)
