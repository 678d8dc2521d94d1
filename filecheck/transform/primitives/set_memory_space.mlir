// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p transform-interpreter,loop-plan-memory --split-input-file | filecheck %s --check-prefix PLAN

// Scopes say where buffers are: in l1 on the stack, in l2 in memory that the kernel is given.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence, cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", l1_bytes = 32768, l2_bytes = 65536, threads = 2>} {
  func.func private @chain(%A: memref<64x32xf32>, %D: memref<64x32xf32> {loop.output}) {
    %B = loop.alloc "B" : memref<64x32xf32>
    %C = loop.alloc "C" : memref<64x32xf32, "local">
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
          loop.write %a, %C[%vi, %vj] : memref<64x32xf32, "local">
        }
      }
    }
    loop.for %i : 64 {
      loop.for %j : 32 {
        loop.block "map2" spatial(%vi in 64 = %i, %vj in 32 = %j) {
          %a = loop.read %C[%vi, %vj] : memref<64x32xf32, "local">
          loop.write %a, %D[%vi, %vj] : memref<64x32xf32>
        }
      }
    }
    func.return
  }

// CHECK:      %B = loop.alloc "B" : memref<64x32xf32, "l1">
// CHECK-NEXT: %C = loop.alloc "C" : memref<64x32xf32, "l2">
// CHECK:      loop.read %B[%vi, %vj] : memref<64x32xf32, "l1">
// CHECK:      loop.write %{{.*}}, %C[%{{.*}}] : memref<64x32xf32, "l2">

// PLAN:      %B = loop.alloc "B" : memref<64x32xf32, "l1">
// PLAN-NEXT: %C = loop.alloc "C" in %workspace[0] of memref<8192xi8> : memref<64x32xf32, "l2">

  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    %C = sched.get_writes %c : (!op) -> !value
    sched.set_memory_space %B "l1" : !value
    sched.set_memory_space %C "l2" : !value
    transform.yield
  }
}
