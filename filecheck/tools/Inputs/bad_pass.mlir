module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.consumed}) {
    %0 = transform.apply_registered_pass "canonicalise" to %m : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
