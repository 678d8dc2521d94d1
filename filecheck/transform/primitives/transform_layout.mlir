// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A constant of a kernel: its callers pass it packed.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @main(%x: memref<4xf32>, %y: memref<40x9xf32> {loop.output}, %w: memref<40x9xf32> {loop.constant, graph.weight = "w"}) {
  func.call @k(%w, %y) : (memref<40x9xf32>, memref<40x9xf32>) -> ()
  func.return
}
func.func private @k(%W: memref<40x9xf32> {loop.constant}, %B: memref<40x9xf32> {loop.output}) {
  loop.for %i : 40 {
    loop.for %j : 9 {
      loop.block "map0" spatial(%vi in 40 = %i, %vj in 9 = %j) {
        %w = loop.read %W[%vi, %vj] : memref<40x9xf32>
        loop.write %w, %B[%vi, %vj] : memref<40x9xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @main(
// CHECK-NEXT:    %[[P:.*]] = loop.pack %w by affine_map<(d0, d1) -> ((d0 floordiv 16), d1, (d0 mod 16))> : memref<40x9xf32> to memref<3x9x16xf32>
// CHECK-NEXT:    func.call @k(%[[P]], %y) : (memref<3x9x16xf32>, memref<40x9xf32>) -> ()
// CHECK:       func.func private @k(%W: memref<3x9x16xf32> {loop.constant, loop.layout = #loop.layout<[40, 9], affine_map<(d0, d1) -> ((d0 floordiv 16), d1, (d0 mod 16))>>}
// CHECK:         loop.read %W[%vi floordiv 16, %vj, %vi mod 16] : memref<3x9x16xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %W = sched.get_reads %c : (!op) -> !value
    sched.transform_layout %W affine_map<(o, c) -> (o floordiv 16, c, o mod 16)> : !value
    transform.yield
  }
}

// -----

// Layouts come one after another; tiles are params.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%W: memref<40x9xf32> {loop.constant}, %B: memref<40x9xf32> {loop.output}) {
  loop.for %i : 40 {
    loop.for %j : 9 {
      loop.block "map0" spatial(%vi in 40 = %i, %vj in 9 = %j) {
        %w = loop.read %W[%vi, %vj] : memref<40x9xf32>
        loop.write %w, %B[%vi, %vj] : memref<40x9xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(%W: memref<9x20x2xf32> {loop.constant, loop.layout = #loop.layout<[40, 9], affine_map<(d0, d1) -> (d1, (d0 floordiv 2), (d0 mod 2))>>}
// CHECK:         loop.read %W[%vj, %vi floordiv 2, %vi mod 2] : memref<9x20x2xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %W = sched.get_reads %c : (!op) -> !value
    %two = transform.param.constant 2 : i64 -> !param
    sched.transform_layout %W outer_dims_perm = [1, 0] : !value
    sched.transform_layout %W inner_dims_pos = [1] inner_tiles = [%two] : !value, !param
    transform.yield
  }
}

// -----

// A buffer of the kernel's own keeps its indices.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%A: memref<8x6xf32>, %B: memref<8x6xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8x6xf32>
  loop.for %i : 8 {
    loop.for %j : 6 {
      loop.block "map0" spatial(%vi in 8 = %i, %vj in 6 = %j) {
        %w = loop.read %A[%vi, %vj] : memref<8x6xf32>
        loop.write %w, %T[%vi, %vj] : memref<8x6xf32>
      }
    }
  }
  loop.for %k : 8 {
    loop.for %l : 6 {
      loop.block "map1" spatial(%vk in 8 = %k, %vl in 6 = %l) {
        %t = loop.read %T[%vk, %vl] : memref<8x6xf32>
        loop.write %t, %B[%vk, %vl] : memref<8x6xf32>
      }
    }
  }
  func.return
}

// CHECK: %T = loop.alloc "T" {layout = affine_map<(d0, d1) -> ((d0 floordiv 4), (d1 floordiv 3), (d0 mod 4), (d1 mod 3))>} : memref<8x6xf32>
// CHECK: loop.write %w, %T[%vi, %vj] : memref<8x6xf32>
// CHECK: loop.read %T[%vk, %vl] : memref<8x6xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %T = sched.get_reads %c : (!op) -> !value
    sched.transform_layout %T inner_dims_pos = [0, 1] inner_tiles = [4, 3] : !value
    transform.yield
  }
}
