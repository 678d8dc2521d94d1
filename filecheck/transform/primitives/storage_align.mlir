// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p transform-interpreter,loop-expand --split-input-file | filecheck %s --check-prefix EXPAND

// Rows are 72 elements apart, and addresses change.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @transpose(%A: memref<64x64xf32>, %C: memref<64x64xf32> {loop.output}) {
  %B = loop.alloc "B" : memref<64x64xf32>
  loop.for %i : 64 {
    loop.for %j : 64 {
      loop.block "map0" spatial(%vi in 64 = %i, %vj in 64 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<64x64xf32>
        loop.write %a, %B[%vi, %vj] : memref<64x64xf32>
      }
    }
  }
  loop.for %k : 64 {
    loop.for %l : 64 {
      loop.block "map1" spatial(%vk in 64 = %k, %vl in 64 = %l) {
        %b = loop.read %B[%vl, %vk] : memref<64x64xf32>
        loop.write %b, %C[%vk, %vl] : memref<64x64xf32>
      }
    }
  }
  func.return
}

// CHECK: %B = loop.alloc "B" {align = array<i64: 0, 32, 8>} : memref<64x64xf32>
// CHECK: loop.write %a, %B[%vi, %vj] : memref<64x64xf32>
// EXPAND: memref<64x72xf32>
// EXPAND: affine.store %{{.*}}, %{{.*}}[%i, %j] : memref<64x72xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.storage_align %B dimension = 0 factor = 32 offset = 8 : !value
    transform.yield
  }
}

// -----

// Dimensions of a tiled layout; sizes are params, and later alignments go beside earlier ones.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @transpose(%A: memref<64x64xf32>, %C: memref<64x64xf32> {loop.output}) {
  %B = loop.alloc "B" : memref<64x64xf32>
  loop.for %i : 64 {
    loop.for %j : 64 {
      loop.block "map0" spatial(%vi in 64 = %i, %vj in 64 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<64x64xf32>
        loop.write %a, %B[%vi, %vj] : memref<64x64xf32>
      }
    }
  }
  loop.for %k : 64 {
    loop.for %l : 64 {
      loop.block "map1" spatial(%vk in 64 = %k, %vl in 64 = %l) {
        %b = loop.read %B[%vl, %vk] : memref<64x64xf32>
        loop.write %b, %C[%vk, %vl] : memref<64x64xf32>
      }
    }
  }
  func.return
}

// CHECK: %B = loop.alloc "B" {layout = affine_map<(d0, d1) -> ((d0 floordiv 16), d1, (d0 mod 16))>, align = array<i64: 0, 1024, 32, 1, 32, 0>} : memref<64x64xf32>
// EXPAND: memref<4x65x32xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.transform_layout %B inner_dims_pos = [0] inner_tiles = [16] : !value
    %f = transform.param.constant 32 : i64 -> !param
    sched.storage_align %B dimension = 1 factor = %f : !value, !param
    sched.storage_align %B dimension = 0 factor = 1024 offset = %f : !value, !param
    transform.yield
  }
}
