// RUN: stepwell-opt %s -p transform-interpreter | filecheck %s

func.func @f(%x: i32) -> i32 {
  %a = arith.constant 1 : i32
  %b = arith.addi %a, %x : i32
  %c = arith.muli %b, %b : i32
  func.return %c : i32
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %add = transform.structured.match ops{["arith.addi"]} in %root : (!transform.any_op) -> !transform.any_op
    %mul = transform.structured.match ops{["arith.muli"]} in %root : (!transform.any_op) -> !transform.any_op
    %producer = transform.get_producer_of_operand %add[0] : (!transform.any_op) -> !transform.any_op
    transform.annotate %producer "producer" : !transform.any_op
    %consumers = transform.get_consumers_of_result %add[0] : (!transform.any_op) -> !transform.any_op
    %two = transform.num_associations %consumers : (!transform.any_op) -> !transform.param<i64>
    transform.annotate %add "uses" = %two : !transform.any_op, !transform.param<i64>
    %once = transform.merge_handles deduplicate %consumers, %mul : !transform.any_op
    %typed = transform.cast %once : !transform.any_op to !transform.op<"arith.muli">
    %all = transform.merge_handles %add, %mul, %producer : !transform.any_op
    %first, %others = transform.split_handle %all {overflow_result = 1} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %selected = transform.select "arith.constant" in %others : (!transform.any_op) -> !transform.any_op
    transform.annotate %selected "selected" : !transform.any_op
    %v = transform.get_operand %mul[except(1)] : (!transform.any_op) -> !transform.any_value
    %def = transform.get_defining_op %v : (!transform.any_value) -> !transform.any_op
    transform.annotate %def "defines" : !transform.any_op
    %r = transform.get_result %mul[all] : (!transform.any_op) -> !transform.any_value
    %t = transform.get_type %r : (!transform.any_value) -> !transform.type
    transform.annotate %mul "type" = %t : !transform.any_op, !transform.type
    %twice = transform.replicate num(%consumers) %two : !transform.any_op, !transform.param<i64>
    transform.annotate %mul "twice" = %twice : !transform.any_op, !transform.param<i64>
    %func = transform.get_parent_op %mul {isolated_from_above} : (!transform.any_op) -> !transform.any_op
    %module = transform.get_parent_op %mul {nth_parent = 2} : (!transform.any_op) -> !transform.any_op
    transform.annotate %func "function" : !transform.any_op
    transform.annotate %module "module" : !transform.any_op
    transform.yield
  }
}
// CHECK:      builtin.module attributes {module} {
// CHECK-NEXT:   func.func @f(%x: i32) -> i32 attributes {function} {
// CHECK-NEXT:     %a = arith.constant {producer, selected} 1 : i32
// CHECK-NEXT:     %b = arith.addi %a, %x {uses = 2 : i64, defines} : i32
// CHECK-NEXT:     %c = arith.muli %b, %b {type = i32, twice = [2 : i64, 2 : i64]} : i32
