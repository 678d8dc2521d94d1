// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Tiles of two loops: the inner loops move inside of all outer ones.

!op = !transform.any_op

func.func @matmul(%A: memref<6x8xf32>, %B: memref<8x16xf32>, %C: memref<6x16xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 16 {
      loop.for %k : 8 {
        loop.block "matmul" spatial(%vi in 6 = %i, %vj in 16 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x16xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x16xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @matmul(
// CHECK-NEXT:   loop.for %io : 2 {
// CHECK-NEXT:     loop.for %jo : 4 {
// CHECK-NEXT:       loop.for %ii : 3 {
// CHECK-NEXT:         loop.for %ji : 4 {
// CHECK-NEXT:           loop.for %k : 8 {
// CHECK-NEXT:             loop.block "matmul" spatial(%vi in 6 = %io * 3 + %ii, %vj in 16 = %jo * 4 + %ji) reduce(%vk in 8 = %k) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "matmul" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [3, 4] : (!op, !op) -> (!op, !op, !op, !op)
    transform.yield
  }
}

// -----

// A tile that does not divide the outermost extent leaves the domain, which a block checks anyway.

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

// CHECK-LABEL: func.func @copy(
// CHECK-NEXT:   loop.for %io : 3 {
// CHECK-NEXT:     loop.for %ii : 3 {
// CHECK-NEXT:       loop.block "copy" spatial(%v in 8 = %io * 3 + %ii) {
// CHECK-NEXT:         %a = loop.read %A[%v] : memref<8xf32>
// CHECK-NEXT:         loop.write %a, %D[%v] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %io, %ii = sched.tile %i tile_sizes [3] : (!op) -> (!op, !op)
    transform.yield
  }
}

// -----

// A tail inside of another loop has a predicate.

!op = !transform.any_op

func.func @rows(%A: memref<50xf32>, %D: memref<50xf32> {loop.output}) {
  loop.for %i : 2 {
    loop.for %j : 25 {
      loop.block "rows" spatial(%v in 50 = %i * 25 + %j) {
        %a = loop.read %A[%v] : memref<50xf32>
        loop.write %a, %D[%v] : memref<50xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:   loop.for %i : 2 {
// CHECK-NEXT:     loop.for %jo : 7 {
// CHECK-NEXT:       loop.for %ji : 4 {
// CHECK-NEXT:         loop.block "rows" spatial(%v in 50 = %i * 25 + %jo * 4 + %ji) where(%jo * 4 + %ji < 25) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "rows" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %jo, %ji = sched.tile %j tile_sizes [4] : (!op) -> (!op, !op)
    transform.yield
  }
}

// -----

// A size beyond the extent is the extent.

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

// CHECK-LABEL: func.func @copy(
// CHECK-NEXT:   loop.for %io : 1 {
// CHECK-NEXT:     loop.for %ii : 8 {
// CHECK-NEXT:       loop.block "copy" spatial(%v in 8 = %io * 8 + %ii) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %io, %ii = sched.tile %i tile_sizes [64] : (!op) -> (!op, !op)
    transform.yield
  }
}

// -----

// An exact tile that divides; sizes are params.

!op = !transform.any_op
!param = !transform.any_param

func.func @copy(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @copy(
// CHECK-NEXT:   loop.for %io : 2 {
// CHECK-NEXT:     loop.for %ii : 4 {
// CHECK-NEXT:       loop.block "copy" spatial(%v in 8 = %io * 4 + %ii) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %n = sched.get_extent %i : (!op) -> !param
    %h = sched.param floordiv %n, 2 : (!param) -> !param
    %io, %ii = sched.tile %i tile_sizes [%h] {tail = "exact"} : (!op, !param) -> (!op, !op)
    transform.yield
  }
}

// -----

// Tiles of a reduction that may be reordered.

!op = !transform.any_op

func.func @matmul(%A: memref<6x8xf32>, %B: memref<8x16xf32>, %C: memref<6x16xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 16 {
      loop.for %k : 8 {
        loop.block "matmul" spatial(%vi in 6 = %i, %vj in 16 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x16xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x16xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @matmul(
// CHECK-NEXT:   loop.for %i : 6 {
// CHECK-NEXT:     loop.for %jo : 2 {
// CHECK-NEXT:       loop.for %ko : 3 {
// CHECK-NEXT:         loop.for %ji : 8 {
// CHECK-NEXT:           loop.for %ki : 3 {
// CHECK-NEXT:             loop.block "matmul" spatial(%vi in 6 = %i, %vj in 16 = %jo * 8 + %ji) reduce(%vk in 8 = %ko * 3 + %ki) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "matmul" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %jo, %ko, %ji, %ki = sched.tile %j, %k tile_sizes [8, 3] : (!op, !op) -> (!op, !op, !op, !op)
    transform.yield
  }
}

// -----

// The steps of a scan in tiles: their order stays.

!op = !transform.any_op

func.func @scan(%X: memref<6x4xf32>, %S: memref<7x4xf32> {loop.output}) {
  loop.for %j : 4 {
    loop.block "first" spatial(%vt in 1 = 0, %vj in 4 = %j) {
      %z = arith.constant 0.0 : f32
      loop.write %z, %S[%vt, %vj] : memref<7x4xf32>
    }
  }
  loop.for %t : 6 {
    loop.for %j : 4 {
      loop.block "scan" ordered(%vt in 6 = %t) spatial(%vj in 4 = %j) {
        %s = loop.read %S[%vt, %vj] : memref<7x4xf32>
        %x = loop.read %X[%vt, %vj] : memref<6x4xf32>
        %y = arith.addf %s, %x : f32
        loop.write %y, %S[%vt + 1, %vj] : memref<7x4xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @scan(
// CHECK-NEXT:   loop.for %j : 4 {
// CHECK-NEXT:     loop.block "first" spatial(%vt in 1 = 0, %vj in 4 = %j) {
// CHECK:   loop.for %to : 2 {
// CHECK-NEXT:     loop.for %ti : 4 {
// CHECK-NEXT:       loop.for %j : 4 {
// CHECK-NEXT:         loop.block "scan" ordered(%vt in 6 = %to * 4 + %ti) spatial(%vj in 4 = %j) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "scan" in %root : (!op) -> !op
    %t, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %to, %ti = sched.tile %t tile_sizes [4] : (!op) -> (!op, !op)
    transform.yield
  }
}

// -----

// Behind a tail, blocks do not read what lives in loops around them.

!op = !transform.any_op

func.func @panel(%A: memref<40xf32>, %D: memref<40xf32> {loop.output}) {
  loop.for %x : 4 {
    %R = loop.alloc "R" : memref<40xf32>
    loop.for %r : 10 {
      loop.block "first" spatial(%v in 40 = %x * 10 + %r) {
        %a = loop.read %A[%v] : memref<40xf32>
        loop.write %a, %R[%v] : memref<40xf32>
      }
    }
    loop.for %i : 10 {
      %T = loop.alloc "T" : memref<40xf32>
      loop.block "second" spatial(%v in 40 = %x * 10 + %i) {
        %r = loop.read %R[%v] : memref<40xf32>
        loop.write %r, %T[%v] : memref<40xf32>
      }
      loop.block "third" spatial(%v in 40 = %x * 10 + %i) {
        %t = loop.read %T[%v] : memref<40xf32>
        loop.write %t, %D[%v] : memref<40xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @panel(
// CHECK-NEXT:   loop.for %x : 4 {
// CHECK-NEXT:     %R = loop.alloc "R" : memref<40xf32>
// CHECK-NEXT:     loop.for %r : 10 {
// CHECK-NEXT:       loop.block "first" spatial(%v in 40 = %x * 10 + %r) {
// CHECK:     loop.for %io : 3 {
// CHECK-NEXT:       loop.for %ii : 4 {
// CHECK-NEXT:         %T = loop.alloc "T" : memref<40xf32>
// CHECK-NEXT:         loop.block "second" spatial(%v in 40 = %x * 10 + %io * 4 + %ii) where(%io * 4 + %ii < 10) {
// CHECK:         loop.block "third" spatial(%v in 40 = %x * 10 + %io * 4 + %ii) where(%io * 4 + %ii < 10) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "third" in %root : (!op) -> !op
    %x, %i = sched.get_loops %b : (!op) -> (!op, !op)
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    transform.yield
  }
}
