// Blocks that compute each element on its own, and what every schedule uses.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @schedule_maps(%kernel: !transform.any_op {transform.readonly}) {
    transform.include @inline_maps failures(suppress) (%kernel) : (!transform.any_op) -> ()
    %maps = sched.match_structure "map" in %kernel : (!transform.any_op) -> !transform.any_op
    transform.foreach %maps : !transform.any_op {
    ^bb0(%map: !transform.any_op):
      transform.include @vectorize_innermost failures(suppress) (%map) : (!transform.any_op) -> ()
      transform.include @transpose_squares failures(suppress) (%map) : (!transform.any_op) -> ()
      transform.include @vectorize_costly failures(suppress) (%map) : (!transform.any_op) -> ()
      transform.include @parallelize_outermost failures(suppress) (%map) : (!transform.any_op) -> ()
    }
    transform.yield
  }

  // A map that a reduction reads part by part is computed part by part, if parts do not overlap: of a padded image one
  // channel, where channels are pooled or convolved on their own.
  transform.named_sequence @stage_map(%kernel: !transform.any_op {transform.readonly}) {
    %maps = sched.match_structure "map" in %kernel : (!transform.any_op) -> !transform.any_op
    %map, %others = transform.split_handle %maps {overflow_result = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %consumers = sched.get_consumers %map : (!transform.any_op) -> !transform.any_op
    %count = transform.num_associations %consumers : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 1 : !transform.any_param
    sched.match.structure "reduction", %consumers : !transform.any_op
    %first, %inner = sched.get_loops %consumers {of = "spatial", moving, rest = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    // Small parts would be read while they are still on their way to memory.
    %written = sched.get_writes %map : (!transform.any_op) -> !transform.any_value
    %stride = sched.get_stride %consumers, %written along %first : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride ge 4096 : !transform.any_param
    sched.compute_at %map into %first : !transform.any_op, !transform.any_op
    transform.yield
  }

  // A map that one other map reads is computed there.
  transform.named_sequence @inline_maps(%kernel: !transform.any_op {transform.readonly}) {
    %maps = sched.match_structure "map" in %kernel : (!transform.any_op) -> !transform.any_op
    transform.foreach %maps : !transform.any_op {
    ^bb0(%map: !transform.any_op):
      transform.include @inline_map failures(suppress) (%map) : (!transform.any_op) -> ()
    }
    transform.yield
  }

  transform.named_sequence @inline_map(%producer: !transform.any_op {transform.consumed}) {
    %consumers = sched.get_consumers %producer : (!transform.any_op) -> !transform.any_op
    %count = transform.num_associations %consumers : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 1 : !transform.any_param
    sched.match.structure "map", %consumers : !transform.any_op
    sched.compute_inline %producer : !transform.any_op
    transform.yield
  }

  transform.named_sequence @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param {
    %bytes = sched.get_element_bytes %block : (!transform.any_op) -> !transform.any_param
    %vector = sched.target_query "vector_bytes" : !transform.any_param
    %lanes = sched.param floordiv %vector, %bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    transform.yield %lanes : !transform.any_param
  }

  // Neighbours are read along one loop and written along another one: squares are transposed in registers.
  transform.named_sequence @transpose_squares(%block: !transform.any_op {transform.readonly}) {
    %i = sched.get_crossing_loop %block : (!transform.any_op) -> !transform.any_op
    %outer, %j = sched.get_loops %block {moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %written = sched.get_writes %block : (!transform.any_op) -> !transform.any_value
    %stride = sched.get_stride %block, %written along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    %n = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %m = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%block) : (!transform.any_op) -> !transform.any_param
    %rows = sched.param min %lanes, 16 : (!transform.any_param) -> !transform.any_param
    %half = sched.param floordiv %rows, 2 : (!transform.any_param) -> !transform.any_param
    sched.constrain %m ge %half : !transform.any_param, !transform.any_param
    sched.constrain %n ge %half : !transform.any_param, !transform.any_param
    %io, %ii = sched.tile %i tile_sizes [%rows] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %jo, %ji = sched.tile %j tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %jo, %ii, %ji : !transform.any_op, !transform.any_op, !transform.any_op
    sched.unroll %ii : !transform.any_op
    sched.vectorize %ji : !transform.any_op
    transform.include @peel_tail failures(suppress) (%io, %n, %rows) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %m, %lanes) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // What takes long is worth vectors even where the inputs' elements are no neighbours.
  transform.named_sequence @vectorize_costly(%block: !transform.any_op {transform.readonly}) {
    sched.match.structure "costly", %block : !transform.any_op
    %outer, %j = sched.get_loops %block {moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %written = sched.get_writes %block : (!transform.any_op) -> !transform.any_value
    %stride = sched.get_stride %block, %written along %j : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    sched.constrain %stride eq 1 : !transform.any_param
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%block) : (!transform.any_op) -> !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %ji : !transform.any_op
    transform.include @peel_tail failures(suppress) (%jo, %n, %lanes) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  transform.named_sequence @vectorize_innermost(%block: !transform.any_op {transform.readonly}) {
    %outer, %j = sched.get_loops %block {moving, rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.match.contiguous %j : !transform.any_op
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%block) : (!transform.any_op) -> !transform.any_param
    %columns = sched.param mul %lanes, 2 : (!transform.any_param) -> !transform.any_param
    %jo, %ji = sched.tile %j tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %ji : !transform.any_op
    transform.include @peel_tail failures(suppress) (%jo, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield
  }

  // The outermost loop that gives each thread something to do, if the work is worth waking them.
  transform.named_sequence @parallelize_outermost(%block: !transform.any_op {transform.readonly}) {
    %points = sched.get_points %block : (!transform.any_op) -> !transform.any_param
    sched.constrain %points ge 32768 : !transform.any_param
    transform.include @parallelize_some failures(propagate) (%block) : (!transform.any_op) -> ()
    transform.yield
  }

  // The same for sums of products, of which a core does several in the time of an element that comes from memory.
  transform.named_sequence @parallelize_sums(%block: !transform.any_op {transform.readonly}) {
    %points = sched.get_points %block : (!transform.any_op) -> !transform.any_param
    sched.constrain %points ge 262144 : !transform.any_param
    transform.include @parallelize_some failures(propagate) (%block) : (!transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @parallelize_some(%block: !transform.any_op {transform.readonly}) {
    %threads = sched.target_query "threads" : !transform.any_param
    sched.constrain %threads ge 2 : !transform.any_param
    %loops = sched.get_loops %block {of = "spatial", moving} : (!transform.any_op) -> !transform.any_op
    transform.foreach %loops : !transform.any_op {
    ^bb0(%loop: !transform.any_op):
      // Refused below a loop that is parallel already.
      transform.include @parallelize_loop failures(suppress) (%loop, %threads) : (!transform.any_op, !transform.any_param) -> ()
    }
    transform.yield
  }

  transform.named_sequence @parallelize_loop(%loop: !transform.any_op {transform.readonly},
                                             %threads: !transform.any_param {transform.readonly}) {
    %extent = sched.get_extent %loop : (!transform.any_op) -> !transform.any_param
    sched.constrain %extent ge %threads : !transform.any_param, !transform.any_param
    sched.parallelize %loop : !transform.any_op
    transform.yield
  }

  // The last iteration of a loop over tiles is emitted on its own where its tile is not full.
  transform.named_sequence @peel_tail(%loop: !transform.any_op {transform.readonly},
                                      %extent: !transform.any_param {transform.readonly},
                                      %size: !transform.any_param {transform.readonly}) {
    %tail = sched.param mod %extent, %size : (!transform.any_param, !transform.any_param) -> !transform.any_param
    sched.constrain %tail ne 0 : !transform.any_param
    sched.constrain %extent gt %size : !transform.any_param, !transform.any_param
    sched.peel %loop : !transform.any_op
    transform.yield
  }
}
