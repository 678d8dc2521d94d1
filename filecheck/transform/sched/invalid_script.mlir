// RUN: stepwell-opt %s --schedule %S/Inputs/wrong_handle.mlir --verify-diagnostics | filecheck %s --check-prefix=HANDLE
// RUN: stepwell-opt %s --schedule %S/Inputs/wrong_param.mlir --verify-diagnostics | filecheck %s --check-prefix=PARAM
// RUN: stepwell-opt %s --schedule %S/Inputs/consumed.mlir --verify-diagnostics | filecheck %s --check-prefix=CONSUMED
// RUN: stepwell-opt %s --schedule %S/Inputs/wrong_knob.mlir --verify-diagnostics | filecheck %s --check-prefix=KNOB

// A script that does not verify says where, and underlines the operation.

func.func @scale(%A: memref<8x64xf32>, %B: memref<8x64xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %j : 64 {
      loop.block "map0" spatial(%vi in 8 = %i, %vj in 64 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x64xf32>
        loop.write %a, %B[%vi, %vj] : memref<8x64xf32>
      }
    }
  }
  func.return
}
// HANDLE:      {{.*}}wrong_handle.mlir:6:10: 'sched.cache_read' op: expected a handle to values such as buffers (!transform.any_value) as operand 'buffer', got !transform.any_op
// HANDLE-NEXT:   %x = sched.cache_read %c, %j at %i : (!op, !op, !op) -> !op
// HANDLE-NEXT:        ^^^^^^^^^^^^^^^^

// PARAM:      {{.*}}wrong_param.mlir:5:5: 'sched.unroll' op: expected a handle to operations (!transform.any_op), got !transform.any_param
// PARAM-NEXT:   sched.unroll %c : !transform.any_param
// PARAM-NEXT:   ^^^^^^^^^^^^

// CONSUMED:      {{.*}}consumed.mlir:3:3: 'transform.named_sequence' op: argument #0 is consumed in the body but is not marked as such: 'transform.loop.unroll' at {{.*}}consumed.mlir:5:5 consumes it; expected {transform.consumed}
// CONSUMED-NEXT:   transform.named_sequence @__transform_main
// CONSUMED-NEXT:   ^^^^^^^^^^^^^^^^^^^^^^^^

// KNOB:      {{.*}}wrong_knob.mlir:3:10: 'transform.tune.knob' op: {{.*}}expected one of [2 : i64, 4 : i64], got 5 : i64
// KNOB-NEXT:   %t = transform.tune.knob<"t">
// KNOB-NEXT:        ^^^^^^^^^^^^^^^^^^^
