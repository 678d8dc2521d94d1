// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// What is summed up is 0 beyond the end; the output stays as long as it is.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK-NEXT:   %A_padded = loop.alloc "arg0_padded" : memref<4x8xf32, "local">
// CHECK-NEXT:   loop.for %c0 : 4 {
// CHECK-NEXT:     loop.for %c1 : 8 {
// CHECK-NEXT:       loop.block "arg0_padded_read_fill" spatial(%v0 in 4 = %c0, %v1 in 8 = %c1) {
// CHECK-NEXT:         %{{.*}} = arith.constant 0.000000e+00 : f32
// CHECK:        loop.for %v0 : 4 {
// CHECK-NEXT:     loop.for %v1 : 5 {
// CHECK-NEXT:       loop.block "arg0_padded_read" spatial(%{{.*}} in 4 = %v0, %{{.*}} in 5 = %v1) {
// CHECK:        loop.for %i : 4 {
// CHECK-NEXT:     loop.for %k : 8 {
// CHECK-NEXT:       loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 8 = %k) {
// CHECK:              %a = loop.read %A_padded[%v, %vk] : memref<4x8xf32, "local">
// CHECK-NEXT:         loop.reduce (%a) into (%D)[%v]

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %size = transform.param.constant 4 : i64 -> !transform.any_param
    %copy = sched.pad %c to_multiples [1, %size] {memory_space = "local"} : (!op, !transform.any_param) -> !op
    %fill = sched.decompose_padding %copy : (!op) -> !op
    transform.yield
  }
}

// -----

// A maximum is padded with what is less than everything; outputs are copied to where they belong.

!op = !transform.any_op

func.func @k(%A: memref<4x5xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 5 {
      loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k) {
        loop.init {
          %z = arith.constant 0xFF800000 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x5xf32>
        loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0xFF800000 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.maximumf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK-NEXT:   %D_padded = loop.alloc "arg1_padded" : memref<6xf32>
// CHECK-NEXT:   %A_padded = loop.alloc "arg0_padded" : memref<6x6xf32>
// CHECK:        arith.constant 0xff800000 : f32
// CHECK:        loop.block "sum" spatial(%v in 6 = %i) reduce(%vk in 6 = %k) {
// CHECK:        loop.for %c0 : 4 {
// CHECK-NEXT:     loop.block "arg1_padded_write" spatial(%v0 in 4 = %c0) {
// CHECK-NEXT:       %{{.*}} = loop.read %D_padded[%v0] : memref<6xf32>
// CHECK-NEXT:       loop.write %{{.*}}, %D[%v0] : memref<4xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [3, 2] : (!op) -> ()
    transform.yield
  }
}

// -----

// What an index that is data means depends on the extent: where it is read by one, a buffer stays as it is.

!op = !transform.any_op

func.func @k(%T: memref<5xf32>, %X: memref<3xi32>, %D: memref<3xf32> {loop.output}) {
  loop.for %i : 3 {
    loop.block "sum" spatial(%v in 3 = %i) {
      %a = loop.read %T[%v * 2] : memref<5xf32>
      %x = loop.read %X[%v] : memref<3xi32>
      %at = arith.index_cast %x : i32 to index
      %b = loop.read %T[%at] wrap : memref<5xf32>
      %s = arith.addf %a, %b : f32
      loop.write %s, %D[%v] : memref<3xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(
// CHECK:          loop.block "sum" spatial(%v in 4 = %i) {
// CHECK-NEXT:       %a = loop.read %T_padded[%v * 2] : memref<7xf32>
// CHECK-NEXT:       %x = loop.read %X_padded[%v] : memref<4xi32>
// CHECK:            %b = loop.read %T[%{{.*}}] wrap : memref<5xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    sched.pad %c to_multiples [4] : (!op) -> ()
    transform.yield
  }
}
