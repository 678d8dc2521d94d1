// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// One loop is no pair.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %f = sched.fuse_sibling %i into %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected two loops to fuse, got loop %i of extent 8 twice

// -----

// Marks come last.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    sched.unroll %i : !op
    %f = sched.fuse_sibling %i into %k : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a serial loop, got unrolled loop %i of extent 8

// -----

// Loops stand beside one another.

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
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %f = sched.fuse_sibling %i into %j : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected loops beside one another, got loop %i of extent 6 and loop %j of extent 8

// -----

// Loops have one extent.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 4 {
    loop.block "map1" spatial(%vk in 4 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %f = sched.fuse_sibling %i into %k : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected loops of the same extent, got loop %i of extent 8 and loop %k of extent 4

// -----

// What is read in an iteration has to be written by then.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[7 - %vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %f = sched.fuse_sibling %i into %k : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected loop %i of extent 8 to touch elements of 'T' no later than loop %k of extent 8 to fuse them

// -----

// A loop can't move over one that reads what it writes.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}, %E: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %b : 8 {
    loop.block "scale" spatial(%vb in 8 = %b) {
      %t = loop.read %T[%vb] : memref<8xf32>
      %u = arith.addf %t, %t : f32
      loop.write %u, %E[%vb] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %f = sched.fuse_sibling %i into %k : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected nothing between loop %i of extent 8 and loop %k of extent 8 to touch 'T', which the former touches, too
