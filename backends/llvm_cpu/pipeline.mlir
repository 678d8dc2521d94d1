// What compiles for CPUs: every pass in order, from a model to LLVM. Edit a copy and give it with --pipeline.
// A pass has nothing to do where the program is below its rung already.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%graph: !transform.any_op {transform.consumed}) {
    // Rung 1: the model.
    %1 = transform.apply_registered_pass "graph-infer-shapes" to %graph : (!transform.any_op) -> !transform.any_op
    %folded = transform.apply_registered_pass "graph-fold-constants" to %1 : (!transform.any_op) -> !transform.any_op
    %simple = transform.apply_registered_pass "graph-simplify" to %folded : (!transform.any_op) -> !transform.any_op
    %known = transform.apply_registered_pass "graph-fold-constants" to %simple : (!transform.any_op) -> !transform.any_op
    %chosen = transform.apply_registered_pass "graph-select-conv-algorithm" to %known : (!transform.any_op) -> !transform.any_op
    %merged = transform.apply_registered_pass "graph-cse" to %chosen : (!transform.any_op) -> !transform.any_op
    %needed = transform.apply_registered_pass "graph-dce" to %merged : (!transform.any_op) -> !transform.any_op
    %2 = transform.apply_registered_pass "graph-fuse" to %needed : (!transform.any_op) -> !transform.any_op
    %3 = transform.apply_registered_pass "convert-graph-to-te" to %2 : (!transform.any_op) -> !transform.any_op
    // Rung 2: what each element is.
    %4 = transform.apply_registered_pass "te-specialize" to %3 : (!transform.any_op) -> !transform.any_op
    %5 = transform.apply_registered_pass "te-simplify" to %4 : (!transform.any_op) -> !transform.any_op
    %6 = transform.apply_registered_pass "convert-te-to-loop" to %5 : (!transform.any_op) -> !transform.any_op
    // Rung 3: kernels, schedules, and memory.
    %elided = transform.apply_registered_pass "loop-elide-copies" to %6 : (!transform.any_op) -> !transform.any_op
    %7 = transform.apply_registered_pass "loop-name-kernels" to %elided : (!transform.any_op) -> !transform.any_op
    %8 = transform.apply_registered_pass "apply-schedules" to %7 : (!transform.any_op) -> !transform.any_op
    %packed = transform.apply_registered_pass "loop-pack-constants" to %8 : (!transform.any_op) -> !transform.any_op
    %9 = transform.apply_registered_pass "loop-plan-memory" to %packed : (!transform.any_op) -> !transform.any_op
    %10 = transform.apply_registered_pass "loop-expand" to %9 : (!transform.any_op) -> !transform.any_op
    // Rung 4a: loops bound to the machine.
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
