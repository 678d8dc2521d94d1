// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A consumer's body behind its producer's write: tiles of the producer stay, iterators are permuted.

!op = !transform.any_op

func.func @k(%A: memref<8x6xf32>, %D: memref<6x8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x6xf32>
  loop.for %io : 3 {
    loop.for %j : 6 {
      loop.for %ii : 3 {
        loop.block "double" spatial(%vi in 8 = %io * 3 + %ii, %vj in 6 = %j) {
          %a = loop.read %A[%vi, %vj] : memref<8x6xf32>
          %b = arith.addf %a, %a : f32
          loop.write %b, %T[%vi, %vj] : memref<8x6xf32>
        }
      }
    }
  }
  loop.for %k : 6 {
    loop.for %l : 8 {
      loop.block "square" spatial(%vk in 6 = %k, %vl in 8 = %l) {
        %c = loop.read %T[%vl, %vk] : memref<8x6xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %D[%vk, %vl] : memref<6x8xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK-NEXT:   loop.for %io : 3 {
// CHECK-NEXT:     loop.for %j : 6 {
// CHECK-NEXT:       loop.for %ii : 3 {
// CHECK-NEXT:         loop.block "double" spatial(%vi in 8 = %io * 3 + %ii, %vj in 6 = %j) {
// CHECK-NEXT:           %a = loop.read %A[%vi, %vj] : memref<8x6xf32>
// CHECK-NEXT:           %b = arith.addf %a, %a : f32
// CHECK-NEXT:           %d = arith.mulf %b, %b : f32
// CHECK-NEXT:           loop.write %d, %D[%vj, %vi] : memref<6x8xf32>
// CHECK-NEXT:         }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "square" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}

// -----

// A buffer that the consumer writes comes along; lazy reads of the producer's element are its value.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "double" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %T[%v] : memref<8xf32>
    }
  }
  %U = loop.alloc "U" : memref<8xf32>
  loop.for %k : 8 {
    loop.block "half" spatial(%v in 8 = %k) {
      %n = arith.constant 4 : index
      %in = arith.cmpi slt, %v, %n : index
      %d = scf.if %in -> (f32) {
        %c = loop.read %T[%v] : memref<8xf32>
        scf.yield %c : f32
      } else {
        %z = arith.constant 0.0 : f32
        scf.yield %z : f32
      }
      loop.write %d, %U[%v] : memref<8xf32>
    }
  }
  loop.for %l : 8 {
    loop.block "square" spatial(%v in 8 = %l) {
      %c = loop.read %U[%v] : memref<8xf32>
      %d = arith.mulf %c, %c : f32
      loop.write %d, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK-NEXT:   %U = loop.alloc "U" : memref<8xf32>
// CHECK-NEXT:   loop.for %i : 8 {
// CHECK-NEXT:     loop.block "double" spatial(%v in 8 = %i) {
// CHECK-NEXT:       %a = loop.read %A[%v] : memref<8xf32>
// CHECK-NEXT:       %b = arith.addf %a, %a : f32
// CHECK:            scf.if
// CHECK-NEXT:         scf.yield %b : f32
// CHECK:            loop.write %d, %U[%v] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "half" in %root : (!op) -> !op
    sched.reverse_compute_inline %c : !op
    transform.yield
  }
}
