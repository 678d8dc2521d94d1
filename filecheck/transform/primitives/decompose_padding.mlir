// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// The fill keeps the block's tiles; what is inside gets loops of its own.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %P: memref<10xf32> {loop.output}) {
  loop.for %io : 3 {
    loop.for %ii : 4 {
      loop.block "pad" spatial(%v in 10 = %io * 4 + %ii) {
        %k0 = arith.constant 1 : index
        %c0 = arith.cmpi sge, %v, %k0 : index
        %k1 = arith.constant 9 : index
        %c1 = arith.cmpi slt, %v, %k1 : index
        %in0 = arith.andi %c0, %c1 : i1
        %z = arith.constant 1.0 : f32
        %x = scf.if %in0 -> (f32) {
          %a = loop.read %A[%v - 1] : memref<8xf32>
          scf.yield %a : f32
        } else {
          scf.yield %z : f32
        }
        loop.write %x, %P[%v] : memref<10xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK-NEXT:   loop.for %io : 3 {
// CHECK-NEXT:     loop.for %ii : 4 {
// CHECK-NEXT:       loop.block "pad_fill" spatial(%v in 10 = %io * 4 + %ii) {
// CHECK-NEXT:         %{{.*}} = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:         loop.write %{{.*}}, %P[%v] : memref<10xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.for %v : 8 {
// CHECK-NEXT:     loop.block "pad" spatial(%v_1 in 8 = %v) {
// CHECK-NEXT:       %a = loop.read %A[%v_1] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %P[%v_1 + 1] : memref<10xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}

// -----

// A condition for the constant says the same.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %P: memref<10xf32> {loop.output}) {
  loop.for %i : 10 {
    loop.block "pad" spatial(%v in 10 = %i) {
      %k0 = arith.constant 1 : index
      %c0 = arith.cmpi slt, %v, %k0 : index
      %k1 = arith.constant 8 : index
      %c1 = arith.cmpi sgt, %v, %k1 : index
      %in0 = arith.ori %c0, %c1 : i1
      %z = arith.constant 0.0 : f32
      %x = scf.if %in0 -> (f32) {
        scf.yield %z : f32
      } else {
        %a = loop.read %A[%v - 1] : memref<8xf32>
        scf.yield %a : f32
      }
      loop.write %x, %P[%v] : memref<10xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK:        loop.block "pad" spatial(%v_{{.*}} in 8 = %v) {
// CHECK-NEXT:     %a = loop.read %A[%v_{{.*}}] : memref<8xf32>
// CHECK-NEXT:     loop.write %a, %P[%v_{{.*}} + 1] : memref<10xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}

// -----

// A buffer of a loop has a part of the padding in each iteration: the block runs where that part is inside.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %o : 4 {
    %P = loop.alloc "P" : memref<10xf32>
  loop.for %i : 4 {
    loop.block "pad" spatial(%v in 10 = %o * 2 + %i) {
      %k0 = arith.constant 1 : index
      %c0 = arith.cmpi sge, %v, %k0 : index
      %k1 = arith.constant 9 : index
      %c1 = arith.cmpi slt, %v, %k1 : index
      %in0 = arith.andi %c0, %c1 : i1
      %z = arith.constant 0.0 : f32
      %x = scf.if %in0 -> (f32) {
        %a = loop.read %A[%v - 1] : memref<8xf32>
        scf.yield %a : f32
      } else {
        scf.yield %z : f32
      }
      loop.write %x, %P[%v] : memref<10xf32>
    }
  }
  loop.for %j : 2 {
    loop.for %k : 3 {
      loop.block "sum" spatial(%w in 8 = %o * 2 + %j) reduce(%r in 3 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%w] : memref<8xf32>
        }
        %a = loop.read %P[%w + %r] : memref<10xf32>
        loop.reduce (%a) into (%D)[%w] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] {
          %s = arith.addf %acc, %x : f32
          loop.yield %s : f32
        }
      }
    }
  }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK:          loop.for %i : 4 {
// CHECK-NEXT:       loop.block "pad_fill" spatial(%v in 10 = %o * 2 + %i) {
// CHECK:          loop.for %i : 4 {
// CHECK-NEXT:       loop.block "pad" spatial(%v in 8 = %o * 2 + %i - 1) {
// CHECK-NEXT:         %a = loop.read %A[%v] : memref<8xf32>
// CHECK-NEXT:         loop.write %a, %P[%v + 1] : memref<10xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    %fill = sched.decompose_padding %p : (!op) -> !op
    transform.yield
  }
}
