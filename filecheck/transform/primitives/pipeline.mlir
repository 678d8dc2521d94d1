// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// What fills the staged copy runs an iteration ahead of the sums.

!op = !transform.any_op

func.func @matmul(%A: memref<4x8xf32>, %B: memref<8x4xf32>, %C: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.for %k : 8 {
        loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x4xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @matmul(
// CHECK-NEXT:   loop.for %ko : 4 pipelined {
// CHECK-NEXT:     %B_local = loop.alloc "arg1_local" {multibuffer = 2 : i64} : memref<8x4xf32, "local">
// CHECK-NEXT:     loop.for %c0 : 2 {
// CHECK-NEXT:       loop.for %c1 : 4 {
// CHECK-NEXT:         loop.block "arg1_local_read" spatial(%v0 in 8 = %ko * 2 + %c0, %v1 in 4 = %c1) {
// CHECK-NEXT:           %0 = loop.read %B[%v0, %v1] : memref<8x4xf32>
// CHECK-NEXT:           loop.write %0, %B_local[%v0, %v1] : memref<8x4xf32, "local">
// CHECK:          loop.for %i : 4 {
// CHECK-NEXT:       loop.for %j : 4 {
// CHECK-NEXT:         loop.for %ki : 2 {
// CHECK-NEXT:           loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %ko * 2 + %ki) {
// CHECK-NEXT:             loop.init {
// CHECK-NEXT:               %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:               loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
// CHECK:                  %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
// CHECK-NEXT:             %b = loop.read %B_local[%vk, %vj] : memref<8x4xf32, "local">
// CHECK-NEXT:             %p = arith.mulf %a, %b : f32
// CHECK-NEXT:             loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:               %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:               loop.yield %s : f32

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %ko, %ki = sched.tile %k tile_sizes [2] : (!op) -> (!op, !op)
    sched.reorder %ko, %i, %j, %ki : !op, !op, !op, !op
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %c, %b at %ko : (!op, !transform.any_value, !op) -> !op
    %local = sched.get_writes %copy : (!op) -> !transform.any_value
    sched.pipeline %ko : !op
    transform.yield
  }
}

// -----

// Two iterations ahead takes three copies.

!op = !transform.any_op

func.func @matmul(%A: memref<4x8xf32>, %B: memref<8x4xf32>, %C: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.for %k : 8 {
        loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x4xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @matmul(
// CHECK-NEXT:   loop.for %ko : 4 pipelined {
// CHECK-NEXT:     %B_local = loop.alloc "arg1_local" {multibuffer = 3 : i64} : memref<8x4xf32, "local">
// CHECK-NEXT:     loop.for %c0 : 2 {
// CHECK-NEXT:       loop.for %c1 : 4 {
// CHECK-NEXT:         loop.block "arg1_local_read" spatial(%v0 in 8 = %ko * 2 + %c0, %v1 in 4 = %c1) {
// CHECK-NEXT:           %0 = loop.read %B[%v0, %v1] : memref<8x4xf32>
// CHECK-NEXT:           loop.write %0, %B_local[%v0, %v1] : memref<8x4xf32, "local">
// CHECK:          loop.for %i : 4 {
// CHECK-NEXT:       loop.for %j : 4 {
// CHECK-NEXT:         loop.for %ki : 2 {
// CHECK-NEXT:           loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %ko * 2 + %ki) {
// CHECK-NEXT:             loop.init {
// CHECK-NEXT:               %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:               loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
// CHECK:                  %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
// CHECK-NEXT:             %b = loop.read %B_local[%vk, %vj] : memref<8x4xf32, "local">
// CHECK-NEXT:             %p = arith.mulf %a, %b : f32
// CHECK-NEXT:             loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:               %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:               loop.yield %s : f32

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %ko, %ki = sched.tile %k tile_sizes [2] : (!op) -> (!op, !op)
    sched.reorder %ko, %i, %j, %ki : !op, !op, !op, !op
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %c, %b at %ko : (!op, !transform.any_value, !op) -> !op
    %local = sched.get_writes %copy : (!op) -> !transform.any_value
    sched.pipeline %ko {depth = 2 : i64} : !op
    transform.yield
  }
}

// -----

// No iteration is further ahead than there are.

!op = !transform.any_op

func.func @matmul(%A: memref<4x8xf32>, %B: memref<8x4xf32>, %C: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.for %k : 8 {
        loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x4xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @matmul(
// CHECK-NEXT:   loop.for %ko : 4 pipelined {
// CHECK-NEXT:     %B_local = loop.alloc "arg1_local" {multibuffer = 4 : i64} : memref<8x4xf32, "local">
// CHECK-NEXT:     loop.for %c0 : 2 {
// CHECK-NEXT:       loop.for %c1 : 4 {
// CHECK-NEXT:         loop.block "arg1_local_read" spatial(%v0 in 8 = %ko * 2 + %c0, %v1 in 4 = %c1) {
// CHECK-NEXT:           %0 = loop.read %B[%v0, %v1] : memref<8x4xf32>
// CHECK-NEXT:           loop.write %0, %B_local[%v0, %v1] : memref<8x4xf32, "local">
// CHECK:          loop.for %i : 4 {
// CHECK-NEXT:       loop.for %j : 4 {
// CHECK-NEXT:         loop.for %ki : 2 {
// CHECK-NEXT:           loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %ko * 2 + %ki) {
// CHECK-NEXT:             loop.init {
// CHECK-NEXT:               %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:               loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
// CHECK:                  %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
// CHECK-NEXT:             %b = loop.read %B_local[%vk, %vj] : memref<8x4xf32, "local">
// CHECK-NEXT:             %p = arith.mulf %a, %b : f32
// CHECK-NEXT:             loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:               %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:               loop.yield %s : f32

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %ko, %ki = sched.tile %k tile_sizes [2] : (!op) -> (!op, !op)
    sched.reorder %ko, %i, %j, %ki : !op, !op, !op, !op
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %c, %b at %ko : (!op, !transform.any_value, !op) -> !op
    %local = sched.get_writes %copy : (!op) -> !transform.any_value
    sched.pipeline %ko {depth = 9 : i64} : !op
    transform.yield
  }
}
