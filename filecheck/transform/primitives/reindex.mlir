// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// The matrix that a convolution multiplies.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @convolution(%X: memref<18x18xf32>, %W: memref<3x3xf32>, %B: memref<16x16xf32> {loop.output}) {
  loop.for %y : 16 {
    loop.for %x : 16 {
      loop.for %r : 3 {
        loop.for %s : 3 {
          loop.block "reduce0" spatial(%vy in 16 = %y, %vx in 16 = %x) reduce(%vr in 3 = %r, %vs in 3 = %s) {
            loop.init {
              %z = arith.constant 0.000000e+00 : f32
              loop.write %z, %B[%vy, %vx] : memref<16x16xf32>
            }
            %a = loop.read %X[%vy + %vr, %vx + %vs] : memref<18x18xf32>
            %w = loop.read %W[%vr, %vs] : memref<3x3xf32>
            %p = arith.mulf %a, %w : f32
            loop.reduce (%p) into (%B)[%vy, %vx] : memref<16x16xf32> combine(%acc: f32, %t: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
              %u = arith.addf %acc, %t fastmath<reassoc> : f32
              loop.yield %u : f32
            }
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @convolution(
// CHECK-NEXT:    %X_reindex = loop.alloc "arg0_reindex" : memref<16x16x3x3xf32>
// CHECK-NEXT:    loop.for %vy : 16 {
// CHECK-NEXT:      loop.for %vx : 16 {
// CHECK-NEXT:        loop.for %vr : 3 {
// CHECK-NEXT:          loop.for %vs : 3 {
// CHECK-NEXT:            loop.block "arg0_reindex_read" spatial(%vy_1 in 16 = %vy, %vx_1 in 16 = %vx, %vr_1 in 3 = %vr, %vs_1 in 3 = %vs) {
// CHECK-NEXT:              %0 = loop.read %X[%vy_1 + %vr_1, %vx_1 + %vs_1] : memref<18x18xf32>
// CHECK-NEXT:              loop.write %0, %X_reindex[%vy_1, %vx_1, %vr_1, %vs_1] : memref<16x16x3x3xf32>
// CHECK:         loop.for %y : 16 {
// CHECK:                 %a = loop.read %X_reindex[%vy, %vx, %vr, %vs] : memref<16x16x3x3xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %X, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %copy = sched.reindex %c, %X : (!op, !value) -> !op
    transform.yield
  }
}

// -----

// A copy may be made where it is used, and lie otherwise.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @convolution(%X: memref<18x18xf32>, %W: memref<3x3xf32>, %B: memref<16x16xf32> {loop.output}) {
  loop.for %y : 16 {
    loop.for %x : 16 {
      loop.for %r : 3 {
        loop.for %s : 3 {
          loop.block "reduce0" spatial(%vy in 16 = %y, %vx in 16 = %x) reduce(%vr in 3 = %r, %vs in 3 = %s) {
            loop.init {
              %z = arith.constant 0.000000e+00 : f32
              loop.write %z, %B[%vy, %vx] : memref<16x16xf32>
            }
            %a = loop.read %X[%vy + %vr, %vx + %vs] : memref<18x18xf32>
            %w = loop.read %W[%vr, %vs] : memref<3x3xf32>
            %p = arith.mulf %a, %w : f32
            loop.reduce (%p) into (%B)[%vy, %vx] : memref<16x16xf32> combine(%acc: f32, %t: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
              %u = arith.addf %acc, %t fastmath<reassoc> : f32
              loop.yield %u : f32
            }
          }
        }
      }
    }
  }
  func.return
}

// CHECK:         loop.for %y : 16 {
// CHECK-NEXT:      %X_reindex = loop.alloc "arg0_reindex" {layout = array<i64: 0, 2, 3, 1>} : memref<16x16x3x3xf32, "local">

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %X, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %copy = sched.reindex %c, %X {memory_space = "local"} : (!op, !value) -> !op
    %y, %x, %r, %s = sched.get_loops %c : (!op) -> (!op, !op, !op, !op)
    sched.compute_at %copy into %y : !op, !op
    %m = sched.get_writes %copy : (!op) -> !value
    sched.transform_layout %m outer_dims_perm = [0, 2, 3, 1] : !value
    transform.yield
  }
}
