// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A sum that starts with something already: the bias is added to that.

!op = !transform.any_op

func.func @k(%A: memref<4x5xi32>, %B: memref<4xi32>, %D: memref<4xi32> {loop.output}) {
  %T = loop.alloc "T" : memref<4xi32>
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 7 : i32
          loop.write %z, %T[%v] : memref<4xi32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xi32>
        loop.reduce (%a) into (%T)[%v] : memref<4xi32> combine(%acc: i32, %x: i32) identity [0 : i32] flags [associative, commutative] {
          %s = arith.addi %acc, %x : i32
          loop.yield %s : i32
        }
      }
    }
  }
  loop.for %j : 4 {
    loop.block "add" spatial(%v in 4 = %j) {
      %c = loop.read %T[%v] : memref<4xi32>
      %b = loop.read %B[%v] : memref<4xi32>
      %d = arith.addi %b, %c : i32
      loop.write %d, %D[%v] : memref<4xi32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     loop.for %k : 5 {
// CHECK-NEXT:       loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
// CHECK-NEXT:         loop.init {
// CHECK-NEXT:           %z = arith.constant 7 : i32
// CHECK-NEXT:           %b = loop.read %B[%v] : memref<4xi32>
// CHECK-NEXT:           %d = arith.addi %b, %z : i32
// CHECK-NEXT:           loop.write %d, %D[%v] : memref<4xi32>
// CHECK-NEXT:         }
// CHECK-NEXT:         %a = loop.read %A[%v, %vk] : memref<4x5xi32>
// CHECK-NEXT:         loop.reduce (%a) into (%D)[%v] : memref<4xi32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %e = sched.match_block "add" in %root : (!op) -> !op
    sched.fuse_reduction_epilogue %e : !op
    transform.yield
  }
}

// -----

// A maximum has a lower bound for its start; extrema are the same in every order.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %B: memref<4xf32>, %D: memref<4xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<4xf32>
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 0xFF800000 : f32
          loop.write %z, %T[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.reduce (%a) into (%T)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0xFF800000 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.maximumf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  loop.for %j : 4 {
    loop.block "add" spatial(%v in 4 = %j) {
      %c = loop.read %T[%v] : memref<4xf32>
      %b = arith.constant 0.0 : f32
      %d = arith.maximumf %c, %b : f32
      loop.write %d, %D[%v] : memref<4xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK:              loop.init {
// CHECK-NEXT:           %b = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:           loop.write %b, %D[%v] : memref<4xf32>
// CHECK-NEXT:         }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %e = sched.match_block "add" in %root : (!op) -> !op
    sched.fuse_reduction_epilogue %e : !op
    transform.yield
  }
}
