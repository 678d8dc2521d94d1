// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// What is illegal says where in the script, which loop of which block, why, and underlines the IR.

!op = !transform.any_op

// Use after consume.

func.func @scale(%A: memref<8x64xf32>, %B: memref<8x64xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %j : 64 {
      loop.block "map0" spatial(%vi in 8 = %i, %vj in 64 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x64xf32>
        loop.write %a, %B[%vi, %vj] : memref<8x64xf32>
      }
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    transform.loop.unroll %i {factor = 2} : !op
    sched.vectorize %j : !op
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: op uses a handle invalidated by a previously executed transform op
// CHECK-NEXT:   in script: sched.vectorize %j : !transform.any_op
// CHECK-NEXT:   note: handle to invalidated ops: {{.*}}diagnostics.mlir:{{[0-9]+}}:5: %i, %j = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
// CHECK-NEXT:   note: invalidated by this transform op that consumes its operand #0 and invalidates all handles to payload IR entities associated with this operand and entities nested in them: {{.*}}diagnostics.mlir:{{[0-9]+}}:5: transform.loop.unroll %i {factor = 2 : i64} : !transform.any_op
// CHECK-NEXT:   note: ancestor payload op: {{.*}}diagnostics.mlir:{{[0-9]+}}:3: loop.for %i : 8
// CHECK-NEXT:   note: nested payload op: {{.*}}diagnostics.mlir:{{[0-9]+}}:5: loop.for %j : 64

// -----

// Use of what was erased.

!op = !transform.any_op

func.func @scale(%A: memref<8x64xf32>, %B: memref<8x64xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %j : 64 {
      loop.block "map0" spatial(%vi in 8 = %i, %vj in 64 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x64xf32>
        loop.write %a, %B[%vi, %vj] : memref<8x64xf32>
      }
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %io, %ii = sched.tile %i tile_sizes [2] : (!op) -> (!op, !op)
    sched.unroll %i : !op
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: op uses a handle invalidated by a previously executed transform op
// CHECK-NEXT:   in script: sched.unroll %i : !transform.any_op
// CHECK-NEXT:   note: handle to invalidated ops: {{.*}}diagnostics.mlir:{{[0-9]+}}:5: %i, %j = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
// CHECK-NEXT:   note: invalidated by this transform op, which erased the payload op: {{.*}}diagnostics.mlir:{{[0-9]+}}:5: %io, %ii = sched.tile %i tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
// CHECK-NEXT:   note: erased payload op: {{.*}}diagnostics.mlir:{{[0-9]+}}:3: loop.for %i : 8

// -----

// A handle to something else.

!op = !transform.any_op

func.func @scale(%A: memref<8x64xf32>, %B: memref<8x64xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %j : 64 {
      loop.block "map0" spatial(%vi in 8 = %i, %vj in 64 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x64xf32>
        loop.write %a, %B[%vi, %vj] : memref<8x64xf32>
      }
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    sched.vectorize %c : !op
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: expected a handle to loop.for, got loop.block
// CHECK-NEXT:   in script: sched.vectorize %c : !transform.any_op
// CHECK-NEXT:     func.func @scale(%A: memref<8x64xf32>, %B: memref<8x64xf32> {loop.output}) {
// CHECK-NEXT:       loop.for %i : 8 {
// CHECK-NEXT:         loop.for %j : 64 {
// CHECK-NEXT:           loop.block "map0" spatial(%vi in 8 = %i, %vj in 64 = %j) {
// CHECK-NEXT:           ^^^^^^^^^^{{-*}}
// CHECK-NEXT:           | payload op at {{.*}}diagnostics.mlir:{{[0-9]+}}:7

// -----

// A handle of the wrong type.

!op = !transform.any_op

func.func @scale(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %B[%vi] : memref<8xf32>
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !transform.op<"loop.for">
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: incompatible payload operation name: expected loop.for, got loop.block
// CHECK-NEXT:   in script: %c = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.op<"loop.for">
// CHECK-NEXT:     func.func @scale(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
// CHECK-NEXT:       loop.for %i : 8 {
// CHECK-NEXT:         loop.block "map0" spatial(%vi in 8 = %i) {
// CHECK-NEXT:         ^^^^^^^^^^{{-*}}
// CHECK-NEXT:         | payload op at {{.*}}diagnostics.mlir:{{[0-9]+}}:5

// -----

// A handle to an operation where one to a value is meant.

!op = !transform.any_op

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %x = sched.cache_read %c, %j at %i : (!op, !op, !op) -> !op
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: 'sched.cache_read' op: expected a handle to values such as buffers (!transform.any_value) as operand 'buffer', got !transform.any_op
// CHECK-NEXT:   see current operation: %x = "sched.cache_read"(%c, %j, %i)

// -----

// A param where a handle is meant.

!op = !transform.any_op

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    sched.vectorize %c : !transform.any_param
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: 'sched.vectorize' op: expected a handle to operations (!transform.any_op), got !transform.any_param
// CHECK-NEXT:   sched.vectorize %c : !transform.any_param
// CHECK-NEXT:   ^^^^^^^^^^^^^^^

// -----

// A reduction whose order matters.

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
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %c : (!op) -> (!op, !op, !op)
    sched.reorder %l, %k : !op, !op
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: expected an associative and commutative combiner, with 'reassoc' for floats, to reorder loop %k of extent 5 and loop %l of extent 3 of the reduction 'sum'
// CHECK-NEXT:   in script: sched.reorder %l, %k : !transform.any_op, !transform.any_op
// CHECK-NEXT:       loop.for %i : 4 {
// CHECK-NEXT:         loop.for %k : 5 {
// CHECK-NEXT:           loop.for %l : 3 {
// CHECK-NEXT:             loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
// CHECK-NEXT:             ^^^^^^^^^^{{-*}}
// CHECK-NEXT:             | payload op at {{.*}}diagnostics.mlir:{{[0-9]+}}:9
// CHECK-NEXT:   note: the reduction: {{.*}}diagnostics.mlir:{{[0-9]+}}:11: loop.reduce %acc %x

// -----

// A tile that does not divide.

!op = !transform.any_op

func.func @scale(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %B[%vi] : memref<8xf32>
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    %io, %ii = sched.tile %i tile_sizes [3] {tail = "exact"} : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: expected a tile size that divides the extent 8, got 3, to tile loop %i of extent 8 around 'map0'
// CHECK-NEXT:   in script: %io, %ii = sched.tile %i tile_sizes [3] {tail = "exact"} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
// CHECK-NEXT:     func.func @scale(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
// CHECK-NEXT:       loop.for %i : 8 {
// CHECK-NEXT:       ^^^^^^^^{{-*}}
// CHECK-NEXT:       | payload op at {{.*}}diagnostics.mlir:{{[0-9]+}}:3

// -----

// A copy of what is written in between.

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
    %T = sched.get_reads %c : (!op) -> !value
    %copy = sched.cache_read %c, %T : (!op, !value) -> !op
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: expected 'T' not to be written between its copy and its reads in 'use'
// CHECK-NEXT:   in script: %copy = sched.cache_read %c, %T : (!transform.any_op, !transform.any_value) -> !transform.any_op
// CHECK-NEXT:         }
// CHECK-NEXT:       }
// CHECK-NEXT:       loop.for %j : 8 {
// CHECK-NEXT:         loop.block "use" spatial(%v in 8 = %j) {
// CHECK-NEXT:         ^^^^^^^^^^{{-*}}
// CHECK-NEXT:         | payload op at {{.*}}diagnostics.mlir:{{[0-9]+}}:5
// CHECK-NEXT:   note: written here: {{.*}}diagnostics.mlir:{{[0-9]+}}:5: loop.block "second" %v

// -----

// Threads that write the same element.

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
    %i = sched.get_loops %b : (!op) -> !op
    sched.parallelize %i : !op
    transform.yield
  }
}
// CHECK:      {{.*}}diagnostics.mlir:{{[0-9]+}}:5: expected each iteration of loop %i of extent 7 to write elements of its own to parallelize it
// CHECK-NEXT:   in script: sched.parallelize %i : !transform.any_op
// CHECK-NEXT:         %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:         loop.write %z, %D[%v] : memref<8xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:       loop.for %i : 7 {
// CHECK-NEXT:       ^^^^^^^^{{-*}}
// CHECK-NEXT:       | payload op at {{.*}}diagnostics.mlir:{{[0-9]+}}:3
// CHECK-NEXT:   note: iterations of 'prefix' may overlap at this write: {{.*}}diagnostics.mlir:{{[0-9]+}}:7: loop.write %s, %D[%v + 1] : memref<8xf32>
