// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A producer computes what an iteration of its consumer needs; its buffer comes along.

!op = !transform.any_op

func.func @stencil(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<10xf32>
  loop.for %i : 10 {
    loop.block "make" spatial(%v in 10 = %i) {
      %a = loop.read %A[%v] : memref<10xf32>
      %b = arith.mulf %a, %a : f32
      loop.write %b, %T[%v] : memref<10xf32>
    }
  }
  loop.for %j : 2 {
    loop.for %k : 4 {
      loop.block "use" spatial(%v in 8 = %j * 4 + %k) {
        %t = loop.read %T[%v] : memref<10xf32>
        %u = loop.read %T[%v + 2] : memref<10xf32>
        %s = arith.addf %t, %u : f32
        loop.write %s, %D[%v] : memref<8xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @stencil(
// CHECK-NEXT:   loop.for %j : 2 {
// CHECK-NEXT:     %T = loop.alloc "T" : memref<10xf32>
// CHECK-NEXT:     loop.for %v : 6 {
// CHECK-NEXT:       loop.block "make" spatial(%v_1 in 10 = %j * 4 + %v) {
// CHECK-NEXT:         %a = loop.read %A[%v_1] : memref<10xf32>
// CHECK:         loop.write %b, %T[%v_1] : memref<10xf32>
// CHECK:     loop.for %k : 4 {
// CHECK-NEXT:       loop.block "use" spatial(%v in 8 = %j * 4 + %k) {
// CHECK-NEXT:         %t = loop.read %T[%v] : memref<10xf32>
// CHECK-NEXT:         %u = loop.read %T[%v + 2] : memref<10xf32>
// CHECK:         loop.write %s, %D[%v] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j, %k = sched.get_loops %c : (!op) -> (!op, !op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}

// -----

// Into the innermost loop.

!op = !transform.any_op

func.func @chain(%A: memref<8x8xf32>, %D: memref<8x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x8xf32>
  loop.for %i : 8 {
    loop.for %j : 8 {
      loop.block "double" spatial(%vi in 8 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
        %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %D[%vk, %vl] : memref<8x8xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @chain(
// CHECK-NEXT:   loop.for %k : 8 {
// CHECK-NEXT:     loop.for %l : 8 {
// CHECK-NEXT:       %T = loop.alloc "T" : memref<8x8xf32>
// CHECK-NEXT:       loop.for %i : 1 {
// CHECK-NEXT:         loop.for %j : 1 {
// CHECK-NEXT:           loop.block "double" spatial(%vi in 8 = %k + %i, %vj in 8 = %l + %j) {
// CHECK-NEXT:             %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
// CHECK:             loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
// CHECK:       loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
// CHECK-NEXT:         %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
// CHECK:         loop.write %d, %D[%vk, %vl] : memref<8x8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    sched.compute_at %p into %l : !op, !op
    transform.yield
  }
}

// -----

// A reduction comes with all of its loops.

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

// CHECK-LABEL: func.func @sum(
// CHECK-NEXT:   loop.for %j : 4 {
// CHECK-NEXT:     %D = loop.alloc "D" : memref<4xf32>
// CHECK-NEXT:     loop.for %v : 1 {
// CHECK-NEXT:       loop.for %k : 5 {
// CHECK-NEXT:         loop.for %l : 3 {
// CHECK-NEXT:           loop.block "sum" spatial(%v_1 in 4 = %j + %v) reduce(%vk in 5 = %k, %vl in 3 = %l) {
// CHECK:     loop.block "use" spatial(%v in 4 = %j) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %p : (!op) -> (!op, !op, !op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}

// -----

// Nothing is computed beyond a tail where the inputs end there.

!op = !transform.any_op

func.func @tail(%A: memref<50xf32>, %D: memref<50xf32> {loop.output}) {
  loop.for %x : 2 {
    %R = loop.alloc "R" : memref<50xf32>
    loop.for %r : 25 {
      loop.block "first" spatial(%v in 50 = %x * 25 + %r) {
        %a = loop.read %A[%v] : memref<50xf32>
        loop.write %a, %R[%v] : memref<50xf32>
      }
    }
    %T = loop.alloc "T" : memref<50xf32>
    loop.for %i : 25 {
      loop.block "second" spatial(%v in 50 = %x * 25 + %i) {
        %r = loop.read %R[%v] : memref<50xf32>
        loop.write %r, %T[%v] : memref<50xf32>
      }
    }
    loop.for %j : 25 {
      loop.block "third" spatial(%v in 50 = %x * 25 + %j) {
        %t = loop.read %T[%v] : memref<50xf32>
        loop.write %t, %D[%v] : memref<50xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @tail(
// CHECK-NEXT:   loop.for %x : 2 {
// CHECK-NEXT:     %R = loop.alloc "R" : memref<50xf32>
// CHECK-NEXT:     loop.for %r : 25 {
// CHECK-NEXT:       loop.block "first" spatial(%v in 50 = %x * 25 + %r) {
// CHECK:     loop.for %jo : 7 {
// CHECK-NEXT:       %T = loop.alloc "T" : memref<50xf32>
// CHECK-NEXT:       loop.for %v : 4 {
// CHECK-NEXT:         loop.block "second" spatial(%v_1 in 50 = %x * 25 + %jo * 4 + %v) where(%jo * 4 + %v < 25) {
// CHECK:       loop.for %ji : 4 {
// CHECK-NEXT:         loop.block "third" spatial(%v in 50 = %x * 25 + %jo * 4 + %ji) where(%jo * 4 + %ji < 25) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "second" in %root : (!op) -> !op
    %x, %i = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "third" in %root : (!op) -> !op
    %x2, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %jo, %ji = sched.tile %j tile_sizes [4] : (!op) -> (!op, !op)
    sched.compute_at %p into %jo : !op, !op
    transform.yield
  }
}

// -----

// Inputs that the same iteration of a loop around both writes are there.

!op = !transform.any_op

func.func @changing(%A: memref<8xf32>, %B: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %R = loop.alloc "R" : memref<8xf32>
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %h : 8 {
    loop.block "before" spatial(%v in 8 = %h) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %R[%v] : memref<8xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "change" spatial(%v in 8 = %i) {
      %b = loop.read %B[%v] : memref<8xf32>
      loop.write %b, %R[%v] : memref<8xf32>
    }
    loop.block "mirror" spatial(%v in 8 = %i) {
      %r = loop.read %R[%v] : memref<8xf32>
      loop.write %r, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[%v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @changing(
// CHECK-NEXT:   %R = loop.alloc "R" : memref<8xf32>
// CHECK-NEXT:   loop.for %h : 8 {
// CHECK-NEXT:     loop.block "before" spatial(%v in 8 = %h) {
// CHECK:   loop.for %i : 8 {
// CHECK-NEXT:     loop.block "change" spatial(%v in 8 = %i) {
// CHECK:   loop.for %j : 8 {
// CHECK-NEXT:     %T = loop.alloc "T" : memref<8xf32>
// CHECK-NEXT:     loop.for %v : 1 {
// CHECK-NEXT:       loop.block "mirror" spatial(%v_1 in 8 = %j + %v) {
// CHECK:     loop.block "use" spatial(%v in 8 = %j) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "mirror" in %root : (!op) -> !op
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}

// -----

// In a step of a loop around both, a block stays with its step, also where its buffer is the same in all of them.

!op = !transform.any_op
!value = !transform.any_value

func.func @steps(%X: memref<5x4xf32>, %D: memref<5x4xf32> {loop.output}) {
  loop.for %t : 5 {
    %T = loop.alloc "T" : memref<4xf32>
    loop.for %i : 4 {
      loop.block "twice" spatial(%vt in 5 = %t, %vi in 4 = %i) {
        %x = loop.read %X[%vt, %vi] : memref<5x4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %T[%vi] : memref<4xf32>
      }
    }
    loop.for %j : 4 {
      loop.block "use" spatial(%vt in 5 = %t, %vj in 4 = %j) {
        %y = loop.read %T[%vj] : memref<4xf32>
        loop.write %y, %D[%vt, %vj] : memref<5x4xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @steps(
// CHECK-NEXT:    loop.for %t : 5 {
// CHECK-NEXT:      loop.for %j : 4 {
// CHECK-NEXT:        %T = loop.alloc "T" : memref<4xf32>
// CHECK-NEXT:        loop.for %i : 1 {
// CHECK-NEXT:          loop.block "twice" spatial(%vt in 5 = %t, %vi in 4 = %j + %i) {
// CHECK-NEXT:            %x = loop.read %X[%vt, %vi] : memref<5x4xf32>
// CHECK-NEXT:            %y = arith.addf %x, %x : f32
// CHECK-NEXT:            loop.write %y, %T[%vi] : memref<4xf32>
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:        loop.block "use" spatial(%vt in 5 = %t, %vj in 4 = %j) {
// CHECK-NEXT:          %y = loop.read %T[%vj] : memref<4xf32>
// CHECK-NEXT:          loop.write %y, %D[%vt, %vj] : memref<5x4xf32>
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "twice" in %root : (!op) -> !op
    %c = sched.match_block "use" in %root : (!op) -> !op
    %t, %j = sched.get_loops %c : (!op) -> (!op, !op)
    sched.compute_at %p into %j : !op, !op
    transform.yield
  }
}
