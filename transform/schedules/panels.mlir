// Contractions as rows times panels. A panel is what one input holds for as many results as some vectors have lanes, packed
// so that a step of the reduction reads it in one piece: constants when the program is compiled. Of the other input each
// element is broadcast. So any window, stride, dilation and size of rows will do.
module attributes {transform.with_named_sequence} {
  // A product of matrices whose rows of results lie in one piece: `%panel` is a constant, or the right input.
  transform.named_sequence @multiply(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}, %panel: !transform.any_value {transform.readonly}) {
    %shared, %rows, %i, %others, %j = sched.get_panel_loops %sum, %panel in %out : (!transform.any_op, !transform.any_value, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %written = sched.get_writes %out : (!transform.any_op) -> !transform.any_value
    %stride = sched.get_stride %out, %written along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    %reduce = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %steps = transform.num_associations %reduce : (!transform.any_op) -> !transform.any_param
    sched.constrain %steps eq 1 : !transform.any_param
    %depth = sched.get_extent %reduce : (!transform.any_op) -> !transform.any_param

    // A tile: two registers of columns, or four where rows are few, or so long that many of them do not fit the first
    // cache; as many rows as leave registers free.
    %lanes = transform.include @lanes failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_param
    %m = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %half = sched.param floordiv %lanes, 2 : (!transform.any_param) -> !transform.any_param
    sched.constrain %n ge %half : !transform.any_param, !transform.any_param
    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %few = sched.param le %m, 6 : (!transform.any_param) -> !transform.any_param
    %row_bytes = sched.param mul %depth, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %tall = sched.param mul %row_bytes, 14 : (!transform.any_param) -> !transform.any_param
    %l1 = sched.target_query "l1_bytes" : !transform.any_param
    %deep = sched.param gt %tall, %l1 : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %either = sched.param max %few, %deep : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %twice = sched.param mul %either, 2 : (!transform.any_param) -> !transform.any_param
    %wide = sched.param add %twice, 2 : (!transform.any_param) -> !transform.any_param
    %needed = sched.param ceildiv %n, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %enough = sched.param min %wide, %needed : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %three = sched.param eq %enough, 3 : (!transform.any_param) -> !transform.any_param
    %vectors = sched.param sub %enough, %three : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %width = sched.param mul %vectors, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %registers = sched.target_query "vector_registers" : !transform.any_param
    %left = sched.param sub %registers, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %free = sched.param sub %left, 1 : (!transform.any_param) -> !transform.any_param
    %fit = sched.param floordiv %free, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %most = sched.param min %fit, 14 : (!transform.any_param) -> !transform.any_param
    %tiles = sched.param ceildiv %m, %most : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %height = sched.param ceildiv %m, %tiles : (!transform.any_param, !transform.any_param) -> !transform.any_param

    // Blocks of columns whose panels take a quarter of the second cache, at least one for each thread.
    %panel_elements = sched.param mul %depth, %width : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %panel_bytes = sched.param mul %panel_elements, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %l2 = sched.target_query "l2_bytes" : !transform.any_param
    %l2_part = sched.param floordiv %l2, 4 : (!transform.any_param) -> !transform.any_param
    %panels_fit = sched.param floordiv %l2_part, %panel_bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %panels_some = sched.param max %panels_fit, 1 : (!transform.any_param) -> !transform.any_param
    %panels = sched.param ceildiv %n, %width : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %blocks_least = sched.param ceildiv %panels, %panels_some : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %threads = sched.target_query "threads" : !transform.any_param
    %blocks_even = sched.param round_up %blocks_least, %threads : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %divisible = sched.param le %blocks_even, %panels : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %blocks_more = sched.param sub %blocks_even, %blocks_least : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %blocks_added = sched.param mul %blocks_more, %divisible : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %blocks = sched.param add %blocks_least, %blocks_added : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %panels_each = sched.param ceildiv %panels, %blocks : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %columns = sched.param mul %panels_each, %width : (!transform.any_param, !transform.any_param) -> !transform.any_param

    %jb, %jp = sched.tile %j tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %jo, %ji = sched.tile %jp tile_sizes [%width] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %io, %ii = sched.tile %i tile_sizes [%height] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %shared, %others, %jb, %rows, %io, %jo, %ii, %ji : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.compute_at %sum into %jo : !transform.any_op, !transform.any_op
    %shared_s, %rows_s, %i_s, %others_s, %j_s = sched.get_panel_loops %sum, %panel in %sum inside %jo : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    %k_long, %k_once = sched.get_longest %k : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %ko, %ki = sched.tile %k_long tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.reorder %shared_s, %rows_s, %others_s, %k_once, %ko, %ki, %i_s, %j_s : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %j_s : !transform.any_op
    sched.unroll %ki, %i_s : !transform.any_op, !transform.any_op
    %k_first, %k_others = sched.get_loops %sum {of = "reduce", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %init = sched.decompose_reduction %sum at %k_first : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %four = transform.param.constant 4 : i64 -> !transform.any_param
    transform.include @peel_tail failures(suppress) (%ko, %depth, %four) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    sched.vectorize %ji : !transform.any_op
    sched.unroll %ii : !transform.any_op

    transform.include @parallelize_evenly failures(suppress) (%sum, %jb) : (!transform.any_op, !transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @pack_constant failures(suppress) (%sum, %panel, %j_s, %width) : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param) -> ()
    %block_bytes = sched.param mul %panel_bytes, %panels_each : (!transform.any_param, !transform.any_param) -> !transform.any_param
    transform.include @pack_variable failures(suppress) (%sum, %panel, %jb, %j_s, %width, %m, %block_bytes) : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%io, %m, %height) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %width) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jb, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  transform.named_sequence @multiply_constant(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %panel = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    transform.include @multiply failures(propagate) (%sum, %out, %panel) : (!transform.any_op, !transform.any_op, !transform.any_value) -> ()
    transform.yield
  }

  transform.named_sequence @multiply_variable(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    transform.include @multiply failures(propagate) (%sum, %out, %right) : (!transform.any_op, !transform.any_op, !transform.any_value) -> ()
    transform.yield
  }

  transform.named_sequence @multiply_constant_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly}) {
    %copy = sched.cache_write %sum : (!transform.any_op) -> !transform.any_op
    transform.include @multiply_constant failures(propagate) (%sum, %copy) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @multiply_variable_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly}) {
    %copy = sched.cache_write %sum : (!transform.any_op) -> !transform.any_op
    transform.include @multiply_variable failures(propagate) (%sum, %copy) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @pack_constant(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_value {transform.readonly}, %j: !transform.any_op {transform.readonly}, %width: !transform.any_param {transform.readonly}) {
    %constants = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    %count = transform.num_associations %constants : (!transform.any_value) -> !transform.any_param
    sched.constrain %count ge 1 : !transform.any_param
    sched.pack %sum, %panel along %j panel_size [%width] : !transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param
    transform.yield
  }

  // What is read by many rows is copied first, so that it lies in one piece: rows of a matrix that are a power of two apart
  // fight for the same places in the cache.
  transform.named_sequence @pack_variable(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_value {transform.readonly}, %jb: !transform.any_op {transform.readonly}, %j: !transform.any_op {transform.readonly}, %width: !transform.any_param {transform.readonly}, %m: !transform.any_param {transform.readonly}, %bytes: !transform.any_param {transform.readonly}) {
    %constants = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    %count = transform.num_associations %constants : (!transform.any_value) -> !transform.any_param
    sched.constrain %count eq 0 : !transform.any_param
    %stride = sched.get_stride %sum, %panel along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    %far = sched.param ne %stride, 1 : (!transform.any_param) -> !transform.any_param
    %l1 = sched.target_query "l1_bytes" : !transform.any_param
    %l1_half = sched.param floordiv %l1, 2 : (!transform.any_param) -> !transform.any_param
    %large = sched.param gt %bytes, %l1_half : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %many = sched.param ge %m, 64 : (!transform.any_param) -> !transform.any_param
    %both = sched.param mul %large, %many : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %worth = sched.param add %both, %far : (!transform.any_param, !transform.any_param) -> !transform.any_param
    sched.constrain %worth ge 1 : !transform.any_param
    transform.include @copy_near failures(suppress) (%sum, %panel, %jb, %j, %width, %stride) : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @copy_far failures(suppress) (%sum, %panel, %jb, %j, %width, %far) : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // Columns that are neighbours are read together, and written together.
  transform.named_sequence @copy_near(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_value {transform.readonly}, %jb: !transform.any_op {transform.readonly}, %j: !transform.any_op {transform.readonly}, %width: !transform.any_param {transform.readonly}, %stride: !transform.any_param {transform.readonly}) {
    sched.constrain %stride eq 1 : !transform.any_param
    %copy = sched.cache_read %sum, %panel at %jb along %j : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op) -> !transform.any_op
    %packed = sched.get_writes %copy : (!transform.any_op) -> !transform.any_value
    %loops = sched.get_loops %copy {moving} : (!transform.any_op) -> !transform.any_op
    transform.foreach %loops : !transform.any_op {
    ^bb0(%loop: !transform.any_op):
      transform.include @copy_rows failures(suppress) (%copy, %packed, %loop, %width) : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param) -> ()
    }
    sched.pack %sum, %packed along %j panel_size [%width] : !transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param
    transform.yield
  }

  // Columns that are not: squares are transposed in registers.
  transform.named_sequence @copy_far(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_value {transform.readonly}, %jb: !transform.any_op {transform.readonly}, %j: !transform.any_op {transform.readonly}, %width: !transform.any_param {transform.readonly}, %far: !transform.any_param {transform.readonly}) {
    sched.constrain %far eq 1 : !transform.any_param
    %copy = sched.cache_read %sum, %panel at %jb along %j : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op) -> !transform.any_op
    %packed = sched.get_writes %copy : (!transform.any_op) -> !transform.any_value
    %loops = sched.get_loops %copy {moving} : (!transform.any_op) -> !transform.any_op
    transform.foreach %loops : !transform.any_op {
    ^bb0(%loop: !transform.any_op):
      transform.include @copy_squares failures(suppress) (%copy, %packed, %loop) : (!transform.any_op, !transform.any_value, !transform.any_op) -> ()
    }
    sched.pack %sum, %packed along %j panel_size [%width] : !transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param
    transform.yield
  }

  transform.named_sequence @copy_rows(%copy: !transform.any_op {transform.readonly}, %packed: !transform.any_value {transform.readonly}, %j: !transform.any_op {transform.readonly}, %width: !transform.any_param {transform.readonly}) {
    %stride = sched.get_stride %copy, %packed along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [%width] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %ji : !transform.any_op
    transform.yield
  }

  transform.named_sequence @copy_squares(%copy: !transform.any_op {transform.readonly}, %packed: !transform.any_value {transform.readonly}, %j: !transform.any_op {transform.readonly}) {
    %stride = sched.get_stride %copy, %packed along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%copy) : (!transform.any_op) -> !transform.any_param
    %others, %k = sched.get_loops %copy {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    // The innermost loop is another one.
    %both = transform.merge_handles deduplicate %j, %k : !transform.any_op
    %count = transform.num_associations %both : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 2 : !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %depth = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %ko, %ki = sched.tile %k tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %jo, %ko, %ki, %ji : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.unroll %ki : !transform.any_op
    sched.vectorize %ji : !transform.any_op
    transform.include @peel_tail failures(suppress) (%ko, %depth, %lanes) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // A vector times a matrix: its rows pass by, a few at a time, as they lie in memory, and sums of a block of columns stay in
  // the first cache.
  transform.named_sequence @multiply_vector(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %moving = sched.get_loops %out {of = "spatial", moving} : (!transform.any_op) -> !transform.any_op
    %steps = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %step_count = transform.num_associations %steps : (!transform.any_op) -> !transform.any_param
    sched.constrain %step_count eq 1 : !transform.any_param
    %depth = sched.get_extent %steps : (!transform.any_op) -> !transform.any_param
    %sum_loops = sched.get_loops %sum {of = "spatial", moving} : (!transform.any_op) -> !transform.any_op
    %stride = sched.get_stride %sum, %right along %sum_loops : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    %n = sched.get_extent %moving : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_param
    %four = sched.param mul %lanes, 4 : (!transform.any_param) -> !transform.any_param
    sched.constrain %n ge %four : !transform.any_param, !transform.any_param

    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %l1 = sched.target_query "l1_bytes" : !transform.any_param
    %l1_half = sched.param floordiv %l1, 2 : (!transform.any_param) -> !transform.any_param
    %room = sched.param floordiv %l1_half, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %blocks_least = sched.param ceildiv %n, %room : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %threads = sched.target_query "threads" : !transform.any_param
    %blocks = sched.param round_up %blocks_least, %threads : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %some = sched.param ceildiv %n, %blocks : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %columns = sched.param round_up %some, %four : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %jb, %jp = sched.tile %moving tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.compute_at %sum into %jb : !transform.any_op, !transform.any_op
    %all, %last = sched.get_loops %sum {of = "spatial", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %ko, %ki = sched.tile %k tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %jo, %ji = sched.tile %last tile_sizes [%four] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %ko, %jo, %ki, %ji : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.unroll %ki : !transform.any_op
    sched.vectorize %ji : !transform.any_op
    %init = sched.decompose_reduction %sum at %ko : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %oo, %oi = sched.tile %jp tile_sizes [%four] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %oi : !transform.any_op
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    %eight = transform.param.constant 8 : i64 -> !transform.any_param
    transform.include @peel_tail failures(suppress) (%ko, %depth, %eight) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %four) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%oo, %n, %four) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jb, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  transform.named_sequence @multiply_vector_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly}) {
    %copy = sched.cache_write %sum : (!transform.any_op) -> !transform.any_op
    transform.include @multiply_vector failures(propagate) (%sum, %copy) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  // The same of sums that are results: they are copied out.
  transform.named_sequence @convolve_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly}) {
    %copy = sched.cache_write %sum : (!transform.any_op) -> !transform.any_op
    transform.include @convolve failures(propagate) (%sum, %copy) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  // 1 where neighbours of a row are better lanes than results are: there is no window, rows fill vectors, and the sums are so short that it takes about as long to transpose them.
  transform.named_sequence @rows_are_lanes(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_value {transform.readonly}, %lanes: !transform.any_param {transform.readonly}) -> !transform.any_param {
    %shared, %rows, %x, %others, %o = sched.get_panel_loops %sum, %panel in %sum : (!transform.any_op, !transform.any_value, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %stride = sched.get_stride %sum, %right along %x : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    %near = sched.param eq %stride, 1 : (!transform.any_param) -> !transform.any_param
    %reduce = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %steps = transform.num_associations %reduce : (!transform.any_op) -> !transform.any_param
    %once = sched.param le %steps, 1 : (!transform.any_param) -> !transform.any_param
    %n = sched.get_extent %x : (!transform.any_op) -> !transform.any_param
    %filled = sched.param round_up %n, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %most = sched.param mul %filled, 6 : (!transform.any_param) -> !transform.any_param
    %seven = sched.param mul %n, 7 : (!transform.any_param) -> !transform.any_param
    %full = sched.param ge %seven, %most : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %k, %rest = sched.get_longest %reduce : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %depth = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %limit = sched.param mul %lanes, 6 : (!transform.any_param) -> !transform.any_param
    %short = sched.param le %depth, %limit : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %a = sched.param mul %near, %once : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %b = sched.param mul %full, %short : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %all = sched.param mul %a, %b : (!transform.any_param, !transform.any_param) -> !transform.any_param
    transform.yield %all : !transform.any_param
  }

  transform.named_sequence @convolve(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %panel = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    %lanes = transform.include @lanes failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_param
    %in_rows = transform.include @rows_are_lanes failures(propagate) (%sum, %panel, %lanes) : (!transform.any_op, !transform.any_value, !transform.any_param) -> !transform.any_param
    sched.constrain %in_rows eq 0 : !transform.any_param
    %group, %group_size = sched.get_group_loop %sum in %out : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_param)
    transform.foreach %group : !transform.any_op {
    ^bb0(%loop: !transform.any_op):
      %g, %each = sched.tile %loop tile_sizes [%group_size] {tail = "exact"} : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    }
    %shared, %rows, %x, %others, %o = sched.get_panel_loops %sum, %panel in %out : (!transform.any_op, !transform.any_value, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %y, %batch = sched.get_innermost %rows : (!transform.any_op) -> (!transform.any_op, !transform.any_op)

    // Lanes: two registers of results.
    %results = sched.get_extent %o : (!transform.any_op) -> !transform.any_param
    %half = sched.param floordiv %lanes, 2 : (!transform.any_param) -> !transform.any_param
    sched.constrain %results ge %half : !transform.any_param, !transform.any_param
    %needed = sched.param ceildiv %results, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %vectors = sched.param min %needed, 2 : (!transform.any_param) -> !transform.any_param
    %width = sched.param mul %vectors, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param

    // Rows of results: as many as a small part of the second cache holds, the same number in each block, for each
    // thread the same number of blocks where the panels are not.
    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %height = sched.get_extent %y : (!transform.any_op) -> !transform.any_param
    %row_size = sched.get_extent %x : (!transform.any_op) -> !transform.any_param
    %row_elements = sched.param mul %row_size, %width : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %row_bytes = sched.param mul %row_elements, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %l2 = sched.target_query "l2_bytes" : !transform.any_param
    %room = sched.param floordiv %l2, 32 : (!transform.any_param) -> !transform.any_param
    %fitting = sched.param floordiv %room, %row_bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %some = sched.param max %fitting, 1 : (!transform.any_param) -> !transform.any_param
    %blocks = sched.param ceildiv %height, %some : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %panels = sched.param ceildiv %results, %width : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %threads = sched.target_query "threads" : !transform.any_param
    // Panels are shared out if that gives every thread as much, or there are many.
    %turn = sched.param mul %width, %threads : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %left_over = sched.param mod %results, %turn : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %partial = sched.param ne %left_over, 0 : (!transform.any_param) -> !transform.any_param
    %turns = sched.param mul %threads, 4 : (!transform.any_param) -> !transform.any_param
    %few = sched.param lt %panels, %turns : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %uneven = sched.param mul %partial, %few : (!transform.any_param, !transform.any_param) -> !transform.any_param
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
    transform.include @parallelize_panels failures(suppress) (%sum, %oo, %uneven) : (!transform.any_op, !transform.any_op, !transform.any_param) -> ()
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

  // Panels for the threads, where that is fair.
  transform.named_sequence @parallelize_panels(%sum: !transform.any_op {transform.readonly}, %panels: !transform.any_op {transform.readonly}, %uneven: !transform.any_param {transform.readonly}) {
    sched.constrain %uneven eq 0 : !transform.any_param
    transform.include @parallelize_work failures(propagate) (%sum, %panels) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  // Panels for each thread, if they are as many for each.
  transform.named_sequence @parallelize_evenly(%sum: !transform.any_op {transform.readonly}, %panels: !transform.any_op {transform.readonly}) {
    %threads = sched.target_query "threads" : !transform.any_param
    %count = sched.get_extent %panels : (!transform.any_op) -> !transform.any_param
    sched.constrain %threads divides %count : !transform.any_param, !transform.any_param
    transform.include @parallelize_work failures(propagate) (%sum, %panels) : (!transform.any_op, !transform.any_op) -> ()
    transform.yield
  }

  // A loop for the threads, if there are some and the sums are worth waking them.
  transform.named_sequence @parallelize_work(%sum: !transform.any_op {transform.readonly}, %loop: !transform.any_op {transform.readonly}) {
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    sched.constrain %points ge 262144 : !transform.any_param
    %threads = sched.target_query "threads" : !transform.any_param
    sched.constrain %threads ge 2 : !transform.any_param
    sched.parallelize %loop : !transform.any_op
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
