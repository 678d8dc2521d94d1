// Kernels with one reduction over windows of planes: depthwise convolutions, pooling, and what follows them.
//
// Rows of the output are computed one below another, each in lanes: what windows share stays in registers. Padding is
// where it is read: lanes beyond an edge are masked off.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @schedule_window_products(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // What follows is computed from the registers.
      %sum = transform.include @find_window failures(propagate) (%scope) : (!transform.any_op) -> !transform.any_op
      %out = transform.include @only_consumer failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_op
      transform.include @window_tile failures(propagate) (%scope, %sum, %out) : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // Registers are copied out.
      %sum = transform.include @find_window failures(propagate) (%scope) : (!transform.any_op) -> !transform.any_op
      %first, %others = sched.get_loops %sum {of = "spatial", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      %copy = sched.cache_write %sum at %first : (!transform.any_op, !transform.any_op) -> !transform.any_op
      transform.include @window_tile failures(propagate) (%scope, %sum, %copy) : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.include @schedule_contraction failures(propagate) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  transform.named_sequence @schedule_windows(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // What follows is computed from the registers.
      %sum = transform.include @find_window failures(propagate) (%scope) : (!transform.any_op) -> !transform.any_op
      %out = transform.include @only_consumer failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_op
      transform.include @window_tile failures(propagate) (%scope, %sum, %out) : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // Registers are copied out.
      %sum = transform.include @find_window failures(propagate) (%scope) : (!transform.any_op) -> !transform.any_op
      %first, %others = sched.get_loops %sum {of = "spatial", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      %copy = sched.cache_write %sum at %first : (!transform.any_op, !transform.any_op) -> !transform.any_op
      transform.include @window_tile failures(propagate) (%scope, %sum, %copy) : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.include @schedule_reduction failures(propagate) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  transform.named_sequence @find_window(%kernel: !transform.any_op {transform.readonly}) -> !transform.any_op {
    // Loads of some lanes are one instruction.
    %vector = sched.target_query "vector_bytes" : !transform.any_param
    sched.constrain %vector ge 32 : !transform.any_param
    transform.include @inline_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    %sum = sched.match_structure "window" in %kernel : (!transform.any_op) -> !transform.any_op
    transform.include @inline_pads failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.yield %sum : !transform.any_op
  }

  transform.named_sequence @inline_pads(%sum: !transform.any_op {transform.readonly}) {
    %producers = sched.get_producers %sum : (!transform.any_op) -> !transform.any_op
    transform.foreach %producers : !transform.any_op {
    ^bb0(%producer: !transform.any_op):
      transform.include @inline_pad failures(suppress) (%producer) : (!transform.any_op) -> ()
    }
    transform.yield
  }

  transform.named_sequence @inline_pad(%producer: !transform.any_op {transform.consumed}) {
    sched.match.structure "pad", %producer : !transform.any_op
    sched.compute_inline %producer : !transform.any_op
    transform.yield
  }

  transform.named_sequence @window_tile(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.consumed}, %out: !transform.any_op {transform.readonly}) {
    %done = transform.foreach_match restrict_root in %sum, %out
        @is_small_window -> @window_rows,
        @is_large_window -> @window_rows_side_by_side,
        @has_none -> @refuse : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @stage_map failures(suppress) (%kernel) : (!transform.any_op) -> ()
    transform.include @schedule_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    transform.yield
  }

  // Registers hold a whole window: its weights, and what it reads.
  transform.named_sequence @is_small_window(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) {
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    %elements = sched.get_points %out : (!transform.any_op) -> !transform.any_param
    %window = sched.param floordiv %points, %elements : (!transform.any_param, !transform.any_param) -> !transform.any_param
    sched.constrain %window le 16 : !transform.any_param
    transform.yield %sum, %out : !transform.any_op, !transform.any_op
  }

  transform.named_sequence @is_large_window(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) {
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    %elements = sched.get_points %out : (!transform.any_op) -> !transform.any_param
    %window = sched.param floordiv %points, %elements : (!transform.any_param, !transform.any_param) -> !transform.any_param
    sched.constrain %window le 64 : !transform.any_param
    transform.yield %sum, %out : !transform.any_op, !transform.any_op
  }

  // The last two dimensions in tiles of rows and lanes: at most so many rows, so that all tiles are nearly full.
  transform.named_sequence @tile_plane(%out: !transform.any_op {transform.readonly}, %most: !transform.any_param {transform.readonly}) -> (!transform.any_op, !transform.any_op, !transform.any_op) {
    %outer, %y, %x = sched.get_loops %out {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %width = sched.get_extent %x : (!transform.any_op) -> !transform.any_param
    sched.constrain %width gt 1 : !transform.any_param
    %height = sched.get_extent %y : (!transform.any_op) -> !transform.any_param
    %tiles = sched.param ceildiv %height, %most : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %rows = sched.param ceildiv %height, %tiles : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%out) : (!transform.any_op) -> !transform.any_param
    %yo, %xo, %yi, %xi = sched.tile %y, %x tile_sizes [%rows, %lanes] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.include @peel_tail failures(suppress) (%yo, %height, %rows) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%xo, %width, %lanes) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield %xo, %yi, %xi : !transform.any_op, !transform.any_op, !transform.any_op
  }

  // One row after another, each in one go: what it read is there for the next one.
  transform.named_sequence @window_rows(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    %elements = sched.get_points %out : (!transform.any_op) -> !transform.any_param
    %window = sched.param floordiv %points, %elements : (!transform.any_param, !transform.any_param) -> !transform.any_param
    // As many as keep the code short.
    %room = sched.param floordiv 128, %window : (!transform.any_param) -> !transform.any_param
    %most = sched.param min %room, 8 : (!transform.any_param) -> !transform.any_param
    %xo, %yi, %xi = transform.include @tile_plane failures(propagate) (%out, %most) : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    sched.compute_at %sum into %yi : !transform.any_op, !transform.any_op
    %around, %x = sched.get_loops %sum {of = "spatial", rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %k, %x : !transform.any_op, !transform.any_op
    sched.vectorize %x : !transform.any_op
    sched.unroll %k : !transform.any_op
    sched.vectorize %xi : !transform.any_op
    sched.unroll %yi : !transform.any_op
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.yield
  }

  // All rows of a tile in each step: registers hold an accumulator for each, and what the steps of a row of the window
  // read of each.
  transform.named_sequence @window_rows_side_by_side(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %ko, %kx = sched.get_loops %sum {of = "reduce", rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %columns = sched.get_extent %kx : (!transform.any_op) -> !transform.any_param
    %registers = sched.target_query "vector_registers" : !transform.any_param
    %free = sched.param sub %registers, %columns : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %row = sched.param add %columns, 1 : (!transform.any_param) -> !transform.any_param
    %fit = sched.param floordiv %free, %row : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %most = sched.param max %fit, 1 : (!transform.any_param) -> !transform.any_param
    %xo, %yi, %xi = transform.include @tile_plane failures(propagate) (%out, %most) : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    sched.compute_at %sum into %xo : !transform.any_op, !transform.any_op
    %around, %y, %x = sched.get_loops %sum {of = "spatial", rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %k, %y, %x : !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %x : !transform.any_op
    sched.unroll %y : !transform.any_op
    sched.unroll %k : !transform.any_op
    sched.vectorize %xi : !transform.any_op
    sched.unroll %yi : !transform.any_op
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.yield
  }

  // In the other files of this folder.
  transform.named_sequence private @has_none(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op)
  transform.named_sequence private @refuse(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param
  transform.named_sequence private @inline_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @stage_map(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @schedule_contraction(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_reduction(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @only_consumer(%sum: !transform.any_op {transform.readonly}) -> !transform.any_op
  transform.named_sequence private @parallelize_sums(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @peel_tail(%loop: !transform.any_op {transform.readonly}, %extent: !transform.any_param {transform.readonly}, %size: !transform.any_param {transform.readonly})
}
