module attributes {transform.with_named_sequence} {
  transform.named_sequence @per_function(%m: !transform.any_op {transform.consumed}) -> !transform.any_op {
    %f = transform.structured.match ops{["func.func"]} in %m : (!transform.any_op) -> !transform.any_op
    %0 = transform.apply_registered_pass "canonicalize" to %f : (!transform.any_op) -> !transform.any_op
    transform.yield %m : !transform.any_op
  }
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.consumed}) {
    %0 = transform.apply_registered_pass "cse" to %m : (!transform.any_op) -> !transform.any_op
    %1 = transform.include @per_function failures(propagate) (%0) : (!transform.any_op) -> !transform.any_op
    %2 = transform.apply_registered_pass "symbol-dce" to %1 : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
