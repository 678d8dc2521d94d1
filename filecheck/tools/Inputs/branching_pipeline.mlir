module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.consumed}) {
    %0 = transform.apply_registered_pass "symbol-dce" to %m : (!transform.any_op) -> !transform.any_op
    %f = transform.structured.match ops{["func.func"]} in %0 : (!transform.any_op) -> !transform.any_op
    transform.foreach %f : !transform.any_op {
    ^bb0(%each: !transform.any_op):
      %1 = transform.apply_registered_pass "canonicalize" to %each : (!transform.any_op) -> !transform.any_op
    }
    transform.yield
  }
}
