// RUN: stepwell-opt %s -p transform-interpreter | filecheck %s
// RUN: stepwell-opt %s -p transform-interpreter,loop-expand | filecheck %s --check-prefix=EXPANDED

// One test in front of a tile, and no guard in it where all of it runs.

!op = !transform.any_op

func.func @scale(%A: memref<10x6xf32>, %B: memref<10x6xf32> {loop.output}) {
  loop.for %i : 10 {
    loop.for %j : 6 {
      loop.block "map" spatial(%vi in 10 = %i, %vj in 6 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<10x6xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %B[%vi, %vj] : memref<10x6xf32>
      }
    }
  }
  func.return
}

// CHECK:      loop.for %io : 3 {
// CHECK-NEXT:   loop.for %jo : 2 {
// CHECK-NEXT:     loop.for %ii : 4 opaque {
// CHECK-NEXT:       loop.for %ji : 4 {

// EXPANDED:      affine.for %io = 0 to 3 {
// EXPANDED-NEXT:   affine.for %jo = 0 to 2 {
// EXPANDED-NEXT:     "affine.if"(%io, %jo)
// EXPANDED-NEXT:       affine.for %ii = 0 to 4 {
// EXPANDED-NEXT:         affine.for %ji = 0 to 4 {
// EXPANDED:          }, {
// EXPANDED-NEXT:       affine.for %{{.*}} = 0 to min
// EXPANDED-NEXT:         affine.for %{{.*}} = 0 to min

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [4, 4] : (!op, !op) -> (!op, !op, !op, !op)
    sched.blockize %ii : !op
    transform.yield
  }
}
