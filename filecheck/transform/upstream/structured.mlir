// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Blocks are structured operations: iterators are dimensions, what is read are inputs, what is written inits.

!op = !transform.any_op
!i64 = !transform.param<i64>

func.func @matmul(%A: memref<6x8xf32>, %B: memref<8x16xf32>, %C: memref<6x16xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 16 {
      loop.for %k : 8 {
        loop.block "reduce0" alias "C" spatial(%vi in 6 = %i, %vj in 16 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x16xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x16xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32]
              flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %all = transform.structured.match ops{["loop.block"]} in %root : (!op) -> !op
    %rank, %k, %in, %out = transform.match.structured failures(propagate) %all : (!op) -> (!i64, !i64, !i64, !i64) {
    ^bb0(%s: !op):
      %r = transform.match.structured.rank %s : (!op) -> !i64
      transform.match.structured.dim %s[0, 1] {parallel} : !op
      transform.match.structured.dim %s[-1] {reduction} : !op
      %d = transform.match.structured.dim %s[except(0, 1)] : (!op) -> !i64
      transform.match.structured.body %s {contraction = ["arith.mulf", "arith.addf"]} : !op
      transform.match.structured.body %s {reduction_position = 0} : !op
      %n = transform.match.structured.num_inputs %s : (!op) -> !i64
      %m = transform.match.structured.num_inits %s : (!op) -> !i64
      transform.match.structured.yield %r, %d, %n, %m : !i64, !i64, !i64, !i64
    }
    transform.debug.emit_param_as_remark %rank, "rank" : !i64
    transform.debug.emit_param_as_remark %k, "k" : !i64
    transform.debug.emit_param_as_remark %in, "inputs" : !i64
    transform.debug.emit_param_as_remark %out, "inits" : !i64
    transform.match.structured failures(suppress) %all : !op {
    ^bb0(%s: !op):
      transform.match.structured.body %s {passthrough} : !op
    }
    transform.match.structured %all : !op {
    ^bb0(%s: !op):
      transform.match.structured.body %s {elementwise} : !op
    }
    transform.yield
  }
}
// CHECK: remark: rank 3 : i64
// CHECK: remark: k 8 : i64
// CHECK: remark: inputs 2 : i64
// CHECK: remark: inits 1 : i64
// CHECK: expected a block that computes each element from those at the same place, got block 'reduce0'

// -----

!op = !transform.any_op
func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    transform.match.structured %root : !op {
    ^bb0(%s: !op):
    }
    transform.yield
  }
}
// CHECK: expected a structured operation (loop.block), got builtin.module

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  transform.match.structured %r : !transform.any_op {
  ^bb0(%s: !transform.any_op):
    transform.annotate %s "x" : !transform.any_op
  }
}
// CHECK: expected operations that only look in a matcher, got transform.annotate

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  transform.match.structured.dim %r[all] {parallel, reduction} : !transform.any_op
}
// CHECK: expected 'parallel' or 'reduction', got both
