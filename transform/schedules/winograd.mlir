// Winograd convolutions: sums of products of transformed tiles and transformed weights, with maps before and after.
//
// An image goes through all steps in groups of rows of tiles, as many as stay in the cache: copied so that channels are
// neighbours, transformed, multiplied, transformed back, and copied back. Steps have lanes along channels. What is copied
// before and after goes by groups of channels, so that it is near when it is transformed, or copied back.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @schedule_winograd(%kernel: !transform.any_op {transform.consumed}) {
    %scheduled = transform.alternatives %kernel : !transform.any_op -> !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      %any = transform.param.constant 1 : i64 -> !transform.any_param
      transform.include @winograd_steps failures(propagate) (%scope, %any) : (!transform.any_op, !transform.any_param) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      // Where it is not proven what groups of several images' rows hold.
      %all = transform.param.constant 1048576 : i64 -> !transform.any_param
      transform.include @winograd_steps failures(propagate) (%scope, %all) : (!transform.any_op, !transform.any_param) -> ()
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %done = transform.foreach_match restrict_root in %c, %c
          @has_tiles -> @register_tile_alone,
          @has_lanes -> @vector_tile_alone : (!transform.any_op, !transform.any_op) -> !transform.any_op
      transform.yield %scope : !transform.any_op
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.yield %scope : !transform.any_op
    }
    %maps = sched.match_structure "map" in %scheduled : (!transform.any_op) -> !transform.any_op
    transform.foreach %maps : !transform.any_op {
    ^bb0(%map: !transform.any_op):
      transform.include @schedule_other_map failures(suppress) (%map) : (!transform.any_op) -> ()
    }
    transform.yield
  }

  // Groups have as many rows as are wanted at least.
  transform.named_sequence @winograd_steps(%scope: !transform.any_op {transform.readonly}, %least: !transform.any_param {transform.readonly}) {
    %sum = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
    %tiles = sched.get_producers %sum : (!transform.any_op) -> !transform.any_op
    %rows = sched.get_producers %tiles : (!transform.any_op) -> !transform.any_op
    %image = sched.get_producers %rows : (!transform.any_op) -> !transform.any_op
    %lines = sched.get_consumers %sum : (!transform.any_op) -> !transform.any_op
    %pixels = sched.get_consumers %lines : (!transform.any_op) -> !transform.any_op
    %after = sched.get_consumers %pixels {transitive} : (!transform.any_op) -> !transform.any_op
    transform.foreach %after : !transform.any_op {
    ^bb0(%map: !transform.any_op):
      transform.include @inline_map failures(suppress) (%map) : (!transform.any_op) -> ()
    }
    %out = sched.get_consumers %pixels : (!transform.any_op) -> !transform.any_op
    %lanes = transform.include @lanes failures(propagate) (%out) : (!transform.any_op) -> !transform.any_param

    // How many results a tile has in each dimension, and tiles an image.
    %x, %y, %p, %m, %k = sched.get_loops %sum : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %points = sched.get_extent %x : (!transform.any_op) -> !transform.any_param
    %tile = sched.param sub %points, 2 : (!transform.any_param) -> !transform.any_param
    %group, %group_rows = transform.include @group_of_tiles failures(propagate) (%sum, %lines, %tile) : (!transform.any_op, !transform.any_op, !transform.any_param) -> (!transform.any_param, !transform.any_param)

    // Groups.
    %n, %c, %h, %w = sched.get_loops %out : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %no, %ni = sched.tile %n tile_sizes [%group] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %height = sched.get_extent %h : (!transform.any_op) -> !transform.any_param
    %most_rows = sched.param min %least, %height : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %rows_each = sched.param max %group_rows, %most_rows : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %ho, %hi = sched.tile %h tile_sizes [%rows_each] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %hr, %hrow = sched.tile %hi tile_sizes [%tile] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %wo, %wi = sched.tile %w tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    // Half as many columns as rows change places at a time: as fast as more, and less code.
    %columns = sched.param ceildiv %lanes, 2 : (!transform.any_param) -> !transform.any_param
    %cg, %channels = sched.tile %c tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %co, %ci = sched.tile %channels tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %no, %ho, %ni, %cg, %hr, %hrow, %co, %wo, %ci, %wi : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op

    // Results of tiles along both dimensions at once.
    sched.compute_at %pixels into %hr : !transform.any_op, !transform.any_op
    %p_, %ph, %pw, %pc = sched.get_loops %pixels {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %ph_extent = sched.get_extent %ph : (!transform.any_op) -> !transform.any_param
    %pw_extent = sched.get_extent %pw : (!transform.any_op) -> !transform.any_param
    %pho, %pwo, %pco, %phi, %pwi, %pci = sched.tile %ph, %pw, %pc tile_sizes [%tile, %tile, %lanes] : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.compute_at %lines into %pco : !transform.any_op, !transform.any_op
    %l_, %lh, %ly, %lw, %lc = sched.get_loops %lines {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.unroll %phi : !transform.any_op
    sched.unroll %pwi : !transform.any_op
    sched.vectorize %pci : !transform.any_op
    sched.unroll %lh : !transform.any_op
    sched.unroll %ly : !transform.any_op
    sched.vectorize %lc : !transform.any_op
    transform.include @peel_tail failures(suppress) (%pho, %ph_extent, %tile) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%pwo, %pw_extent, %tile) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()

    // Products: a tile of accumulators at a time, of a panel of weights.
    sched.compute_at %sum into %ho : !transform.any_op, !transform.any_op
    transform.include @tile_products failures(propagate) (%sum, %lanes) : (!transform.any_op, !transform.any_param) -> ()

    // Tiles along both dimensions at once.
    sched.compute_at %tiles into %ho : !transform.any_op, !transform.any_op
    %t_, %tx, %ty, %tp, %tc = sched.get_loops %tiles {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %tco, %tci = sched.tile %tc tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %tco, %tp, %tx, %ty, %tci : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.compute_at %rows into %tp : !transform.any_op, !transform.any_op
    %r_, %rx, %rw, %rc = sched.get_loops %rows {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.unroll %tx : !transform.any_op
    sched.unroll %ty : !transform.any_op
    sched.vectorize %tci : !transform.any_op
    sched.unroll %rx : !transform.any_op
    sched.unroll %rw : !transform.any_op
    sched.vectorize %rc : !transform.any_op

    // The image, with channels and columns changing places.
    sched.compute_at %image into %tco : !transform.any_op, !transform.any_op
    transform.include @compute_input_at failures(suppress) (%image, %tco) : (!transform.any_op, !transform.any_op) -> ()
    %i_, %iw, %ic = sched.get_loops %image {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %image_width = sched.get_extent %iw : (!transform.any_op) -> !transform.any_param
    %iwo, %ico, %iwi, %ici = sched.tile %iw, %ic tile_sizes [%columns, %lanes] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.unroll %iwi : !transform.any_op
    sched.vectorize %ici : !transform.any_op
    transform.include @peel_tail failures(suppress) (%iwo, %image_width, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()

    // The results, likewise.
    sched.unroll %ci : !transform.any_op
    sched.vectorize %wi : !transform.any_op
    // Threads take groups, or each step is one for all of them.
    transform.include @parallelize_groups failures(suppress) (%no) : (!transform.any_op) -> ()
    transform.include @parallelize_groups failures(suppress) (%ho) : (!transform.any_op) -> ()
    %steps = transform.merge_handles %tiles, %sum, %out : !transform.any_op
    transform.foreach %steps : !transform.any_op {
    ^bb0(%step: !transform.any_op):
      transform.include @parallelize_some failures(suppress) (%step) : (!transform.any_op) -> ()
    }
    transform.yield
  }

  // How many images, and rows of them, are a group: transformed, and as sums, their tiles take half of the cache. Weights
  // that take more than that are worth being read for a hundred tiles at a time.
  transform.named_sequence @group_of_tiles(%sum: !transform.any_op {transform.readonly}, %lines: !transform.any_op {transform.readonly}, %tile: !transform.any_param {transform.readonly}) -> (!transform.any_param, !transform.any_param) {
    %x, %y, %p, %m, %k = sched.get_loops %sum : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %images_loop, %height_loop, %line_loop, %across_loop, %channels_loop = sched.get_loops %lines : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %images = sched.get_extent %images_loop : (!transform.any_op) -> !transform.any_param
    %height = sched.get_extent %height_loop : (!transform.any_op) -> !transform.any_param
    %across = sched.get_extent %across_loop : (!transform.any_op) -> !transform.any_param
    %down = sched.param floordiv %height, %tile : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %each = sched.param mul %down, %across : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %points = sched.get_extent %x : (!transform.any_op) -> !transform.any_param
    %taken = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %given = sched.get_extent %m : (!transform.any_op) -> !transform.any_param
    %square = sched.param mul %points, %points : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %bytes = sched.param mul %square, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %channels = sched.param add %taken, %given : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %tile_bytes = sched.param mul %bytes, %channels : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %pairs = sched.param mul %taken, %given : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %weight_bytes = sched.param mul %bytes, %pairs : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %cache = sched.target_query "l2_bytes" : !transform.any_param
    %half = sched.param floordiv %cache, 2 : (!transform.any_param) -> !transform.any_param
    %fit = sched.param floordiv %half, %tile_bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %large = sched.param gt %weight_bytes, %half : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %worth = sched.param mul %large, 96 : (!transform.any_param) -> !transform.any_param
    %wanted = sched.param max %fit, %worth : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %some_images = sched.param floordiv %wanted, %each : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %group = sched.param max %some_images, 1 : (!transform.any_param) -> !transform.any_param
    %some_rows = sched.param floordiv %wanted, %across : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %at_least_one = sched.param max %some_rows, 1 : (!transform.any_param) -> !transform.any_param
    // Groups of equal size, with no rest: what is beyond the end would be asked in every row of every step. Where weights
    // are large and groups would be less than half of what they are worth to be read for, all rows are one.
    %even = sched.param largest_divisor %down, %at_least_one : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %twice = sched.param mul %even, 2 : (!transform.any_param) -> !transform.any_param
    %few = sched.param lt %twice, %at_least_one : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %whole = sched.param mul %few, %large : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %all = sched.param mul %whole, %down : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %down_each = sched.param max %even, %all : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %rows = sched.param mul %down_each, %tile : (!transform.any_param, !transform.any_param) -> !transform.any_param
    transform.yield %group, %rows : !transform.any_param, !transform.any_param
  }

  // What is copied is padded, or computed, first.
  transform.named_sequence @compute_input_at(%image: !transform.any_op {transform.readonly}, %group: !transform.any_op {transform.readonly}) {
    %pad = sched.get_producers %image : (!transform.any_op) -> !transform.any_op
    %before = sched.get_producers %pad {transitive} : (!transform.any_op) -> !transform.any_op
    transform.foreach %before : !transform.any_op {
    ^bb0(%map: !transform.any_op):
      transform.include @inline_map failures(suppress) (%map) : (!transform.any_op) -> ()
    }
    sched.compute_at %pad into %group : !transform.any_op, !transform.any_op
    transform.include @vectorize_innermost failures(suppress) (%pad) : (!transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @parallelize_groups(%groups: !transform.any_op {transform.readonly}) {
    %threads = sched.target_query "threads" : !transform.any_param
    sched.constrain %threads ge 2 : !transform.any_param
    transform.include @parallelize_loop failures(propagate) (%groups, %threads) : (!transform.any_op, !transform.any_param) -> ()
    transform.yield
  }

  // Two registers of columns, and as many rows as leave room for them and for one broadcast element: rows that are all
  // full, or nearly.
  transform.named_sequence @tile_products(%sum: !transform.any_op {transform.readonly}, %lanes: !transform.any_param {transform.readonly}) {
    %p_, %p, %m, %k = sched.get_loops %sum {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %registers = sched.target_query "vector_registers" : !transform.any_param
    %free = sched.param sub %registers, 3 : (!transform.any_param) -> !transform.any_param
    %most = sched.param floordiv %free, 2 : (!transform.any_param) -> !transform.any_param
    %tiles = sched.get_extent %p : (!transform.any_op) -> !transform.any_param
    %count = sched.param ceildiv %tiles, %most : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %rows = sched.param ceildiv %tiles, %count : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %two = sched.param mul %lanes, 2 : (!transform.any_param) -> !transform.any_param
    %columns = sched.param min %two, 32 : (!transform.any_param) -> !transform.any_param
    %given = sched.get_extent %m : (!transform.any_op) -> !transform.any_param
    %read = sched.get_producers %sum : (!transform.any_op) -> !transform.any_op
    transform.include @spread_over_cache failures(suppress) (%read, %p, %k) : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
    transform.include @spread_over_cache failures(suppress) (%sum, %p, %m) : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
    // Panels of weights, then registers of them.
    %mp, %mr = sched.tile %m tile_sizes [32] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %mo, %mi = sched.tile %mr tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %po, %pi = sched.tile %p tile_sizes [%rows] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %mp, %mo, %po, %k, %pi, %mi : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    %copy = sched.cache_write %sum at %po : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %c_, %ci, %cj = sched.get_loops %copy {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    sched.vectorize %cj : !transform.any_op
    sched.unroll %ci : !transform.any_op
    sched.vectorize %mi : !transform.any_op
    sched.unroll %pi : !transform.any_op
    %init = sched.decompose_reduction %sum at %k : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @prefetch_weights failures(suppress) (%sum, %k) : (!transform.any_op, !transform.any_op) -> ()
    transform.include @peel_tail failures(suppress) (%po, %tiles, %rows) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%mp, %given, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // Weights that take more than the cache are asked for half a page before they are read: they are read once for a few
  // tiles only, and come slowly over the ends of pages.
  transform.named_sequence @prefetch_weights(%sum: !transform.any_op {transform.readonly}, %k: !transform.any_op {transform.readonly}) {
    %p_, %x, %y, %mp, %mo, %po, %k_, %pi, %mi = sched.get_loops %sum {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %bytes = transform.include @weight_bytes failures(propagate) (%sum, %x, %mp, %k) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> !transform.any_param
    %cache = sched.target_query "l2_bytes" : !transform.any_param
    sched.constrain %bytes gt %cache : !transform.any_param, !transform.any_param
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %lines = sched.prefetch %sum, %right at %k {ahead = 32 : i64} : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %around, %line = sched.get_loops %lines {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.unroll %line : !transform.any_op
    transform.yield
  }

  // How much memory panels of 32 columns take.
  transform.named_sequence @weight_bytes(%sum: !transform.any_op {transform.readonly}, %x: !transform.any_op {transform.readonly}, %panels: !transform.any_op {transform.readonly}, %k: !transform.any_op {transform.readonly}) -> !transform.any_param {
    %points = sched.get_extent %x : (!transform.any_op) -> !transform.any_param
    %square = sched.param mul %points, %points : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %count = sched.get_extent %panels : (!transform.any_op) -> !transform.any_param
    %depth = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %rows = sched.param mul %square, %depth : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %columns = sched.param mul %count, 32 : (!transform.any_param) -> !transform.any_param
    %pairs = sched.param mul %rows, %columns : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %bytes = sched.param mul %pairs, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    transform.yield %bytes : !transform.any_param
  }

  // What is transformed writes, and reads, elements of all products at once: they lie an odd number of cache lines apart,
  // so that they do not fight for the same places in the cache.
  transform.named_sequence @spread_over_cache(%block: !transform.any_op {transform.readonly}, %tiles: !transform.any_op {transform.readonly}, %channels: !transform.any_op {transform.readonly}) {
    %written = sched.get_writes %block : (!transform.any_op) -> !transform.any_value
    %element = sched.get_element_bytes %block : (!transform.any_op) -> !transform.any_param
    %count = sched.get_extent %tiles : (!transform.any_op) -> !transform.any_param
    %depth = sched.get_extent %channels : (!transform.any_op) -> !transform.any_param
    %bytes = sched.param mul %depth, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %lines = sched.param ceildiv %bytes, 64 : (!transform.any_param) -> !transform.any_param
    %half = sched.param floordiv %lines, 2 : (!transform.any_param) -> !transform.any_param
    %even = sched.param mul %half, 2 : (!transform.any_param) -> !transform.any_param
    %odd = sched.param add %even, 1 : (!transform.any_param) -> !transform.any_param
    %row_bytes = sched.param mul %odd, 64 : (!transform.any_param) -> !transform.any_param
    %row = sched.param floordiv %row_bytes, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %half_count = sched.param floordiv %count, 2 : (!transform.any_param) -> !transform.any_param
    %even_count = sched.param mul %half_count, 2 : (!transform.any_param) -> !transform.any_param
    %rows = sched.param add %even_count, 1 : (!transform.any_param) -> !transform.any_param
    sched.transform_layout %written inner_dims_pos = [2, 3] inner_tiles = [%rows, %row] : !transform.any_value, !transform.any_param, !transform.any_param
    transform.yield
  }

  // Maps that are not part of the steps.
  transform.named_sequence @schedule_other_map(%map: !transform.any_op {transform.readonly}) {
    transform.include @vectorize_innermost failures(suppress) (%map) : (!transform.any_op) -> ()
    transform.include @parallelize_outermost failures(suppress) (%map) : (!transform.any_op) -> ()
    transform.yield
  }

  // In the other files of this folder.
  transform.named_sequence private @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param
  transform.named_sequence private @inline_map(%producer: !transform.any_op {transform.consumed})
  transform.named_sequence private @vectorize_innermost(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @parallelize_outermost(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @parallelize_some(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @parallelize_loop(%loop: !transform.any_op {transform.readonly}, %threads: !transform.any_param {transform.readonly})
  transform.named_sequence private @peel_tail(%loop: !transform.any_op {transform.readonly}, %extent: !transform.any_param {transform.readonly}, %size: !transform.any_param {transform.readonly})
  transform.named_sequence private @has_tiles(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op)
  transform.named_sequence private @has_lanes(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op)
  transform.named_sequence private @register_tile_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly})
  transform.named_sequence private @vector_tile_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly})
}
