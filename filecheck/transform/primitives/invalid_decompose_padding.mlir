// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A reduction writes no choice.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "pad" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
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
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a block without reduce iterators to decompose its padding, got 'pad'

// -----

// Two writes have two paddings.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %P: memref<10xf32> {loop.output}, %Q: memref<10xf32> {loop.output}) {
  loop.for %i : 10 {
    loop.block "pad" spatial(%v in 10 = %i) {
      %k0 = arith.constant 8 : index
      %c0 = arith.cmpi slt, %v, %k0 : index
      %z = arith.constant 0.0 : f32
      %x = scf.if %c0 -> (f32) {
        %a = loop.read %A[%v] : memref<8xf32>
        scf.yield %a : f32
      } else {
        scf.yield %z : f32
      }
      loop.write %x, %P[%v] : memref<10xf32>
      loop.write %x, %Q[%v] : memref<10xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a block with one write to decompose, got 2 in 'pad'

// -----

// Where data chooses, nobody knows what is inside.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %P: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "pad" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %z = arith.constant 0.0 : f32
      %c = arith.cmpf ogt, %a, %z : f32
      %x = scf.if %c -> (f32) {
        scf.yield %a : f32
      } else {
        scf.yield %z : f32
      }
      loop.write %x, %P[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected 'pad' to choose by comparisons of its iterators, all of which hold inside

// -----

// A copy has no padding.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %P: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "pad" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %P[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected 'pad' to write a choice between a constant and something else, to decompose its padding

// -----

// A triangle is no box.

!op = !transform.any_op

func.func @k(%A: memref<4x4xf32>, %P: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.block "pad" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %z = arith.constant 0.0 : f32
        %c = arith.cmpi sle, %vi, %vj : index
        %x = scf.if %c -> (f32) {
          %a = loop.read %A[%vi, %vj] : memref<4x4xf32>
          scf.yield %a : f32
        } else {
          scf.yield %z : f32
        }
        loop.write %x, %P[%vi, %vj] : memref<4x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected the inside of 'pad' to be a box, one iterator a comparison

// -----

// All is padding.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %P: memref<10xf32> {loop.output}) {
  loop.for %i : 10 {
    loop.block "pad" spatial(%v in 10 = %i) {
      %k0 = arith.constant 20 : index
      %c0 = arith.cmpi sge, %v, %k0 : index
      %k1 = arith.constant 28 : index
      %c1 = arith.cmpi slt, %v, %k1 : index
      %in0 = arith.andi %c0, %c1 : i1
      %z = arith.constant 0.0 : f32
      %x = scf.if %in0 -> (f32) {
        %a = loop.read %A[%v - 20] : memref<8xf32>
        scf.yield %a : f32
      } else {
        scf.yield %z : f32
      }
      loop.write %x, %P[%v] : memref<10xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected something inside of the padding of 'pad', got nothing

// -----

// In a loop that it shares with others, the block cannot leave out the first iterations.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %P: memref<10xf32> {loop.output}, %D: memref<10xf32> {loop.output}) {
  loop.for %i : 10 {
  loop.block "pad" spatial(%v in 10 = %i) {
    %k0 = arith.constant 1 : index
    %c0 = arith.cmpi sge, %v, %k0 : index
    %k1 = arith.constant 9 : index
    %c1 = arith.cmpi slt, %v, %k1 : index
    %in0 = arith.andi %c0, %c1 : i1
    %z = arith.constant 0.0 : f32
    %x = scf.if %in0 -> (f32) {
      %a = loop.read %A[%v - 1] : memref<8xf32>
      scf.yield %a : f32
    } else {
      scf.yield %z : f32
    }
    loop.write %x, %P[%v] : memref<10xf32>
  }
  loop.block "use" spatial(%v in 10 = %i) {
    %a = loop.read %P[%v] : memref<10xf32>
    loop.write %a, %D[%v] : memref<10xf32>
  }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}
// CHECK: expected a spatial binding that starts at 0 with the loops of the buffer's lifetime, to decompose the padding of 'pad'
