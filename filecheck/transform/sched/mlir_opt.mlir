// REQUIRES: mlir-opt-22
// RUN: stepwell-opt %S/ops.mlir --print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s

// In generic form a stock mlir-opt reads scripts with operations of ours.

// CHECK: transform.named_sequence @primitives
// CHECK: "sched.tile"
// CHECK: "sched.decompose_reduction"
