// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A consumer takes what an iteration of its producer made; the buffer moves inside.

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
// CHECK-NEXT:   loop.for %io : 2 {
// CHECK-NEXT:     %T = loop.alloc "T" : memref<8x8xf32>
// CHECK-NEXT:     loop.for %ii : 4 {
// CHECK-NEXT:       loop.for %j : 8 {
// CHECK-NEXT:         loop.block "double" spatial(%vi in 8 = %io * 4 + %ii, %vj in 8 = %j) {
// CHECK-NEXT:           %a = loop.read %A[%vi, %vj] : memref<8x8xf32>
// CHECK:           loop.write %b, %T[%vi, %vj] : memref<8x8xf32>
// CHECK:     loop.for %k : 4 {
// CHECK-NEXT:       loop.for %l : 8 {
// CHECK-NEXT:         loop.block "square" spatial(%vk in 8 = %io * 4 + %k, %vl in 8 = %l) {
// CHECK-NEXT:           %c = loop.read %T[%vk, %vl] : memref<8x8xf32>
// CHECK:           loop.write %d, %D[%vk, %vl] : memref<8x8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    sched.reverse_compute_at %c into %io : !op, !op
    transform.yield
  }
}

// -----

// The end of a sum: behind its reduction loops.

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
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     %D = loop.alloc "D" : memref<4xf32>
// CHECK-NEXT:     loop.for %k : 5 {
// CHECK-NEXT:       loop.for %l : 3 {
// CHECK-NEXT:         loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
// CHECK-NEXT:           loop.init {
// CHECK:             loop.write %z, %D[%v] : memref<4xf32>
// CHECK:           %a = loop.read %A[%v, %vk, %vl] : memref<4x5x3xf32>
// CHECK-NEXT:           loop.reduce (%a) into (%D)[%v]
// CHECK:     loop.for %v : 1 {
// CHECK-NEXT:       loop.block "use" spatial(%v_1 in 4 = %i + %v) {
// CHECK-NEXT:         %d = loop.read %D[%v_1] : memref<4xf32>
// CHECK-NEXT:         loop.write %d, %E[%v_1] : memref<4xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %p : (!op) -> (!op, !op, !op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    sched.reverse_compute_at %c into %i : !op, !op
    transform.yield
  }
}

// -----

// In a tail, what the tail has made.

!op = !transform.any_op

func.func @rows(%A: memref<50xf32>, %D: memref<50xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<50xf32>
  loop.for %i : 2 {
    loop.for %j : 25 {
      loop.block "rows" spatial(%v in 50 = %i * 25 + %j) {
        %a = loop.read %A[%v] : memref<50xf32>
        loop.write %a, %T[%v] : memref<50xf32>
      }
    }
  }
  loop.for %k : 50 {
    loop.block "use" spatial(%v in 50 = %k) {
      %t = loop.read %T[%v] : memref<50xf32>
      loop.write %t, %D[%v] : memref<50xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:   loop.for %i : 2 {
// CHECK-NEXT:     loop.for %jo : 7 {
// CHECK-NEXT:       %T = loop.alloc "T" : memref<50xf32>
// CHECK-NEXT:       loop.for %ji : 4 {
// CHECK-NEXT:         loop.block "rows" spatial(%v in 50 = %i * 25 + %jo * 4 + %ji) where(%jo * 4 + %ji < 25) {
// CHECK:       loop.for %v : 4 {
// CHECK-NEXT:         loop.block "use" spatial(%v_1 in 50 = %i * 25 + %jo * 4 + %v) where(%jo * 4 + %v < 25) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "rows" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %k = sched.get_loops %c : (!op) -> (!op)
    %jo, %ji = sched.tile %j tile_sizes [4] : (!op) -> (!op, !op)
    sched.reverse_compute_at %c into %jo : !op, !op
    transform.yield
  }
}

// -----

// After an init of its own, which writes in the same box.

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
// CHECK-NEXT:   loop.for %io : 2 {
// CHECK-NEXT:     %D = loop.alloc "D" : memref<4xf32>
// CHECK-NEXT:     loop.for %ii : 2 {
// CHECK-NEXT:       loop.block "sum_init" spatial(%v in 4 = %io * 2 + %ii) {
// CHECK:     loop.for %ii : 2 {
// CHECK-NEXT:       loop.for %k : 5 {
// CHECK-NEXT:         loop.for %l : 3 {
// CHECK-NEXT:           loop.block "sum" spatial(%v in 4 = %io * 2 + %ii) reduce(%vk in 5 = %k, %vl in 3 = %l) {
// CHECK:     loop.for %v : 2 {
// CHECK-NEXT:       loop.block "use" spatial(%v_1 in 4 = %io * 2 + %v) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %p : (!op) -> (!op, !op, !op)
    %c = sched.match_block "use" in %root : (!op) -> !op
    %j = sched.get_loops %c : (!op) -> (!op)
    %io, %ii = sched.tile %i tile_sizes [2] : (!op) -> (!op, !op)
    %init = sched.decompose_reduction %p at %ii : (!op, !op) -> !op
    sched.reverse_compute_at %c into %io : !op, !op
    transform.yield
  }
}

// -----

// What is read in the only place that a dimension has is there in each iteration.

!op = !transform.any_op

func.func @image(%A: memref<1x8xf32>, %D: memref<1x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<1x8xf32>
  loop.for %n : 1 {
    loop.for %i : 8 {
      loop.block "double" spatial(%vn in 1 = %n, %vi in 8 = %i) {
        %a = loop.read %A[%vn, %vi] : memref<1x8xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %T[%vn, %vi] : memref<1x8xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.block "square" spatial(%vk in 8 = %k) {
      %c = loop.read %T[0, %vk] : memref<1x8xf32>
      %d = arith.mulf %c, %c : f32
      loop.write %d, %D[0, %vk] : memref<1x8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @image(
// CHECK-NEXT:   loop.for %n : 1 {
// CHECK-NEXT:     loop.for %io : 2 {
// CHECK-NEXT:       %T = loop.alloc "T" : memref<1x8xf32>
// CHECK-NEXT:       loop.for %ii : 4 {
// CHECK:            loop.block "double"
// CHECK:          loop.for %k : 4 {
// CHECK-NEXT:       loop.block "square" spatial(%vk in 8 = %io * 4 + %k) {
// CHECK-NEXT:         %c = loop.read %T[0, %vk] : memref<1x8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %n, %i = sched.get_loops %p : (!op) -> (!op, !op)
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_at %c into %io : !op, !op
    transform.yield
  }
}
