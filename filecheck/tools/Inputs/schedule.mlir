module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %b = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    %i = sched.get_loops %b : (!transform.any_op) -> !transform.any_op
    sched.parallelize %i : !transform.any_op
    transform.yield
  }
}
