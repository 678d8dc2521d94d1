// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A copy of what each iteration of a loop reads.

!op = !transform.any_op
!value = !transform.any_value

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
// CHECK-NEXT:   loop.for %jo : 4 {
// CHECK-NEXT:     %B_local = loop.alloc "arg1_local" : memref<8x16xf32, "local">
// CHECK-NEXT:     loop.for %c0 : 8 {
// CHECK-NEXT:       loop.for %c1 : 4 {
// CHECK-NEXT:         loop.block "arg1_local_read" spatial(%v0 in 8 = %c0, %v1 in 16 = %jo * 4 + %c1) attributes {copy} {
// CHECK-NEXT:           %0 = loop.read %B[%v0, %v1] : memref<8x16xf32>
// CHECK-NEXT:           loop.write %0, %B_local[%v0, %v1] : memref<8x16xf32, "local">
// CHECK:     loop.for %i : 6 {
// CHECK-NEXT:       loop.for %ji : 4 {
// CHECK-NEXT:         loop.for %k : 8 {
// CHECK-NEXT:           loop.block "matmul" spatial(%vi in 6 = %i, %vj in 16 = %jo * 4 + %ji) reduce(%vk in 8 = %k) {
// CHECK-NEXT:             loop.init {
// CHECK:               loop.write %z, %C[%vi, %vj] : memref<6x16xf32>
// CHECK:             %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
// CHECK-NEXT:             %b = loop.read %B_local[%vk, %vj] : memref<8x16xf32, "local">
// CHECK:             loop.reduce (%p) into (%C)[%vi, %vj]

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "matmul" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %b : (!op) -> (!op, !op, !op)
    %jo, %ji = sched.tile %j tile_sizes [4] : (!op) -> (!op, !op)
    sched.interchange %i, %jo permutation = [1, 0] : (!op, !op) -> ()
    %A, %B = sched.get_reads %b : (!op) -> (!value, !value)
    %r = sched.cache_read %b, %B at %jo : (!op, !value, !op) -> !op
    transform.annotate %r "copy" : !op
    transform.yield
  }
}

// -----

// A copy of a whole buffer, in global memory.

!op = !transform.any_op
!value = !transform.any_value

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
// CHECK-NEXT:   %A_global = loop.alloc "arg0_global" : memref<8xf32>
// CHECK-NEXT:   loop.for %c0 : 8 {
// CHECK-NEXT:     loop.block "arg0_global_read" spatial(%v0 in 8 = %c0) {
// CHECK-NEXT:       %0 = loop.read %A[%v0] : memref<8xf32>
// CHECK-NEXT:       loop.write %0, %A_global[%v0] : memref<8xf32>
// CHECK:   loop.for %i : 8 {
// CHECK-NEXT:     loop.block "copy" spatial(%v in 8 = %i) {
// CHECK-NEXT:       %a = loop.read %A_global[%v] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %D[%v] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "copy" in %root : (!op) -> !op
    %i = sched.get_loops %b : (!op) -> (!op)
    %A = sched.get_reads %b : (!op) -> !value
    %r = sched.cache_read %b, %A {memory_space = ""} : (!op, !value) -> !op
    transform.yield
  }
}

// -----

// Reads at several offsets share a box.

!op = !transform.any_op
!value = !transform.any_value

func.func @window(%A: memref<10xf32>, %D: memref<8xf32> {loop.output}) {
  loop.for %i : 2 {
    loop.for %j : 4 {
      loop.block "window" spatial(%v in 8 = %i * 4 + %j) {
        %a = loop.read %A[%v] : memref<10xf32>
        %b = loop.read %A[%v + 2] : memref<10xf32>
        %s = arith.addf %a, %b : f32
        loop.write %s, %D[%v] : memref<8xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @window(
// CHECK-NEXT:   loop.for %i : 2 {
// CHECK-NEXT:     %A_local = loop.alloc "arg0_local" : memref<10xf32, "local">
// CHECK-NEXT:     loop.for %c0 : 6 {
// CHECK-NEXT:       loop.block "arg0_local_read" spatial(%v0 in 10 = %i * 4 + %c0) {
// CHECK-NEXT:         %0 = loop.read %A[%v0] : memref<10xf32>
// CHECK-NEXT:         loop.write %0, %A_local[%v0] : memref<10xf32, "local">
// CHECK:     loop.for %j : 4 {
// CHECK-NEXT:       loop.block "window" spatial(%v in 8 = %i * 4 + %j) {
// CHECK-NEXT:         %a = loop.read %A_local[%v] : memref<10xf32, "local">
// CHECK-NEXT:         %b = loop.read %A_local[%v + 2] : memref<10xf32, "local">
// CHECK:         loop.write %s, %D[%v] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "window" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %A = sched.get_reads %b : (!op) -> !value
    %r = sched.cache_read %b, %A at %i : (!op, !value, !op) -> !op
    transform.yield
  }
}

// -----

// Nothing is copied beyond a tail that lives in a loop.

!op = !transform.any_op
!value = !transform.any_value

func.func @panel(%A: memref<40xf32>, %D: memref<40xf32> {loop.output}) {
  loop.for %x : 4 {
    %R = loop.alloc "R" : memref<40xf32>
    loop.for %r : 10 {
      loop.block "first" spatial(%v in 40 = %x * 10 + %r) {
        %a = loop.read %A[%v] : memref<40xf32>
        loop.write %a, %R[%v] : memref<40xf32>
      }
    }
    loop.for %i : 10 {
      %T = loop.alloc "T" : memref<40xf32>
      loop.block "second" spatial(%v in 40 = %x * 10 + %i) {
        %r = loop.read %R[%v] : memref<40xf32>
        loop.write %r, %T[%v] : memref<40xf32>
      }
      loop.block "third" spatial(%v in 40 = %x * 10 + %i) {
        %t = loop.read %T[%v] : memref<40xf32>
        loop.write %t, %D[%v] : memref<40xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @panel(
// CHECK-NEXT:   loop.for %x : 4 {
// CHECK-NEXT:     %R = loop.alloc "R" : memref<40xf32>
// CHECK-NEXT:     loop.for %r : 10 {
// CHECK-NEXT:       loop.block "first" spatial(%v in 40 = %x * 10 + %r) {
// CHECK:     loop.for %io : 3 {
// CHECK-NEXT:       %R_local = loop.alloc "R_local" : memref<40xf32, "local">
// CHECK-NEXT:       loop.for %c0 : 4 {
// CHECK-NEXT:         loop.block "R_local_read" spatial(%v0 in 40 = %x * 10 + %io * 4 + %c0) where(%io * 4 + %c0 < 10) {
// CHECK:           loop.write %0, %R_local[%v0] : memref<40xf32, "local">
// CHECK:       loop.for %ii : 4 {
// CHECK-NEXT:         %T = loop.alloc "T" : memref<40xf32>
// CHECK-NEXT:         loop.block "second" spatial(%v in 40 = %x * 10 + %io * 4 + %ii) where(%io * 4 + %ii < 10) {
// CHECK-NEXT:           %r = loop.read %R_local[%v] : memref<40xf32, "local">
// CHECK:         loop.block "third" spatial(%v in 40 = %x * 10 + %io * 4 + %ii) where(%io * 4 + %ii < 10) {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "second" in %root : (!op) -> !op
    %x, %i = sched.get_loops %b : (!op) -> (!op, !op)
    %io, %ii = sched.tile %i tile_sizes [4] : (!op) -> (!op, !op)
    %R = sched.get_reads %b : (!op) -> !value
    %r = sched.cache_read %b, %R at %io : (!op, !value, !op) -> !op
    transform.yield
  }
}

// -----

// A gathered dimension is copied whole.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%I: memref<4xi32>, %A: memref<9x4xf32>, %D: memref<4x4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 4 {
      loop.block "rows" spatial(%vi in 4 = %i, %vj in 4 = %j) {
        %r = loop.read %I[%vi] : memref<4xi32>
        %x = arith.index_cast %r : i32 to index
        %a = loop.read %A[%x, %vj] : memref<9x4xf32>
        loop.write %a, %D[%vi, %vj] : memref<4x4xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:   loop.for %i : 4 {
// CHECK-NEXT:     loop.for %j : 4 {
// CHECK-NEXT:       %A_local = loop.alloc "arg1_local" : memref<9x4xf32, "local">
// CHECK-NEXT:       loop.for %c0 : 9 {
// CHECK-NEXT:         loop.for %c1 : 1 {
// CHECK-NEXT:           loop.block "arg1_local_read" spatial(%v0 in 9 = %c0, %v1 in 4 = %j + %c1) {
// CHECK-NEXT:             %0 = loop.read %A[%v0, %v1] : memref<9x4xf32>
// CHECK-NEXT:             loop.write %0, %A_local[%v0, %v1] : memref<9x4xf32, "local">
// CHECK:       loop.block "rows" spatial(%vi in 4 = %i, %vj in 4 = %j) {
// CHECK-NEXT:         %r = loop.read %I[%vi] : memref<4xi32>
// CHECK:         %a = loop.read %A_local[%x, %vj] : memref<9x4xf32, "local">
// CHECK-NEXT:         loop.write %a, %D[%vi, %vj] : memref<4x4xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "rows" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %I, %A = sched.get_reads %b : (!op) -> (!value, !value)
    %r = sched.cache_read %b, %A at %j : (!op, !value, !op) -> !op
    transform.yield
  }
}

// -----

// What lanes read lies side by side in the copy.

!op = !transform.any_op
!value = !transform.any_value

func.func @turned(%A: memref<6x9xf32>, %D: memref<9x6xf32> {loop.output}) {
  loop.for %i : 9 {
    loop.for %j : 6 {
      loop.block "map0" spatial(%vi in 9 = %i, %vj in 6 = %j) {
        %a = loop.read %A[%vj, %vi] : memref<6x9xf32>
        loop.write %a, %D[%vi, %vj] : memref<9x6xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @turned(
// CHECK-NEXT:    loop.for %i : 9 {
// CHECK-NEXT:      %A_local = loop.alloc "arg0_local" {layout = array<i64: 1, 0>} : memref<6x9xf32, "local">
// CHECK-NEXT:      loop.for %c0 : 6 {
// CHECK-NEXT:        loop.for %c1 : 1 {
// CHECK-NEXT:          loop.block "arg0_local_read" spatial(%v0 in 6 = %c0, %v1 in 9 = %i + %c1) {
// CHECK-NEXT:            %0 = loop.read %A[%v0, %v1] : memref<6x9xf32>
// CHECK-NEXT:            loop.write %0, %A_local[%v0, %v1] : memref<6x9xf32, "local">
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:      loop.for %j : 6 {
// CHECK-NEXT:        loop.block "map0" spatial(%vi in 9 = %i, %vj in 6 = %j) {
// CHECK-NEXT:          %a = loop.read %A_local[%vj, %vi] : memref<6x9xf32, "local">
// CHECK-NEXT:          loop.write %a, %D[%vi, %vj] : memref<9x6xf32>
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %b : (!op) -> (!op, !op)
    %A = sched.get_reads %b : (!op) -> !value
    %r = sched.cache_read %b, %A at %i along %j : (!op, !value, !op, !op) -> !op
    transform.yield
  }
}

// -----

// Without a target, scopes are what a plugin says.

!op = !transform.any_op
!value = !transform.any_value

module attributes {transform.with_named_sequence} {
  func.func @copy(%B: memref<24x40xf32>, %D: memref<24x40xf32> {loop.output}) {
    loop.for %k : 24 {
      loop.for %l : 40 {
        loop.block "map0" spatial(%vk in 24 = %k, %vl in 40 = %l) {
          %a = loop.read %B[%vk, %vl] : memref<24x40xf32>
          loop.write %a, %D[%vk, %vl] : memref<24x40xf32>
        }
      }
    }
    func.return
  }
// CHECK: loop.alloc "arg0_scratchpad" : memref<24x40xf32, "scratchpad">
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %k, %l = sched.get_loops %c : (!op) -> (!op, !op)
    %B = sched.get_reads %c : (!op) -> (!value)
    %x = sched.cache_read %c, %B at %k {memory_space = "scratchpad"} : (!op, !value, !op) -> !op
    transform.yield
  }
}
