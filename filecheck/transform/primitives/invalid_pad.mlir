// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// One multiple for each iterator.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
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
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [4] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected 2 positive multiples, one for each iterator of 'sum', got [4]

// -----

// Nothing grows.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
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
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [2, 5] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected multiples that do not divide [4, 5], to pad 'sum'

// -----

// Loops of tiles have no end that could move.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
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
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [2] : (!op) -> (!op, !op)
    sched.pad %c to_multiples [1, 4] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected a loop of its own for the iterator of extent 5 of 'sum', to pad it: pad before you tile

// -----

// Steps of a scan cannot go on.

!op = !transform.any_op

func.func @k(%X: memref<6xf32>, %S: memref<7xf32> {loop.output}) {
  loop.block "first" spatial(%vt in 1 = 0) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %S[%vt] : memref<7xf32>
  }
  loop.for %t : 6 {
    loop.block "sum" ordered(%vt in 6 = %t) {
      %s = loop.read %S[%vt] : memref<7xf32>
      %x = loop.read %X[%vt] : memref<6xf32>
      %y = arith.addf %s, %x : f32
      loop.write %y, %S[%vt + 1] : memref<7xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [4] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected a block without ordered iterators to pad it, got 'sum'

// -----

// A lazy read has conditions that say nothing of what is beyond.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "sum" spatial(%v in 4 = %i) {
      %n = arith.constant 2 : index
      %in = arith.cmpi slt, %v, %n : index
      %x = scf.if %in -> (f32) {
        %a = loop.read %A[%v] : memref<4xf32>
        scf.yield %a : f32
      } else {
        %z = arith.constant 0.0 : f32
        scf.yield %z : f32
      }
      loop.write %x, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [3] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected 'sum' to read at each of its points, to pad it

// -----

// A sum that goes down starts below 0.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "sum" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v * -1 + 3] : memref<4xf32>
      loop.write %a, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [3] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected indices from 0 on, to pad 'sum'

// -----

// What is computed in place cannot be longer.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %j : 4 {
    loop.block "first" spatial(%v in 4 = %j) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %D[%v] : memref<4xf32>
    }
  }
  loop.for %i : 4 {
    loop.block "sum" spatial(%v in 4 = %i) {
      %a = loop.read %D[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [3] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected 'sum' not to read what it writes, to pad it

// -----

// Two sums have two neutral elements.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %E: memref<4xf32> {loop.output}, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
          loop.write %z, %E[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.reduce (%a) into (%E)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
          %s = arith.addf %acc, %x : f32
          loop.yield %s : f32
        }
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
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [1, 2] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected 'sum' to be one reduction, to pad what it reduces over

// -----

// Exponentials have no neutral element among what they are taken of.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        %e = math.exp %a : f32
        loop.reduce (%e) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [1, 2] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected products with 0 or the like, so that 'sum' stays what it is when it goes on

// -----

// What others write of the output is not the block's to copy.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "sum" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  loop.for %j : 4 {
    loop.block "rest" spatial(%v in 4 = %j) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %D[%v + 4] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [9] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected 'sum' to write all of 'arg1', an iterator a dimension, to pad it

// -----

// Nor is what lies around its part, when that is written by others.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %j : 8 {
    loop.block "fill" spatial(%v in 8 = %j) {
      %z = arith.constant 1.0 : f32
      loop.write %z, %D[%v] : memref<8xf32>
    }
  }
  loop.for %i : 4 {
    loop.block "sum" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %D[%v + 2] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [6] : (!op) -> ()
    transform.yield
  }
}
// CHECK: expected 'sum' to write all of 'arg1', an iterator a dimension, to pad it

// -----

// What prefetches writes nothing.

!op = !transform.any_op

func.func @k(%A: memref<6xf32>, %D: memref<6xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.block "copy" spatial(%v in 6 = %i) {
      %a = loop.read %A[%v] : memref<6xf32>
      loop.write %a, %D[%v] : memref<6xf32>
    }
  }
  func.return
}

// CHECK: expected a block that writes something to pad, got 'arg0_prefetch'
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %a = sched.get_reads %c : (!op) -> !transform.any_value
    %i = sched.get_loops %c : (!op) -> !op
    %p = sched.prefetch %c, %a at %i {ahead = 2 : i64} : (!op, !transform.any_value, !op) -> !op
    sched.pad %p to_multiples [4] : (!op) -> ()
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
// CHECK: expected a memory scope of the target (local, registers, l1, l2), got 'foo'
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %B = sched.get_reads %c : (!op) -> (!value)
    %x:2 = sched.pad %c to_multiples [16, 16] {memory_space = "foo"} : (!op) -> (!op, !op)
    transform.yield
  }
}

// -----

// What an index that is data means depends on the extent.

!op = !transform.any_op

func.func @k(%T: memref<3x3xf32>, %X: memref<3xi32>, %D: memref<3xf32> {loop.output}) {
  loop.for %i : 3 {
    loop.block "sum" spatial(%v in 3 = %i) {
      %a = loop.read %T[0, %v] : memref<3x3xf32>
      %x = loop.read %X[%v] : memref<3xi32>
      %at = arith.index_cast %x : i32 to index
      %b = loop.read %T[%v, %at] : memref<3x3xf32>
      %s = arith.addf %a, %b : f32
      loop.write %s, %D[%v] : memref<3xf32>
    }
  }
  func.return
}

// CHECK: expected indices that are data only where 'arg0' keeps its extent 3, to pad it
// CHECK: read here
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [4] : (!op) -> ()
    transform.yield
  }
}
