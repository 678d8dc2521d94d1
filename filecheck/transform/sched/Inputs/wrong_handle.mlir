!op = !transform.any_op
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %x = sched.cache_read %c, %j at %i : (!op, !op, !op) -> !op
    transform.yield
  }
}
