// A matmul at the speed of the machine: for each tile of C, held in registers, one walk over k. Any size works;
// `make matmul` shows what each step brings.
module attributes {transform.with_named_sequence} {
  // Where B outgrows the second cache, a panel of it is packed, so that its rows lie side by side.
  transform.named_sequence @pack(%c: !transform.any_op {transform.readonly}, %jo: !transform.any_op {transform.readonly}, %size: !transform.any_param {transform.readonly}) {
    %l2 = sched.target_query "l2_bytes" : !transform.any_param
    sched.constrain %size gt %l2 : !transform.any_param, !transform.any_param
    %A, %B = sched.get_reads %c : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %panel = sched.cache_read %c, %B at %jo : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %0, %row, %column = sched.get_loops %panel : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    sched.vectorize %column : !transform.any_op
    transform.yield
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!transform.any_op) -> !transform.any_op
    %i, %j, %k = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %vector = sched.target_query "vector_bytes" : !transform.any_param
    %bytes = sched.get_element_bytes %c : (!transform.any_op) -> !transform.any_param
    %lanes = sched.param floordiv %vector, %bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %extent = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %depth = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %row_bytes = sched.param mul %extent, %bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %size = sched.param mul %row_bytes, %depth : (!transform.any_param, !transform.any_param) -> !transform.any_param
    // Six rows of four vectors each: 24 accumulators leave 8 of 32 registers for what goes into them.
    %columns = sched.param mul %lanes, 4 : (!transform.any_param) -> !transform.any_param
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [6, %columns] : (!transform.any_op, !transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.reorder %jo, %io, %k, %ii, %ji : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %ji : !transform.any_op
    sched.unroll %ii : !transform.any_op
    // The tile is a buffer of its own, whose indices are constants now: LLVM keeps it in registers.
    %zero = sched.decompose_reduction %c at %k : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %out = sched.cache_write %c at %io : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %0, %1, %oi, %oj = sched.get_loops %out : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.vectorize %oj : !transform.any_op
    sched.unroll %oi : !transform.any_op
    transform.include @pack failures(suppress) (%c, %jo, %size) : (!transform.any_op, !transform.any_op, !transform.any_param) -> ()
    sched.peel %io, %jo : !transform.any_op, !transform.any_op // tails get code of their own
    transform.yield
  }
}
