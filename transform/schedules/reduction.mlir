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
      // Reductions over rows: a few rows go through all blocks before the next ones start, side by side in each reduction.
      %last = sched.match_structure "sink" in %scope : (!transform.any_op) -> !transform.any_op
      %reductions = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      %producers = sched.get_producers %last {transitive} : (!transform.any_op) -> !transform.any_op
      %nearest_first = sched.reverse %producers : (!transform.any_op) -> !transform.any_op
      %row, %others = sched.get_loops %last {of = "spatial", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      %rows, %each = sched.tile %row tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      transform.foreach %nearest_first : !transform.any_op {
      ^bb1(%producer: !transform.any_op):
        transform.include @compute_with_rows failures(propagate) (%producer, %rows) : (!transform.any_op, !transform.any_op) -> ()
      }
      transform.foreach %reductions : !transform.any_op {
      ^bb1(%sum: !transform.any_op):
        transform.include @rows_side_by_side failures(suppress) (%sum) : (!transform.any_op) -> ()
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

  transform.named_sequence @compute_with_rows(%producer: !transform.any_op {transform.readonly},
                                              %rows: !transform.any_op {transform.readonly}) {
    sched.compute_at %producer into %rows : !transform.any_op, !transform.any_op
    transform.yield
  }

  // The rows of a tile in the steps of their reductions, so that one sum does not wait for itself.
  transform.named_sequence @rows_side_by_side(%sum: !transform.any_op {transform.readonly}) {
    %spatial = sched.get_loops %sum {of = "spatial"} : (!transform.any_op) -> !transform.any_op
    %tiles, %rows = transform.split_handle %spatial : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %k, %rows : !transform.any_op, !transform.any_op
    sched.unroll %rows : !transform.any_op
    %k_first, %k_others = sched.get_loops %sum {of = "reduce", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %init = sched.decompose_reduction %sum at %k_first : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.yield
  }

  // In the other files of this folder.
  transform.named_sequence private @inline_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @parallelize_outermost(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @vector_tile(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
}
