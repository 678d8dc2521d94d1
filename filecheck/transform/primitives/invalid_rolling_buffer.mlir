// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A sum has parts, not rows.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 3 {
      loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<8xf32>
        }
        %a = loop.read %A[%v + %r] : memref<10xf32>
        loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "sum" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a block over spatial iterators with one write, to keep rows, got 'sum'

// -----

// A buffer that outlives the loop has its rows anyway.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 10 {
    loop.block "double" spatial(%v in 10 = %x) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.for %i : 8 {
    loop.for %k : 3 {
      loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<8xf32>
        }
        %a = loop.read %T[%v + %r] : memref<10xf32>
        loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a buffer of a loop that 'double' alone writes, to keep rows: move it there by compute_at

// -----

// Rows in another layout.

!op = !transform.any_op

func.func @k(%A: memref<10x4xf32>, %D: memref<8x4xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" {layout = affine_map<(d0, d1) -> (d1, d0)>} : memref<10x4xf32>
  loop.for %x : 3 {
    loop.for %j : 4 {
      loop.block "double" spatial(%v in 10 = %i + %x, %vj in 4 = %j) {
        %a = loop.read %A[%v, %vj] : memref<10x4xf32>
        loop.write %a, %T[%v, %vj] : memref<10x4xf32>
      }
    }
  }
  loop.for %j : 4 {
    loop.block "sum" spatial(%v in 8 = %i, %vj in 4 = %j) {
      %a = loop.read %T[%v + 2, %vj] : memref<10x4xf32>
      loop.write %a, %D[%v, %vj] : memref<8x4xf32>
    }
  }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected rows of 'T' to lie one after another, got a layout

// -----

// Threads do not wait for one another's rows.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 parallel {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 10 = %i + %x) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.for %k : 3 {
    loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<8xf32>
      }
      %a = loop.read %T[%v + %r] : memref<10xf32>
      loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a serial loop to keep rows from one iteration to the next, got loop %i of extent 8

// -----

// A loop that the block shares with others.

!op = !transform.any_op

func.func @k(%A: memref<10x4xf32>, %D: memref<8x4xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<10x4xf32>
    loop.for %j : 4 {
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 10 = %i + %x, %vj in 4 = %j) {
      %a = loop.read %A[%v, %vj] : memref<10x4xf32>
      loop.write %a, %T[%v, %vj] : memref<10x4xf32>
    }
  }
  loop.block "sum" spatial(%v in 8 = %i, %vj in 4 = %j) {
    %a = loop.read %T[%v + 2, %vj] : memref<10x4xf32>
    loop.write %a, %D[%v, %vj] : memref<8x4xf32>
  }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected 'double' in loops of its own inside of loop %i of extent 8, to keep rows

// -----

// All rows are computed in each iteration: none is new.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 10 {
    loop.block "double" spatial(%v in 10 = %x) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.for %k : 3 {
    loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<8xf32>
      }
      %a = loop.read %T[%v + %r] : memref<10xf32>
      loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected loop %i of extent 8 to move 'double' in one iterator, to keep rows, got 0

// -----

// Rows in tiles.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 2 {
    loop.for %y : 2 {
      loop.block "double" spatial(%v in 10 = %i + %x * 2 + %y) {
        %a = loop.read %A[%v] : memref<10xf32>
        loop.write %a, %T[%v] : memref<10xf32>
      }
    }
  }
  loop.for %k : 3 {
    loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<8xf32>
      }
      %a = loop.read %T[%v + %r] : memref<10xf32>
      loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected 'double' to go through its rows by one serial loop, to keep them: keep rows before you tile

// -----

// A step as wide as the window.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<5xf32> {loop.output}) {
  loop.for %i : 5 {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 2 {
    loop.block "double" spatial(%v in 10 = %i * 2 + %x) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.for %k : 2 {
    loop.block "sum" spatial(%v in 5 = %i) reduce(%r in 2 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<5xf32>
      }
      %a = loop.read %T[%v * 2 + %r] : memref<10xf32>
      loop.reduce (%a) into (%D)[%v] : memref<5xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected iterations of loop %i of extent 5 whose rows overlap, got 2 rows and a step of 2

// -----

// What rows are computed from changes in each iteration.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %S = loop.alloc "S" : memref<10xf32>
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %y : 3 {
    loop.block "source" spatial(%v in 10 = %i + %y) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %S[%v] : memref<10xf32>
    }
  }
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 10 = %i + %x) {
      %a = loop.read %S[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.for %k : 3 {
    loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<8xf32>
      }
      %a = loop.read %T[%v + %r] : memref<10xf32>
      loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected 'S', which 'double' reads, not to change in loop %i of extent 8, to keep rows

// -----

// A loop around would start over with rows of the iteration before.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<2x8xf32> {loop.output}) {
  loop.for %o : 2 {
    loop.for %i : 8 {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 10 = %i + %x) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.for %k : 3 {
    loop.block "sum" spatial(%vo in 2 = %o, %v in 8 = %i) reduce(%r in 3 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%vo, %v] : memref<2x8xf32>
      }
      %a = loop.read %T[%v + %r] : memref<10xf32>
      loop.reduce (%a) into (%D)[%vo, %v] : memref<2x8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected the state of a scan to live outside of loops, to keep rows of 'T'

// -----

// Rows that data chooses may be others.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %I: memref<2xi32>, %D: memref<2xf32> {loop.output}) {
  loop.for %i : 2 {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 12 {
    loop.block "double" spatial(%v in 10 = %i + %x - 1) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.block "sum" spatial(%v in 2 = %i) {
    %w = loop.read %I[%v] : memref<2xi32>
    %n = arith.index_cast %w : i32 to index
    %a = loop.read %T[%n] : memref<10xf32>
    loop.write %a, %D[%v] : memref<2xf32>
  }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected rows of 'T' that are known, got data-dependent ones

// -----

// A diagonal has rows in both dimensions.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<10x10xf32>
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 10 = %i + %x) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v, %v] : memref<10x10xf32>
    }
  }
  loop.block "sum" spatial(%v in 8 = %i) {
    %a = loop.read %A[%v] : memref<10xf32>
    loop.write %a, %D[%v] : memref<8xf32>
  }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected 'double' to write its rows in one dimension, to keep them

// -----

// The first window lies in front of the first row.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 10 = %i + %x - 5) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.block "sum" spatial(%v in 8 = %i) {
    %a = loop.read %A[%v] : memref<10xf32>
    loop.write %a, %D[%v] : memref<8xf32>
  }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected rows of 'double' in each iteration, from the first one on

// -----

// A copy of rows of which some come later has some that were never written.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 10 = %i + %x) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.for %k : 3 {
    loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<8xf32>
      }
      %a = loop.read %T[%v + %r] : memref<10xf32>
      loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    %T = sched.get_reads %c : (!op) -> !transform.any_value
    %copy = sched.cache_read %c, %T at %i : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'T_rolling' to be complete, to copy it, got rows that 'double' goes on with
