// How kernels are scheduled for toy-cpu. Every script may include these sequences.
module attributes {transform.with_named_sequence} {
  // The unit does what it can; the rest is scheduled as on any CPU.
  transform.named_sequence @toy_schedule(%kernel: !transform.any_op {transform.consumed}) {
    transform.include @toy_select_all failures(propagate) (%kernel) : (!transform.any_op) -> ()
    transform.include @schedule_kernel failures(propagate) (%kernel) : (!transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @toy_select_all(%kernel: !transform.any_op {transform.readonly}) {
    %blocks = sched.match_structure "any" in %kernel : (!transform.any_op) -> !transform.any_op
    transform.foreach %blocks : !transform.any_op {
    ^bb0(%block: !transform.any_op):
      // Refused where there is nothing to do.
      transform.include @toy_select failures(suppress) (%block) : (!transform.any_op) -> ()
    }
    transform.yield
  }

  transform.named_sequence @toy_select(%block: !transform.any_op {transform.readonly}) {
    toy.select %block : !transform.any_op
    transform.yield
  }

  // Stepwell's.
  transform.named_sequence private @schedule_kernel(%kernel: !transform.any_op {transform.consumed})
}
