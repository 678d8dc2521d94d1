// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Handles to values stay handles to values.

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
// CHECK: expected a result of the kind of the handle, !transform.any_value, got !transform.any_op
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> (!value)
    %D = sched.get_writes %c : (!op) -> (!value)
    %Bs = transform.merge_handles %B, %D : !value
    %x = transform.cast %B : !value to !op
    transform.yield
  }
}

// -----

// So do those that are split.

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
// CHECK: expected a result of the kind of the handle, !transform.any_value, got !transform.any_op
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %B = sched.get_reads %c : (!op) -> (!value)
    %D = sched.get_writes %c : (!op) -> (!value)
    %Bs = transform.merge_handles %B, %D : !value
    %x, %y = transform.split_handle %Bs : (!value) -> (!op, !op)
    transform.yield
  }
}
