// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// What schedules of products ask: which numbers are multiplied, and what the target has.

!op = !transform.any_op
!param = !transform.any_param

module attributes {cpu.target = #cpu.target<triple = "x86_64", features = "+avx512vnni,-avxvnni">} {
  func.func @product(%A: memref<4x8xi8>, %B: memref<8x4xi8>, %C: memref<4x4xi32> {loop.output}) {
    loop.for %i : 4 {
      loop.for %j : 4 {
        loop.for %k : 8 {
          loop.block "reduce0" spatial(%vi in 4 = %i, %vj in 4 = %j) reduce(%vk in 8 = %k) {
            loop.init {
              %z = arith.constant 0 : i32
              loop.write %z, %C[%vi, %vj] : memref<4x4xi32>
            }
            %a = loop.read %A[%vi, %vk] : memref<4x8xi8>
            %wide_a = arith.extui %a : i8 to i32
            %b = loop.read %B[%vk, %vj] : memref<8x4xi8>
            %wide_b = arith.extsi %b : i8 to i32
            %p = arith.muli %wide_a, %wide_b : i32
            loop.reduce (%p) into (%C)[%vi, %vj] : memref<4x4xi32> combine(%acc: i32, %x: i32) identity [0 : i32] flags [associative, commutative] {
              %s = arith.addi %acc, %x : i32
              loop.yield %s : i32
            }
          }
        }
      }
    }
    func.return
  }

// CHECK: expected sums of products of bf16, bf16, got i8, i8 in 'reduce0'

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    sched.match.factors %c [i8, i8] : !op
    %yes = sched.target_query "feature.avx512vnni" : !param
    sched.constrain %yes eq 1 : !param
    %no = sched.target_query "feature.avxvnni" : !param
    sched.constrain %no eq 0 : !param
    %unknown = sched.target_query "feature.sve" : !param
    sched.constrain %unknown eq 0 : !param
    sched.match.factors %c [bf16, bf16] : !op
    transform.yield
  }
}
}
