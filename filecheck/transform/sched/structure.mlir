// RUN: stepwell-opt %s -p transform-interpreter | filecheck %s

// Matchers see what a block computes; foreach_match and collect_matching walk over blocks with them.

// CHECK-LABEL: func.func @kernel
func.func @kernel(%A: memref<4x8xf32>, %B: memref<8x6xf32> {loop.constant}, %D: memref<4x6xf32> {loop.output}) {
  %C = loop.alloc "C" : memref<4x6xf32>
  // CHECK: loop.block "reduce0" {{.*}} attributes {contraction, constant_right} {
  loop.for %i : 4 {
    loop.for %j : 6 {
      loop.for %k : 8 {
        loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 6 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<4x6xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x6xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x6xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  %S = loop.alloc "S" : memref<4xf32>
  // CHECK: loop.block "reduce1" {{.*}} attributes {row_reduction, one_dimension} {
  loop.for %i : 4 {
    loop.for %k : 6 {
      loop.block "reduce1" spatial(%vi in 4 = %i) reduce(%vk in 6 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<4xf32>
        }
        %c = loop.read %C[%vi, %vk] : memref<4x6xf32>
        loop.reduce (%c) into (%S)[%vi] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  // CHECK: loop.block "map0" {{.*}} attributes {map, sink} {
  loop.for %i : 4 {
    loop.for %j : 6 {
      loop.block "map0" spatial(%vi in 4 = %i, %vj in 6 = %j) {
        %c = loop.read %C[%vi, %vj] : memref<4x6xf32>
        %s = loop.read %S[%vi] : memref<4xf32>
        %d = arith.subf %c, %s : f32
        loop.write %d, %D[%vi, %vj] : memref<4x6xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @is_contraction(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "contraction", %op {spatial = 2, reduce = 1, element_type = f32} : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @is_row_reduction(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "row_reduction", %op : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @is_map(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "map", %op : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @has_constant(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "any", %op {constant = array<i64: 1>} : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @mark_contraction(%op: !transform.any_op {transform.readonly}) {
    transform.annotate %op "contraction" : !transform.any_op
    transform.yield
  }
  transform.named_sequence @mark_row_reduction(%op: !transform.any_op {transform.readonly}) {
    transform.annotate %op "row_reduction" : !transform.any_op
    transform.yield
  }
  transform.named_sequence @mark_map(%op: !transform.any_op {transform.readonly}) {
    transform.annotate %op "map" : !transform.any_op
    transform.yield
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %new = transform.foreach_match in %root @is_contraction -> @mark_contraction, @is_row_reduction -> @mark_row_reduction, @is_map -> @mark_map : (!transform.any_op) -> !transform.any_op
    %constant = transform.collect_matching @has_constant in %new : (!transform.any_op) -> !transform.any_op
    transform.annotate %constant "constant_right" : !transform.any_op
    %sink = sched.match_structure "sink" in %new : (!transform.any_op) -> !transform.any_op
    transform.annotate %sink "sink" : !transform.any_op
    %vectors = sched.match_structure "reduction" in %new {rank = 1} : (!transform.any_op) -> !transform.any_op
    transform.annotate %vectors "one_dimension" : !transform.any_op
    transform.yield
  }
}
