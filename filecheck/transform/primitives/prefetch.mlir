// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// In each step of the sums, the lines of the row that the next one but one reads.

!op = !transform.any_op

func.func @matmul(%A: memref<4x8xf32>, %B: memref<8x4xf32>, %C: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.for %k : 8 {
        loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x4xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
// CHECK-NEXT:   loop.for %k : 8 {
// CHECK-NEXT:     loop.block "arg1_prefetch" spatial(%v0 in 8 = %k + 2, %v1 in 4 = 0) {
// CHECK-NEXT:       loop.prefetch %B[%v0, %v1] : memref<8x4xf32>
// CHECK:          loop.for %i : 4 {
// CHECK-NEXT:       loop.for %j : 4 {
// CHECK-NEXT:         loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %k) {
// CHECK-NEXT:           loop.init {
// CHECK-NEXT:             %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:             loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
// CHECK:                %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
// CHECK-NEXT:           %b = loop.read %B[%vk, %vj] : memref<8x4xf32>
// CHECK-NEXT:           %p = arith.mulf %a, %b : f32
// CHECK-NEXT:           loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:             %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:             loop.yield %s : f32

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    sched.reorder %k, %i, %j : !op, !op, !op
    %p = sched.prefetch %c, %b at %k {ahead = 2 : i64} : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}

// -----

// One iteration ahead if nothing is said; here a line a row.

!op = !transform.any_op

func.func @matmul(%A: memref<4x8xf32>, %B: memref<8x4xf32>, %C: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.for %k : 8 {
        loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x4xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     loop.block "arg0_prefetch" spatial(%v0 in 4 = %i + 1, %v1 in 8 = 0) {
// CHECK-NEXT:       loop.prefetch %A[%v0, %v1] : memref<4x8xf32>
// CHECK:          loop.for %j : 4 {
// CHECK-NEXT:       loop.for %k : 8 {
// CHECK-NEXT:         loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %k) {
// CHECK-NEXT:           loop.init {
// CHECK-NEXT:             %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:             loop.write %z, %C[%vi, %vj] : memref<4x4xf32>
// CHECK:                %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
// CHECK-NEXT:           %b = loop.read %B[%vk, %vj] : memref<8x4xf32>
// CHECK-NEXT:           %p = arith.mulf %a, %b : f32
// CHECK-NEXT:           loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:             %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:             loop.yield %s : f32

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %a, %b = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)
    %p = sched.prefetch %c, %a at %i : (!op, !transform.any_value, !op) -> !op
    transform.yield
  }
}

// -----

// What only prefetches is nothing to match, and what has no rows.

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
// CHECK-NEXT:   loop.for %i : 8 unrolled {
// CHECK-NEXT:     loop.block "arg0_prefetch"

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    %a = sched.get_reads %c : (!op) -> !transform.any_value
    %p = sched.prefetch %c, %a at %i : (!op, !transform.any_value, !op) -> !op
    %map = sched.match_structure "map" in %root : (!op) -> !op
    %outer = sched.get_loops %map : (!op) -> !op
    sched.unroll %outer : !op
    transform.sequence %root : !op failures(suppress) {
    ^bb0(%again: !op):
      %o, %r, %k = sched.get_row_loops %c in %p : (!op, !op) -> (!op, !op, !op)
      transform.yield
    }
    transform.yield
  }
}
