// RUN: stepwell-opt %s -p transform-interpreter | filecheck %s

func.func @f() {
  func.return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    %t = transform.tune.knob<"t"> = 8 from options = [4, 8] -> !transform.any_param
    transform.annotate %f "knob" = %t : !transform.any_op, !transform.any_param
    %which = transform.param.constant 0 : i64 -> !transform.param<i64>
    transform.tune.alternatives<"fixed"> selected_region = 1 {
      transform.annotate %f "wrong" : !transform.any_op
    }, {
      transform.annotate %f "second" : !transform.any_op
    }
    %v = transform.tune.alternatives<"by_param"> selected_region = %which : !transform.param<i64> -> !transform.any_param {
      transform.yield %t : !transform.any_param
    }, {
      %u = transform.param.constant 5 : i64 -> !transform.any_param
      transform.yield %u : !transform.any_param
    }
    transform.annotate %f "value" = %v : !transform.any_op, !transform.any_param
    transform.yield
  }
}
// CHECK: func.func @f() attributes {knob = 8 : i64, second, value = 8 : i64} {
