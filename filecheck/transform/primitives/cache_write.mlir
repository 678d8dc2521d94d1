// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// An accumulator in local memory, copied out at the end of each iteration.

!op = !transform.any_op

func.func @matmul(%A: memref<6x8xf32>, %B: memref<8x16xf32>, %C: memref<6x16xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 16 {
      loop.for %k : 8 {
        loop.block "matmul" spatial(%vi in 6 = %i, %vj in 16 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x16xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x16xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
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
// CHECK-NEXT:   loop.for %io : 2 {
// CHECK-NEXT:     loop.for %jo : 4 {
// CHECK-NEXT:       %C_local = loop.alloc "arg2_local" : memref<6x16xf32, "local">
// CHECK-NEXT:       loop.for %ii : 3 {
// CHECK-NEXT:         loop.for %ji : 4 {
// CHECK-NEXT:           loop.for %k : 8 {
// CHECK-NEXT:             loop.block "matmul" spatial(%vi in 6 = %io * 3 + %ii, %vj in 16 = %jo * 4 + %ji) reduce(%vk in 8 = %k) {
// CHECK-NEXT:               loop.init {
// CHECK:                 loop.write %z, %C_local[%vi, %vj] : memref<6x16xf32, "local">
// CHECK:               %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
// CHECK-NEXT:               %b = loop.read %B[%vk, %vj] : memref<8x16xf32>
// CHECK:               loop.reduce (%p) into (%C_local)[%vi, %vj]
// CHECK:       loop.for %c0 : 3 {
// CHECK-NEXT:         loop.for %c1 : 4 {
// CHECK-NEXT:           loop.block "arg2_local_write" spatial(%v0 in 6 = %io * 3 + %c0, %v1 in 16 = %jo * 4 + %c1) attributes {copy} {
// CHECK-NEXT:             %0 = loop.read %C_local[%v0, %v1] : memref<6x16xf32, "local">
// CHECK-NEXT:             loop.write %0, %C[%v0, %v1] : memref<6x16xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "matmul" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [3, 4] : (!op, !op) -> (!op, !op, !op, !op)
    %w = sched.cache_write %b at %jo : (!op, !op) -> !op
    transform.annotate %w "copy" : !op
    transform.yield
  }
}

// -----

// A tail is copied out up to its end.

!op = !transform.any_op

func.func @rows(%A: memref<50xf32>, %D: memref<50xf32> {loop.output}) {
  loop.for %i : 2 {
    loop.for %j : 25 {
      loop.block "rows" spatial(%v in 50 = %i * 25 + %j) {
        %a = loop.read %A[%v] : memref<50xf32>
        loop.write %a, %D[%v] : memref<50xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:   loop.for %i : 2 {
// CHECK-NEXT:     loop.for %jo : 7 {
// CHECK-NEXT:       %D_local = loop.alloc "arg1_local" : memref<50xf32, "local">
// CHECK-NEXT:       loop.for %ji : 4 {
// CHECK-NEXT:         loop.block "rows" spatial(%v in 50 = %i * 25 + %jo * 4 + %ji) where(%jo * 4 + %ji < 25) {
// CHECK-NEXT:           %a = loop.read %A[%v] : memref<50xf32>
// CHECK-NEXT:           loop.write %a, %D_local[%v] : memref<50xf32, "local">
// CHECK:       loop.for %c0 : 4 {
// CHECK-NEXT:         loop.block "arg1_local_write" spatial(%v0 in 50 = %i * 25 + %jo * 4 + %c0) where(%jo * 4 + %c0 < 25) {
// CHECK-NEXT:           %0 = loop.read %D_local[%v0] : memref<50xf32, "local">
// CHECK-NEXT:           loop.write %0, %D[%v0] : memref<50xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "rows" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %jo, %ji = sched.tile %j tile_sizes [4] : (!op) -> (!op, !op)
    %w = sched.cache_write %b at %jo : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// An init of its own writes the staged buffer, too.

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
// CHECK-NEXT:     %D_local = loop.alloc "arg1_local" : memref<4xf32, "local">
// CHECK-NEXT:     loop.block "sum_init" spatial(%v in 4 = %i) {
// CHECK:       loop.write %z, %D_local[%v] : memref<4xf32, "local">
// CHECK:     loop.for %k : 5 {
// CHECK-NEXT:       loop.for %l : 3 {
// CHECK-NEXT:         loop.block "sum" spatial(%v in 4 = %i) reduce(%vk in 5 = %k, %vl in 3 = %l) {
// CHECK-NEXT:           %a = loop.read %A[%v, %vk, %vl] : memref<4x5x3xf32>
// CHECK-NEXT:           loop.reduce (%a) into (%D_local)[%v]
// CHECK:     loop.for %c0 : 1 {
// CHECK-NEXT:       loop.block "arg1_local_write" spatial(%v0 in 4 = %i + %c0) {
// CHECK-NEXT:         %0 = loop.read %D_local[%v0] : memref<4xf32, "local">
// CHECK-NEXT:         loop.write %0, %D[%v0] : memref<4xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "sum" in %root : (!op) -> !op
    %i, %k, %l = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %init = sched.decompose_reduction %b at %k : (!op, !op) -> !op
    %w = sched.cache_write %b at %i : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// A whole output.

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
// CHECK-NEXT:   %D_local = loop.alloc "arg1_local" : memref<8xf32, "local">
// CHECK-NEXT:   loop.for %i : 8 {
// CHECK-NEXT:     loop.block "copy" spatial(%v in 8 = %i) {
// CHECK-NEXT:       %a = loop.read %A[%v] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %D_local[%v] : memref<8xf32, "local">
// CHECK:   loop.for %c0 : 8 {
// CHECK-NEXT:     loop.block "arg1_local_write" spatial(%v0 in 8 = %c0) {
// CHECK-NEXT:       %0 = loop.read %D_local[%v0] : memref<8xf32, "local">
// CHECK-NEXT:       loop.write %0, %D[%v0] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %w = sched.cache_write %b : (!op) -> !op
    transform.yield
  }
}

// -----

// Below an outer loop of the sum, a part is summed up from the identity on, in front of the inner loop, and added to
// what there is; decompose_reduction finds the init that stands there already.

!op = !transform.any_op

func.func @sum(%A: memref<4x70xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %k : 70 {
    loop.for %j : 4 {
      loop.block "sum" spatial(%v in 4 = %j) reduce(%vk in 70 = %k) {
        loop.init {
          %z = arith.constant 1.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x70xf32>
        loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @sum(
// CHECK-NEXT:   loop.for %ko : 5 {
// CHECK-NEXT:     loop.for %j : 4 {
// CHECK-NEXT:       %D_local = loop.alloc "arg1_local" : memref<4xf32, "local">
// CHECK-NEXT:       loop.block "sum_init" spatial(%v in 4 = %j) attributes {first} {
// CHECK-NEXT:         arith.constant 0.000000e+00 : f32
// CHECK-NEXT:         loop.write %{{.*}}, %D_local[%v] : memref<4xf32, "local">
// CHECK-NEXT:       }
// CHECK-NEXT:       loop.for %ki : 16 {
// CHECK-NEXT:         loop.block "sum" spatial(%v in 4 = %j) reduce(%vk in 70 = %ko * 16 + %ki) {
// CHECK-NEXT:           %a = loop.read %A[%v, %vk] : memref<4x70xf32>
// CHECK-NEXT:           loop.reduce (%a) into (%D_local)[%v] : memref<4xf32, "local"> combine
// CHECK:            loop.for %c0 : 1 {
// CHECK-NEXT:         loop.block "arg1_local_write" spatial(%v0 in 4 = %j + %c0) reduce(%vko in 5 = %ko) {
// CHECK-NEXT:           loop.init {
// CHECK-NEXT:             %z = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:             loop.write %z, %D[%v0] : memref<4xf32>
// CHECK-NEXT:           }
// CHECK-NEXT:           %{{.*}} = loop.read %D_local[%v0] : memref<4xf32, "local">
// CHECK-NEXT:           loop.reduce (%{{.*}}) into (%D)[%v0] : memref<4xf32> combine

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %k, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [16] : (!op) -> (!op, !op)
    sched.reorder %ko, %j, %ki : !op, !op, !op
    %x = sched.cache_write %c at %j : (!op, !op) -> !op
    %init = sched.decompose_reduction %c at %ki : (!op, !op) -> !op
    transform.annotate %init "first" : !op
    transform.yield
  }
}

// -----

// An init that is a block of its own stays where it is.

!op = !transform.any_op

func.func @sum(%A: memref<4x70xf32>, %D: memref<4xf32> {loop.output}) {
  loop.for %k : 70 {
    loop.for %j : 4 {
      loop.block "sum" spatial(%v in 4 = %j) reduce(%vk in 70 = %k) {
        loop.init {
          %z = arith.constant 1.0 : f32
          loop.write %z, %D[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %vk] : memref<4x70xf32>
        loop.reduce (%a) into (%D)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @sum(
// CHECK:        loop.block "sum_init"
// CHECK-NEXT:     arith.constant 1.000000e+00 : f32
// CHECK:        loop.for %ko : 5 {
// CHECK-NEXT:     loop.for %j : 4 {
// CHECK:            loop.block "sum_init_0"
// CHECK-NEXT:         arith.constant 0.000000e+00 : f32
// CHECK:            loop.block "arg1_local_write" spatial(%v0 in 4 = %j + %c0) reduce(%vko in 5 = %ko) {
// CHECK-NEXT:         %{{.*}} = loop.read %D_local[%v0] : memref<4xf32, "local">
// CHECK-NEXT:         loop.reduce (%{{.*}}) into (%D)[%v0] : memref<4xf32> combine

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %k, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [16] : (!op) -> (!op, !op)
    sched.reorder %ko, %j, %ki : !op, !op, !op
    %init = sched.decompose_reduction %c at %ko : (!op, !op) -> !op
    %x = sched.cache_write %c at %j : (!op, !op) -> !op
    transform.yield
  }
}
