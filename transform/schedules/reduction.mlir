// Kernels that reduce, without a contraction: sums and maxima over rows or columns, softmax, normalisations.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @schedule_reduction(%kernel: !transform.any_op {transform.consumed}) {
    transform.include @inline_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    %scheduled = transform.alternatives %kernel : !transform.any_op -> !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // A reduction over columns: the last dimension of the output in vector lanes.
      %sum = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      %count = transform.num_associations %sum : (!transform.any_op) -> !transform.any_param
      sched.constrain %count eq 1 : !transform.any_param
      %out = sched.cache_write %sum : (!transform.any_op) -> !transform.any_op
      transform.include @vector_tile failures(propagate) (%sum, %out) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // Reductions over rows: each row goes through all blocks before the next one starts.
      %last = sched.match_structure "sink" in %scope : (!transform.any_op) -> !transform.any_op
      %row, %others = sched.get_loops %last {of = "spatial", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      %producers = sched.get_producers %last {transitive} : (!transform.any_op) -> !transform.any_op
      %nearest_first = sched.reverse %producers : (!transform.any_op) -> !transform.any_op
      transform.foreach %nearest_first : !transform.any_op {
      ^bb1(%producer: !transform.any_op):
        sched.compute_at %producer into %row : !transform.any_op, !transform.any_op
      }
      transform.include @parallelize_outermost failures(suppress) (%last) : (!transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      %blocks = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.foreach %blocks : !transform.any_op {
      ^bb1(%block: !transform.any_op):
        transform.include @parallelize_outermost failures(suppress) (%block) : (!transform.any_op) -> ()
      }
      transform.yield %scope : !transform.any_op
    }
    transform.include @schedule_maps failures(suppress) (%scheduled) : (!transform.any_op) -> ()
    transform.yield
  }
}
