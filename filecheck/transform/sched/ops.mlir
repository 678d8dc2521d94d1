// RUN: stepwell-opt %s | stepwell-opt | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s

!op = !transform.any_op
!param = !transform.any_param
!value = !transform.any_value

module attributes {transform.with_named_sequence} {
  transform.named_sequence @navigation(%root: !op {transform.readonly}) {
    // CHECK: %c = sched.match_block "reduce0" in %root : (!transform.any_op) -> !transform.any_op
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    // CHECK-NEXT: %f = sched.match_kernel "matmul" in %root : (!transform.any_op) -> !transform.any_op
    %f = sched.match_kernel "matmul" in %root : (!op) -> !op
    // CHECK-NEXT: %s = sched.match_structure "contraction" in %root {spatial = 2 : i64, reduce = 1 : i64, element_type = f32, constant = array<i64: 1>} : (!transform.any_op) -> !transform.any_op
    %s = sched.match_structure "contraction" in %root {spatial = 2, reduce = 1, element_type = f32, constant = array<i64: 1>} : (!op) -> !op
    // CHECK-NEXT: sched.match.structure "map", %c {rank = 2 : i64} : !transform.any_op
    sched.match.structure "map", %c {rank = 2} : !op
    // CHECK-NEXT: sched.match.contiguous %c : !transform.any_op
    sched.match.contiguous %c : !op
    // CHECK-NEXT: %i, %j, %k = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    // CHECK-NEXT: %outer, %last = sched.get_loops %c {of = "spatial", rest = 0 : i64} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %outer, %last = sched.get_loops %c {of = "spatial", rest = 0} : (!op) -> (!op, !op)
    // CHECK-NEXT: %lb, %lm, %ln, %lk = sched.get_contraction_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %lb, %lm, %ln, %lk = sched.get_contraction_loops %c : (!op) -> (!op, !op, !op, !op)
    // CHECK-NEXT: %left, %right = sched.get_contraction_inputs %c : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %left, %right = sched.get_contraction_inputs %c : (!op) -> (!value, !value)
    // CHECK-NEXT: %p = sched.get_producers %c {transitive} : (!transform.any_op) -> !transform.any_op
    %p = sched.get_producers %c {transitive} : (!op) -> !op
    // CHECK-NEXT: %q = sched.get_consumers %c : (!transform.any_op) -> !transform.any_op
    %q = sched.get_consumers %c : (!op) -> !op
    // CHECK-NEXT: %A, %B = sched.get_reads %c : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %A, %B = sched.get_reads %c : (!op) -> (!value, !value)
    // CHECK-NEXT: %C = sched.get_writes %c : (!transform.any_op) -> !transform.any_value
    %C = sched.get_writes %c : (!op) -> !value
    // CHECK-NEXT: %r = sched.reverse %p : (!transform.any_op) -> !transform.any_op
    %r = sched.reverse %p : (!op) -> !op
    // CHECK-NEXT: %tb, %tm, %tn, %ti, %tj = sched.get_tile_loops %c in %q : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %tb, %tm, %tn, %ti, %tj = sched.get_tile_loops %c in %q : (!op, !op) -> (!op, !op, !op, !op, !op)
    // CHECK-NEXT: %ro, %rr, %rc = sched.get_row_loops %c in %q : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %ro, %rr, %rc = sched.get_row_loops %c in %q : (!op, !op) -> (!op, !op, !op)
    // CHECK-NEXT: %st = sched.get_stride %c, %A along %tj : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_param
    %st = sched.get_stride %c, %A along %tj : (!op, !value, !op) -> !param
    // CHECK-NEXT: %g = sched.get_kernel %c : (!transform.any_op) -> !transform.any_op
    %g = sched.get_kernel %c : (!op) -> !op
    transform.yield
  }

  transform.named_sequence @params(%c: !op {transform.readonly}, %i: !op {transform.readonly}) {
    // CHECK: %n = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %n = sched.get_extent %i : (!op) -> !param
    // CHECK-NEXT: %m = sched.get_points %c : (!transform.any_op) -> !transform.any_param
    %m = sched.get_points %c : (!op) -> !param
    // CHECK-NEXT: %b = sched.get_element_bytes %c : (!transform.any_op) -> !transform.any_param
    %b = sched.get_element_bytes %c : (!op) -> !param
    // CHECK-NEXT: %v = sched.target_query "vector_bytes" : !transform.any_param
    %v = sched.target_query "vector_bytes" : !param
    // CHECK-NEXT: %l = sched.param floordiv %v, %b : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %l = sched.param floordiv %v, %b : (!param, !param) -> !param
    // CHECK-NEXT: %w = sched.param mul 4, %l : (!transform.any_param) -> !transform.any_param
    %w = sched.param mul 4, %l : (!param) -> !param
    // CHECK-NEXT: sched.constrain %w divides %n : !transform.any_param, !transform.any_param
    sched.constrain %w divides %n : !param, !param
    // CHECK-NEXT: sched.constrain 1 le %n : !transform.any_param
    sched.constrain 1 le %n : !param
    transform.yield
  }

  transform.named_sequence @primitives(%c: !op {transform.readonly}, %i: !op {transform.readonly},
      %j: !op {transform.readonly}, %k: !op {transform.readonly}, %B: !value {transform.readonly},
      %n: !param {transform.readonly}) {
    // CHECK: %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [%n, 64] : (!transform.any_op, !transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [%n, 64] : (!op, !op, !param) -> (!op, !op, !op, !op)
    // CHECK-NEXT: %ko, %ki = sched.tile %k tile_sizes [8] {tail = "exact"} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %ko, %ki = sched.tile %k tile_sizes [8] {tail = "exact"} : (!op) -> (!op, !op)
    // CHECK-NEXT: sched.interchange %ki, %ii, %ji permutation = [1, 2, 0] : (!transform.any_op, !transform.any_op, !transform.any_op) -> ()
    sched.interchange %ki, %ii, %ji permutation = [1, 2, 0] : (!op, !op, !op) -> ()
    // CHECK-NEXT: %a, %b = sched.interchange %io, %jo permutation = [1, 0] : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    %a, %b = sched.interchange %io, %jo permutation = [1, 0] : (!op, !op) -> (!op, !op)
    // CHECK-NEXT: sched.reorder %ko, %ki, %ii : !transform.any_op, !transform.any_op, !transform.any_op
    sched.reorder %ko, %ki, %ii : !op, !op, !op
    // CHECK-NEXT: %ij = sched.coalesce %ii, %ji : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %ij = sched.coalesce %ii, %ji : (!op, !op) -> !op
    // CHECK-NEXT: sched.unroll %ij : !transform.any_op
    sched.unroll %ij : !op
    // CHECK-NEXT: sched.vectorize %ij : !transform.any_op
    sched.vectorize %ij : !op
    // CHECK-NEXT: sched.parallelize %io : !transform.any_op
    sched.parallelize %io : !op
    // CHECK-NEXT: sched.parallelize %io grain = 4 : !transform.any_op
    sched.parallelize %io grain = 4 : !op
    // CHECK-NEXT: sched.parallelize %io grain = %n : !transform.any_op, !transform.any_param
    sched.parallelize %io grain = %n : !op, !param
    // CHECK-NEXT: sched.peel %io, %jo : !transform.any_op, !transform.any_op
    sched.peel %io, %jo : !op, !op
    // CHECK-NEXT: %r = sched.cache_read %c, %B at %jo : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %r = sched.cache_read %c, %B at %jo : (!op, !value, !op) -> !op
    // CHECK-NEXT: %r2 = sched.cache_read %c, %B {memory_space = ""} : (!transform.any_op, !transform.any_value) -> !transform.any_op
    %r2 = sched.cache_read %c, %B {memory_space = ""} : (!op, !value) -> !op
    // CHECK-NEXT: %r3 = sched.cache_read %c, %B at %jo along %j {memory_space = ""} : (!transform.any_op, !transform.any_value, !transform.any_op, !transform.any_op) -> !transform.any_op
    %r3 = sched.cache_read %c, %B at %jo along %j {memory_space = ""} : (!op, !value, !op, !op) -> !op
    // CHECK-NEXT: %w = sched.cache_write %c at %jo : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %w = sched.cache_write %c at %jo : (!op, !op) -> !op
    // CHECK-NEXT: sched.compute_at %c into %jo : !transform.any_op, !transform.any_op
    sched.compute_at %c into %jo : !op, !op
    // CHECK-NEXT: sched.reverse_compute_at %w into %jo : !transform.any_op, !transform.any_op
    sched.reverse_compute_at %w into %jo : !op, !op
    // CHECK-NEXT: sched.compute_inline %c : !transform.any_op
    sched.compute_inline %c : !op
    // CHECK-NEXT: %init = sched.decompose_reduction %c at %ko : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %init = sched.decompose_reduction %c at %ko : (!op, !op) -> !op
    // CHECK-NEXT: %combine = sched.split_reduction %c at %ki : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %combine = sched.split_reduction %c at %ki : (!op, !op) -> !op
    transform.yield
  }
}
