// How kernels that no script was given for are scheduled: the first structure that fits decides.
//
// Every action tries its variants from best to plainest. What cannot be proven legal is undone, and the kernel is right
// without any of it.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%kernel: !transform.any_op {transform.consumed}) {
    transform.include @schedule_kernel failures(propagate) (%kernel) : (!transform.any_op) -> ()
    transform.yield
  }

  // What a script that begins in its own way goes on with.
  transform.named_sequence @schedule_kernel(%kernel: !transform.any_op {transform.consumed}) {
    %updated = transform.foreach_match restrict_root in %kernel
        @has_steps -> @schedule_scan,
        @has_one_reduction -> @schedule_one_reduction,
        @has_reduction -> @schedule_reduction,
        @is_kernel -> @schedule_maps : (!transform.any_op) -> !transform.any_op
    transform.yield
  }

  // By what the one reduction sums.
  transform.named_sequence @schedule_one_reduction(%kernel: !transform.any_op {transform.consumed}, %sum: !transform.any_op {transform.readonly}) {
    %updated = transform.foreach_match restrict_root in %kernel, %sum
        @has_window_products -> @schedule_window_products,
        @has_products_of_bytes -> @schedule_products_of_bytes,
        @has_products_of_bf16 -> @schedule_products_of_bf16,
        @has_tile_products -> @schedule_winograd,
        @has_contraction -> @schedule_contraction,
        @has_windows -> @schedule_windows,
        @has_sums -> @schedule_reduction : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.yield
  }

  transform.named_sequence @has_steps(%kernel: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.operation_name %kernel ["func.func"] : !transform.any_op
    %blocks = sched.match_structure "ordered" in %kernel : (!transform.any_op) -> !transform.any_op
    %count = transform.num_associations %blocks : (!transform.any_op) -> !transform.any_param
    sched.constrain %count ge 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  // One reduction; it goes on to what comes next.
  transform.named_sequence @has_one_reduction(%kernel: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) {
    transform.match.operation_name %kernel ["func.func"] : !transform.any_op
    %reductions = sched.match_structure "reduction" in %kernel : (!transform.any_op) -> !transform.any_op
    %all = transform.num_associations %reductions : (!transform.any_op) -> !transform.any_param
    sched.constrain %all eq 1 : !transform.any_param
    transform.yield %kernel, %reductions : !transform.any_op, !transform.any_op
  }

  // Products over windows of planes.
  transform.named_sequence @has_window_products(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "contraction", %sum : !transform.any_op
    sched.match.structure "window", %sum : !transform.any_op
    transform.yield %kernel : !transform.any_op
  }

  // Another reduction over windows: pooling.
  transform.named_sequence @has_windows(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "window", %sum : !transform.any_op
    transform.yield %kernel : !transform.any_op
  }

  // Products of two inputs for each of a few points in two dimensions, of what a copy and two transforms have made, for
  // two transforms and a copy.
  transform.named_sequence @has_tile_products(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "contraction", %sum : !transform.any_op
    %batch, %ms, %ns, %ks = sched.get_contraction_loops %sum : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %dimensions = transform.num_associations %batch : (!transform.any_op) -> !transform.any_param
    sched.constrain %dimensions eq 2 : !transform.any_param
    %points = sched.get_extent %batch : (!transform.any_op) -> !transform.any_param
    sched.constrain %points le 6 : !transform.any_param
    %data = sched.get_producers %sum : (!transform.any_op) -> !transform.any_op
    sched.match.structure "map", %data : !transform.any_op
    %rows = sched.get_producers %data : (!transform.any_op) -> !transform.any_op
    sched.match.structure "map", %rows : !transform.any_op
    %image = sched.get_producers %rows : (!transform.any_op) -> !transform.any_op
    sched.match.structure "map", %image : !transform.any_op
    %lines = sched.get_consumers %sum : (!transform.any_op) -> !transform.any_op
    sched.match.structure "map", %lines : !transform.any_op
    %pixels = sched.get_consumers %lines : (!transform.any_op) -> !transform.any_op
    sched.match.structure "map", %pixels : !transform.any_op
    %results = sched.get_consumers %pixels : (!transform.any_op) -> !transform.any_op
    %count = transform.num_associations %results : (!transform.any_op) -> !transform.any_param
    sched.constrain %count ge 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  // Products of two inputs.
  transform.named_sequence @has_contraction(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "contraction", %sum : !transform.any_op
    transform.yield %kernel : !transform.any_op
  }

  // Numbers whose products the target sums a few at a time.
  transform.named_sequence @has_products_of_bytes(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.factors %sum [i8, i8] : !transform.any_op
    %wide = sched.target_query "feature.avx512vnni" : !transform.any_param
    %narrow = sched.target_query "feature.avxvnni" : !transform.any_param
    %either = sched.param max %wide, %narrow : (!transform.any_param, !transform.any_param) -> !transform.any_param
    sched.constrain %either eq 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  transform.named_sequence @has_products_of_bf16(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.factors %sum [bf16, bf16] : !transform.any_op
    %instruction = sched.target_query "feature.avx512bf16" : !transform.any_param
    sched.constrain %instruction eq 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  // Any other.
  transform.named_sequence @has_sums(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.yield %kernel : !transform.any_op
  }

  transform.named_sequence @has_reduction(%kernel: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.operation_name %kernel ["func.func"] : !transform.any_op
    %blocks = sched.match_structure "reduction" in %kernel : (!transform.any_op) -> !transform.any_op
    %count = transform.num_associations %blocks : (!transform.any_op) -> !transform.any_param
    sched.constrain %count ge 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  transform.named_sequence @is_kernel(%kernel: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.match.operation_name %kernel ["func.func"] : !transform.any_op
    transform.yield %kernel : !transform.any_op
  }

  // In the other files of this folder.
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @schedule_scan(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_products_of_bytes(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_winograd(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_products_of_bf16(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_window_products(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_windows(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_contraction(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_reduction(%kernel: !transform.any_op {transform.consumed})
}
