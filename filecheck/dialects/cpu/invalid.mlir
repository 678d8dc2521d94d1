// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected an extent that is not negative, got -1
"cpu.parallel"() <{extent = -1 : index}> ({
^bb0(%i: index):
}) : () -> ()

// -----

// CHECK: expected a positive grain, got 0
cpu.parallel %i : 4 grain 0 {}

// -----

// CHECK: expected one argument of type index
"cpu.parallel"() <{extent = 4 : index}> ({
^bb0(%i: i64):
}) : () -> ()

// -----

// CHECK: expected 1 indices, got 2
func.func @indices(%A: memref<8xf32>, %i: index) {
  "cpu.prefetch"(%A, %i, %i) <{map = affine_map<(d0) -> (d0)>, write = false, locality = 3 : i64}>
    : (memref<8xf32>, index, index) -> ()
  func.return
}

// -----

// CHECK: expected 1 map results, got 2
func.func @results(%A: memref<8xf32>, %i: index) {
  cpu.prefetch read %A[%i, %i] locality 3 : memref<8xf32>
  func.return
}

// -----

// CHECK: expected a locality from 0 to 3, got 4
func.func @locality(%A: memref<8xf32>, %i: index) {
  cpu.prefetch read %A[%i] locality 4 : memref<8xf32>
  func.return
}

// -----

// CHECK: expected vector_bytes to be a power of two, got 48
builtin.module attributes {cpu.target = #cpu.target<triple = "t", vector_bytes = 48>} {}

// -----

// CHECK: expected threads to be positive, got 0
builtin.module attributes {cpu.target = #cpu.target<triple = "t", threads = 0>} {}

// -----

// CHECK: expected a target to have a triple
builtin.module attributes {cpu.target = #cpu.target<cpu = "znver4">} {}

// -----

// CHECK: expected a fact of a CPU that is not given yet, got 'l4_bytes'
builtin.module attributes {cpu.target = #cpu.target<triple = "t", l4_bytes = 3>} {}

// -----

// CHECK: expected a fact of a CPU that is not given yet, got 'threads'
builtin.module attributes {cpu.target = #cpu.target<triple = "t", threads = 1, threads = 2>} {}

// -----

// CHECK: expected a positive number of slots, got 0
func.func @slots() {
  cpu.parallel %i : 8 slot %t of 0 {
  }
  func.return
}

// -----

// CHECK: expected two arguments of type index
func.func @slot() {
  "cpu.parallel"() <{extent = 8 : index, slots = 2 : index}> ({
  ^bb0(%i: index):
  }) : () -> ()
  func.return
}
