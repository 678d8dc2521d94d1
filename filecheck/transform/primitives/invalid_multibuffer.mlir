// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// One copy is no turn.

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

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %ko, %ki = sched.tile %k tile_sizes [2] : (!op) -> (!op, !op)
    sched.reorder %ko, %i, %j, %ki : !op, !op, !op, !op
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %c, %b at %ko : (!op, !transform.any_value, !op) -> !op
    %local = sched.get_writes %copy : (!op) -> !transform.any_value
    sched.multibuffer %local {factor = 1 : i64} : !transform.any_value
    transform.yield
  }
}
// CHECK: expected at least 2 copies of 'arg1_local', got 1

// -----

// One iteration takes no turns.

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

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %ko, %ki = sched.tile %k tile_sizes [8] : (!op) -> (!op, !op)
    sched.reorder %ko, %i, %j, %ki : !op, !op, !op, !op
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %c, %b at %ko : (!op, !transform.any_value, !op) -> !op
    %local = sched.get_writes %copy : (!op) -> !transform.any_value
    sched.multibuffer %local : !transform.any_value
    transform.yield
  }
}
// CHECK: expected several iterations to take turns with copies of a buffer, got loop %ko of extent 1

// -----

// Arguments do not live in loops.

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

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %ko, %ki = sched.tile %k tile_sizes [2] : (!op) -> (!op, !op)
    sched.reorder %ko, %i, %j, %ki : !op, !op, !op, !op
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %c, %b at %ko : (!op, !transform.any_value, !op) -> !op
    %local = sched.get_writes %copy : (!op) -> !transform.any_value
    sched.multibuffer %a : !transform.any_value
    transform.yield
  }
}
// CHECK: expected a buffer that lives in a loop, got 'arg0' of the whole kernel

// -----

// In a pipelined loop, what fills a buffer of several copies runs ahead.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    %L = loop.alloc "L" : memref<8xf32, "local">
    %K = loop.alloc "K" : memref<8xf32, "local">
    loop.block "copy" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %K[%vi] : memref<8xf32, "local">
    }
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
    loop.block "double" spatial(%vi in 8 = %i) {
      %t = loop.read %T[%vi] : memref<8xf32>
      %u = arith.addf %t, %t : f32
      loop.write %u, %L[%vi] : memref<8xf32, "local">
    }
    loop.block "map1" spatial(%vi in 8 = %i) {
      %l = loop.read %L[%vi] : memref<8xf32, "local">
      %k = loop.read %K[%vi] : memref<8xf32, "local">
      %s = arith.addf %k, %l : f32
      loop.write %s, %D[%vi] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    sched.pipeline %i : !op
    %d = sched.match_block "double" in %root : (!op) -> !op
    %l = sched.get_writes %d : (!op) -> !transform.any_value
    sched.multibuffer %l : !transform.any_value
    transform.yield
  }
}
// CHECK: expected 'double', which runs iterations ahead, not to touch 'T' after 'map0', to make copies of 'L'

// -----

// All copies have to fit in their scope.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence, cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", vector_bytes = 32, vector_registers = 16, l1_bytes = 12288, l2_bytes = 65536>} {
  func.func @rows(%A: memref<8x2048xf32>, %D: memref<8x2048xf32> {loop.output}) {
    loop.for %i : 8 {
      loop.for %j : 2048 {
        loop.block "map0" spatial(%vi in 8 = %i, %vj in 2048 = %j) {
          %a = loop.read %A[%vi, %vj] : memref<8x2048xf32>
          loop.write %a, %D[%vi, %vj] : memref<8x2048xf32>
        }
      }
    }
    func.return
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %a = sched.get_reads %c : (!op) -> !value
    %copy = sched.cache_read %c, %a at %i {memory_space = "l1"} : (!op, !value, !op) -> !op
    %local = sched.get_writes %copy : (!op) -> !value
    sched.multibuffer %local : !value
    transform.yield
  }
}
// CHECK: scope overflow: expected at most 12288 bytes in scope 'l1' at one time, got 16384: 'arg0_l1' (16384)
