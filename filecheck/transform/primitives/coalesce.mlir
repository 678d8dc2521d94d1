// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Iterators take one loop apart.

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

// CHECK-LABEL: func.func @copy(
// CHECK-NEXT:   loop.for %ij : 48 {
// CHECK-NEXT:     loop.block "copy" spatial(%vi in 6 = %ij floordiv 8, %vj in 8 = %ij mod 8) {
// CHECK-NEXT:       %a = loop.read %A[%vi, %vj] : memref<6x8xf32>
// CHECK-NEXT:       loop.write %a, %D[%vi, %vj] : memref<6x8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %ij = sched.coalesce %i, %j : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// Loops that were taken apart come together.

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
// CHECK-NEXT:   loop.for %ioii : 8 {
// CHECK-NEXT:     loop.block "copy" spatial(%v in 8 = %ioii) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    %f = sched.coalesce %io, %ii : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// Loops of a reduction.

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

// CHECK-LABEL: func.func @sum(
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     loop.for %kl : 15 {
// CHECK-NEXT:       loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %kl floordiv 3, %vl in 3 = %kl mod 3) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %kl = sched.coalesce %k, %l : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// One loop stays what it is.

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
// CHECK-NEXT:   loop.for %i : 8 {
// CHECK-NEXT:     loop.block "copy" spatial(%v in 8 = %i) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %f = sched.coalesce %i : (!op) -> !op
    transform.yield
  }
}
