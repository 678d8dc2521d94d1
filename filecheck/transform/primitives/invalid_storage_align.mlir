// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Arguments lie as their callers say.

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

// CHECK: expected a buffer of the kernel's own, got argument 'arg1'
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    %C = sched.get_writes %c : (!op) -> !value
    sched.storage_align %C dimension = 0 factor = 32 offset = 8 : !value
    transform.yield
  }
}

// -----

// The innermost dimension has neighbours.

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

// CHECK: expected a dimension of 'B' with others inside of it, got 1
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.storage_align %B dimension = 1 factor = 32 : !value
    transform.yield
  }
}

// -----

// There are two dimensions.

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

// CHECK: expected a dimension below 2 of 'B', got 2
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.storage_align %B dimension = 2 factor = 32 : !value
    transform.yield
  }
}

// -----

// An offset is a remainder.

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

// CHECK: expected a factor in 1..65536 and a smaller offset, got 8 and 8
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.storage_align %B dimension = 0 factor = 8 offset = 8 : !value
    transform.yield
  }
}

// -----

// No even stride is odd.

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

// CHECK: expected strides of 'B' that are 1 more than a multiple of 4 in dimension 0, which no padding of [64, 32, 2] gives
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> !value
    sched.transform_layout %B affine_map<(i, j) -> (i, j floordiv 2, j mod 2)> : !value
    sched.storage_align %B dimension = 0 factor = 4 offset = 1 : !value
    transform.yield
  }
}
