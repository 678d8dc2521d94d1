// Contractions as rows times panels. A panel is what one input holds for as many results as some vectors have lanes, packed
// so that a step of the reduction reads it in one piece: constants when the program is compiled. Of the other input each
// element is broadcast. So any window, stride, dilation and size of rows will do.
module attributes {transform.with_named_sequence} {
  // A convolution with constant weights, whose results are vector lanes.
  transform.named_sequence @has_constant_panel(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) {
    %panel = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    %count = transform.num_associations %panel : (!transform.any_value) -> !transform.any_param
    sched.constrain %count eq 1 : !transform.any_param
    transform.yield %sum, %out : !transform.any_op, !transform.any_op
  }

  // The same of sums that are results: they are copied out.
  transform.named_sequence @convolve_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly}) {
    %copy = sched.cache_write %sum : (!transform.any_op) -> !transform.any_op
    transform.include @convolve failures(propagate) (%sum, %copy) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @convolve(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %panel = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    %group, %group_size = sched.get_group_loop %sum in %out : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_param)
    transform.foreach %group : !transform.any_op {
    ^bb0(%loop: !transform.any_op):
      %g, %each = sched.tile %loop tile_sizes [%group_size] {tail = "exact"} : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    }
    %shared, %rows, %x, %others, %o = sched.get_panel_loops %sum, %panel in %out : (!transform.any_op, !transform.any_value, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %y, %batch = sched.get_innermost %rows : (!transform.any_op) -> (!transform.any_op, !transform.any_op)

    // Lanes: two registers of results.
    %lanes = transform.include @lanes failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_param
    %results = sched.get_extent %o : (!transform.any_op) -> !transform.any_param
    %half = sched.param floordiv %lanes, 2 : (!transform.any_param) -> !transform.any_param
    sched.constrain %results ge %half : !transform.any_param, !transform.any_param
    %needed = sched.param ceildiv %results, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %vectors = sched.param min %needed, 2 : (!transform.any_param) -> !transform.any_param
    %width = sched.param mul %vectors, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param

    // Rows of results: as many as half of the second cache holds an eighth of, the same number in each block, for each
    // thread the same number of blocks where the panels are not.
    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %height = sched.get_extent %y : (!transform.any_op) -> !transform.any_param
    %row_size = sched.get_extent %x : (!transform.any_op) -> !transform.any_param
    %row_elements = sched.param mul %row_size, %width : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %row_bytes = sched.param mul %row_elements, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %l2 = sched.target_query "l2_bytes" : !transform.any_param
    %room = sched.param floordiv %l2, 8 : (!transform.any_param) -> !transform.any_param
    %fitting = sched.param floordiv %room, %row_bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %some = sched.param max %fitting, 1 : (!transform.any_param) -> !transform.any_param
    %blocks = sched.param ceildiv %height, %some : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %panels = sched.param ceildiv %results, %width : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %threads = sched.target_query "threads" : !transform.any_param
    %left_over = sched.param mod %panels, %threads : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %uneven = sched.param ne %left_over, 0 : (!transform.any_param) -> !transform.any_param
    %grain = sched.param max %uneven, 1 : (!transform.any_param) -> !transform.any_param
    %even_blocks = sched.param round_up %blocks, %threads : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %more = sched.param sub %even_blocks, %blocks : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %extra = sched.param mul %more, %uneven : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %count = sched.param add %blocks, %extra : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %block_rows = sched.param ceildiv %height, %count : (!transform.any_param, !transform.any_param) -> !transform.any_param

    %yo, %yi = sched.tile %y tile_sizes [%block_rows] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %oo, %oi = sched.tile %o tile_sizes [%width] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %shared, %batch, %yo, %others, %oo, %yi, %x, %oi : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.compute_at %sum into %oo : !transform.any_op, !transform.any_op

    // Sums: blocks of channels whose part of the panel fits the first cache, tiles of accumulators in registers.
    %shared_s, %rows_s, %x_s, %others_s, %o_s = sched.get_panel_loops %sum, %panel in %sum inside %oo : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %sums = sched.get_writes %sum : (!transform.any_op) -> !transform.any_value
    sched.pack %sum, %sums along %o_s panel_size [%width] : !transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param
    transform.include @pack_groups failures(suppress) (%sum, %panel, %o_s, %group_size) : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param) -> ()
    sched.pack %sum, %panel along %o_s panel_size [%width] : !transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param
    %reduce = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    %c, %window = sched.get_longest %reduce : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %channels = sched.get_extent %c : (!transform.any_op) -> !transform.any_param
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    %elements = sched.get_points %out : (!transform.any_op) -> !transform.any_param
    %depth = sched.param floordiv %points, %elements : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %taps = sched.param floordiv %depth, %channels : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %l1 = sched.target_query "l1_bytes" : !transform.any_param
    %l1_half = sched.param floordiv %l1, 2 : (!transform.any_param) -> !transform.any_param
    %channel_elements = sched.param mul %taps, %width : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %channel_bytes = sched.param mul %channel_elements, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %channels_fit = sched.param floordiv %l1_half, %channel_bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %channels_some = sched.param max %channels_fit, 1 : (!transform.any_param) -> !transform.any_param
    %channel_blocks = sched.param ceildiv %channels, %channels_some : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %channel_block = sched.param ceildiv %channels, %channel_blocks : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %tile = transform.include @rows_of_tile failures(propagate) (%vectors, %row_size) : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %co, %ci = sched.tile %c tile_sizes [%channel_block] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %xo, %xi = sched.tile %x_s tile_sizes [%tile] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %shared_s, %others_s, %co, %rows_s, %xo, %ci, %window, %xi, %o_s : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %o_s : !transform.any_op
    sched.unroll %xi : !transform.any_op
    transform.include @unroll_taps failures(suppress) (%window) : (!transform.any_op) -> ()
    %init = sched.decompose_reduction %sum at %co : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @results_in_lanes failures(suppress) (%out) : (!transform.any_op) -> ()
    transform.include @results_across_lanes failures(suppress) (%out, %lanes) : (!transform.any_op, !transform.any_param) -> ()
    transform.include @parallelize_evenly failures(suppress) (%sum, %oo) : (!transform.any_op, !transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @peel_tail failures(suppress) (%xo, %row_size, %tile) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%oo, %results, %width) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // How many rows of accumulators: what is left of the registers, at most eight, the same number in each tile.
  transform.named_sequence @rows_of_tile(%vectors: !transform.any_param {transform.readonly}, %rows: !transform.any_param {transform.readonly}) -> !transform.any_param {
    %registers = sched.target_query "vector_registers" : !transform.any_param
    %left = sched.param sub %registers, 4 : (!transform.any_param) -> !transform.any_param
    %fit = sched.param floordiv %left, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %most = sched.param min %fit, 8 : (!transform.any_param) -> !transform.any_param
    %tiles = sched.param ceildiv %rows, %most : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %each = sched.param ceildiv %rows, %tiles : (!transform.any_param, !transform.any_param) -> !transform.any_param
    transform.yield %each : !transform.any_param
  }

  transform.named_sequence @pack_groups(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_value {transform.readonly}, %o: !transform.any_op {transform.readonly}, %size: !transform.any_param {transform.readonly}) {
    sched.constrain %size gt 1 : !transform.any_param
    sched.pack %sum, %panel along %o panel_size [%size] : !transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param
    transform.yield
  }

  // Neighbouring taps share most of what they read.
  transform.named_sequence @unroll_taps(%window: !transform.any_op {transform.readonly}) {
    %last, %others = sched.get_innermost %window : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %taps = sched.get_extent %last : (!transform.any_op) -> !transform.any_param
    sched.constrain %taps le 8 : !transform.any_param
    sched.unroll %last : !transform.any_op
    transform.yield
  }

  // Panels for each thread, if they are as many for each.
  transform.named_sequence @parallelize_evenly(%sum: !transform.any_op {transform.readonly}, %panels: !transform.any_op {transform.readonly}) {
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    sched.constrain %points ge 262144 : !transform.any_param
    %threads = sched.target_query "threads" : !transform.any_param
    sched.constrain %threads ge 2 : !transform.any_param
    %count = sched.get_extent %panels : (!transform.any_op) -> !transform.any_param
    sched.constrain %threads divides %count : !transform.any_param, !transform.any_param
    sched.parallelize %panels : !transform.any_op
    transform.yield
  }

  // From the sums of a block of rows to results: in lanes where results of a pixel are neighbours.
  transform.named_sequence @results_in_lanes(%out: !transform.any_op {transform.readonly}) {
    %written = sched.get_writes %out : (!transform.any_op) -> !transform.any_value
    %outer, %o = sched.get_loops %out {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %stride = sched.get_stride %out, %written along %o : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    sched.vectorize %o : !transform.any_op
    transform.yield
  }

  // Where pixels of a result are neighbours, lanes go along them, and what they read is transposed in registers.
  transform.named_sequence @results_across_lanes(%out: !transform.any_op {transform.readonly}, %lanes: !transform.any_param {transform.readonly}) {
    %written = sched.get_writes %out : (!transform.any_op) -> !transform.any_value
    %outer, %x, %o = sched.get_loops %out {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %stride = sched.get_stride %out, %written along %x : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    %n = sched.get_extent %x : (!transform.any_op) -> !transform.any_param
    %xo, %oo, %xi, %oi = sched.tile %x, %o tile_sizes [%lanes, %lanes] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.reorder %xo, %oo, %oi, %xi : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.unroll %oi : !transform.any_op
    sched.vectorize %xi : !transform.any_op
    transform.include @peel_tail failures(suppress) (%xo, %n, %lanes) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // In the other files of this folder.
  transform.named_sequence private @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param
  transform.named_sequence private @parallelize_sums(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @peel_tail(%loop: !transform.any_op {transform.readonly}, %extent: !transform.any_param {transform.readonly}, %size: !transform.any_param {transform.readonly})
}
