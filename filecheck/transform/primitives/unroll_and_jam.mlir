// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// Some rows take each step of their sums together.

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
// CHECK-NEXT:   loop.for %io : 3 {
// CHECK-NEXT:     loop.for %k : 8 {
// CHECK-NEXT:       loop.for %ii : 2 unrolled {
// CHECK-NEXT:         loop.block "reduce0" spatial(%vi in 6 = %io * 2 + %ii) reduce(%vk in 8 = %k) {
// CHECK-NEXT:           loop.init {
// CHECK-NEXT:             %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:             loop.write %z, %S[%vi] : memref<6xf32>
// CHECK:                %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
// CHECK-NEXT:           loop.reduce (%a) into (%S)[%vi] : memref<6xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:             %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:             loop.yield %s : f32

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    %io = sched.unroll_and_jam %i factor = 2 : (!op) -> !op
    transform.yield
  }
}

// -----

// Where there is more than one nest inside, each has iterations of its own.

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
// CHECK-NEXT:   loop.for %io : 2 {
// CHECK-NEXT:     loop.for %ii : 3 unrolled {
// CHECK-NEXT:       loop.block "reduce0_init" spatial(%vi in 6 = %io * 3 + %ii) {
// CHECK-NEXT:         %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:         loop.write %z, %S[%vi] : memref<6xf32>
// CHECK:          loop.for %k : 8 {
// CHECK-NEXT:       loop.for %ii : 3 unrolled {
// CHECK-NEXT:         loop.block "reduce0" spatial(%vi in 6 = %io * 3 + %ii) reduce(%vk in 8 = %k) {
// CHECK-NEXT:           %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
// CHECK-NEXT:           loop.reduce (%a) into (%S)[%vi] : memref<6xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:             %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:             loop.yield %s : f32

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    %z = sched.decompose_reduction %c at %k : (!op, !op) -> !op
    %n = transform.param.constant 3 : i64 -> !transform.any_param
    %io = sched.unroll_and_jam %i factor = %n : (!op, !transform.any_param) -> !op
    transform.yield
  }
}

// -----

// A factor that does not divide leaves iterations to skip.

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
// CHECK-NEXT:     loop.for %ii : 3 unrolled {
// CHECK-NEXT:       loop.block "copy" spatial(%v in 8 = %io * 3 + %ii) {
// CHECK-NEXT:         %a = loop.read %A[%v] : memref<8xf32>
// CHECK-NEXT:         loop.write %a, %D[%v] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> (!op)
    %io = sched.unroll_and_jam %i factor = 3 : (!op) -> !op
    transform.yield
  }
}
