// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Two sums have two orders.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4x5xf32>
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "copy" spatial(%vi in 4 = %i, %vk in 5 = %k) {
        %a = loop.read %A[%vi, %vk] : memref<4x5xf32>
        loop.write %a, %T[%vi, %vk] : memref<4x5xf32>
      }
    }
  }
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "add" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
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
    %e = sched.match_block "add" in %root : (!op) -> !op
    sched.fuse_reduction_epilogue %e : !op
    transform.yield
  }
}
// CHECK: expected a block without reduce iterators to fuse it into a reduction, got 'add'

// -----

// A map has no sum to start.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %B: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4xf32>
  loop.for %i : 4 {
    loop.block "copy" spatial(%v in 4 = %i) {
      %a = loop.read %B[%v] : memref<4xf32>
      loop.write %a, %T[%v] : memref<4xf32>
    }
  }
  loop.for %j : 4 {
    loop.block "add" spatial(%v in 4 = %j) {
      %c = loop.read %T[%v] : memref<4xf32>
      %b = loop.read %B[%v] : memref<4xf32>
      %d = arith.addf %c, %b fastmath<reassoc> : f32
      loop.write %d, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %e = sched.match_block "add" in %root : (!op) -> !op
    sched.fuse_reduction_epilogue %e : !op
    transform.yield
  }
}
// CHECK: expected 'copy' to be one reduction with its init, to fuse 'add' into it

// -----

// A product with a sum is no part of the sum.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %B: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
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
  loop.for %j : 4 {
    loop.block "add" spatial(%v in 4 = %j) {
      %c = loop.read %T[%v] : memref<4xf32>
      %b = loop.read %B[%v] : memref<4xf32>
      %d = arith.mulf %c, %b fastmath<reassoc> : f32
      loop.write %d, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %e = sched.match_block "add" in %root : (!op) -> !op
    sched.fuse_reduction_epilogue %e : !op
    transform.yield
  }
}
// CHECK: expected 'add' to combine each element with another value as 'sum' does

// -----

// Floats that are rounded in the order that is written.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %B: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
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
  loop.for %j : 4 {
    loop.block "add" spatial(%v in 4 = %j) {
      %c = loop.read %T[%v] : memref<4xf32>
      %b = loop.read %B[%v] : memref<4xf32>
      %d = arith.addf %c, %b : f32
      loop.write %d, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %e = sched.match_block "add" in %root : (!op) -> !op
    sched.fuse_reduction_epilogue %e : !op
    transform.yield
  }
}
// CHECK: expected an associative and commutative combiner, with 'reassoc' for floats on both, to fuse 'add' into 'sum'

// -----

// A bias that is computed later is not there when the sum starts.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %B: memref<4xf32>, %E: memref<4xf32> {loop.output}, %D: memref<4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4xf32>
  %L = loop.alloc "L" : memref<4xf32>
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
    loop.block "late" spatial(%v in 4 = %l) {
      %a = loop.read %B[%v] : memref<4xf32>
      loop.write %a, %L[%v] : memref<4xf32>
    }
  }
  loop.for %j : 4 {
    loop.block "add" spatial(%v in 4 = %j) {
      %c = loop.read %T[%v] : memref<4xf32>
      %b = loop.read %L[%v] : memref<4xf32>
      %b2 = loop.read %L[%v] : memref<4xf32>
      %d = arith.addf %c, %b fastmath<reassoc> : f32
      loop.write %d, %D[%v] : memref<4xf32>
    }
  }
  loop.for %n : 4 {
    loop.block "more" spatial(%v in 4 = %n) {
      %a = loop.read %L[%v] : memref<4xf32>
      loop.write %a, %E[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %e = sched.match_block "add" in %root : (!op) -> !op
    sched.fuse_reduction_epilogue %e : !op
    transform.yield
  }
}
// CHECK: expected 'L', which 'add' reads, to be complete before 'sum'

// -----

// What is summed up again and again is added to once.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %B: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %o : 4 {
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
  loop.block "add" spatial(%v in 4 = %o) {
    %c = loop.read %T[%v] : memref<4xf32>
    %b = loop.read %B[%v] : memref<4xf32>
    %d = arith.addf %c, %b fastmath<reassoc> : f32
    loop.write %d, %D[%v] : memref<4xf32>
  }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %e = sched.match_block "add" in %root : (!op) -> !op
    sched.fuse_reduction_epilogue %e : !op
    transform.yield
  }
}
// CHECK: expected the loop of extent 4 to bind an iterator of the block, to fuse 'add' into 'sum'
