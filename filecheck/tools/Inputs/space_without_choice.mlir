module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %b = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    %i = sched.get_loops %b : (!transform.any_op) -> !transform.any_op
    %size = transform.tune.knob<"size"> options = [4, 8, 16] -> !transform.any_param
    sched.constrain %size ge 100 : !transform.any_param
    %io, %ii = sched.tile %i tile_sizes [%size] : (!transform.any_op, !transform.any_param)
        -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
