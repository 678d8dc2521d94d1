// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// The loop is around the block.

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
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %u = sched.add_unit_loop %c : (!op) -> !op
    %p = sched.prefetch %c, %a at %i {ahead = 0 : i64} : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected to prefetch at least 1 iteration ahead, got 0

// -----

// The loop is one around the block.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %b = sched.get_reads %p : (!op) -> !transform.any_value
    %q = sched.prefetch %p, %b at %k : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a loop around block 'map0', got loop %k of extent 8

// -----

// Iterations that run at the same time have none that come later.

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
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    sched.vectorize %j : !op
    %p = sched.prefetch %c, %b at %j : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a loop whose iterations follow one another to prefetch in, got vectorized loop %j of extent 4

// -----

// What lives in the kernel is near already.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %t = sched.get_reads %c : (!op) -> !transform.any_value
    %q = sched.prefetch %c, %t at %k : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected an argument of the kernel to prefetch, got 'T'

// -----

// The block reads the buffer.

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
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %o = sched.get_writes %c : (!op) -> !transform.any_value
    %p = sched.prefetch %c, %o at %k : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a buffer that block 'reduce0' reads, got 'arg2'

// -----

// Nobody knows what data will say.

!op = !transform.any_op

func.func @gather(%A: memref<8xf32>, %N: memref<4xi32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %n = loop.read %N[%v] : memref<4xi32>
      %x = arith.index_cast %n : i32 to index
      %a = loop.read %A[%x] : memref<8xf32>
      loop.write %a, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    %n, %a = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %p = sched.prefetch %c, %a at %i : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected reads of 'arg0' at affine indices to prefetch, got data

// -----

// Later iterations read something else.

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
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %p = sched.prefetch %c, %b at %i : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected what 'reduce0' reads of 'arg1' to move with loop %i of extent 4

// -----

// Caches hold that much.

!op = !transform.any_op

func.func @matmul(%A: memref<4x80000xf32>, %B: memref<80000x4xf32>, %C: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.for %k : 80000 {
        loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 80000 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<4x80000xf32>
          %b = loop.read %B[%vk, %vj] : memref<80000x4xf32>
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
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %p = sched.prefetch %c, %a at %i : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected at most 4096 cache lines of 'arg0' in an iteration of loop %i of extent 4, got 5000

// -----

// Layouts are chosen before.

!op = !transform.any_op

func.func @matmul(%A: memref<4x8xf32>, %B: memref<8x4xf32> {loop.constant}, %C: memref<4x4xf32> {loop.output}) {
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
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %p = sched.prefetch %c, %b at %k : (!op, !transform.any_value, !op) -> !op
    sched.transform_layout %b affine_map<(k, j) -> (j floordiv 2, k, j mod 2)> : !transform.any_value
    transform.yield
  }
}
// CHECK: expected 'arg1' to be prefetched after its layout is chosen
