// A matmul at the speed of the machine: for each tile of C, held in registers, one walk over k. Any size works;
// `make matmul` shows what each step brings.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!transform.any_op) -> !transform.any_op
    %i, %j, %k = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %vector = sched.target_query "vector_bytes" : !transform.any_param
    %bytes = sched.get_element_bytes %c : (!transform.any_op) -> !transform.any_param
    %lanes = sched.param floordiv %vector, %bytes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    // Twelve rows of two vectors each: 24 accumulators leave 8 of 32 registers for what goes into them. Blocks of eight such
    // columns stay in the second cache while all rows pass by.
    %columns = sched.param mul %lanes, 2 : (!transform.any_param) -> !transform.any_param
    %block = sched.param mul %lanes, 16 : (!transform.any_param) -> !transform.any_param
    %jb, %jp = sched.tile %j tile_sizes [%block] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %io, %ii = sched.tile %i tile_sizes [12] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %jo, %ji = sched.tile %jp tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %jb, %io, %jo, %k, %ii, %ji : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %ji : !transform.any_op
    sched.unroll %ii : !transform.any_op
    // The tile is a buffer of its own, whose indices are constants now: LLVM keeps it in registers.
    %zero = sched.decompose_reduction %c at %k : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %out = sched.cache_write %c at %jo : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %0, %1, %2, %oi, %oj = sched.get_loops %out : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.vectorize %oj : !transform.any_op
    sched.unroll %oi : !transform.any_op
    // What a tile reads of B, row after row, is copied so that it lies in one piece.
    %A, %B = sched.get_reads %c : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %panels = sched.cache_read %c, %B at %jb : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %packed = sched.get_writes %panels : (!transform.any_op) -> !transform.any_value
    sched.pack %c, %packed along %ji panel_size [%columns] : !transform.any_op, !transform.any_value, !transform.any_op, !transform.any_param
    %3, %row, %column = sched.get_loops %panels : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %panel, %lane = sched.tile %column tile_sizes [%columns] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %lane : !transform.any_op
    sched.peel %jb, %io, %jo, %panel : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op // tails get code of their own
    transform.yield
  }
}
