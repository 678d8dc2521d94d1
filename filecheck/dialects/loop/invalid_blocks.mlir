// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected 1 extents, one for each iterator kind, got 2
"loop.block"() <{sym_name = "b", iterator_kinds = [#loop<iterator spatial>], extents = array<i64: 1, 1>,
    bindings = affine_map<() -> (0)>}> ({
^bb0(%v: index):
}) : () -> ()

// -----

// CHECK: expected 1 bindings, one for each iterator kind, got 2
"loop.block"() <{sym_name = "b", iterator_kinds = [#loop<iterator spatial>], extents = array<i64: 1>,
    bindings = affine_map<() -> (0, 0)>}> ({
^bb0(%v: index):
}) : () -> ()

// -----

// CHECK: expected 1 iterators, one for each iterator kind, got 0
"loop.block"() <{sym_name = "b", iterator_kinds = [#loop<iterator spatial>], extents = array<i64: 1>,
    bindings = affine_map<() -> (0)>}> ({
^bb0:
}) : () -> ()

// -----

// CHECK: expected positive iterator extents, got [0]
loop.block "b" spatial(%v in 0 = 0) {}

// -----

// CHECK: expected a map with 0 dimensions, one for each loop, got (d0) -> (d0)
"loop.block"() <{sym_name = "b", iterator_kinds = [#loop<iterator spatial>], extents = array<i64: 1>,
    bindings = affine_map<(d0) -> (d0)>}> ({
^bb0(%v: index):
}) : () -> ()

// -----

// CHECK: expected a limit for each predicate
"loop.block"() <{sym_name = "b", iterator_kinds = [#loop<iterator spatial>], extents = array<i64: 1>,
    bindings = affine_map<() -> (0)>, predicates = affine_map<() -> (0)>}> ({
^bb0(%v: index):
}) : () -> ()

// -----

// CHECK: expected a limit for each predicate
"loop.block"() <{sym_name = "b", iterator_kinds = [#loop<iterator spatial>], extents = array<i64: 1>,
    bindings = affine_map<() -> (0)>, predicates = affine_map<() -> (0)>, limits = array<i64: 1, 2>}> ({
^bb0(%v: index):
}) : () -> ()

// -----

// CHECK: expected iterators of type index
"loop.block"() <{sym_name = "b", iterator_kinds = [#loop<iterator spatial>], extents = array<i64: 1>,
    bindings = affine_map<() -> (0)>}> ({
^bb0(%v: i64):
}) : () -> ()

// -----

// CHECK: expected bindings over induction variables of enclosing loops
func.func @foreign(%i: index, %C: memref<4xf32> {loop.output}) {
  loop.block "b" spatial(%v in 4 = %i) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v] : memref<4xf32>
  }
  func.return
}

// -----

// CHECK: expected loop.init as the first op of its block
func.func @late(%C: memref<4xf32> {loop.output}) {
  loop.for %k : 4 {
    loop.block "b" reduce(%v in 4 = %k) {
      %z = arith.constant 0.0 : f32
      loop.init {
        %o = arith.constant 1.0 : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: expected a reduce iterator in a block with an init
func.func @init(%C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "b" spatial(%v in 4 = %i) {
      loop.init {
        %o = arith.constant 1.0 : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: expected scalar arith, math, affine.apply or scf.if in a body, got loop.for
func.func @nested(%C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "b" spatial(%v in 4 = %i) {
      loop.for %j : 4 {}
    }
  }
  func.return
}

// -----

// CHECK: expected operands of affine.apply from the body or its iterators, got one from outside
func.func @variable(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "b" spatial(%v in 4 = %i) {
      %n = affine.apply affine_map<(d0) -> (d0 + 1)> (%i)
      %a = loop.read %A[%n] : memref<4xf32>
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected loop.write outside of scf.if, got one in a branch
func.func @branch(%A: memref<4xi1>, %C: memref<4xi1> {loop.output}) {
  loop.for %i : 4 {
    loop.block "b" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xi1>
      %b = scf.if %a -> (i1) {
        loop.write %a, %C[%v] : memref<4xi1>
        scf.yield %a : i1
      } else {
        scf.yield %a : i1
      }
    }
  }
  func.return
}

// -----

// CHECK: expected writes at spatial and ordered iterators, got a reduce iterator
func.func @reduced(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %k : 4 {
    loop.block "b" reduce(%v in 4 = %k) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected block 'b' to write outputs ('loop.output') and buffers of the kernel, got an input
func.func @input(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "b" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %A[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected distinct values of each spatial iterator of block 'b' to write distinct elements, which is not proven of iterator 0
func.func @shared(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "b" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %C[%v floordiv 2] : memref<4xf32>
    }
  }
  func.return
}
