// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Upstream's operations on loops do to loops of the loop rung what they do to scf's.

!op = !transform.any_op

func.func @unroll(%A: memref<10x8xf32>, %B: memref<10x8xf32> {loop.output}) {
  loop.for %i : 10 {
    loop.for %j : 8 {
      loop.block "map0" spatial(%vi in 10 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<10x8xf32>
        loop.write %a, %B[%vi, %vj] : memref<10x8xf32>
      }
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    // To consume a loop is to consume what is in it.
    transform.loop.unroll %j {factor = 8} : !op
    transform.loop.unroll %i {factor = 4} : !op
    transform.yield
  }
}
// CHECK-LABEL: func.func @unroll
// CHECK:       loop.for %io : 3 {
// CHECK-NEXT:    loop.for %ii : 4 unrolled {
// CHECK-NEXT:      loop.for %j : 8 unrolled {
// CHECK-NEXT:        loop.block "map0" spatial(%vi in 10 = %io * 4 + %ii, %vj in 8 = %j)

// -----

!op = !transform.any_op

func.func @others(%A: memref<6x8xf32>, %B: memref<6x8xf32> {loop.output}, %C: memref<1x48xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 8 {
      loop.block "map0" spatial(%vi in 6 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<6x8xf32>
        loop.write %a, %B[%vi, %vj] : memref<6x8xf32>
      }
    }
  }
  loop.for %o : 1 {
    loop.for %k : 48 {
      loop.block "map1" spatial(%vo in 1 = %o, %vk in 48 = %k) {
        %z = arith.constant 0.0 : f32
        loop.write %z, %C[%vo, %vk] : memref<1x48xf32>
      }
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %o, %k = sched.get_loops %c : (!op) -> (!op, !op)
    transform.loop.promote_if_one_iteration %o : !op
    %ij = transform.loop.coalesce %i : (!op) -> !op
    %c1 = sched.match_block "map1" in %root : (!op) -> !op
    %k1 = sched.get_loops %c1 : (!op) -> !op
    %f = transform.loop.fuse_sibling %k1 into %ij : (!op, !op) -> !op
    transform.apply_licm to %f : !op
    transform.yield
  }
}
// CHECK-LABEL: func.func @others
// CHECK:       loop.for %{{.*}} : 48 {
// CHECK:         loop.block "map0"
// CHECK:         loop.block "map1" spatial(%vo in 1 = 0, %vk in 48 = %{{.*}})

// -----

// The first iteration is a loop of its own; the other handle is the loop that goes on.

!op = !transform.any_op

func.func @peel(%A: memref<6xf32>, %B: memref<6xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.block "map0" spatial(%vi in 6 = %i) {
      %a = loop.read %A[%vi] : memref<6xf32>
      loop.write %a, %B[%vi] : memref<6xf32>
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "map0" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> !op
    %rest, %first = transform.loop.peel %i {peel_front = true} : (!op) -> (!op, !op)
    sched.unroll %first : !op
    transform.yield
  }
}
// CHECK-LABEL: func.func @peel
// CHECK:       loop.for %{{.*}} : 1 unrolled {
// CHECK:       loop.for %{{.*}} : 5 {

// -----

// Invariant code leaves loops of upstream's.

!op = !transform.any_op

func.func @licm(%n: index, %m: memref<16xindex>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  scf.for %i = %c0 to %c16 step %c1 {
    %s = arith.addi %n, %n : index
    memref.store %s, %m[%i] : memref<16xindex>
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %l = transform.structured.match ops{["scf.for"]} in %root : (!op) -> !op
    transform.apply_licm to %l : !op
    transform.annotate %l "same" : !op
    transform.yield
  }
}
// CHECK-LABEL: func.func @licm
// CHECK:       %s = arith.addi %n, %n : index
// CHECK-NEXT:  scf.for
// CHECK:       {same}
