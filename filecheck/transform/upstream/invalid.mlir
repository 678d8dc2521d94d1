// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = transform.foreach_match in %r @s -> @s : (!transform.any_op) -> !transform.any_op
}
// CHECK: argument #0 is consumed in the body but is not marked as such

// -----

"transform.named_sequence"() <{sym_name = "s", function_type = () -> ()}> ({
^bb0(%a: !transform.any_op):
  "transform.yield"() : () -> ()
}) : () -> ()
// CHECK: expected arguments of the types of the inputs of the named sequence

// -----

"transform.named_sequence"() <{sym_name = "s", function_type = () -> ()}> ({
  "loop.yield"() : () -> ()
}) : () -> ()
// CHECK: expected a single block that ends with transform.yield

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) -> !transform.any_op {
  transform.yield
}
// CHECK: expected to yield values of the types of the results of transform.named_sequence (!transform.any_op), got ()

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = transform.foreach %r : !transform.any_op -> !transform.any_op {
  ^bb0(%e: !transform.any_op):
    transform.yield
  }
}
// CHECK: expected to yield values of the types of the results of transform.foreach (!transform.any_op), got ()

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  transform.foreach %r, %r : !transform.any_op, !transform.any_op {
  ^bb0(%e: !transform.any_op):
  }
}
// CHECK: expected 2 arguments of the body, got 1

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  transform.sequence %r : !transform.any_op failures(propagate) {
  ^bb0(%e: !transform.any_op, %f: !transform.any_op):
  }
}
// CHECK: expected 1 arguments of the body, got 2

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  transform.sequence %r : !transform.any_op failures(ignore) {
  ^bb0(%e: !transform.any_op):
  }
}
// CHECK: expected propagate or suppress, got ignore

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.consumed}) {
  %x = transform.foreach_match in %r @m -> @a, @m -> @b : (!transform.any_op) -> !transform.any_op
}
// CHECK: expected each matcher once; only its first match would apply

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.consumed}) {
  %x = "transform.foreach_match"(%r) <{matchers = [@m], actions = [@a, @b]}> : (!transform.any_op) -> !transform.any_op
}
// CHECK: expected as many matchers as actions, at least one, got 1 and 2

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.consumed}) {
  transform.alternatives %r, %r : !transform.any_op, !transform.any_op {
  ^bb0(%e: !transform.any_op):
  }
}
// CHECK: expected at most one scope, got 2

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.consumed}) {
  transform.alternatives %r : !transform.any_op {
  }
}
// CHECK: expected one argument of an alternative, got 0

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.consumed}) {
  "transform.alternatives"(%r) : (!transform.any_op) -> ()
}
// CHECK: expected at least one alternative

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = "transform.merge_handles"() : () -> !transform.any_op
}
// CHECK: expected at least one handle

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = "transform.merge_handles"(%r) : (!transform.any_op) -> !transform.any_value
}
// CHECK: expected operands and result of the same type

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x:2 = transform.split_handle %r {overflow_result = 2} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
}
// CHECK: expected overflow_result below 2, got 2

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = "transform.replicate"(%r, %r) : (!transform.any_op, !transform.any_op) -> !transform.any_value
}
// CHECK: expected results of the types of the replicated handles

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = "transform.get_result"(%r) <{raw_position_list = array<i64>, is_all, is_inverted}> : (!transform.any_op) -> !transform.any_value
}
// CHECK: expected `all` or `except`, got both

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = transform.param.constant 1 : i64 -> !transform.any_param
  transform.match.param.cmpi above %x, %x : !transform.any_param
}
// CHECK: expected a predicate (eq, ne, lt, le, gt, ge), got above

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = transform.param.constant 1 : i64 -> !transform.any_param
  "transform.match.param.cmpi"(%x, %x) <{predicate = 6 : i32}> : (!transform.any_param, !transform.any_param) -> ()
}
// CHECK: expected a predicate below 6, got 6

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = transform.param.constant 1 : i64 -> !transform.any_param
  %y = transform.param.constant 1 : i64 -> !transform.param<i64>
  "transform.match.param.cmpi"(%x, %y) <{predicate = 0 : i32}> : (!transform.any_param, !transform.param<i64>) -> ()
}
// CHECK: expected params of the same type, got !transform.any_param and !transform.param<i64>

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = "transform.structured.match"(%r) <{interface = 9 : i32}> : (!transform.any_op) -> !transform.any_op
}
// CHECK: expected an interface below 3, got 9

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = transform.tune.knob<"t"> = 5 from options = [4, 8] -> !transform.any_param
}
// CHECK: provided `selected` attribute is not an element of `options` array of attributes: expected one of [4 : i64, 8 : i64], got 5 : i64

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  transform.tune.alternatives<"a"> selected_region = 1 {
  }
}
// CHECK: expected a selected region below 1, got 1

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  transform.tune.alternatives<"a"> {
  ^bb0(%x: !transform.any_op):
  }
}
// CHECK: expected alternatives without arguments, got 1

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x = transform.tune.alternatives<"a"> -> !transform.any_op {
  }
}
// CHECK: expected alternatives to yield values of the types of the results

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %p = transform.param.constant 1 : i64 -> !transform.any_param
  "transform.tune.alternatives"(%p) <{name = "a", selected_region_attr = 0 : index}> ({
    transform.yield
  }) : (!transform.any_param) -> ()
}
// CHECK: expected the selected region as an attribute or as a param, got both

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  transform.apply_patterns to %r {
    transform.print
  } : !transform.any_op
}
// CHECK: expected operations that stand for patterns, got transform.print

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.consumed}) {
  %x = "transform.apply_registered_pass"(%r) <{pass_name = "cse", options = {"a" = #transform.param_operand<index = 0 : i64>}}> : (!transform.any_op) -> !transform.any_op
}
// CHECK: expected each of the 0 params in the options once, got [0]

// -----

transform.named_sequence @s(%r: !transform.any_op {transform.readonly}) {
  %x:2 = transform.foreach %r : !transform.any_op, !transform.any_op -> !transform.any_op, !transform.any_op {
  ^bb0(%e: !transform.any_op):
  }
}
// CHECK: expected 1 operand types, got 2

// -----

transform.named_sequence private @s(!transform.any_op)
// CHECK: argument #0 of a declaration is neither transform.consumed nor transform.readonly

// -----

transform.named_sequence @s(!transform.any_op) {
}
// CHECK: expected names of the arguments of a sequence with a body
