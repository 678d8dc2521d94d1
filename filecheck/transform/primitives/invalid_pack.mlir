// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// The other input does not move with the loop.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%A: memref<6x9xf32>, %W: memref<40x9xf32> {loop.constant}, %C: memref<6x40xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 40 {
      loop.for %k : 9 {
        loop.block "sum" spatial(%vi in 6 = %i, %vj in 40 = %j) reduce(%vk in 9 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x40xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x9xf32>
          %w = loop.read %W[%vj, %vk] : memref<40x9xf32>
          %p = arith.mulf %a, %w : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x40xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
// CHECK: expected one dimension in which block 'sum' moves with the loop, got 0
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    sched.pack %c, %W along %i panel_size [16] : !op, !value, !op
    transform.yield
  }
}

// -----

// A panel has elements.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%A: memref<6x9xf32>, %W: memref<40x9xf32> {loop.constant}, %C: memref<6x40xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 40 {
      loop.for %k : 9 {
        loop.block "sum" spatial(%vi in 6 = %i, %vj in 40 = %j) reduce(%vk in 9 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x40xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x9xf32>
          %w = loop.read %W[%vj, %vk] : memref<40x9xf32>
          %p = arith.mulf %a, %w : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x40xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
// CHECK: expected a positive size of panels, got 0
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %none = transform.param.constant 0 : i64 -> !param
    sched.pack %c, %W along %j panel_size [%none] : !op, !value, !op, !param
    transform.yield
  }
}

// -----

// Callers say how inputs lie.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%A: memref<6x9xf32>, %W: memref<40x9xf32> {loop.constant}, %C: memref<6x40xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 40 {
      loop.for %k : 9 {
        loop.block "sum" spatial(%vi in 6 = %i, %vj in 40 = %j) reduce(%vk in 9 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x40xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x9xf32>
          %w = loop.read %W[%vj, %vk] : memref<40x9xf32>
          %p = arith.mulf %a, %w : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x40xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
// CHECK: expected a constant ('loop.constant') or a buffer of the kernel's own to pack, got argument 'arg0'
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    sched.pack %c, %A along %i panel_size [16] : !op, !value, !op
    transform.yield
  }
}

// -----

// One size.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%A: memref<6x9xf32>, %W: memref<40x9xf32> {loop.constant}, %C: memref<6x40xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 40 {
      loop.for %k : 9 {
        loop.block "sum" spatial(%vi in 6 = %i, %vj in 40 = %j) reduce(%vk in 9 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x40xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x9xf32>
          %w = loop.read %W[%vj, %vk] : memref<40x9xf32>
          %p = arith.mulf %a, %w : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x40xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
// CHECK: expected one size of panels, an integer or a param, got
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    sched.pack %c, %W along %j panel_size [4, 4] : !op, !value, !op
    transform.yield
  }
}
