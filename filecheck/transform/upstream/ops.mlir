// RUN: stepwell-opt %s --split-input-file | stepwell-opt --split-input-file | filecheck %s
// RUN: stepwell-opt %s --print-op-generic --split-input-file | stepwell-opt --split-input-file | filecheck %s

// Every operation of upstream's that we have, as `mlir-opt` prints it.

module attributes {transform.with_named_sequence} {
  transform.named_sequence @match(%arg0: !transform.any_op {transform.readonly}) -> !transform.any_op {
    // CHECK: transform.match.operation_name %{{.*}} ["scf.for", "func.func"] : !transform.any_op
    transform.match.operation_name %arg0 ["scf.for", "func.func"] : !transform.any_op
    // CHECK: transform.param.constant 3 : i64 -> !transform.param<i64>
    %0 = transform.param.constant 3 : i64 -> !transform.param<i64>
    // CHECK: transform.param.constant 4 : i64 -> !transform.param<i64>
    %1 = transform.param.constant 4 : i64 -> !transform.param<i64>
    // CHECK: transform.match.param.cmpi le %{{.*}}, %{{.*}} : !transform.param<i64>
    transform.match.param.cmpi le %0, %1 : !transform.param<i64>
    transform.yield %arg0 : !transform.any_op
  }
  transform.named_sequence @m2(%arg0: !transform.any_op {transform.readonly}) {
    // CHECK: transform.match.operation_empty %{{.*}} : !transform.any_op
    transform.match.operation_empty %arg0 : !transform.any_op
    transform.yield
  }
  transform.named_sequence @m3(%arg0: !transform.any_op {transform.readonly}) {
    transform.yield
  }
  transform.named_sequence private @act(%arg0: !transform.any_op {transform.readonly}) -> !transform.any_op {
    transform.yield %arg0 : !transform.any_op
  }
  transform.named_sequence @act2() {
    transform.yield
  }
  transform.named_sequence @__transform_main(%arg0: !transform.any_op {transform.consumed}) {
    %updated_root, %yielded = transform.foreach_match restrict_root flatten_results in %arg0 @match -> @act : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    // CHECK: transform.foreach_match in %{{.*}} @m2 -> @act2, @m3 -> @act2 : (!transform.any_op) -> !transform.any_op
    %updated_root_0 = transform.foreach_match in %arg0 @m2 -> @act2, @m3 -> @act2 : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.collect_matching @match in %{{.*}} : (!transform.any_op) -> !transform.any_op
    %0 = transform.collect_matching @match in %arg0 : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.tune.knob<"t"> = 8 : i64 from options = [4 : i64, 8 : i64] -> !transform.any_param
    %1 = transform.tune.knob<"t"> = 8 : i64 from options = [4, 8] -> !transform.any_param
    // CHECK: transform.tune.knob<"t2"> options = [4 : i64, 8 : i64] -> !transform.any_param
    %2 = transform.tune.knob<"t2"> options = [4, 8] -> !transform.any_param
    // CHECK: transform.tune.knob<"t3"> = 8 : i32 from options = "foo" {a = 1 : i64} -> !transform.param<i32>
    %3 = transform.tune.knob<"t3"> = 8 : i32 from options = "foo" {a = 1 : i64} -> !transform.param<i32>
    // CHECK: transform.tune.alternatives<"kind"> selected_region = 1 -> !transform.any_op {
    %4 = transform.tune.alternatives<"kind"> selected_region = 1 -> !transform.any_op {
      transform.yield %0 : !transform.any_op
    }, {
      transform.yield %0 : !transform.any_op
    }
    // CHECK: transform.tune.alternatives<"kind2"> -> !transform.any_op {
    %5 = transform.tune.alternatives<"kind2"> -> !transform.any_op {
      transform.yield %0 : !transform.any_op
    }, {
      transform.yield %0 : !transform.any_op
    }
    // CHECK: transform.param.constant 0 : i64 -> !transform.param<i64>
    %6 = transform.param.constant 0 : i64 -> !transform.param<i64>
    // CHECK: transform.tune.alternatives<"kind3"> selected_region = %{{.*}} : !transform.param<i64> -> !transform.any_op {
    %7 = transform.tune.alternatives<"kind3"> selected_region = %6 : !transform.param<i64> -> !transform.any_op {
      transform.yield %0 : !transform.any_op
    }, {
      transform.yield %0 : !transform.any_op
    }
    // CHECK: transform.tune.alternatives<"kind4"> {
    transform.tune.alternatives<"kind4"> {
    }
    // CHECK: transform.include @act failures(propagate) (%{{.*}}) : (!transform.any_op) -> !transform.any_op
    %8 = transform.include @act failures(propagate) (%4) : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.include @act2 failures(suppress) () : () -> ()
    transform.include @act2 failures(suppress) () : () -> ()
    // CHECK: transform.foreach %{{.*}} : !transform.any_op {
    transform.foreach %8 : !transform.any_op {
    ^bb0(%arg1: !transform.any_op):
    }
    // CHECK: transform.foreach %{{.*}}, %{{.*}} with_zip_shortest : !transform.any_op, !transform.any_op -> !transform.any_op {
    %9 = transform.foreach %8, %4 with_zip_shortest : !transform.any_op, !transform.any_op -> !transform.any_op {
    ^bb0(%arg1: !transform.any_op, %arg2: !transform.any_op):
      transform.yield %arg1 : !transform.any_op
    }
    // CHECK: transform.merge_handles %{{.*}}, %{{.*}} : !transform.any_op
    %10 = transform.merge_handles %9, %4 : !transform.any_op
    // CHECK: transform.merge_handles deduplicate %{{.*}}, %{{.*}} : !transform.any_op
    %11 = transform.merge_handles deduplicate %9, %4 : !transform.any_op
    // CHECK: transform.split_handle %{{.*}} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %12:2 = transform.split_handle %10 : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    // CHECK: transform.split_handle %{{.*}} {fail_on_payload_too_small = false, overflow_result = 1 : i64} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %13:2 = transform.split_handle %10 {fail_on_payload_too_small = false, overflow_result = 1 : i64} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    // CHECK: transform.select "scf.for" in %{{.*}} : (!transform.any_op) -> !transform.any_op
    %14 = transform.select "scf.for" in %10 : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.get_parent_op %{{.*}} {allow_empty_results, deduplicate, isolated_from_above, nth_parent = 2 : i64, op_name = "func.func"} : (!transform.any_op) -> !transform.any_op
    %15 = transform.get_parent_op %10 {allow_empty_results, deduplicate, isolated_from_above, nth_parent = 2 : i64, op_name = "func.func"} : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.get_parent_op %{{.*}} : (!transform.any_op) -> !transform.any_op
    %16 = transform.get_parent_op %10 : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.cast %{{.*}} : !transform.any_op to !transform.op<"scf.for">
    %17 = transform.cast %10 : !transform.any_op to !transform.op<"scf.for">
    // CHECK: transform.num_associations %{{.*}} : (!transform.any_op) -> !transform.param<i64>
    %18 = transform.num_associations %10 : (!transform.any_op) -> !transform.param<i64>
    // CHECK: transform.get_producer_of_operand %{{.*}}[0] : (!transform.any_op) -> !transform.any_op
    %19 = transform.get_producer_of_operand %10[0] : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.get_consumers_of_result %{{.*}}[0] : (!transform.any_op) -> !transform.any_op
    %20 = transform.get_consumers_of_result %10[0] : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.get_result %{{.*}}[0] : (!transform.any_op) -> !transform.any_value
    %21 = transform.get_result %10[0] : (!transform.any_op) -> !transform.any_value
    // CHECK: transform.get_result %{{.*}}[all] : (!transform.any_op) -> !transform.any_value
    %22 = transform.get_result %10[all] : (!transform.any_op) -> !transform.any_value
    // CHECK: transform.get_operand %{{.*}}[except(0)] : (!transform.any_op) -> !transform.any_value
    %23 = transform.get_operand %10[except(0)] : (!transform.any_op) -> !transform.any_value
    // CHECK: transform.get_type elemental %{{.*}} : (!transform.any_value) -> !transform.type
    %24 = transform.get_type elemental %21 : (!transform.any_value) -> !transform.type
    // CHECK: transform.get_defining_op %{{.*}} : (!transform.any_value) -> !transform.any_op
    %25 = transform.get_defining_op %21 : (!transform.any_value) -> !transform.any_op
    // CHECK: transform.replicate num(%{{.*}}) %{{.*}} : !transform.any_op, !transform.param<i64>
    %26 = transform.replicate num(%arg0) %18 : !transform.any_op, !transform.param<i64>
    // CHECK: transform.annotate %{{.*}} "foo" : !transform.any_op
    transform.annotate %10 "foo" : !transform.any_op
    // CHECK: transform.annotate %{{.*}} "bar" = %{{.*}} : !transform.any_op, !transform.param<i64>
    transform.annotate %10 "bar" = %18 : !transform.any_op, !transform.param<i64>
    // CHECK: transform.print %{{.*}} : !transform.any_op
    transform.print %10 : !transform.any_op
    // CHECK: transform.print %{{.*}} {name = "hi", skip_regions} : !transform.any_op
    transform.print %10 {name = "hi", skip_regions} : !transform.any_op
    // CHECK: transform.print  {name = "all"}
    transform.print  {name = "all"}
    // CHECK: transform.verify %{{.*}} : !transform.any_op
    transform.verify %10 : !transform.any_op
    // CHECK: transform.debug.emit_remark_at %{{.*}}, "hello" : !transform.any_op
    transform.debug.emit_remark_at %10, "hello" : !transform.any_op
    // CHECK: transform.debug.emit_param_as_remark %{{.*}}, "par" at %{{.*}} : !transform.param<i64>, !transform.any_op
    transform.debug.emit_param_as_remark %18, "par" at %10 : !transform.param<i64>, !transform.any_op
    // CHECK: transform.apply_cse to %{{.*}} : !transform.any_op
    transform.apply_cse to %10 : !transform.any_op
    // CHECK: transform.apply_dce to %{{.*}} : !transform.any_op
    transform.apply_dce to %10 : !transform.any_op
    // CHECK: transform.apply_patterns to %{{.*}} {
    transform.apply_patterns to %10 {
      // CHECK: transform.apply_patterns.canonicalization
      transform.apply_patterns.canonicalization
    } : !transform.any_op
    // CHECK: transform.apply_patterns to %{{.*}} {
    transform.apply_patterns to %10 {
    } {apply_cse, max_iterations = 3 : i64} : !transform.any_op
    // CHECK: transform.structured.match ops{["scf.for"]} attributes {a} in %{{.*}} : (!transform.any_op) -> !transform.any_op
    %27 = transform.structured.match ops{["scf.for"]} attributes {a} in %arg0 : (!transform.any_op) -> !transform.any_op
    // CHECK: transform.apply_registered_pass "canonicalize" with options = {"max-iterations" = %{{.*}}, "top-down" = true} to %{{.*}} : (!transform.any_op, !transform.param<i64>) -> !transform.any_op
    %28 = transform.apply_registered_pass "canonicalize" with options = {"max-iterations" = %18, "top-down" = true} to %27 : (!transform.any_op, !transform.param<i64>) -> !transform.any_op
    // CHECK: transform.alternatives %{{.*}} : !transform.any_op -> !transform.any_op {
    %29 = transform.alternatives %arg0 : !transform.any_op -> !transform.any_op {
    ^bb0(%arg1: !transform.any_op):
      transform.yield %arg1 : !transform.any_op
    }, {
    ^bb0(%arg1: !transform.any_op):
      transform.yield %arg1 : !transform.any_op
    }
    transform.yield
  }
}
// -----

module {
  // CHECK: transform.sequence  failures(propagate) {
  transform.sequence  failures(propagate) {
  ^bb0(%arg0: !transform.any_op):
    // CHECK: sequence %{{.*}} : !transform.any_op failures(suppress) {
    sequence %arg0 : !transform.any_op failures(suppress) {
    ^bb0(%arg1: !transform.any_op):
    }
  }
}

// -----

module attributes {transform.with_named_sequence} {
  // CHECK: transform.named_sequence private @declared(!transform.any_op {transform.readonly}, !transform.any_param {transform.readonly}) -> !transform.any_op
  transform.named_sequence private @declared(!transform.any_op {transform.readonly}, !transform.any_param {transform.readonly}) -> !transform.any_op
  // CHECK: transform.named_sequence private @named(!transform.any_op {transform.consumed})
  transform.named_sequence private @named(%op: !transform.any_op {transform.consumed})
  // CHECK: transform.named_sequence @pair(%op: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) attributes {note} {
  transform.named_sequence @pair(%op: !transform.any_op {transform.readonly}) -> (!transform.any_op, !transform.any_op) attributes {note} {
    transform.yield %op, %op : !transform.any_op, !transform.any_op
  }
}
