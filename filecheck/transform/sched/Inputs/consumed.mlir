!op = !transform.any_op
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %t = transform.tune.knob<"t"> = 4 from options = [2, 4] -> !transform.any_param
    transform.loop.unroll %root {factor = 2} : !op
    transform.yield
  }
}
