module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.consumed}) {
    %f = transform.structured.match ops{["func.func"]} in %m : (!transform.any_op) -> !transform.any_op
    %0 = transform.apply_registered_pass "canonicalize" to %f : (!transform.any_op) -> !transform.any_op
    %1 = transform.apply_registered_pass "transform-interpreter" with options = {"entry-point" = "nothing"} to %m : (!transform.any_op) -> !transform.any_op
    %2 = transform.structured.match ops{["func.func"]} in %1 : (!transform.any_op) -> !transform.any_op
    %3 = transform.apply_registered_pass "cse" to %2 : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
