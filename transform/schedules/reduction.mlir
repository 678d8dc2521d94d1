// Kernels that reduce, without a contraction: sums and maxima over rows or columns, windows, softmax, normalisations.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @schedule_reduction(%kernel: !transform.any_op {transform.consumed}) {
    transform.include @inline_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    %scheduled = transform.alternatives %kernel : !transform.any_op -> !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // One reduction that keeps a dimension with neighbours, and what follows it: windows, sums over columns.
      %sum = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      %count = transform.num_associations %sum : (!transform.any_op) -> !transform.any_param
      sched.constrain %count eq 1 : !transform.any_param
      %e = transform.include @only_consumer failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_op
      transform.include @columns failures(propagate) (%sum) : (!transform.any_op) -> ()
      transform.include @vector_tile failures(propagate) (%sum, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.include @unroll_window failures(suppress) (%sum) : (!transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      %sum = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      %count = transform.num_associations %sum : (!transform.any_op) -> !transform.any_param
      sched.constrain %count eq 1 : !transform.any_param
      transform.include @columns failures(propagate) (%sum) : (!transform.any_op) -> ()
      transform.include @vector_tile_alone failures(propagate) (%sum, %sum) : (!transform.any_op, !transform.any_op) -> ()
      transform.include @unroll_window failures(suppress) (%sum) : (!transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // One reduction over rows, and what follows it: a few rows at a time, each in lanes.
      %sum = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      %count = transform.num_associations %sum : (!transform.any_op) -> !transform.any_param
      sched.constrain %count eq 1 : !transform.any_param
      %e = transform.include @only_consumer failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_op
      transform.include @sums failures(propagate) (%sum, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.include @inner_products failures(propagate) (%sum, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // Rows go through all blocks one after another; each reduction in lanes.
      %last = sched.match_structure "sink" in %scope : (!transform.any_op) -> !transform.any_op
      %reductions = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      %outer, %row, %columns = sched.get_row_loops %reductions in %last : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
      sched.reorder %outer, %row, %columns : !transform.any_op, !transform.any_op, !transform.any_op
      transform.include @compute_with_rows failures(propagate) (%last, %row) : (!transform.any_op, !transform.any_op) -> ()
      transform.foreach %reductions : !transform.any_op {
      ^bb1(%sum: !transform.any_op):
        transform.include @reduce_row failures(propagate) (%sum) : (!transform.any_op) -> ()
      }
      transform.include @parallelize_outermost failures(suppress) (%last) : (!transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // Columns of several reductions: a register's worth of them goes through all blocks before the next one.
      %last = sched.match_structure "sink" in %scope : (!transform.any_op) -> !transform.any_op
      %reductions = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      %outer, %row, %columns = sched.get_row_loops %reductions in %last : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
      %lanes = transform.include @lanes failures(propagate) (%last) : (!transform.any_op) -> !transform.any_param
      sched.match.contiguous %row : !transform.any_op
      sched.reorder %outer, %row, %columns : !transform.any_op, !transform.any_op, !transform.any_op
      %rows, %each = sched.tile %row tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
      transform.include @compute_with_rows failures(propagate) (%last, %rows) : (!transform.any_op, !transform.any_op) -> ()
      sched.reorder %columns, %each : !transform.any_op, !transform.any_op
      sched.vectorize %each : !transform.any_op
      transform.foreach %reductions : !transform.any_op {
      ^bb1(%sum: !transform.any_op):
        transform.include @reduce_columns failures(propagate) (%sum) : (!transform.any_op) -> ()
      }
      transform.include @parallelize_outermost failures(suppress) (%last) : (!transform.any_op) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // Reductions in lanes, each where it is.
      %blocks = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.foreach %blocks : !transform.any_op {
      ^bb1(%block: !transform.any_op):
        transform.include @reduce_row failures(propagate) (%block) : (!transform.any_op) -> ()
        transform.include @parallelize_outermost failures(suppress) (%block) : (!transform.any_op) -> ()
      }
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // Rows that are reduced step by step: a few of them side by side.
      %last = sched.match_structure "sink" in %scope : (!transform.any_op) -> !transform.any_op
      %reductions = sched.match_structure "reduction" in %scope : (!transform.any_op) -> !transform.any_op
      %row, %others = sched.get_loops %last {of = "spatial", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      %rows, %each = sched.tile %row tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      transform.include @compute_with_rows failures(propagate) (%last, %rows) : (!transform.any_op, !transform.any_op) -> ()
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
        transform.include @reduce_row failures(suppress) (%block) : (!transform.any_op) -> ()
        transform.include @parallelize_outermost failures(suppress) (%block) : (!transform.any_op) -> ()
      }
      transform.yield %scope : !transform.any_op
    }
    transform.include @stage_map failures(suppress) (%scheduled) : (!transform.any_op) -> ()
    transform.include @schedule_maps failures(suppress) (%scheduled) : (!transform.any_op) -> ()
    transform.yield
  }

  // Whether a block has an element for each sum, and no more.
  transform.named_sequence @sums(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %outer, %row, %columns = sched.get_row_loops %sum in %out : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %count = transform.num_associations %columns : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 0 : !transform.any_param
    transform.yield
  }

  // Whether the last dimension of what a reduction writes moves by a few elements in what it reads.
  transform.named_sequence @columns(%sum: !transform.any_op {transform.readonly}) {
    %outer, %j = sched.get_loops %sum {of = "spatial", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %read = sched.get_reads %sum : (!transform.any_op) -> !transform.any_value
    %stride = sched.get_stride %sum, %read along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride le 8 : !transform.any_param
    sched.constrain %stride ge 1 : !transform.any_param
    transform.yield
  }

  transform.named_sequence @unroll_window(%sum: !transform.any_op {transform.readonly}) {
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    %k = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %extents = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    sched.constrain %extents le 4 : !transform.any_param
    sched.unroll %k : !transform.any_op
    transform.yield
  }

  // Everything that a block depends on is computed in a loop of it, the nearest first.
  transform.named_sequence @compute_with_rows(%last: !transform.any_op {transform.readonly}, %rows: !transform.any_op {transform.readonly}) {
    %producers = sched.get_producers %last {transitive} : (!transform.any_op) -> !transform.any_op
    %nearest_first = sched.reverse %producers : (!transform.any_op) -> !transform.any_op
    transform.foreach %nearest_first : !transform.any_op {
    ^bb0(%producer: !transform.any_op):
      transform.include @compute_with_row failures(propagate) (%producer, %rows) : (!transform.any_op, !transform.any_op) -> ()
    }
    transform.yield
  }

  transform.named_sequence @compute_with_row(%producer: !transform.any_op {transform.readonly}, %rows: !transform.any_op {transform.readonly}) {
    sched.compute_at %producer into %rows : !transform.any_op, !transform.any_op
    transform.yield
  }

  transform.named_sequence @reduce_columns(%sum: !transform.any_op {transform.readonly}) {
    %outer, %j = sched.get_loops %sum {of = "spatial", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.include @accumulate_lanes failures(propagate) (%sum, %j) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @reduce_row(%sum: !transform.any_op {transform.readonly}) {
    %none = sched.get_loops %sum {of = "ordered"} : (!transform.any_op) -> !transform.any_op
    transform.include @reduce_in_lanes failures(propagate) (%sum, %none) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  // A reduction in lanes along its innermost dimension: partial results, then one of them all. Several rows at a time
  // hide how long one step takes; so do several registers.
  transform.named_sequence @reduce_in_lanes(%sum: !transform.any_op {transform.readonly}, %row: !transform.any_op {transform.readonly}) {
    %outer, %k = sched.get_loops %sum {of = "reduce", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.match.contiguous %k : !transform.any_op
    %extent = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_param
    %rows = transform.num_associations %row : (!transform.any_op) -> !transform.any_param
    %spared = sched.param mul %rows, 2 : (!transform.any_param) -> !transform.any_param
    %vectors = sched.param sub 4, %spared : (!transform.any_param) -> !transform.any_param
    %wide = sched.param mul %vectors, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %long = sched.param ge %extent, %wide : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %extra = sched.param sub %wide, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %more = sched.param mul %extra, %long : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %columns = sched.param add %lanes, %more : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %ko, %ki = sched.tile %k tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %combine = sched.split_reduction %sum at %ki : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %steps = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %steps, %row, %ki : !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %ki : !transform.any_op
    transform.include @unroll failures(suppress) (%row) : (!transform.any_op) -> ()
    %first, %others = sched.get_loops %sum {of = "reduce", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %init = sched.decompose_reduction %sum at %first : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @peel_tail failures(suppress) (%ko, %extent, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    %partial = sched.get_loops %combine {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    %combine_init = sched.decompose_reduction %combine at %partial : (!transform.any_op, !transform.any_op) -> !transform.any_op
    sched.vectorize %partial : !transform.any_op
    transform.yield
  }

  transform.named_sequence @unroll(%loops: !transform.any_op {transform.readonly}) {
    sched.unroll %loops : !transform.any_op
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
  transform.named_sequence private @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param
  transform.named_sequence private @inline_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @stage_map(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @only_consumer(%sum: !transform.any_op {transform.readonly}) -> !transform.any_op
  transform.named_sequence private @parallelize_outermost(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @peel_tail(%loop: !transform.any_op {transform.readonly}, %extent: !transform.any_param {transform.readonly}, %size: !transform.any_param {transform.readonly})
  transform.named_sequence private @vector_tile(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @vector_tile_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly})
  transform.named_sequence private @inner_products(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @accumulate_lanes(%sum: !transform.any_op {transform.readonly}, %j: !transform.any_op {transform.readonly})
}
