// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A tile has a positive size.

!op = !transform.any_op

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
    %i = sched.get_loops %b : (!op) -> (!op)
    %o:2 = sched.tile %i tile_sizes [0] : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected a positive tile size, got 0

// -----

// An exact tile leaves no tail.

!op = !transform.any_op

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
    %i = sched.get_loops %b : (!op) -> (!op)
    %o:2 = sched.tile %i tile_sizes [3] {tail = "exact"} : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected a tile size that divides the extent 8, got 3

// -----

// Each loop has a size.

!op = !transform.any_op

func.func @copy(%A: memref<6x8xf32>, %D: memref<6x8xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 8 {
      loop.block "copy" spatial(%vi in 6 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<6x8xf32>
        loop.write %a, %D[%vi, %vj] : memref<6x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %o:2 = sched.tile %i, %j tile_sizes [4] : (!op, !op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected 2 tile sizes, one for each loop, got 1

// -----

// What a loop becomes is said last.

!op = !transform.any_op

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
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.unroll %i : !op
    %o:2 = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected a serial loop, got unrolled loop %i of extent 8

// -----

// A peeled loop has its last iteration.

!op = !transform.any_op

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
    %i = sched.get_loops %b : (!op) -> (!op)
    sched.peel %i : !op
    %o:2 = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    transform.yield
  }
}
// CHECK: expected a serial loop, got peeled loop %i of extent 8

// -----

// Loops are tiled together from the outermost on.

!op = !transform.any_op

func.func @copy(%A: memref<6x8xf32>, %D: memref<6x8xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 8 {
      loop.block "copy" spatial(%vi in 6 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<6x8xf32>
        loop.write %a, %D[%vi, %vj] : memref<6x8xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %o:4 = sched.tile %j, %i tile_sizes [4, 3] : (!op, !op) -> (!op, !op, !op, !op)
    transform.yield
  }
}
// CHECK: expected loops directly inside of one another, outermost first, to tile together

// -----

// A band of loops holds nothing else.

!op = !transform.any_op

func.func @two(%A: memref<4x4xf32>, %D: memref<4x4xf32> {loop.output}, %E: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.block "first" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<4x4xf32>
        loop.write %a, %D[%vi, %vj] : memref<4x4xf32>
      }
    }
    loop.for %k : 4 {
      loop.block "second" spatial(%vi in 4 = %i, %vk in 4 = %k) {
        %a = loop.read %A[%vi, %vk] : memref<4x4xf32>
        loop.write %a, %E[%vi, %vk] : memref<4x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "first" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %o:4 = sched.tile %i, %j tile_sizes [2, 2] : (!op, !op) -> (!op, !op, !op, !op)
    transform.yield
  }
}
// CHECK: expected loop %i of extent 4 to hold nothing but loop %j of extent 4

// -----

// Tiles of two loops of a sum change the order of additions, which floats have to allow.

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
    %o:4 = sched.tile %k, %l tile_sizes [2, 2] : (!op, !op) -> (!op, !op, !op, !op)
    transform.yield
  }
}
// CHECK: expected an associative and commutative combiner, with 'reassoc' for floats, to reorder loop %k of extent 5 and loop %l of extent 3 of the reduction 'sum'

// -----

// A dependence between different iterations of both loops fixes their order.

!op = !transform.any_op

func.func @wave(%A: memref<6x6xf32>, %D: memref<7x7xf32> {loop.output}) {
  loop.for %i : 7 {
    loop.for %j : 7 {
      loop.block "one" spatial(%vi in 7 = %i, %vj in 7 = %j) {
        %one = arith.constant 1.0 : f32
        loop.write %one, %D[%vi, %vj] : memref<7x7xf32>
      }
    }
  }
  loop.for %i : 6 {
    loop.for %j : 6 {
      loop.block "wave" spatial(%vi in 6 = %i, %vj in 6 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<6x6xf32>
        %d = loop.read %D[%vi, %vj + 1] : memref<7x7xf32>
        %s = arith.addf %a, %d : f32
        loop.write %s, %D[%vi + 1, %vj] : memref<7x7xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "wave" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %o:4 = sched.tile %i, %j tile_sizes [2, 2] : (!op, !op) -> (!op, !op, !op, !op)
    transform.yield
  }
}
// CHECK: expected blocks to share elements only within one iteration of loop %i of extent 6 or loop %j of extent 6 to reorder them
