// RUN: stepwell-opt %S/Inputs/scale.mlir --schedule %s --step | filecheck %s
// RUN: stepwell-opt %S/Inputs/scale.mlir --schedule %s --step --stop-after=3 -o %t | filecheck %s --check-prefix STOPPED
// RUN: filecheck %s --check-prefix RESULT --input-file %t
// RUN: stepwell-opt %S/Inputs/scale.mlir --schedule %s --stop-after=3 | filecheck %s --check-prefix RESULT
// RUN: stepwell-opt %S/Inputs/scale.mlir --schedule %s --print-after-each 2>&1 | filecheck %s --check-prefix EACH

// A script runs operation by operation, with what each changes; matchers and what only runs others are left out.

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = sched.match_kernel "scale" in %root : (!transform.any_op) -> !transform.any_op
    %done = transform.foreach_match in %f @is_map -> @schedule : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
  transform.named_sequence @is_map(%op: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "map", %op : !transform.any_op
    transform.yield %op : !transform.any_op
  }
  transform.named_sequence @schedule(%c: !transform.any_op {transform.readonly}) {
    %i, %j = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.sequence %c : !transform.any_op failures(suppress) {
    ^bb0(%same: !transform.any_op):
      %jo, %ji = sched.tile %j tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
      sched.tile %ji tile_sizes [5] {tail = "exact"} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    }
    sched.unroll %i : !transform.any_op
    transform.yield
  }
}

// CHECK:      [1] {{.*}}step.mlir:11:{{[0-9]+}}: %{{.*}} = sched.match_kernel "scale" in %{{.*}}
// CHECK-NEXT: [2] {{.*}}step.mlir:20:{{[0-9]+}}: %{{.*}}, %{{.*}} = sched.get_loops
// CHECK-NEXT: [3] {{.*}}step.mlir:23:{{[0-9]+}}: %{{.*}}, %{{.*}} = sched.tile
// CHECK-NEXT: --- @scale
// CHECK-NEXT: +++ @scale
// CHECK:      -    loop.for %j : 64 {
// CHECK:      +    loop.for %jo : 4 {
// CHECK-NEXT: +      loop.for %ji : 16 {
// CHECK:      [4] {{.*}}step.mlir:24:{{[0-9]+}}: %{{.*}}, %{{.*}} = sched.tile
// CHECK-NEXT: refused: expected a tile size that divides the extent 16, got 5
// CHECK-NEXT: [5] {{.*}}step.mlir:26:{{[0-9]+}}: sched.unroll
// CHECK:      -  loop.for %i : 8 {
// CHECK-NEXT: +  loop.for %i : 8 unrolled {
// CHECK-NOT:  builtin.module

// STOPPED:     [3]
// STOPPED-NOT: [4]

// RESULT:      loop.for %i : 8 {
// RESULT-NEXT: loop.for %jo : 4 {
// RESULT-NEXT: loop.for %ji : 16 {

// EACH:       // -----// IR Dump After {{.*}}step.mlir:23:{{[0-9]+}}: {{.*}}sched.tile
// EACH-NEXT:  func.func @scale
// EACH-NEXT:  loop.for %i : 8 {
// EACH-NEXT:  loop.for %jo : 4 {
// EACH:       // -----// IR Dump After {{.*}}step.mlir:26:{{[0-9]+}}: sched.unroll
// EACH-NEXT:  func.func @scale
// EACH-NEXT:  loop.for %i : 8 unrolled {
