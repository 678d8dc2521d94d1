// REQUIRES: mlir-opt-22
// RUN: stepwell-opt %S/../../../transform/schedules/default.mlir --print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s
// RUN: stepwell-opt %S/../../../transform/schedules/contraction.mlir --print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s
// RUN: stepwell-opt %S/../../../transform/schedules/reduction.mlir --print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s
// RUN: stepwell-opt %S/../../../transform/schedules/scan.mlir --print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s
// RUN: stepwell-opt %S/../../../transform/schedules/map.mlir --print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s
// RUN: stepwell-opt %S/../../../transform/schedules/window.mlir --print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s

// The scripts that we ship are ones to a stock mlir-opt, too.

// CHECK: transform.named_sequence
