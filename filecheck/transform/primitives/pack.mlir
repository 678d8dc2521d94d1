// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A step of the reduction reads 16 neighbours.

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

// CHECK-LABEL: func.func @k(%A: memref<6x9xf32>, %W: memref<3x9x16xf32> {loop.constant, loop.layout = #loop.layout<[40, 9], affine_map<(d0, d1) -> ((d0 floordiv 16), d1, (d0 mod 16))>>}
// CHECK:         loop.read %W[%vj floordiv 16, %vk, %vj mod 16] : memref<3x9x16xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    sched.pack %c, %W along %j panel_size [16] : !op, !value, !op
    transform.yield
  }
}

// -----

// A buffer of the kernel's own keeps its indices.

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

// CHECK: %W_local = loop.alloc "arg1_local" {layout = affine_map<(d0, d1) -> ((d0 floordiv 8), d1, (d0 mod 8))>} : memref<40x9xf32, "local">

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %copy = sched.cache_read %c, %W : (!op, !value) -> !op
    %packed = sched.get_writes %copy : (!op) -> !value
    %eight = transform.param.constant 8 : i64 -> !param
    sched.pack %c, %packed along %j panel_size [%eight] : !op, !value, !op, !param
    transform.yield
  }
}
