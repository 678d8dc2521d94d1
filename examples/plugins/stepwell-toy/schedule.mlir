// A schedule by hand: the unit's operation stands among Stepwell's.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %quantized = sched.match_block "quantized" in %root : (!transform.any_op) -> !transform.any_op
    toy.select %quantized : !transform.any_op
    sched.compute_inline %quantized : !transform.any_op
    %y = sched.match_block "y" in %root : (!transform.any_op) -> !transform.any_op
    %i, %j = sched.get_loops %y : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %jo, %ji = sched.tile %j tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %ji : !transform.any_op
    transform.yield
  }
}
