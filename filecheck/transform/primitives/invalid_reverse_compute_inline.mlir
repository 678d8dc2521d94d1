// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A reduction cannot run where its producer does.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4x5xf32>
  loop.for %i : 4 {
    loop.for %j : 5 {
      loop.block "double" spatial(%vi in 4 = %i, %vj in 5 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x5xf32>
        loop.write %a, %T[%vi, %vj] : memref<4x5xf32>
      }
    }
  }
  loop.for %l : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %l) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %T[%v, %vk] : memref<4x5xf32>
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
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected a block without reduce iterators to inline it into its producer, got 'sum'

// -----

// What a consumer of inputs reads has no producer.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %k : 8 {
    loop.block "square" spatial(%v in 8 = %k) {
      %c = loop.read %A[%v] : memref<8xf32>
      %d = arith.mulf %c, %c : f32
      loop.write %d, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected a buffer of the kernel that 'square' alone reads and one other block writes, got none

// -----

// A sum is complete after its last step only.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4xf32>
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %T[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.reduce (%a) into (%T)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  loop.for %l : 4 {
    loop.block "square" spatial(%v in 4 = %l) {
      %c = loop.read %T[%v] : memref<4xf32>
      %d = arith.mulf %c, %c : f32
      loop.write %d, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected a block without reduce iterators to inline 'square' into it, got 'sum'

// -----

// A producer that writes twice has two places for its consumer.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "both" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "square" spatial(%v in 8 = %k) {
      %c = loop.read %T[%v] : memref<8xf32>
      %d = arith.mulf %c, %c : f32
      loop.write %d, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'both' to write 'T' once, got 2

// -----

// Nor can a consumer of two elements run where one of them is computed.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<7xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  loop.for %k : 7 {
    loop.block "square" spatial(%v in 7 = %k) {
      %c = loop.read %T[%v] : memref<8xf32>
      %e = loop.read %T[%v + 1] : memref<8xf32>
      %d = arith.mulf %c, %e : f32
      loop.write %d, %D[%v] : memref<7xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'square' to read one element of 'T', got several

// -----

// A diagonal is no element a point of the producer.

!op = !transform.any_op

func.func @k(%A: memref<8x8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x8xf32>
  loop.for %i : 8 {
    loop.for %j : 8 {
      loop.block "double" spatial(%vi in 8 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
        loop.write %a, %T[%vi, %vj] : memref<8x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.block "square" spatial(%v in 8 = %k) {
      %c = loop.read %T[%v, %v] : memref<8x8xf32>
      loop.write %c, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'square' to read 'T' at distinct iterators, each plus a constant, to inline it into its producer

// -----

// Points of the producer that nothing consumes have no place in the consumer's domain.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<6xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  loop.for %k : 6 {
    loop.block "square" spatial(%v in 6 = %k) {
      %c = loop.read %T[%v + 1] : memref<8xf32>
      %d = arith.mulf %c, %c : f32
      loop.write %d, %D[%v] : memref<6xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'square' to read all that 'double' writes of 'T'

// -----

// An element that many points of the consumer read is computed once.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<4x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  loop.for %k : 4 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 4 = %k, %v in 8 = %l) {
        %c = loop.read %T[%v] : memref<8xf32>
        loop.write %c, %D[%vk, %v] : memref<4x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'square' to read each element of 'T' once, got an iterator of extent 4 that its read does not depend on

// -----

// A buffer of a loop is not there outside of it.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    %U = loop.alloc "U" : memref<8xf32>
    loop.block "square" spatial(%v in 8 = %k) {
      %c = loop.read %T[%v] : memref<8xf32>
      loop.write %c, %U[%v] : memref<8xf32>
    }
  loop.block "use" spatial(%v in 8 = %k) {
    %c = loop.read %U[%v] : memref<8xf32>
    loop.write %c, %D[%v] : memref<8xf32>
  }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'U' to live where 'double' stands

// -----

// What else the consumer reads is not there yet.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %E: memref<8xf32> {loop.output}, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  %U = loop.alloc "U" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "later" spatial(%v in 8 = %j) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %U[%v] : memref<8xf32>
    }
  }
  loop.for %l : 8 {
    loop.block "too" spatial(%v in 8 = %l) {
      %a = loop.read %U[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %E[%v] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "square" spatial(%v in 8 = %k) {
      %c = loop.read %T[%v] : memref<8xf32>
      %e = loop.read %U[%v] : memref<8xf32>
      %d = arith.mulf %c, %e : f32
      loop.write %d, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'U', which 'square' reads, to be complete before 'double'

// -----

// What the consumer writes over is still read.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}, %E: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  %U = loop.alloc "U" : memref<8xf32>
  loop.for %j : 8 {
    loop.block "first" spatial(%v in 8 = %j) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %U[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  loop.for %l : 8 {
    loop.block "between" spatial(%v in 8 = %l) {
      %a = loop.read %U[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %E[%v] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "square" spatial(%v in 8 = %k) {
      %c = loop.read %T[%v] : memref<8xf32>
      %d = arith.mulf %c, %c : f32
      loop.write %d, %U[%v] : memref<8xf32>
    }
  }
  loop.for %n : 8 {
    loop.block "last" spatial(%v in 8 = %n) {
      %a = loop.read %U[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'square' to come first to touch 'U'

// -----

// In later iterations of the producer's loop, what else the consumer reads changes.

!op = !transform.any_op

func.func @k(%A: memref<4x8xf32>, %D: memref<4x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4x8xf32>
  %U = loop.alloc "U" : memref<8xf32>
  loop.for %s : 8 {
    loop.block "start" spatial(%v in 8 = %s) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %U[%v] : memref<8xf32>
    }
  }
  loop.for %i : 4 {
  loop.for %j : 8 {
    loop.block "total" reduce(%vi in 4 = %i) spatial(%v in 8 = %j) {
      %a = loop.read %A[%vi, %v] : memref<4x8xf32>
      loop.reduce (%a) into (%U)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
        %s = arith.addf %acc, %x : f32
        loop.yield %s : f32
      }
    }
  }
  loop.for %j : 8 {
    loop.block "double" spatial(%vi in 4 = %i, %v in 8 = %j) {
      %a = loop.read %A[%vi, %v] : memref<4x8xf32>
      loop.write %a, %T[%vi, %v] : memref<4x8xf32>
    }
  }
  }
  loop.for %k : 4 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vi in 4 = %k, %v in 8 = %l) {
        %c = loop.read %T[%vi, %v] : memref<4x8xf32>
        %e = loop.read %U[%v] : memref<8xf32>
        %d = arith.mulf %c, %e : f32
        loop.write %d, %D[%vi, %v] : memref<4x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
// CHECK: expected 'U' to be complete in each iteration of loop %i of extent 4, to inline 'square' into 'double'

// -----

// What a branch gives where nothing is read would be missing.

!op = !transform.any_op

func.func @pad(%A: memref<4xf32>, %B: memref<6xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4xf32>
  loop.for %i : 4 {
    loop.block "map0" spatial(%vi in 4 = %i) {
      %a = loop.read %A[%vi] : memref<4xf32>
      loop.write %a, %T[%vi] : memref<4xf32>
    }
  }
  loop.for %i : 6 {
    loop.block "map1" spatial(%vi in 6 = %i) {
      %one = arith.constant 1 : index
      %five = arith.constant 5 : index
      %l = arith.cmpi sge, %vi, %one : index
      %r = arith.cmpi slt, %vi, %five : index
      %in = arith.andi %l, %r : i1
      %x = scf.if %in -> (f32) {
        %a = loop.read %T[%vi - 1] : memref<4xf32>
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
// CHECK: expected 'map0' to write 'T' for each value of the iterators of 'map1', got 4 of 6
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
