// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Two loops, each with its part of the domain.

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
// CHECK-NEXT:   loop.for %i : 6 {
// CHECK-NEXT:     loop.block "copy" spatial(%v in 6 = %i) {
// CHECK-NEXT:       %a = loop.read %A[%v] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %D[%v] : memref<8xf32>
// CHECK:        loop.for %i_rest : 2 {
// CHECK-NEXT:     loop.block "copy_rest" spatial(%v in 2 = %i_rest) {
// CHECK-NEXT:       %a = loop.read %A[%v + 6] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %D[%v + 6] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    %first, %rest = sched.split %i after 6 : (!op) -> (!op, !op)
    transform.yield
  }
}

// -----

// The first part of a reduction has its init; the number may be a param.

!op = !transform.any_op

func.func @rows(%A: memref<6x8xf32>, %S: memref<6xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %k : 8 {
      loop.block "reduce0" spatial(%vi in 6 = %i) reduce(%vk in 8 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<6xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<6xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:   loop.for %i : 6 {
// CHECK-NEXT:     loop.for %k : 5 {
// CHECK-NEXT:       loop.block "reduce0" spatial(%vi in 6 = %i) reduce(%vk in 5 = %k) {
// CHECK-NEXT:         loop.init {
// CHECK-NEXT:           %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:           loop.write %z, %S[%vi] : memref<6xf32>
// CHECK:              %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
// CHECK-NEXT:         loop.reduce (%a) into (%S)[%vi] : memref<6xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:           %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:           loop.yield %s : f32
// CHECK:          loop.for %k_rest : 3 {
// CHECK-NEXT:       loop.block "reduce0_rest" spatial(%vi in 6 = %i) reduce(%vk in 3 = %k_rest) {
// CHECK-NEXT:         %a = loop.read %A[%vi, %vk + 5] : memref<6x8xf32>
// CHECK-NEXT:         loop.reduce (%a) into (%S)[%vi] : memref<6xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:           %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:           loop.yield %s : f32

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    %n = transform.param.constant 5 : i64 -> !transform.any_param
    %first, %rest = sched.split %k after %n : (!op, !transform.any_param) -> (!op, !op)
    transform.yield
  }
}

// -----

// A body that computes with iterators computes with shifted ones.

!op = !transform.any_op

func.func @numbers(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "copy" spatial(%v in 8 = %i) {
      %n = arith.index_cast %v : index to i32
      %f = arith.sitofp %n : i32 to f32
      %a = loop.read %A[7 - %v] : memref<8xf32>
      %s = arith.addf %a, %f : f32
      loop.write %s, %D[%v] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @numbers(
// CHECK-NEXT:   loop.for %i : 3 {
// CHECK-NEXT:     loop.block "copy" spatial(%v in 3 = %i) {
// CHECK-NEXT:       %n = arith.index_cast %v : index to i32
// CHECK-NEXT:       %f = arith.sitofp %n : i32 to f32
// CHECK-NEXT:       %a = loop.read %A[%v * -1 + 7] : memref<8xf32>
// CHECK-NEXT:       %s = arith.addf %a, %f : f32
// CHECK-NEXT:       loop.write %s, %D[%v] : memref<8xf32>
// CHECK:        loop.for %i_rest : 5 {
// CHECK-NEXT:     loop.block "copy_rest" spatial(%v in 5 = %i_rest) {
// CHECK-NEXT:       %v_1 = affine.apply affine_map<(d0) -> ((d0 + 3))> (%v)
// CHECK-NEXT:       %n = arith.index_cast %v_1 : index to i32
// CHECK-NEXT:       %f = arith.sitofp %n : i32 to f32
// CHECK-NEXT:       %a = loop.read %A[%v * -1 + 4] : memref<8xf32>
// CHECK-NEXT:       %s = arith.addf %a, %f : f32
// CHECK-NEXT:       loop.write %s, %D[%v + 3] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    %first, %rest = sched.split %i after 3 : (!op) -> (!op, !op)
    transform.yield
  }
}

// -----

// What both parts write beside one another is there for a reader of all of it.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @chain(
// CHECK-NEXT:   %T = loop.alloc "T" : memref<8xf32>
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     loop.block "map0" spatial(%vi in 4 = %i) {
// CHECK-NEXT:       %a = loop.read %A[%vi] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %T[%vi] : memref<8xf32>
// CHECK:        loop.for %i_rest : 4 {
// CHECK-NEXT:     loop.block "map0_rest" spatial(%vi in 4 = %i_rest) {
// CHECK-NEXT:       %a = loop.read %A[%vi + 4] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %T[%vi + 4] : memref<8xf32>
// CHECK:        loop.for %k : 8 {
// CHECK-NEXT:     loop.block "map1" spatial(%vk in 8 = %k) {
// CHECK-NEXT:       %t = loop.read %T[%vk] : memref<8xf32>
// CHECK-NEXT:       loop.write %t, %D[%vk] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %first, %rest = sched.split %i after 4 : (!op) -> (!op, !op)
    transform.yield
  }
}
