module attributes {transform.with_named_sequence} {
  transform.named_sequence @in_lanes(%loop: !transform.any_op {transform.readonly}) {
    sched.vectorize %loop : !transform.any_op
    transform.yield
  }
  transform.named_sequence @from_the_library(%root: !transform.any_op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    %i, %j = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.include @in_lanes failures(propagate) (%j) : (!transform.any_op) -> ()
    transform.yield
  }
}
