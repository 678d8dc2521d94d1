// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// The blocks inside of a loop, in program order.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<8xf32>
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
    loop.block "square" spatial(%v in 8 = %i) {
      %c = loop.read %T[%v] : memref<8xf32>
      %d = arith.mulf %c, %c : f32
      loop.write %d, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK:         loop.block "double" {{.*}} attributes {first}
// CHECK:         loop.block "square" {{.*}} attributes {second}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    %first, %second = sched.get_child_blocks %i : (!op) -> (!op, !op)
    transform.annotate %first "first" : !op
    transform.annotate %second "second" : !op
    transform.yield
  }
}

// -----

// Blocks have no blocks inside.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "double" in %root : (!op) -> !op
    %none = sched.get_child_blocks %c : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a loop or a function, since blocks do not nest, got a block
