// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A producer's body in place of a read.

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
// CHECK-NEXT:       loop.block "square" spatial(%vk in 8 = %k, %vl in 8 = %l) {
// CHECK-NEXT:         %a = loop.read %A[%vk, %vl] : memref<8x8xf32>
// CHECK-NEXT:         %b = arith.addf %a, %a : f32
// CHECK-NEXT:         %d = arith.mulf %b, %b : f32
// CHECK-NEXT:         loop.write %d, %D[%vk, %vl] : memref<8x8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "double" in %root : (!op) -> !op
    %i, %j = sched.get_loops %p : (!op) -> (!op, !op)
    %c = sched.match_block "square" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    sched.compute_inline %p : !op
    transform.yield
  }
}

// -----

// Once for each read; conditions on iterators go by the reader's.

!op = !transform.any_op

func.func @padded(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %P = loop.alloc "P" : memref<10xf32>
  loop.for %i : 10 {
    loop.block "pad" spatial(%v in 10 = %i) {
      %z = arith.constant 0.0 : f32
      %0 = arith.constant 0 : index
      %9 = arith.constant 9 : index
      %above = arith.cmpi sgt, %v, %0 : index
      %below = arith.cmpi slt, %v, %9 : index
      %inside = arith.andi %above, %below : i1
      %p = scf.if %inside -> (f32) {
        %a = loop.read %A[%v - 1] : memref<8xf32>
        scf.yield %a : f32
      } else {
        scf.yield %z : f32
      }
      loop.write %p, %P[%v] : memref<10xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %l = loop.read %P[%v] : memref<10xf32>
      %r = loop.read %P[%v + 2] : memref<10xf32>
      %s = arith.addf %l, %r : f32
      loop.write %s, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @padded(
// CHECK-NEXT:   loop.for %j : 8 {
// CHECK-NEXT:     loop.block "use" spatial(%v in 8 = %j) {
// CHECK-NEXT:       %v_1 = affine.apply affine_map<(d0) -> (d0)> (%v)
// CHECK:       %above = arith.cmpi sgt, %v_1, %0 : index
// CHECK-NEXT:       %below = arith.cmpi slt, %v_1, %1 : index
// CHECK:         %a = loop.read %A[%v - 1] : memref<8xf32>
// CHECK:       %v_2 = affine.apply affine_map<(d0) -> ((d0 + 2))> (%v)
// CHECK:       %above_1 = arith.cmpi sgt, %v_2, %2 : index
// CHECK-NEXT:       %below_1 = arith.cmpi slt, %v_2, %3 : index
// CHECK:         %a_1 = loop.read %A[%v + 1] : memref<8xf32>
// CHECK:       %s = arith.addf %p, %p_1 : f32
// CHECK-NEXT:       loop.write %s, %D[%v] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "pad" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}

// -----

// Read backwards.

!op = !transform.any_op

func.func @use(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 8 {
    loop.block "use" spatial(%v in 8 = %j) {
      %t = loop.read %T[7 - %v] : memref<8xf32>
      loop.write %t, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @use(
// CHECK-NEXT:   loop.for %j : 8 {
// CHECK-NEXT:     loop.block "use" spatial(%v in 8 = %j) {
// CHECK-NEXT:       %a = loop.read %A[%v * -1 + 7] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %D[%v] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}

// -----

// Into a branch that is taken or not.

!op = !transform.any_op

func.func @until(%A: memref<8xf32>, %D: memref<12xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "make" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %T[%v] : memref<8xf32>
    }
  }
  loop.for %j : 12 {
    loop.block "use" spatial(%v in 12 = %j) {
      %z = arith.constant 0.0 : f32
      %8 = arith.constant 8 : index
      %inside = arith.cmpi slt, %v, %8 : index
      %p = scf.if %inside -> (f32) {
        %t = loop.read %T[%v] : memref<8xf32>
        scf.yield %t : f32
      } else {
        scf.yield %z : f32
      }
      loop.write %p, %D[%v] : memref<12xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @until(
// CHECK-NEXT:   loop.for %j : 12 {
// CHECK-NEXT:     loop.block "use" spatial(%v in 12 = %j) {
// CHECK:       %p = scf.if %inside -> (f32) {
// CHECK-NEXT:         %a = loop.read %A[%v] : memref<8xf32>
// CHECK-NEXT:         scf.yield %a : f32
// CHECK:         scf.yield %z : f32
// CHECK:       loop.write %p, %D[%v] : memref<12xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}

// -----

// Into a reduction.

!op = !transform.any_op

func.func @sum(%B: memref<4x5x3xf32>, %D: memref<4xf32> {loop.output}) {
  %A = loop.alloc "A" : memref<4x5x3xf32>
  loop.for %a : 4 {
    loop.for %b : 5 {
      loop.for %c : 3 {
        loop.block "make" spatial(%va in 4 = %a, %vb in 5 = %b, %vc in 3 = %c) {
          %x = loop.read %B[%va, %vb, %vc] : memref<4x5x3xf32>
          loop.write %x, %A[%va, %vb, %vc] : memref<4x5x3xf32>
        }
      }
    }
  }
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
// CHECK-NEXT:     loop.for %k : 5 {
// CHECK-NEXT:       loop.for %l : 3 {
// CHECK-NEXT:         loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
// CHECK:           %x = loop.read %B[%v, %vk, %vl] : memref<4x5x3xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "make" in %root : (!op) -> !op
    sched.compute_inline %p : !op
    transform.yield
  }
}
