// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// What has no meaning on the loop rung says so, and what to use.

!op = !transform.any_op
func.func @f(%B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %B[%v] : memref<4xf32>
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %i = transform.structured.match ops{["loop.for"]} in %root : (!op) -> !op
    %p = transform.loop.pipeline %i : (!op) -> !op
    transform.yield
  }
}
// CHECK: 'transform.loop.pipeline' is not there on the loop rung: a block's operations are in no stages; stage what they read by 'sched.cache_read', and 'sched.unroll' the loop

// -----

!op = !transform.any_op
func.func @f(%B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %B[%v] : memref<4xf32>
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %i = transform.structured.match ops{["loop.for"]} in %root : (!op) -> !op
    %f, %c = transform.loop.outline %i {func_name = "f"} : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: 'transform.loop.outline' is not there on the loop rung: a kernel is one function

// -----

!op = !transform.any_op
func.func @f(%B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %B[%v] : memref<4xf32>
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %i = transform.structured.match ops{["loop.for"]} in %root : (!op) -> !op
    transform.loop.hoist_loop_invariant_subsets %i : !op
    transform.yield
  }
}
// CHECK: 'transform.loop.hoist_loop_invariant_subsets' is not there on the loop rung: kernels work on buffers

// -----

!op = !transform.any_op
func.func @f(%B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %B[%v] : memref<4xf32>
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %i = transform.structured.match ops{["loop.for"]} in %root : (!op) -> !op
    %a, %b = transform.loop.peel %i : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: failed to peel the last iteration: expected a loop whose last one is partial, got loop %i of extent 4; 'sched.peel' emits it on its own, 'sched.split' makes two loops

// -----

!op = !transform.any_op
func.func @f(%B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %B[%v] : memref<4xf32>
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %i = transform.structured.match ops{["loop.for"]} in %root : (!op) -> !op
    %a = transform.loop.coalesce %i : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a loop that holds nothing but a loop, got loop %i of extent 4

// -----

!op = !transform.any_op
func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    transform.apply_licm to %root : !op
    transform.yield
  }
}
// CHECK: expected a loop to move invariant code out of, got builtin.module

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.consumed}) {
  transform.loop.unroll %r {factor = 0} : !transform.any_op
}
// CHECK: expected a positive factor, got 0
