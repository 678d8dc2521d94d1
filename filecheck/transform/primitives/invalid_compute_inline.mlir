// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A reduction has no one value to put in place of a read.

!op = !transform.any_op

func.func @sum(%A: memref<4x5x3xf32>, %E: memref<4xf32> {loop.output}) {
  %D = loop.alloc "D" : memref<4xf32>
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.for %l : 3 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %D[%v] : memref<4xf32>
          }
          %a = loop.read %A[%v, %vk, %vl] : memref<4x5x3xf32>
          loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  loop.for %j : 4 {
    loop.block "use" spatial(%v in 4 = %j) {
      %d = loop.read %D[%v] : memref<4xf32>
      loop.write %d, %E[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "sum" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected a block without reduce iterators to inline it, got 'sum'

// -----

// Nor has a scan.

!op = !transform.any_op

func.func @scan(%X: memref<6x4xf32>, %D: memref<7x4xf32> {loop.output}) {
  %S = loop.alloc "S" : memref<7x4xf32>
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
  loop.for %i : 7 {
    loop.for %k : 4 {
      loop.block "out" spatial(%vi in 7 = %i, %vk in 4 = %k) {
        %s = loop.read %S[%vi, %vk] : memref<7x4xf32>
        loop.write %s, %D[%vi, %vk] : memref<7x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "scan" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected a block without ordered iterators to inline it, got 'scan'

// -----

// A block with two results stays.

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
    %p = sched.match_block "two" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected a block with one write to inline, got 2 in 'two'

// -----

// An output is written.

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
    %p = sched.match_block "square" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected a buffer inside of the kernel to inline, got the output that 'square' writes

// -----

// One of several writers stays.

!op = !transform.any_op

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
    %p = sched.match_block "first" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected 'first' alone to write 'T'

// -----

// A block that reads what it writes stays.

!op = !transform.any_op

func.func @use(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
      %again = loop.read %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected 'make' not to read what it writes

// -----

// Where a block is read at data, its value there is not known.

!op = !transform.any_op

func.func @use(%I: memref<8xi32>, %A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %i = loop.read %I[%v] : memref<8xi32>
      %x = arith.index_cast %i : i32 to index
      %t = loop.read %T[%x] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected affine reads of 'T' to inline it, got a data-dependent one

// -----

// Where a block writes, its iterators are known.

!op = !transform.any_op

func.func @scaled(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "zero" spatial(%v in 8 = %i) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %D[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "mirror" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[7 - %v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "mirror" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected 'mirror' to write at distinct iterators, each plus a constant, to inline it

// -----

// A write says the values of all iterators.

!op = !transform.any_op

func.func @row(%A: memref<4x8xf32>, %D: memref<4x8xf32> {loop.output}) {
  loop.for %i : 4 {
    %T = loop.alloc "T" : memref<8xf32>
    loop.for %j : 8 {
      loop.block "row" spatial(%vi in 4 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x8xf32>
        loop.write %a, %T[%vj] : memref<8xf32>
      }
    }
    loop.for %j : 8 {
      loop.block "use" spatial(%vi in 4 = %i, %vj in 8 = %j) {
        %t = loop.read %T[%vj] : memref<8xf32>
        loop.write %t, %D[%vi, %vj] : memref<4x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "row" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected 'row' to write at each of its iterators to inline it

// -----

// Inputs are there.

!op = !transform.any_op

func.func @inside(%A: memref<4x4xf32>, %D: memref<4x4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4x4xf32>
  loop.for %i : 4 {
    %R = loop.alloc "R" : memref<4x4xf32>
    loop.for %j : 4 {
      loop.block "first" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %R[%vi, %vj] : memref<4x4xf32>
      }
    }
    loop.for %j : 4 {
      loop.block "second" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %r = loop.read %R[%vi, %vj] : memref<4x4xf32>
        loop.write %r, %T[%vi, %vj] : memref<4x4xf32>
      }
    }
  }
  loop.for %k : 4 {
    loop.for %l : 4 {
      loop.block "use" spatial(%vk in 4 = %k, %vl in 4 = %l) {
        %t = loop.read %T[%vk, %vl] : memref<4x4xf32>
        loop.write %t, %D[%vk, %vl] : memref<4x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "second" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected 'R', which 'second' reads, to live where 'use' stands

// -----

// Inputs are what they were.

!op = !transform.any_op

func.func @later(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %R = loop.alloc "R" : memref<8xf32>
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %h : 8 {
    loop.block "before" spatial(%v in 8 = %h) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %R[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "keep" spatial(%v in 8 = %i) {
      %r = loop.read %R[%v] : memref<8xf32>
      loop.write %r, %T[%v] : memref<8xf32>
    }
  }
  loop.for %h : 8 {
    loop.block "after" spatial(%v in 8 = %h) {
      %b = loop.read %B[%v] : memref<8xf32>
      loop.write %b, %R[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "keep" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected 'R' to be complete before 'keep'

// -----

// Inputs are what they were when they were read.

!op = !transform.any_op

func.func @changing(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %R = loop.alloc "R" : memref<8xf32>
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %h : 8 {
    loop.block "before" spatial(%v in 8 = %h) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %R[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "change" spatial(%v in 8 = %i) {
      %b = loop.read %B[%v] : memref<8xf32>
      loop.write %b, %R[%v] : memref<8xf32>
    }
    loop.block "mirror" spatial(%v in 8 = %i) {
      %r = loop.read %R[7 - %v] : memref<8xf32>
      loop.write %r, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "mirror" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
// CHECK: expected 'R', which 'mirror' reads, not to change after that in loop %i of extent 8
