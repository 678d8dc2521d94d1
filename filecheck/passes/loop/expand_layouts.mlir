// RUN: stepwell-opt %s -p transform-interpreter,loop-expand | filecheck %s

// Packed weights are vectors at constant offsets, accumulators lie with their lanes last, and nothing is divided.

!op = !transform.any_op
!value = !transform.any_value
func.func @conv(%X: memref<9x14x14xf32>, %W: memref<40x9x3x3xf32> {loop.constant}, %B: memref<40x12x12xf32> {loop.output}) {
  loop.for %o : 40 {
    loop.for %y : 12 {
      loop.for %x : 12 {
        loop.for %c : 9 {
          loop.for %r : 3 {
            loop.for %s : 3 {
              loop.block "conv" spatial(%vo in 40 = %o, %vy in 12 = %y, %vx in 12 = %x) reduce(%vc in 9 = %c, %vr in 3 = %r, %vs in 3 = %s) {
                loop.init {
                  %z = arith.constant 0.0 : f32
                  loop.write %z, %B[%vo, %vy, %vx] : memref<40x12x12xf32>
                }
                %a = loop.read %X[%vc, %vy + %vr, %vx + %vs] : memref<9x14x14xf32>
                %w = loop.read %W[%vo, %vc, %vr, %vs] : memref<40x9x3x3xf32>
                %p = arith.mulf %a, %w : f32
                loop.reduce (%p) into (%B)[%vo, %vy, %vx] : memref<40x12x12xf32> combine(%acc: f32, %t: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
                  %u = arith.addf %acc, %t fastmath<reassoc,contract> : f32
                  loop.yield %u : f32
                }
              }
            }
          }
        }
      }
    }
  }
  func.return
}
// CHECK-LABEL: func.func @conv(
// CHECK:         memref.alloca() {alignment = 64 : i64} : memref<4x16xf32>
// CHECK-NOT:     floordiv
// CHECK:         affine.for %s = 0 to 3 {
// CHECK:           affine.vector_load %W[%oo, %c, %r, %s, 0] : memref<3x9x3x3x16xf32>, vector<16xf32>
// CHECK-NEXT:      affine.vector_load %{{.*}}[0, 0] : memref<4x16xf32>, vector<16xf32>
// CHECK-NEXT:      vector.broadcast
// CHECK-NEXT:      vector.fma
// CHECK-NEXT:      affine.vector_store %{{.*}}, %{{.*}}[0, 0] : memref<4x16xf32>, vector<16xf32>
// CHECK:           affine.vector_store %{{.*}}, %{{.*}}[3, 0] : memref<4x16xf32>, vector<16xf32>
// CHECK-NOT:     floordiv
// CHECK:         func.return

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "conv" in %root : (!op) -> !op
    %X, %W = sched.get_reads %c : (!op) -> (!value, !value)
    sched.transform_layout %W inner_dims_pos = [0] inner_tiles = [16] : !value
    %o, %y, %x, %ci, %r, %s = sched.get_loops %c : (!op) -> (!op, !op, !op, !op, !op, !op)
    %oo, %oi = sched.tile %o tile_sizes [16] : (!op) -> (!op, !op)
    %xo, %xi = sched.tile %x tile_sizes [4] : (!op) -> (!op, !op)
    sched.reorder %oo, %y, %xo, %ci, %r, %s, %xi, %oi : !op, !op, !op, !op, !op, !op, !op, !op
    %copy = sched.cache_write %c at %xo : (!op, !op) -> !op
    %Bl = sched.get_writes %c : (!op) -> !value
    sched.transform_layout %Bl outer_dims_perm = [1, 2, 0] : !value
    %init = sched.decompose_reduction %c at %ci : (!op, !op) -> !op
    sched.unroll %xi : !op
    sched.vectorize %oi : !op


    transform.yield
  }
}
