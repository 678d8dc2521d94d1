// Kernels with one contraction: matrix products in all their forms, convolutions, and what follows them point by point.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @schedule_contraction(%kernel: !transform.any_op {transform.consumed}) {
    transform.include @inline_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    %c = sched.match_structure "contraction" in %kernel : (!transform.any_op) -> !transform.any_op
    %scheduled = transform.foreach_match restrict_root in %kernel, %c
        @multiplies_vector -> @schedule_vector,
        @multiplies_constant -> @schedule_constant,
        @convolves_constant -> @schedule_convolution,
        @multiplies_variable -> @schedule_variable,
        @is_contraction -> @schedule_tiles : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @stage_map failures(suppress) (%scheduled) : (!transform.any_op) -> ()
    transform.include @schedule_maps failures(suppress) (%scheduled) : (!transform.any_op) -> ()
    transform.yield
  }

  // What there is to multiply. Some ways to do it have several variants, which are tried one after another.

  // One row, and one dimension to sum over.
  transform.named_sequence @multiplies_vector(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    %moving = sched.get_loops %sum {of = "spatial", moving} : (!transform.any_op) -> !transform.any_op
    %dimensions = transform.num_associations %moving : (!transform.any_op) -> !transform.any_param
    sched.constrain %dimensions eq 1 : !transform.any_param
    %steps = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %step_count = transform.num_associations %steps : (!transform.any_op) -> !transform.any_param
    sched.constrain %step_count eq 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  // A constant input, and one dimension to sum over.
  transform.named_sequence @multiplies_constant(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    %constants = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    %count = transform.num_associations %constants : (!transform.any_value) -> !transform.any_param
    sched.constrain %count eq 1 : !transform.any_param
    %steps = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %step_count = transform.num_associations %steps : (!transform.any_op) -> !transform.any_param
    sched.constrain %step_count eq 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  // A constant input.
  transform.named_sequence @convolves_constant(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    %constants = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    %count = transform.num_associations %constants : (!transform.any_value) -> !transform.any_param
    sched.constrain %count eq 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  // Inputs that are not known before, and one dimension to sum over.
  transform.named_sequence @multiplies_variable(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    %constants = sched.get_constant_inputs %sum : (!transform.any_op) -> !transform.any_value
    %count = transform.num_associations %constants : (!transform.any_value) -> !transform.any_param
    sched.constrain %count eq 0 : !transform.any_param
    %steps = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %step_count = transform.num_associations %steps : (!transform.any_op) -> !transform.any_param
    sched.constrain %step_count eq 1 : !transform.any_param
    transform.yield %kernel : !transform.any_op
  }

  // Any other.
  transform.named_sequence @is_contraction(%kernel: !transform.any_op {transform.readonly}, %sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.yield %kernel : !transform.any_op
  }

  // One row; or one that is all there is.
  transform.named_sequence @schedule_vector(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // One row.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = transform.include @only_consumer failures(propagate) (%c) : (!transform.any_op) -> !transform.any_op
      transform.include @multiply_vector failures(propagate) (%c, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // One row, which is all there is.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @multiply_vector_alone failures(propagate) (%c, %c) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.include @schedule_rows failures(propagate) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  // As if there were several rows.
  transform.named_sequence @schedule_rows(%kernel: !transform.any_op {transform.consumed}) {
    %c = sched.match_structure "contraction" in %kernel : (!transform.any_op) -> !transform.any_op
    %done = transform.foreach_match restrict_root in %kernel, %c
        @multiplies_constant -> @schedule_constant,
        @multiplies_variable -> @schedule_variable,
        @is_contraction -> @schedule_tiles : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.yield
  }

  // Constants lie in panels.
  transform.named_sequence @schedule_constant(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // What reads the sums is computed block by block.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = transform.include @only_consumer failures(propagate) (%c) : (!transform.any_op) -> !transform.any_op
      transform.include @multiply_constant failures(propagate) (%c, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // The same of a convolution.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = transform.include @only_consumer failures(propagate) (%c) : (!transform.any_op) -> !transform.any_op
      transform.include @convolve failures(propagate) (%c, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // The same of sums that are results.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @multiply_constant_alone failures(propagate) (%c, %c) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // And of a convolution that is all there is.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @convolve_alone failures(propagate) (%c, %c) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.include @schedule_tiles failures(propagate) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  // Constants lie in panels, for sums over several dimensions.
  transform.named_sequence @schedule_convolution(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // What reads the sums is computed block by block.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = transform.include @only_consumer failures(propagate) (%c) : (!transform.any_op) -> !transform.any_op
      transform.include @convolve failures(propagate) (%c, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // The same of sums that are results.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @convolve_alone failures(propagate) (%c, %c) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.include @schedule_tiles failures(propagate) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  // The right input lies in panels, or is copied there.
  transform.named_sequence @schedule_variable(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // What reads the sums is computed block by block.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = transform.include @only_consumer failures(propagate) (%c) : (!transform.any_op) -> !transform.any_op
      transform.include @multiply_variable failures(propagate) (%c, %e) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // The same of sums that are results.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @multiply_variable_alone failures(propagate) (%c, %c) : (!transform.any_op, !transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.include @schedule_tiles failures(propagate) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  // Accumulators, without panels.
  transform.named_sequence @schedule_tiles(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      // The consumer is computed tile by tile, from the accumulators.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %e = transform.include @only_consumer failures(propagate) (%c) : (!transform.any_op) -> !transform.any_op
      %done = transform.foreach_match restrict_root in %c, %e
          @has_tiles -> @register_tile,
          @has_lanes -> @vector_tile,
          @has_inner_products -> @inner_products,
          @has_none -> @refuse : (!transform.any_op, !transform.any_op) -> !transform.any_op
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // The accumulators are copied out tile by tile.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %done = transform.foreach_match restrict_root in %c, %c
          @has_tiles -> @register_tile_alone,
          @has_lanes -> @vector_tile_alone,
          @has_inner_products -> @inner_products_alone,
          @has_none -> @refuse : (!transform.any_op, !transform.any_op) -> !transform.any_op
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // One sum.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @reduce_row failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @parallelize_sums failures(suppress) (%c) : (!transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      // As many sums at a time as hide the latency of one.
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %row, %others = sched.get_loops %c {of = "spatial", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      %rows, %each = sched.tile %row tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      transform.include @rows_side_by_side failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @parallelize_sums failures(suppress) (%c) : (!transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @parallelize_sums failures(suppress) (%c) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  // The one block that reads the sums, if it computes each element on its own.
  transform.named_sequence @only_consumer(%sum: !transform.any_op {transform.readonly}) -> !transform.any_op {
    %e = sched.get_consumers %sum : (!transform.any_op) -> !transform.any_op
    %count = transform.num_associations %e : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 1 : !transform.any_param
    sched.match.structure "map", %e : !transform.any_op
    transform.yield %e : !transform.any_op
  }

  // Ways to compute sums, best first.

  // Two dimensions to tile. Where the right input's columns are no neighbours, there are enough rows to make them so.
  transform.named_sequence @has_tiles(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) {
    %batch, %ms, %ns, %i, %j = sched.get_tile_loops %sum in %sum : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %stride = sched.get_stride %sum, %right along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    %near = sched.param le %stride, 8 : (!transform.any_param) -> !transform.any_param
    %m = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %others = transform.num_associations %ns : (!transform.any_op) -> !transform.any_param
    %alone = sched.param eq %others, 0 : (!transform.any_param) -> !transform.any_param
    %many = sched.param ge %m, 8 : (!transform.any_param) -> !transform.any_param
    %worth = sched.param mul %alone, %many : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %either = sched.param add %near, %worth : (!transform.any_param, !transform.any_param) -> !transform.any_param
    sched.constrain %either ge 1 : !transform.any_param
    transform.yield %sum, %out : !transform.any_op, !transform.any_op
  }

  // A last dimension along which the inputs' elements are neighbours.
  transform.named_sequence @has_lanes(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) {
    %outer, %j = sched.get_loops %sum {of = "spatial", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.match.contiguous %j : !transform.any_op
    transform.yield %sum, %out : !transform.any_op, !transform.any_op
  }

  // A reduction along which the inputs' elements are neighbours.
  transform.named_sequence @has_inner_products(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) {
    %outer, %k = sched.get_loops %sum {of = "reduce", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.match.contiguous %k : !transform.any_op
    transform.yield %sum, %out : !transform.any_op, !transform.any_op
  }

  transform.named_sequence @has_none(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) {
    transform.yield %sum, %out : !transform.any_op, !transform.any_op
  }

  transform.named_sequence @refuse(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    sched.constrain %points lt 0 : !transform.any_param
    transform.yield
  }

  // How many rows and columns of accumulators fit the registers: columns that fill a quarter of what fits leave room for
  // six or more rows, a row of the right input, and one broadcast element of the left one. As many rows as fit, or nearly
  // as many if all tiles are full then. Half of the columns, which is as fast, if the panels of the right input that threads
  // may pack take more than half of the memory that the left input and the output take.
  transform.named_sequence @tile_shape(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}, %ns: !transform.any_op {transform.readonly}, %i: !transform.any_op {transform.readonly}, %j: !transform.any_op {transform.readonly}) -> (!transform.any_param, !transform.any_param) {
    %m = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%out) : (!transform.any_op) -> !transform.any_param
    %registers = sched.target_query "vector_registers" : !transform.any_param
    %most = sched.param floordiv %registers, 8 : (!transform.any_param) -> !transform.any_param
    %needed = sched.param ceildiv %n, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %enough = sched.param min %most, %needed : (!transform.any_param, !transform.any_param) -> !transform.any_param
    // Three registers of columns are as many as four, of which one is empty.
    %three = sched.param eq %enough, 3 : (!transform.any_param) -> !transform.any_param
    %full = sched.param sub %enough, %three : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %points = sched.get_points %sum : (!transform.any_op) -> !transform.any_param
    %elements = sched.param floordiv %points, %m : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %column = sched.param floordiv %elements, %n : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %vector = sched.target_query "vector_bytes" : !transform.any_param
    %row_bytes = sched.param mul %full, %vector : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %panel = sched.param mul %column, %row_bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %threads = sched.target_query "threads" : !transform.any_param
    %panels = sched.param mul %panel, %threads : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %twice = sched.param mul %panels, 2 : (!transform.any_param) -> !transform.any_param
    %of_left = sched.param floordiv %points, %n : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %of_out = sched.param mul %m, %n : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %others_elements = sched.param add %of_left, %of_out : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %others_bytes = sched.param mul %others_elements, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %large = sched.param gt %twice, %others_bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %others = transform.num_associations %ns : (!transform.any_op) -> !transform.any_param
    %alone = sched.param eq %others, 0 : (!transform.any_param) -> !transform.any_param
    %halved = sched.param mul %large, %alone : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %half = sched.param floordiv %full, 2 : (!transform.any_param) -> !transform.any_param
    %fewer = sched.param mul %half, %halved : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %vectors = sched.param sub %full, %fewer : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %columns = sched.param mul %vectors, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %left = sched.param sub %registers, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %free = sched.param sub %left, 1 : (!transform.any_param) -> !transform.any_param
    %fit = sched.param floordiv %free, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %upto = sched.param min %fit, 12 : (!transform.any_param) -> !transform.any_param
    %even = sched.param largest_divisor %m, %upto : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %five = sched.param mul %even, 5 : (!transform.any_param) -> !transform.any_param
    %four = sched.param mul %upto, 4 : (!transform.any_param) -> !transform.any_param
    %near = sched.param ge %five, %four : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %less = sched.param sub %upto, %even : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %spared = sched.param mul %less, %near : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %rows = sched.param sub %upto, %spared : (!transform.any_param, !transform.any_param) -> !transform.any_param
    transform.yield %rows, %columns : !transform.any_param, !transform.any_param
  }

  // A tile of accumulators in registers: the last dimension of %out in vector lanes, another one unrolled, and %sum
  // computed inside of it, one step of the reduction after another.
  transform.named_sequence @register_tile(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %batch, %ms, %ns, %i, %j = sched.get_tile_loops %sum in %out : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %m = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %rows, %columns = transform.include @tile_shape failures(propagate) (%sum, %out, %ns, %i, %j) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> (!transform.any_param, !transform.any_param)
    sched.reorder %batch, %ms, %ns, %i, %j : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [%rows, %columns] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.include @reuse_rows failures(suppress) (%ms, %io, %ns, %jo) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> ()
    transform.include @reuse_columns failures(suppress) (%ms, %io, %ns, %jo) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> ()
    %around, %at, %last_i, %last_j = sched.get_loops %out {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.compute_at %sum into %at : !transform.any_op, !transform.any_op
    %b_, %m_, %n_, %si, %sj = sched.get_tile_loops %sum in %sum : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.vectorize %ji : !transform.any_op
    sched.unroll %ii : !transform.any_op
    transform.include @accumulate failures(propagate) (%sum, %si, %sj) : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @pack_panel failures(suppress) (%sum, %ns, %jo, %sj, %m, %rows) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @transpose_panel failures(suppress) (%sum, %ns, %jo, %sj) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> ()
    transform.include @peel_tail failures(suppress) (%io, %m, %rows) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // The same, of a block whose sums are copied out.
  transform.named_sequence @register_tile_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly}) {
    %batch, %ms, %ns, %i, %j = sched.get_tile_loops %sum in %sum : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %m = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %rows, %columns = transform.include @tile_shape failures(propagate) (%sum, %sum, %ns, %i, %j) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> (!transform.any_param, !transform.any_param)
    sched.reorder %batch, %ms, %ns, %i, %j : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [%rows, %columns] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.include @reuse_rows failures(suppress) (%ms, %io, %ns, %jo) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> ()
    transform.include @reuse_columns failures(suppress) (%ms, %io, %ns, %jo) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> ()
    %around, %at, %last_i, %last_j = sched.get_loops %sum {of = "spatial", rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %copy = sched.cache_write %sum at %at : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @consume_tiles failures(suppress) (%copy, %at) : (!transform.any_op, !transform.any_op) -> ()
    %b_, %m_, %n_, %ci, %cj = sched.get_tile_loops %sum in %copy : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.vectorize %cj : !transform.any_op
    sched.unroll %ci : !transform.any_op
    transform.include @accumulate failures(propagate) (%sum, %ii, %ji) : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @pack_panel failures(suppress) (%sum, %ns, %jo, %ji, %m, %rows) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @transpose_panel failures(suppress) (%sum, %ns, %jo, %ji) : (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op) -> ()
    transform.include @peel_tail failures(suppress) (%io, %m, %rows) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // Steps of the reduction outside of the loops of a tile.
  transform.named_sequence @accumulate(%sum: !transform.any_op {transform.readonly}, %i: !transform.any_op {transform.readonly}, %j: !transform.any_op {transform.readonly}) {
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %k, %i, %j : !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %j : !transform.any_op
    sched.unroll %i : !transform.any_op
    %k_first, %k_others = sched.get_loops %sum {of = "reduce", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %init = sched.decompose_reduction %sum at %k_first : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.yield
  }

  // What reads sums point by point is computed when a tile of them is there.
  transform.named_sequence @consume_tiles(%copy: !transform.any_op {transform.readonly}, %at: !transform.any_op {transform.readonly}) {
    %consumers = sched.get_consumers %copy : (!transform.any_op) -> !transform.any_op
    transform.foreach %consumers : !transform.any_op {
    ^bb0(%consumer: !transform.any_op):
      transform.include @consume_tile failures(suppress) (%consumer, %at) : (!transform.any_op, !transform.any_op) -> ()
    }
    transform.yield
  }

  transform.named_sequence @consume_tile(%consumer: !transform.any_op {transform.readonly}, %at: !transform.any_op {transform.readonly}) {
    sched.match.structure "map", %consumer : !transform.any_op
    sched.reverse_compute_at %consumer into %at : !transform.any_op, !transform.any_op
    %outer, %j = sched.get_loops %consumer {moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.match.contiguous %j : !transform.any_op
    sched.vectorize %j : !transform.any_op
    transform.yield
  }

  // Rows of the left input stay in the cache while all of the right one passes by: a convolution's weights.
  transform.named_sequence @reuse_rows(%ms: !transform.any_op {transform.readonly}, %io: !transform.any_op {transform.readonly}, %ns: !transform.any_op {transform.readonly}, %jo: !transform.any_op {transform.readonly}) {
    %count = transform.num_associations %ns : (!transform.any_op) -> !transform.any_param
    sched.constrain %count ge 1 : !transform.any_param
    sched.reorder %ms, %io, %ns, %jo : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    transform.yield
  }

  // A panel of the right input stays in the cache while the rows of the left one pass by.
  transform.named_sequence @reuse_columns(%ms: !transform.any_op {transform.readonly}, %io: !transform.any_op {transform.readonly}, %ns: !transform.any_op {transform.readonly}, %jo: !transform.any_op {transform.readonly}) {
    %count = transform.num_associations %ns : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 0 : !transform.any_param
    sched.reorder %jo, %ms, %io : !transform.any_op, !transform.any_op, !transform.any_op
    transform.yield
  }

  // A panel of the right input whose columns are no neighbours is copied so that they are.
  transform.named_sequence @transpose_panel(%sum: !transform.any_op {transform.readonly}, %ns: !transform.any_op {transform.readonly}, %panel: !transform.any_op {transform.readonly}, %j: !transform.any_op {transform.readonly}) {
    %count = transform.num_associations %ns : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 0 : !transform.any_param
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %stride = sched.get_stride %sum, %right along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride gt 8 : !transform.any_param
    %copy = sched.cache_read %sum, %right at %panel along %j : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op) -> !transform.any_op
    %packed = sched.get_writes %copy : (!transform.any_op) -> !transform.any_value
    %loops = sched.get_loops %copy {moving} : (!transform.any_op) -> !transform.any_op
    transform.foreach %loops : !transform.any_op {
    ^bb0(%loop: !transform.any_op):
      transform.include @write_lanes failures(suppress) (%copy, %packed, %loop) : (!transform.any_op, !transform.any_value, !transform.any_op) -> ()
    }
    transform.yield
  }

  // The loop along which neighbours are written goes inside, and a register's worth of it at a time.
  transform.named_sequence @write_lanes(%copy: !transform.any_op {transform.readonly}, %packed: !transform.any_value {transform.readonly}, %loop: !transform.any_op {transform.readonly}) {
    %stride = sched.get_stride %copy, %packed along %loop : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%copy) : (!transform.any_op) -> !transform.any_param
    %outer, %inner = sched.tile %loop tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %loops = sched.get_loops %copy {moving} : (!transform.any_op) -> !transform.any_op
    %others, %last = sched.get_loops %copy {moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.reorder %last, %inner : !transform.any_op, !transform.any_op
    sched.vectorize %inner : !transform.any_op
    transform.yield
  }

  // A panel of the right input that is larger than the cache and read by several tiles of rows is copied first, so that it
  // lies in one piece: rows that are a power of two apart fight for the same places in the cache.
  transform.named_sequence @pack_panel(%sum: !transform.any_op {transform.readonly}, %ns: !transform.any_op {transform.readonly}, %panel: !transform.any_op {transform.readonly}, %lanes: !transform.any_op {transform.readonly}, %m: !transform.any_param {transform.readonly}, %rows: !transform.any_param {transform.readonly}) {
    %count = transform.num_associations %ns : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 0 : !transform.any_param
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

  // As the tile of registers, with one row.
  transform.named_sequence @vector_tile(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %outer, %j = sched.get_loops %out {moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%out) : (!transform.any_op) -> !transform.any_param
    %columns = sched.param mul %lanes, 4 : (!transform.any_param) -> !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.compute_at %sum into %jo : !transform.any_op, !transform.any_op
    %inner, %sj = sched.get_loops %sum {of = "spatial", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %ji : !transform.any_op
    transform.include @accumulate_lanes failures(propagate) (%sum, %sj) : (!transform.any_op, !transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  transform.named_sequence @vector_tile_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly}) {
    %outer, %j = sched.get_loops %sum {of = "spatial", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_param
    %columns = sched.param mul %lanes, 4 : (!transform.any_param) -> !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %copy = sched.cache_write %sum at %jo : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %c_, %cj = sched.get_loops %copy {moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %cj : !transform.any_op
    transform.include @accumulate_lanes failures(propagate) (%sum, %ji) : (!transform.any_op, !transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  transform.named_sequence @accumulate_lanes(%sum: !transform.any_op {transform.readonly}, %j: !transform.any_op {transform.readonly}) {
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %k, %j : !transform.any_op, !transform.any_op
    sched.vectorize %j : !transform.any_op
    %k_first, %k_others = sched.get_loops %sum {of = "reduce", rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %init = sched.decompose_reduction %sum at %k_first : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.yield
  }

  // A few sums at a time, each in lanes along its reduction.
  transform.named_sequence @inner_products(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly}) {
    %outer, %j = sched.get_loops %out {moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.compute_at %sum into %jo : !transform.any_op, !transform.any_op
    %around, %row = sched.get_loops %sum {of = "spatial", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.include @reduce_in_lanes failures(propagate) (%sum, %row) : (!transform.any_op, !transform.any_op) -> ()
    transform.include @vectorize_loop failures(suppress) (%ji) : (!transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    %four = transform.param.constant 4 : i64 -> !transform.any_param
    transform.include @peel_tail failures(suppress) (%jo, %n, %four) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  transform.named_sequence @inner_products_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly}) {
    %outer, %j = sched.get_loops %sum {of = "spatial", moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %copy = sched.cache_write %sum at %jo : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @reduce_in_lanes failures(propagate) (%sum, %ji) : (!transform.any_op, !transform.any_op) -> ()
    transform.include @vectorize_innermost failures(suppress) (%copy) : (!transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    %four = transform.param.constant 4 : i64 -> !transform.any_param
    transform.include @peel_tail failures(suppress) (%jo, %n, %four) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  transform.named_sequence @vectorize_loop(%loop: !transform.any_op {transform.readonly}) {
    sched.match.contiguous %loop : !transform.any_op
    sched.vectorize %loop : !transform.any_op
    transform.yield
  }

  // In the other files of this folder.
  transform.named_sequence private @multiply_vector(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @multiply_vector_alone(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @multiply_constant(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @multiply_constant_alone(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @multiply_variable(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @multiply_variable_alone(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @convolve(%sum: !transform.any_op {transform.readonly}, %out: !transform.any_op {transform.readonly})
  transform.named_sequence private @convolve_alone(%sum: !transform.any_op {transform.readonly}, %same: !transform.any_op {transform.readonly})
  transform.named_sequence private @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param
  transform.named_sequence private @inline_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @stage_map(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @vectorize_innermost(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @parallelize_sums(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @peel_tail(%loop: !transform.any_op {transform.readonly}, %extent: !transform.any_param {transform.readonly}, %size: !transform.any_param {transform.readonly})
  transform.named_sequence private @rows_side_by_side(%sum: !transform.any_op {transform.readonly})
  transform.named_sequence private @reduce_in_lanes(%sum: !transform.any_op {transform.readonly}, %row: !transform.any_op {transform.readonly})
  transform.named_sequence private @reduce_row(%sum: !transform.any_op {transform.readonly})
}
