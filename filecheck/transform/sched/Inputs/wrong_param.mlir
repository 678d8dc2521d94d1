!op = !transform.any_op
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    sched.unroll %c : !transform.any_param
    // What is read before the mistake is found is not to blame.
    transform.yield
  }
}
