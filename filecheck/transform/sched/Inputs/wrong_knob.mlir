module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %t = transform.tune.knob<"t"> = 5 from options = [2, 4] -> !transform.any_param
    transform.yield
  }
}
