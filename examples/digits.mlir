// A search space: how to run a matrix product and what follows it point by point (bias, ReLU) on one core. With every
// knob chosen, this is a schedule.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %kernel = sched.match_kernel "kernel1" in %root : (!transform.any_op) -> !transform.any_op
    %sum = sched.match_structure "contraction" in %kernel : (!transform.any_op) -> !transform.any_op

    // One block of all that follows the sum.
    %bias, %out = sched.get_consumers %sum {transitive} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.compute_inline %bias : !transform.any_op

    // A tile of the output is a few rows of a few vectors: its sums stay in registers.
    %rows = transform.tune.knob<"rows"> options = [2, 4, 6, 12] -> !transform.any_param
    %vectors = transform.tune.knob<"vectors"> options = [1, 2, 4] -> !transform.any_param
    %bytes = sched.target_query "vector_bytes" : !transform.any_param
    %element = sched.get_element_bytes %sum : (!transform.any_op) -> !transform.any_param
    %lanes = sched.param floordiv %bytes, %element : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %columns = sched.param mul %vectors, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %i, %j = sched.get_loops %out : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %m = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [%rows, %columns] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    // A panel of the right operand stays in the cache while all rows pass by.
    sched.reorder %jo, %io : !transform.any_op, !transform.any_op
    sched.compute_at %sum into %io : !transform.any_op, !transform.any_op
    %outer, %si, %sj = sched.get_loops %sum {of = "spatial", rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce"} : (!transform.any_op) -> !transform.any_op
    sched.reorder %k, %si, %sj : !transform.any_op, !transform.any_op, !transform.any_op
    sched.vectorize %sj, %ji : !transform.any_op, !transform.any_op
    sched.unroll %si, %ii : !transform.any_op, !transform.any_op
    %zero = sched.decompose_reduction %sum at %k : (!transform.any_op, !transform.any_op) -> !transform.any_op

    // Rows that are left over are a copy of their own.
    transform.sequence %io : !transform.any_op failures(suppress) {
    ^bb0(%loop: !transform.any_op):
      %rest = sched.param mod %m, %rows : (!transform.any_param, !transform.any_param) -> !transform.any_param
      sched.constrain %rest ne 0 : !transform.any_param
      sched.peel %loop : !transform.any_op
    }
    transform.yield
  }
}
