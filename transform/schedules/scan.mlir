// Kernels with steps that are taken in order: what a step computes is vectorized inside of it.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @schedule_scan(%kernel: !transform.any_op {transform.consumed}) {
    transform.include @inline_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    %sums = sched.match_structure "contraction" in %kernel : (!transform.any_op) -> !transform.any_op
    transform.foreach %sums : !transform.any_op {
    ^bb0(%sum: !transform.any_op):
      transform.include @sums_of_step failures(suppress) (%sum) : (!transform.any_op) -> ()
    }
    %steps = sched.match_structure "ordered" in %kernel : (!transform.any_op) -> !transform.any_op
    transform.foreach %steps : !transform.any_op {
    ^bb0(%step: !transform.any_op):
      transform.include @vectorize_innermost failures(suppress) (%step) : (!transform.any_op) -> ()
    }
    transform.include @schedule_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @sums_of_step(%sum: !transform.any_op {transform.consumed}) {
    %done = transform.foreach_match restrict_root in %sum, %sum
        @has_lanes -> @vector_tile_alone,
        @has_inner_products -> @inner_products_alone : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.yield
  }

  // In the other files of this folder.
  transform.named_sequence private @inline_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @vectorize_innermost(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @has_lanes(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op)
  transform.named_sequence private @has_inner_products(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op)
  transform.named_sequence private @vector_tile_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly})
  transform.named_sequence private @inner_products_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly})
}
