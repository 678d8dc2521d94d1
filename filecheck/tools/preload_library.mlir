// RUN: stepwell-opt %S/Inputs/scale.mlir -p "transform-preload-library{transform-library-paths=%S/Inputs/library.mlir},transform-interpreter{entry-point=from_the_library}" | filecheck %s
// RUN: stepwell-opt %S/Inputs/scale.mlir -p "transform-preload-library{transform-library-paths=%S/Inputs/library.mlir},transform-interpreter{script=%s}" | filecheck %s
// RUN: not stepwell-opt %S/Inputs/scale.mlir --no-reproducer -p "transform-preload-library{transform-library-paths=%S/Inputs/library.mlir,%S/Inputs/library.mlir}" 2>&1 | filecheck %s --check-prefix TWICE
// RUN: not stepwell-opt %S/Inputs/scale.mlir --no-reproducer -p "transform-preload-library{transform-library-paths=nothing.mlir}" 2>&1 | filecheck %s --check-prefix MISSING

// Scripts in files of their own, whose sequences a script includes, or which the interpreter starts at.

module attributes {transform.with_named_sequence} {
  transform.named_sequence private @in_lanes(%loop: !transform.any_op {transform.readonly})
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    %i, %j = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.include @in_lanes failures(propagate) (%j) : (!transform.any_op) -> ()
    transform.yield
  }
}
// CHECK:      loop.for %i : 8 {
// CHECK-NEXT: loop.for %j : 64 vectorized {

// TWICE: expected one definition of @in_lanes in the libraries, got two

// MISSING: cannot read script 'nothing.mlir': No such file or directory
