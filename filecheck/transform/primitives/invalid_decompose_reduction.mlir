// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// A block without an init has none to move.

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
    %x = sched.decompose_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a block with an init to decompose, got 'copy'

// -----

// An init moves in front of a loop around its block.

!op = !transform.any_op

func.func @sum(%A: memref<4x5x3xf32>, %E: memref<4xf32> {loop.output}) {
  %D = loop.alloc "D" : memref<4xf32>
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.for %l : 3 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %D[%v] : memref<4xf32>
          }
          %a = loop.read %A[%v, %vk, %vl] : memref<4x5x3xf32>
          loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  loop.for %j : 4 {
    loop.block "use" spatial(%v in 4 = %j) {
      %d = loop.read %D[%v] : memref<4xf32>
      loop.write %d, %E[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    %x = sched.decompose_reduction %b at %j : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected a loop around block 'sum', got loop %j of extent 4

// -----

// An init runs once.

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
          loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
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
    %x = sched.decompose_reduction %b at %l : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected all reduce loops of 'sum' at or inside of loop %l of extent 3, got loop %k of extent 5 outside

// -----

// What is initialised lives there.

!op = !transform.any_op

func.func @home(%A: memref<4x8xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    %T = loop.alloc "T" : memref<4xf32>
    loop.for %k : 8 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 8 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %T[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x8xf32>
        loop.reduce (%a) into (%T)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
          %s = arith.addf %acc, %x : f32
          loop.yield %s : f32
        }
      }
    }
    loop.block "use" spatial(%v in 4 = %i) {
      %t = loop.read %T[%v] : memref<4xf32>
      loop.write %t, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.decompose_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'T' to live outside of loop %i of extent 4

// -----

// What an init reads is there.

!op = !transform.any_op

func.func @bias(%A: memref<4x8xf32>, %B: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4xf32>
  loop.for %i : 4 {
    loop.block "bias" spatial(%v in 4 = %i) {
      %b = loop.read %B[%v] : memref<4xf32>
      loop.write %b, %T[%v] : memref<4xf32>
    }
    loop.for %k : 8 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 8 = %k) {
        loop.init {
          %t = loop.read %T[%v] : memref<4xf32>
          loop.write %t, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x8xf32>
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
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.decompose_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'T', which the init of 'sum' reads, to be written outside of loop %i of extent 4

// -----

// Nothing reads what is there before the init.

!op = !transform.any_op

func.func @old(%A: memref<4x8xf32>, %D: memref<4xf32> {loop.output}, %E: memref<4xf32> {loop.output}) {
  loop.for %h : 4 {
    loop.block "five" spatial(%v in 4 = %h) {
      %5 = arith.constant 5.0 : f32
      loop.write %5, %D[%v] : memref<4xf32>
    }
  }
  loop.for %i : 4 {
    loop.block "keep" spatial(%v in 4 = %i) {
      %d = loop.read %D[%v] : memref<4xf32>
      loop.write %d, %E[%v] : memref<4xf32>
    }
    loop.for %k : 8 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 8 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x8xf32>
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
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.decompose_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'keep' to touch 'arg1' only after 'sum' in each iteration of loop %i of extent 4

// -----

// Nor does the block itself.

!op = !transform.any_op

func.func @mirrored(%A: memref<4x8xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %h : 4 {
    loop.block "five" spatial(%v in 4 = %h) {
      %5 = arith.constant 5.0 : f32
      loop.write %5, %D[%v] : memref<4xf32>
    }
  }
  loop.for %i : 4 {
    loop.for %k : 8 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 8 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x8xf32>
        %d = loop.read %D[3 - %v] : memref<4xf32>
        %p = arith.mulf %a, %d : f32
        loop.reduce (%p) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
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
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %x = sched.decompose_reduction %b at %i : (!op, !op) -> !op
    transform.yield
  }
}
// CHECK: expected 'sum' to touch 'arg1' only after 'sum' in each iteration of loop %i of extent 4
