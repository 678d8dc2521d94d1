// Kernels with one contraction: matrix products in all their forms, convolutions, and what follows them point by point.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @schedule_contraction(%kernel: !transform.any_op {transform.consumed}) {
    transform.include @inline_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    %scheduled = transform.alternatives %kernel : !transform.any_op -> !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // The consumer is computed tile by tile, from the accumulators.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = sched.get_consumers %c : (!transform.any_op) -> !transform.any_op
      %count = transform.num_associations %e : (!transform.any_op) -> !transform.any_param
      sched.constrain %count eq 1 : !transform.any_param
      sched.match.structure "map", %e : !transform.any_op
      transform.include @register_tile failures(propagate) (%c, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // The accumulators are copied out tile by tile.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = sched.cache_write %c : (!transform.any_op) -> !transform.any_op
      transform.include @register_tile failures(propagate) (%c, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = sched.cache_write %c : (!transform.any_op) -> !transform.any_op
      transform.include @vector_tile failures(propagate) (%c, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // A matrix times a vector: as many sums at a time as hide the latency of one.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %row, %others = sched.get_loops %c {of = "spatial", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      %rows, %each = sched.tile %row tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      transform.include @rows_side_by_side failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @parallelize_outermost failures(suppress) (%c) : (!transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @parallelize_outermost failures(suppress) (%c) : (!transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }
    transform.include @schedule_maps failures(suppress) (%scheduled) : (!transform.any_op) -> ()
    transform.yield
  }

  // A tile of accumulators in registers: the last dimension of %out in vector lanes, the one before it unrolled, and %sum
  // computed inside of it, one step of the reduction after another.
  transform.named_sequence @register_tile(%sum: !transform.any_op {transform.readonly},
                                          %out: !transform.any_op {transform.readonly}) {
    %outer, %i, %j = sched.get_loops %out {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %m = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%out) : (!transform.any_op) -> !transform.any_param

    // A quarter of the columns that fit leaves room for six or more rows of accumulators, a row of the right input, and
    // one broadcast element of the left one.
    %registers = sched.target_query "vector_registers" : !transform.any_param
    %most = sched.param floordiv %registers, 8 : (!transform.any_param) -> !transform.any_param
    %needed = sched.param ceildiv %n, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %vectors = sched.param min %most, %needed : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %columns = sched.param mul %vectors, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %left = sched.param sub %registers, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %free = sched.param sub %left, 1 : (!transform.any_param) -> !transform.any_param
    %fit = sched.param floordiv %free, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %rows = sched.param min %fit, 12 : (!transform.any_param) -> !transform.any_param

    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [%rows, %columns] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    // A panel of the right input stays in the cache while the rows of the left one pass by.
    sched.reorder %jo, %io : !transform.any_op, !transform.any_op
    sched.compute_at %sum into %io : !transform.any_op, !transform.any_op
    %inner, %si, %sj = sched.get_loops %sum {of = "spatial", rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %k, %si, %sj : !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %sj, %ji : !transform.any_op, !transform.any_op
    sched.unroll %si, %ii : !transform.any_op, !transform.any_op
    %k_first, %k_others = sched.get_loops %sum {of = "reduce", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %init = sched.decompose_reduction %sum at %k_first : (!transform.any_op, !transform.any_op) -> !transform.any_op

    transform.include @parallelize_outermost failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @pack_panel failures(suppress) (%sum, %jo, %sj, %m, %rows) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%io, %m, %rows) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // A panel of the right input that is larger than the cache and read by several tiles of rows is copied first, so that it
  // lies in one piece: rows that are a power of two apart fight for the same places in the cache.
  transform.named_sequence @pack_panel(%sum: !transform.any_op {transform.readonly},
                                       %panel: !transform.any_op {transform.readonly},
                                       %lanes: !transform.any_op {transform.readonly},
                                       %m: !transform.any_param {transform.readonly},
                                       %rows: !transform.any_param {transform.readonly}) {
    %enough = sched.param mul %rows, 8 : (!transform.any_param) -> !transform.any_param
    sched.constrain %m ge %enough : !transform.any_param, !transform.any_param
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    %elements = sched.param floordiv %points, %m : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %bytes = sched.param mul %elements, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %cache = sched.target_query "l2_bytes" : !transform.any_param
    sched.constrain %bytes ge %cache : !transform.any_param, !transform.any_param
    sched.match.contiguous %lanes : !transform.any_op
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %sum, %right at %panel : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %others, %innermost = sched.get_loops %copy {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %innermost : !transform.any_op
    transform.yield
  }

  // As above for an output of one dimension.
  transform.named_sequence @vector_tile(%sum: !transform.any_op {transform.readonly},
                                        %out: !transform.any_op {transform.readonly}) {
    %outer, %j = sched.get_loops %out {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%out) : (!transform.any_op) -> !transform.any_param
    %columns = sched.param mul %lanes, 4 : (!transform.any_param) -> !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.compute_at %sum into %jo : !transform.any_op, !transform.any_op
    %inner, %sj = sched.get_loops %sum {of = "spatial", rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.match.contiguous %sj : !transform.any_op
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %k, %sj : !transform.any_op, !transform.any_op
    sched.vectorize %sj, %ji : !transform.any_op, !transform.any_op
    %k_first, %k_others = sched.get_loops %sum {of = "reduce", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %init = sched.decompose_reduction %sum at %k_first : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @parallelize_outermost failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // In the other files of this folder.
  transform.named_sequence private @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param
  transform.named_sequence private @inline_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @parallelize_outermost(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @peel_tail(%loop: !transform.any_op {transform.readonly}, %extent: !transform.any_param {transform.readonly}, %size: !transform.any_param {transform.readonly})
  transform.named_sequence private @rows_side_by_side(%sum: !transform.any_op {transform.readonly})
}
