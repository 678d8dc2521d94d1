// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A block has copies of what it reads.

!op = !transform.any_op
!value = !transform.any_value

func.func @chain(%A: memref<8x8xf32>, %D: memref<8x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x8xf32>
  loop.for %i : 8 {
    loop.for %j : 8 {
      loop.block "double" spatial(%vi in 8 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
        %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %D[%vk, %vl] : memref<8x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %D = sched.get_writes %c : (!op) -> (!value)
    %x = sched.cache_read %c, %D at %k : (!op, !value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a buffer that block 'square' reads, got 'arg1'

// -----

// A copy lives for an iteration of a loop around its reader.

!op = !transform.any_op
!value = !transform.any_value

func.func @chain(%A: memref<8x8xf32>, %D: memref<8x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x8xf32>
  loop.for %i : 8 {
    loop.for %j : 8 {
      loop.block "double" spatial(%vi in 8 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
        %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %D[%vk, %vl] : memref<8x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %T = sched.get_reads %c : (!op) -> (!value)
    %x = sched.cache_read %c, %T at %i : (!op, !value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a loop around block 'square', got loop %i of extent 8

// -----

// Lanes have no buffers.

!op = !transform.any_op
!value = !transform.any_value

func.func @chain(%A: memref<8x8xf32>, %D: memref<8x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x8xf32>
  loop.for %i : 8 {
    loop.for %j : 8 {
      loop.block "double" spatial(%vi in 8 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
        %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %D[%vk, %vl] : memref<8x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %T = sched.get_reads %c : (!op) -> (!value)
    sched.vectorize %l : !op
    %x = sched.cache_read %c, %T at %l : (!op, !value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected no vectorized loop around a staged buffer, got loop %l of extent 8

// -----

// There is nothing to copy before the buffer lives.

!op = !transform.any_op
!value = !transform.any_value

func.func @staged(%A: memref<4x4xf32>, %D: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      %T = loop.alloc "T" : memref<4x4xf32>
      loop.block "make" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %T[%vi, %vj] : memref<4x4xf32>
      }
      loop.block "use" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %T[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %D[%vi, %vj] : memref<4x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "use" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %T = sched.get_reads %c : (!op) -> (!value)
    %x = sched.cache_read %c, %T at %i : (!op, !value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'T' to live where its copy is made

// -----

// A copy would not see what is written after it.

!op = !transform.any_op
!value = !transform.any_value

func.func @pipe(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "first" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
    loop.block "second" spatial(%v in 8 = %j) {
      %b = loop.read %B[%v] : memref<8xf32>
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    %T = sched.get_reads %c : (!op) -> (!value)
    %x = sched.cache_read %c, %T : (!op, !value) -> !op
    transform.yield
  }
}
// CHECK: expected 'T' not to be written between its copy and its reads in 'use'

// -----

// What lives for the whole kernel is copied whole, so that all of it has to be there.

!op = !transform.any_op
!value = !transform.any_value

func.func @parts(%A: memref<10xf32>, %D: memref<10xf32> {loop.output}) {
  %R = loop.alloc "R" : memref<12xf32>
  loop.for %r : 10 {
    loop.block "some" spatial(%v in 10 = %r) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %R[%v] : memref<12xf32>
    }
  }
  loop.for %i : 10 {
    loop.block "use" spatial(%v in 10 = %i) {
      %r = loop.read %R[%v] : memref<12xf32>
      loop.write %r, %D[%v] : memref<10xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "use" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    %R = sched.get_reads %c : (!op) -> (!value)
    %x = sched.cache_read %c, %R : (!op, !value) -> !op
    transform.yield
  }
}
// CHECK: expected all that block 'R_local_read' reads of the buffer to be written before, to copy 'R' there

// -----

// A diagonal has no direction.

!op = !transform.any_op
!value = !transform.any_value

func.func @turned(%A: memref<9x9xf32>, %D: memref<9x6xf32> {loop.output}) {
  loop.for %i : 9 {
    loop.for %j : 6 {
      loop.block "map0" spatial(%vi in 9 = %i, %vj in 6 = %j) {
        %a = loop.read %A[%vj, %vj] : memref<9x9xf32>
        loop.write %a, %D[%vi, %vj] : memref<9x6xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %A = sched.get_reads %b : (!op) -> !value
    %r = sched.cache_read %b, %A at %i along %j : (!op, !value, !op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected loop %j of extent 6 to move the reads of 'map0' in one dimension, got 2

// -----

// A target has the memory scopes that it has.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence, cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", vector_bytes = 32, vector_registers = 16, l1_bytes = 12288, l2_bytes = 65536>} {
  func.func @copy(%B: memref<24x40xf32>, %D: memref<24x40xf32> {loop.output}) {
    loop.for %k : 24 {
      loop.for %l : 40 {
        loop.block "map0" spatial(%vk in 24 = %k, %vl in 40 = %l) {
          %a = loop.read %B[%vk, %vl] : memref<24x40xf32>
          loop.write %a, %D[%vk, %vl] : memref<24x40xf32>
        }
      }
    }
    func.return
  }
// CHECK: expected a memory scope of the target (local, registers, l1, l2), got 'foo'
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %B = sched.get_reads %c : (!op) -> (!value)
    %x = sched.cache_read %c, %B at %k {memory_space = "foo"} : (!op, !value, !op) -> !op
    transform.yield
  }
}

// -----

// Nothing is read where a guard never holds.

!op = !transform.any_op
!value = !transform.any_value

func.func @guarded(%A: memref<6xf32>, %D: memref<3xf32> {loop.output}) {
  loop.for %i : 3 {
    loop.block "map0" spatial(%v in 3 = %i) {
      %two = arith.constant 2 : index
      %there = arith.cmpi sge, %v, %two : index
      %x = scf.if %there -> (f32) {
        %a = loop.read %A[%v - 2] : memref<6xf32>
        scf.yield %a : f32
      } else {
        %zero = arith.constant 0.0 : f32
        scf.yield %zero : f32
      }
      loop.write %x, %D[%v] : memref<3xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "map0" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %first, %rest = sched.split %i after 1 : (!op) -> (!op, !op)
    %A = sched.get_reads %b : (!op) -> !value
    %r = sched.cache_read %b, %A at %first : (!op, !value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'arg0' to be read in some iteration there, got none
