// What compiles for toy-cpu: the passes of llvm-cpu, and ours between them.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%graph: !transform.any_op {transform.consumed}) {
    // Rung 1: the model.
    %1 = transform.apply_registered_pass "graph-infer-shapes" to %graph : (!transform.any_op) -> !transform.any_op
    %2 = transform.apply_registered_pass "graph-fuse" to %1 : (!transform.any_op) -> !transform.any_op
    %3 = transform.apply_registered_pass "convert-graph-to-te" to %2 : (!transform.any_op) -> !transform.any_op
    // Rung 2: what each element is.
    %4 = transform.apply_registered_pass "te-specialize" to %3 : (!transform.any_op) -> !transform.any_op
    %5 = transform.apply_registered_pass "te-simplify" to %4 : (!transform.any_op) -> !transform.any_op
    %6 = transform.apply_registered_pass "convert-te-to-loop" to %5 : (!transform.any_op) -> !transform.any_op
    // Rung 3: our schedules, which go on with Stepwell's.
    %7 = transform.apply_registered_pass "apply-schedules" with options = {"entry-point" = "toy_schedule"} to %6 : (!transform.any_op) -> !transform.any_op
    %8 = transform.apply_registered_pass "toy-fold" to %7 : (!transform.any_op) -> !transform.any_op
    %9 = transform.apply_registered_pass "loop-expand" to %8 : (!transform.any_op) -> !transform.any_op
    // Rung 4a: loops bound to the machine.
    %10 = transform.apply_registered_pass "convert-toy-to-arith" to %9 : (!transform.any_op) -> !transform.any_op
    %11 = transform.apply_registered_pass "cpu-outline-parallel" to %10 : (!transform.any_op) -> !transform.any_op
    %12 = transform.apply_registered_pass "convert-cpu-to-llvm" to %11 : (!transform.any_op) -> !transform.any_op
    // Rung 4b: plain MLIR.
    %13 = transform.apply_registered_pass "arith-emulate-unsupported-floats" to %12 : (!transform.any_op) -> !transform.any_op
    %14 = transform.apply_registered_pass "math-polynomial-approximation" to %13 : (!transform.any_op) -> !transform.any_op
    %15 = transform.apply_registered_pass "arith-expand" to %14 : (!transform.any_op) -> !transform.any_op
    // Rung 5: LLVM.
    %16 = transform.apply_registered_pass "convert-to-llvm" to %15 : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
