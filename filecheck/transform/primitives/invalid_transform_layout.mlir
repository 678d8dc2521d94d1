// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Callers say how inputs lie.

!op = !transform.any_op
!value = !transform.any_value

func.func @k(%A: memref<40x9xf32>, %B: memref<40x9xf32> {loop.output}) {
  loop.for %i : 40 {
    loop.for %j : 9 {
      loop.block "map0" spatial(%vi in 40 = %i, %vj in 9 = %j) {
        %w = loop.read %A[%vi, %vj] : memref<40x9xf32>
        loop.write %w, %B[%vi, %vj] : memref<40x9xf32>
      }
    }
  }
  func.return
}
// CHECK: expected a constant ('loop.constant') or a buffer of the kernel's own to pack, got argument 'arg0', which lies as its callers say: copy it with sched.cache_read or sched.cache_write, and pack the copy
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %A = sched.get_reads %c : (!op) -> !value
    sched.transform_layout %A affine_map<(o, c) -> (c, o)> : !value
    transform.yield
  }
}

// -----

// Elements stay apart.

!op = !transform.any_op
!value = !transform.any_value

func.func @k(%A: memref<40x9xf32> {loop.constant}, %B: memref<40x9xf32> {loop.output}) {
  loop.for %i : 40 {
    loop.for %j : 9 {
      loop.block "map0" spatial(%vi in 40 = %i, %vj in 9 = %j) {
        %w = loop.read %A[%vi, %vj] : memref<40x9xf32>
        loop.write %w, %B[%vi, %vj] : memref<40x9xf32>
      }
    }
  }
  func.return
}
// CHECK: 'arg0': expected a layout that keeps the elements of dimension 0 apart, got (d0, d1) -> ((d0 floordiv 16), d1, (d0 mod 8))
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %A = sched.get_reads %c : (!op) -> !value
    sched.transform_layout %A affine_map<(o, c) -> (o floordiv 16, c, o mod 8)> : !value
    transform.yield
  }
}

// -----

// Sums stay apart, too.

!op = !transform.any_op
!value = !transform.any_value

func.func @k(%A: memref<40x9xf32> {loop.constant}, %B: memref<40x9xf32> {loop.output}) {
  loop.for %i : 40 {
    loop.for %j : 9 {
      loop.block "map0" spatial(%vi in 40 = %i, %vj in 9 = %j) {
        %w = loop.read %A[%vi, %vj] : memref<40x9xf32>
        loop.write %w, %B[%vi, %vj] : memref<40x9xf32>
      }
    }
  }
  func.return
}
// CHECK: 'arg0': expected result 0 of the layout to tell what it is made of apart, got ((d0 * 8) + d1)
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %A = sched.get_reads %c : (!op) -> !value
    sched.transform_layout %A affine_map<(o, c) -> (o * 8 + c)> : !value
    transform.yield
  }
}

// -----

// Another rank.

!op = !transform.any_op
!value = !transform.any_value

func.func @k(%A: memref<40x9xf32> {loop.constant}, %B: memref<40x9xf32> {loop.output}) {
  loop.for %i : 40 {
    loop.for %j : 9 {
      loop.block "map0" spatial(%vi in 40 = %i, %vj in 9 = %j) {
        %w = loop.read %A[%vi, %vj] : memref<40x9xf32>
        loop.write %w, %B[%vi, %vj] : memref<40x9xf32>
      }
    }
  }
  func.return
}
// CHECK: expected dimensions of a buffer with 2, got [2]
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %A = sched.get_reads %c : (!op) -> !value
    sched.transform_layout %A inner_dims_pos = [2] inner_tiles = [4] : !value
    transform.yield
  }
}

// -----

// Data says where a dimension is read, and what happens beyond it.

!op = !transform.any_op
!value = !transform.any_value

func.func @k(%A: memref<40x9xf32> {loop.constant}, %I: memref<6xi32>, %B: memref<6x9xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 9 {
      loop.block "map0" spatial(%vi in 6 = %i, %vj in 9 = %j) {
        %n = loop.read %I[%vi] : memref<6xi32>
        %x = arith.index_cast %n : i32 to index
        %w = loop.read %A[%x, %vj] : memref<40x9xf32>
        loop.write %w, %B[%vi, %vj] : memref<6x9xf32>
      }
    }
  }
  func.return
}
// CHECK: expected affine indices in dimension 0 of 'arg0', which the layout takes apart, got data in block 'map0'
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %I, %A = sched.get_reads %c : (!op) -> (!value, !value)
    sched.transform_layout %A inner_dims_pos = [0] inner_tiles = [8] : !value
    transform.yield
  }
}
