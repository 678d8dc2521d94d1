// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A block with nothing but a write has no reduction.

!op = !transform.any_op
!value = !transform.any_value

func.func @copy(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> !op
    %c = sched.split_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a block with an init and one loop.reduce to split, got 'copy'

// -----

// Floats may only be summed in another order where the reduction says so.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] {
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
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %ki : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected an associative and commutative combiner, with 'reassoc' for floats, to split the reduction 'reduce0'

// -----

// A combiner that is not commutative keeps its order.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xi32>, %S: memref<8xi32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0 : i32
          loop.write %z, %S[%vi] : memref<8xi32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xi32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xi32> combine(%acc: i32, %x: i32) identity [0 : i32] flags [associative] {
          %s = arith.addi %acc, %x : i32
          loop.yield %s : i32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %ki : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected an associative and commutative combiner, with 'reassoc' for floats, to split the reduction 'reduce0'

// -----

// A spatial loop is no part of the reduction.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a loop of a reduce iterator of 'reduce0', got loop %i of extent 8

// -----

// The outer part of a reduction would need partial results far from one another.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %ko : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected loop %ko of extent 3 to be the innermost part of a reduce iterator of 'reduce0', to split the reduction there

// -----

// Once its init is a block of its own, it is too late.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %init = sched.decompose_reduction %b at %ko : (!op, !op) -> !op
    %c = sched.split_reduction %b at %ki : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a block with an init and one loop.reduce to split, got 'reduce0'

// -----

// What a block reads of its own sums, nobody else says.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xi32>, %S: memref<8xi32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0 : i32
          loop.write %z, %S[%vi] : memref<8xi32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xi32>
        %s0 = loop.read %S[%vi] : memref<8xi32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xi32> combine(%acc: i32, %x: i32) identity [0 : i32] flags [associative, commutative] {
          %s = arith.addi %acc, %x : i32
          loop.yield %s : i32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %ki : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'reduce0' to touch what it writes by loop.reduce alone, to split its reduction

