// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// The block has to read it.

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

// CHECK: expected a buffer that block 'reduce0' reads, got 'arg2'
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %X, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %B = sched.get_writes %c : (!op) -> !value
    %copy = sched.reindex %c, %B : (!op, !value) -> !op
    transform.yield
  }
}

// -----

// Data says where it is read.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @gather(%A: memref<40xf32>, %I: memref<6xi32>, %B: memref<6xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.block "map0" spatial(%vi in 6 = %i) {
      %n = loop.read %I[%vi] : memref<6xi32>
      %x = arith.index_cast %n : i32 to index
      %w = loop.read %A[%x] : memref<40xf32>
      %a = loop.read %I[%vi] : memref<6xi32>
      %b = arith.sitofp %a : i32 to f32
      %c = arith.addf %w, %b : f32
      loop.write %c, %B[%vi] : memref<6xf32>
    }
  }
  func.return
}

// CHECK: expected affine indices of 'arg0', got data in block 'map0'
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %I, %A = sched.get_reads %c : (!op) -> (!value, !value)
    %copy = sched.reindex %c, %A : (!op, !value) -> !op
    transform.yield
  }
}

// -----

// Only some of the domain is read.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @pad(%A: memref<4xf32>, %B: memref<6xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.block "map0" spatial(%vi in 6 = %i) {
      %one = arith.constant 1 : index
      %five = arith.constant 5 : index
      %l = arith.cmpi sge, %vi, %one : index
      %r = arith.cmpi slt, %vi, %five : index
      %in = arith.andi %l, %r : i1
      %x = scf.if %in -> (f32) {
        %a = loop.read %A[%vi - 1] : memref<4xf32>
        scf.yield %a : f32
      } else {
        %z = arith.constant 0.0 : f32
        scf.yield %z : f32
      }
      loop.write %x, %B[%vi] : memref<6xf32>
    }
  }
  func.return
}

// CHECK: expected 'arg0' to be read wherever block 'map0' runs, got a read in a branch
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %A = sched.get_reads %c : (!op) -> !value
    %copy = sched.reindex %c, %A : (!op, !value) -> !op
    transform.yield
  }
}

// -----

// Two places.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @two(%A: memref<7xf32>, %B: memref<6xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.block "map0" spatial(%vi in 6 = %i) {
      %a = loop.read %A[%vi] : memref<7xf32>
      %b = loop.read %A[%vi + 1] : memref<7xf32>
      %c = arith.addf %a, %b : f32
      loop.write %c, %B[%vi] : memref<6xf32>
    }
  }
  func.return
}

// CHECK: expected one place where block 'map0' reads 'arg0', got several
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %A = sched.get_reads %c : (!op) -> !value
    %copy = sched.reindex %c, %A : (!op, !value) -> !op
    transform.yield
  }
}

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
// CHECK: expected a memory scope of the target (local, registers, l1, l2), got 'L2'
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %B = sched.get_reads %c : (!op) -> (!value)
    %x = sched.reindex %c, %B {memory_space = "L2"} : (!op, !value) -> !op
    transform.yield
  }
}
