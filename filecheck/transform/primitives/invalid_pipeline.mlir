// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Something has to run ahead.

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
    sched.pipeline %ko : !op
    transform.yield
  }
}
// CHECK: expected a buffer that is filled by a copy in each iteration, to pipeline loop %ko of extent 4

// -----

// By an iteration at least.

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
    sched.pipeline %ko {depth = 0 : i64} : !op
    transform.yield
  }
}
// CHECK: expected to run at least 1 iteration ahead, got 0

// -----

// Marks come last.

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
    sched.unroll %ko : !op
    sched.pipeline %ko : !op
    transform.yield
  }
}
// CHECK: expected a serial loop, got unrolled loop %ko of extent 4

// -----

// A copy of what the same iteration computes can't be ahead of it.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    %L = loop.alloc "L" : memref<8xf32, "local">
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
    loop.block "copy" spatial(%vi in 8 = %i) {
      %t = loop.read %T[%vi] : memref<8xf32>
      loop.write %t, %L[%vi] : memref<8xf32, "local">
    }
    loop.block "map1" spatial(%vi in 8 = %i) {
      %l = loop.read %L[%vi] : memref<8xf32, "local">
      loop.write %l, %D[%vi] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    sched.pipeline %i : !op
    transform.yield
  }
}
// CHECK: expected 'copy', which runs iterations ahead, not to touch 'T' after 'map0', to pipeline loop %i of extent 8

// -----

// A copy can't be ahead of a write to what it reads, unless that is in the same iteration.

!op = !transform.any_op

func.func @overwritten(%A: memref<16xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<16xf32>
  loop.for %h : 16 {
    loop.block "map0" spatial(%vh in 16 = %h) {
      %a = loop.read %A[%vh] : memref<16xf32>
      loop.write %a, %T[%vh] : memref<16xf32>
    }
  }
  loop.for %i : 8 {
    %L = loop.alloc "L" : memref<16xf32, "local">
    loop.block "copy" spatial(%vi in 16 = %i) {
      %t = loop.read %T[%vi] : memref<16xf32>
      loop.write %t, %L[%vi] : memref<16xf32, "local">
    }
    loop.block "map1" spatial(%vi in 8 = %i) {
      %l = loop.read %L[%vi] : memref<16xf32, "local">
      loop.write %l, %D[%vi] : memref<8xf32>
      loop.write %l, %T[%vi + 8] : memref<16xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    sched.pipeline %i : !op
    transform.yield
  }
}
// CHECK: expected 'copy', which runs iterations ahead, and 'map1' to touch the same elements of 'T' only in one iteration, to pipeline loop %i of extent 8

// -----

// The last iterations are apart already.

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
    sched.pipeline %ko : !op
    sched.peel %ko : !op
    transform.yield
  }
}
// CHECK: expected a loop that stays a loop to peel, got pipelined loop %ko of extent 4

// -----

// One iteration has none ahead.

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
    %u = sched.add_unit_loop %ko : (!op) -> !op
    sched.pipeline %u : !op
    transform.yield
  }
}
// CHECK: expected several iterations to pipeline, got loop %u of extent 1

// -----

// Nothing is staged inside of lanes.

!op = !transform.any_op

func.func @copy(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    %u = sched.add_unit_loop %c : (!op) -> !op
    sched.vectorize %i : !op
    sched.pipeline %u : !op
    transform.yield
  }
}
// CHECK: expected no vectorized loop around a pipelined one, got loop %u of extent 1
