// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// One buffer is staged at a time.

!op = !transform.any_op

func.func @two(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}, %E: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "two" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
      loop.write %a, %E[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "two" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %x = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a block that writes one buffer, got 2 by 'two'

// -----

// A scan reads what it wrote.

!op = !transform.any_op

func.func @scan(%X: memref<6x4xf32>, %S: memref<7x4xf32> {loop.output}) {
  loop.for %j : 4 {
    loop.block "first" spatial(%vt in 1 = 0, %vj in 4 = %j) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %S[%vt, %vj] : memref<7x4xf32>
    }
  }
  loop.for %t : 6 {
    loop.for %j : 4 {
      loop.block "scan" ordered(%vt in 6 = %t) spatial(%vj in 4 = %j) {
        %s = loop.read %S[%vt, %vj] : memref<7x4xf32>
        %x = loop.read %X[%vt, %vj] : memref<6x4xf32>
        %y = arith.addf %s, %x : f32
        loop.write %y, %S[%vt + 1, %vj] : memref<7x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "scan" in %root : (!op) -> !op
    %t, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.cache_write %b at %t : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a block without ordered iterators to stage what it writes, got 'scan'

// -----

// A copy lives for an iteration of a loop around its writer.

!op = !transform.any_op

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
    %x = sched.cache_write %c at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a loop around block 'square', got loop %i of extent 8

// -----

// Lanes have no buffers.

!op = !transform.any_op

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
    sched.vectorize %l : !op
    %x = sched.cache_write %c at %l : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected no vectorized loop around a staged buffer, got loop %l of extent 8

// -----

// Parts of a sum are summed up only where the order may change.

!op = !transform.any_op

func.func @sum(%A: memref<4x5x3xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.for %l : 3 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %D[%v] : memref<4xf32>
          }
          %a = loop.read %A[%v, %vk, %vl] : memref<4x5x3xf32>
          loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] {
            %s = arith.addf %acc, %x : f32
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
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %x = sched.cache_write %b at %k : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected an associative and commutative combiner, with 'reassoc' for floats, to stage 'sum' below its loop %k of extent 5

// -----

// What other blocks sum up in the same place cannot be told apart.

!op = !transform.any_op

func.func @sum(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 5 {
    loop.for %j : 4 {
      loop.block "sum" spatial(%v in 4 = %j) reduce(%vk in 5 = %i) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
      loop.block "more" spatial(%v in 4 = %j) reduce(%vk in 5 = %i) {
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %k, %i = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected the whole reduction of 'more' inside of one iteration, got its loop %i of extent 5 outside

// -----

// What is written over has no parts.

!op = !transform.any_op

func.func @sum(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 5 {
    loop.for %j : 4 {
      loop.block "sum" spatial(%v in 4 = %j) reduce(%vk in 5 = %i) {
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.write %a, %D[%v] : memref<4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %k, %i = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'sum' to do nothing but reduce, to stage it below its loop %i of extent 5

// -----

// Between its parts, a sum is read.

!op = !transform.any_op

func.func @sum(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}, %E: memref<4x5xf32> {loop.output}) {
  loop.for %i : 5 {
    loop.for %j : 4 {
      loop.block "sum" spatial(%v in 4 = %j) reduce(%vk in 5 = %i) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
      loop.block "use" spatial(%v in 4 = %j, %vk in 5 = %i) {
        %a = loop.read %D[%v] : memref<4xf32>
        loop.write %a, %E[%v, %vk] : memref<4x5xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %k, %i = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'sum' alone to touch 'arg1' below its loop %i of extent 5

// -----

// A buffer outlives its copy.

!op = !transform.any_op

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
    %b = sched.match_block "make" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'T' to live where it is copied to

// -----

// What is copied out is a box.

!op = !transform.any_op

func.func @flat(%A: memref<4x6xf32>, %D: memref<24xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 6 {
      loop.block "flat" spatial(%vi in 4 = %i, %vj in 6 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x6xf32>
        loop.write %a, %D[%vi * 6 + %vj] : memref<24xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "flat" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected block 'flat' to write a box of 'arg1', one iterator a dimension

// -----

// What is copied out is all that is written.

!op = !transform.any_op

func.func @halves(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<4x8xf32> {loop.output}) {
  loop.for %i : 4 {
    %T = loop.alloc "T" : memref<4x8xf32>
    loop.for %j : 8 {
      loop.block "zero" spatial(%vi in 4 = %i, %vj in 8 = %j) {
        %z = arith.constant 0.0 : f32
        loop.write %z, %T[%vi, %vj] : memref<4x8xf32>
      }
    }
    loop.for %k : 1 {
      loop.for %l : 4 {
        loop.block "left" spatial(%vi in 4 = %i, %vl in 4 = %l) {
          %a = loop.read %A[%vl] : memref<8xf32>
          loop.write %a, %T[%vi, %vl] : memref<4x8xf32>
        }
        loop.block "right" spatial(%vi in 4 = %i, %vl in 4 = %l) {
          %b = loop.read %B[%vl] : memref<8xf32>
          loop.write %b, %T[%vi, %vl + 4] : memref<4x8xf32>
        }
      }
    }
    loop.for %j : 8 {
      loop.block "out" spatial(%vi in 4 = %i, %vj in 8 = %j) {
        %t = loop.read %T[%vi, %vj] : memref<4x8xf32>
        loop.write %t, %D[%vi, %vj] : memref<4x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "left" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %x = sched.cache_write %b at %k : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'T' to be written only where 'left' writes, to stage it

// -----

// A staged buffer starts empty: what was there before is not in it.

!op = !transform.any_op

func.func @ontop(%A: memref<4x8xf32>, %B: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %h : 4 {
    loop.block "bias" spatial(%v in 4 = %h) {
      %b = loop.read %B[%v] : memref<4xf32>
      loop.write %b, %D[%v] : memref<4xf32>
    }
  }
  loop.for %i : 4 {
    loop.for %k : 8 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 8 = %k) {
        %a = loop.read %A[%v, %vk] : memref<4x8xf32>
        loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
          %s = arith.addf %acc, %x : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected all that block 'sum' reads of the buffer to be written before, to stage 'arg2' there

// -----

// What is copied out covers the buffer.

!op = !transform.any_op

func.func @prefix(%A: memref<7xf32>, %D: memref<8xf32> {loop.output}) {
  loop.block "first" spatial(%v in 1 = 0) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %D[%v] : memref<8xf32>
  }
  loop.for %i : 7 {
    loop.block "prefix" spatial(%v in 7 = %i) {
      %a = loop.read %A[%v] : memref<7xf32>
      %d = loop.read %D[%v] : memref<8xf32>
      %s = arith.addf %a, %d : f32
      loop.write %s, %D[%v + 1] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "prefix" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %x = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a spatial binding that starts at 0 with the loops of the buffer's lifetime, to stage 'arg1' there

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
// CHECK: expected a memory scope of the target (local, registers, l1, l2), got 'register'; did you mean 'registers'?
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %B = sched.get_reads %c : (!op) -> (!value)
    %x = sched.cache_write %c at %k {memory_space = "register"} : (!op, !op) -> !op
    transform.yield
  }
}
