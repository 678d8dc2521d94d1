// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// What lives in a scope at the same time has to fit.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence, cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", vector_bytes = 32, vector_registers = 16, l1_bytes = 12288, l2_bytes = 65536>} {
  func.func @chain(%A: memref<64x32xf32>, %D: memref<64x32xf32> {loop.output}) {
    %B = loop.alloc "B" : memref<64x32xf32>
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map0" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %A[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %B[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map1" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %B[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %D[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    func.return
  }
// CHECK: scope overflow: expected at most 512 bytes in scope 'registers' at one time, got 8192: 'B' (8192)
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.set_memory_space %B "registers" : !value
    transform.yield
  }
}

// -----

// Copies count, too, and what lives at the same time.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence, cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", vector_bytes = 32, vector_registers = 16, l1_bytes = 12288, l2_bytes = 65536>} {
  func.func @chain(%A: memref<64x32xf32>, %D: memref<64x32xf32> {loop.output}) {
    %B = loop.alloc "B" : memref<64x32xf32>
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map0" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %A[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %B[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map1" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %B[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %D[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    func.return
  }
// CHECK: scope overflow: expected at most 12288 bytes in scope 'l1' at one time, got 16384: 'B' (8192), 'arg0_l1' (8192)
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.set_memory_space %B "l1" : !value
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %A = sched.get_reads %p : (!op) -> !value
    %d = sched.cache_read %p, %A {memory_space = "l1"} : (!op, !value) -> !op
    transform.yield
  }
}

// -----

// There are as many scopes as the target has.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence, cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", vector_bytes = 32, vector_registers = 16, l1_bytes = 12288, l2_bytes = 65536>} {
  func.func @chain(%A: memref<64x32xf32>, %D: memref<64x32xf32> {loop.output}) {
    %B = loop.alloc "B" : memref<64x32xf32>
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map0" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %A[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %B[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map1" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %B[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %D[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    func.return
  }
// CHECK: expected a memory scope of the target (local, registers, l1, l2), got 'l4'
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.set_memory_space %B "l4" : !value
    transform.yield
  }
}

// -----

// Without a target there are none.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence} {
  func.func @chain(%A: memref<64x32xf32>, %D: memref<64x32xf32> {loop.output}) {
    %B = loop.alloc "B" : memref<64x32xf32>
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map0" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %A[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %B[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map1" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %B[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %D[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    func.return
  }
// CHECK: expected a module with a target that has memory scope 'l1', got none
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.set_memory_space %B "l1" : !value
    transform.yield
  }
}

// -----

// Arguments are where their callers have them.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence, cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", vector_bytes = 32, vector_registers = 16, l1_bytes = 12288, l2_bytes = 65536>} {
  func.func @chain(%A: memref<64x32xf32>, %D: memref<64x32xf32> {loop.output}) {
    %B = loop.alloc "B" : memref<64x32xf32>
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map0" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %A[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %B[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map1" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %B[%vi, %vj] : memref<64x32xf32>
          loop.write %a, %D[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    func.return
  }
// CHECK: expected a buffer of the kernel's own, got argument 'arg1'
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    %D = sched.get_writes %c : (!op) -> !value
    sched.set_memory_space %D "l1" : !value
    transform.yield
  }
}
