// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Two rows of three are there already; a power of two of them goes round.

!op = !transform.any_op

func.func @k(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<10xf32>
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 10 = %i + %x) {
      %a = loop.read %A[%v] : memref<10xf32>
      loop.write %a, %T[%v] : memref<10xf32>
    }
  }
  loop.for %k : 3 {
    loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<8xf32>
      }
      %a = loop.read %T[%v + %r] : memref<10xf32>
      loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
        %s = arith.addf %acc, %x : f32
        loop.yield %s : f32
      }
    }
  }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK-NEXT:   %T_rolling = loop.alloc "T_rolling" : memref<4xf32>
// CHECK-NEXT:   loop.for %x : 2 {
// CHECK-NEXT:     loop.block "double_first" spatial(%v in 2 = %x) {
// CHECK-NEXT:       %a = loop.read %A[%v] : memref<10xf32>
// CHECK-NEXT:       loop.write %a, %T_rolling[%v] : memref<4xf32>
// CHECK:        loop.for %i : 8 {
// CHECK-NEXT:     loop.for %x : 1 {
// CHECK-NEXT:       loop.block "double" ordered(%v in 8 = %i + %x) {
// CHECK-NEXT:         %a = loop.read %A[%v + 2] : memref<10xf32>
// CHECK-NEXT:         loop.write %a, %T_rolling[(%v + 2) mod 4] : memref<4xf32>
// CHECK:              %a = loop.read %T_rolling[(%v + %r) mod 4] : memref<4xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}

// -----

// Rows beyond the ends are not computed, nor kept.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    %T = loop.alloc "T" : memref<8xf32>
  loop.for %x : 3 {
    loop.block "double" spatial(%v in 8 = %i + %x - 1) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %k : 3 {
    loop.block "sum" spatial(%v in 8 = %i) reduce(%r in 3 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<8xf32>
      }
      %one = arith.constant 1 : index
      %nine = arith.constant 9 : index
      %row = affine.apply affine_map<(d0, d1) -> (d0 + d1)> (%v, %r)
      %lo = arith.cmpi sge, %row, %one : index
      %hi = arith.cmpi slt, %row, %nine : index
      %in = arith.andi %lo, %hi : i1
      %a = scf.if %in -> (f32) {
        %b = loop.read %T[%v + %r - 1] : memref<8xf32>
        scf.yield %b : f32
      } else {
        %c = arith.constant 0.0 : f32
        scf.yield %c : f32
      }
      loop.reduce (%a) into (%D)[%v] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
        %s = arith.addf %acc, %x : f32
        loop.yield %s : f32
      }
    }
  }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK-NEXT:   %T_rolling = loop.alloc "T_rolling" : memref<4xf32>
// CHECK-NEXT:   loop.for %x : 1 {
// CHECK-NEXT:     loop.block "double_first" spatial(%v in 1 = %x) {
// CHECK:        loop.for %i : 8 {
// CHECK-NEXT:     loop.for %x : 1 {
// CHECK-NEXT:       loop.block "double" ordered(%v in 7 = %i + %x) {
// CHECK-NEXT:         %a = loop.read %A[%v + 1] : memref<8xf32>
// CHECK-NEXT:         loop.write %a, %T_rolling[(%v + 1) mod 4] : memref<4xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %f = sched.rolling_buffer %p : (!op) -> !op
    transform.yield
  }
}
