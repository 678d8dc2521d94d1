"""What we share with upstream is upstream's: `mlir-opt` accepts the same text of every operation, and says of every
operand what we say it is, consumed or read."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from stepwell.backends.registry import make_context, pass_registry
from stepwell.dialects.source import parse_module
from stepwell.errors import ScriptError
from stepwell.passes.pass_manager import PassRunner
from stepwell.transform.dialect import OURS
from stepwell.transform.interfaces import Effect, PatternDescriptor, TransformOpInterface, effect_on
from stepwell.transform.interpreter import apply_script
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.transform import TransformHandleType, TransformParamHandleType, TransformValueHandleType
from xdsl.ir import Operation, SSAValue

MLIR_OPT = shutil.which("mlir-opt-22")
needs_mlir_opt = pytest.mark.skipif(MLIR_OPT is None, reason="mlir-opt-22 is not installed")

# Each stands in a sequence with handles %o and %p to operations, %f to an scf.for, %v to values, params %n and %m.
EXAMPLES = {
    "transform.alternatives": "transform.alternatives %o : !op {\n^bb0(%a: !op):\n}",
    "transform.annotate": 'transform.annotate %o "note" = %n : !op, !param',
    "transform.apply_cse": "transform.apply_cse to %o : !op",
    "transform.apply_dce": "transform.apply_dce to %o : !op",
    "transform.apply_licm": "transform.apply_licm to %o : !op",
    "transform.apply_patterns": "transform.apply_patterns to %o {\n} : !op",
    "transform.apply_patterns.canonicalization": (
        "transform.apply_patterns to %o {\n transform.apply_patterns.canonicalization\n} : !op"
    ),
    "transform.apply_registered_pass": (
        'transform.apply_registered_pass "canonicalize" with options = {"top-down" = true} to %o : (!op) -> !op'
    ),
    "transform.cast": 'transform.cast %o : !op to !transform.op<"scf.for">',
    "transform.collect_matching": "transform.collect_matching @match in %o : (!op) -> !op",
    "transform.debug.emit_param_as_remark": 'transform.debug.emit_param_as_remark %n, "is" at %o : !param, !op',
    "transform.debug.emit_remark_at": 'transform.debug.emit_remark_at %o, "here" : !op',
    "transform.foreach": "transform.foreach %o : !op {\n^bb0(%e: !op):\n}",
    "transform.foreach_match": "transform.foreach_match in %o, %p @match2 -> @act2 : (!op, !op) -> !op",
    "transform.get_consumers_of_result": "transform.get_consumers_of_result %o[0] : (!op) -> !op",
    "transform.get_defining_op": "transform.get_defining_op %v : (!value) -> !op",
    "transform.get_operand": "transform.get_operand %o[0] : (!op) -> !value",
    "transform.get_parent_op": 'transform.get_parent_op %o {op_name = "func.func"} : (!op) -> !op',
    "transform.get_producer_of_operand": "transform.get_producer_of_operand %o[0] : (!op) -> !op",
    "transform.get_result": "transform.get_result %o[all] : (!op) -> !value",
    "transform.get_type": "transform.get_type elemental %v : (!value) -> !transform.type",
    "transform.include": "transform.include @takes failures(propagate) (%o, %p) : (!op, !op) -> ()",
    "transform.loop.coalesce": "transform.loop.coalesce %o : (!op) -> !op",
    "transform.loop.fuse_sibling": "transform.loop.fuse_sibling %o into %p : (!op, !op) -> !op",
    "transform.loop.hoist_loop_invariant_subsets": "transform.loop.hoist_loop_invariant_subsets %o : !op",
    "transform.loop.outline": 'transform.loop.outline %o {func_name = "f"} : (!op) -> (!op, !op)',
    "transform.loop.peel": "transform.loop.peel %f {peel_front = true} : (!for) -> (!op, !op)",
    "transform.loop.pipeline": "transform.loop.pipeline %f {iteration_interval = 2, read_latency = 2} : (!for) -> !op",
    "transform.loop.promote_if_one_iteration": "transform.loop.promote_if_one_iteration %o : !op",
    "transform.loop.unroll": "transform.loop.unroll %o {factor = 4} : !op",
    "transform.loop.unroll_and_jam": "transform.loop.unroll_and_jam %o {factor = 4} : !op",
    "transform.match.operation_empty": "transform.match.operation_empty %o : !op",
    "transform.match.operation_name": 'transform.match.operation_name %o ["scf.for"] : !op',
    "transform.match.param.cmpi": "transform.match.param.cmpi le %n, %m : !param",
    "transform.match.structured": (
        "transform.match.structured failures(suppress) %o : (!op) -> !param {\n^bb0(%s: !op):\n"
        " transform.match.structured.yield %n : !param\n}"
    ),
    "transform.match.structured.body": 'body {contraction = ["arith.mulf", "arith.addf"]} : !op',
    "transform.match.structured.dim": "dim[except(0)] {reduction} : !op",
    "transform.match.structured.num_inits": "num_inits : (!op) -> !param",
    "transform.match.structured.num_inputs": "num_inputs : (!op) -> !param",
    "transform.match.structured.rank": "rank : (!op) -> !param",
    "transform.match.structured.yield": (
        "transform.match.structured %o : !op {\n^bb0(%s: !op):\n transform.match.structured.yield\n}"
    ),
    "transform.merge_handles": "transform.merge_handles deduplicate %o, %p : !op",
    "transform.named_sequence": "",
    "transform.num_associations": "transform.num_associations %o : (!op) -> !param",
    "transform.param.constant": "transform.param.constant 4 : i64 -> !param",
    "transform.print": 'transform.print %o {name = "it"} : !op',
    "transform.replicate": "transform.replicate num(%o) %p, %n : !op, !op, !param",
    "transform.select": 'transform.select "scf.for" in %o : (!op) -> !op',
    "transform.sequence": "transform.sequence %o : !op failures(suppress) {\n^bb0(%a: !op):\n}",
    "transform.split_handle": "transform.split_handle %o {overflow_result = 1} : (!op) -> (!op, !op)",
    "transform.structured.match": 'transform.structured.match ops{["scf.for"]} attributes {mine} in %o : (!op) -> !op',
    "transform.tune.alternatives": 'transform.tune.alternatives<"a"> selected_region = %n : !param {\n}, {\n}',
    "transform.tune.knob": 'transform.tune.knob<"t"> = 8 from options = [4, 8] -> !param',
    "transform.verify": "transform.verify %o : !op",
    "transform.yield": "",
}
"""The text of each operation that we define in upstream's dialect."""

SCRIPT = """
!op = !transform.any_op
!param = !transform.param<i64>
!value = !transform.any_value
!for = !transform.op<"scf.for">
module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @match(%a: !op {{transform.readonly}}) -> !op {{
    transform.yield %a : !op
  }}
  transform.named_sequence @match2(%a: !op {{transform.readonly}}, %b: !op {{transform.readonly}}) {{
    transform.yield
  }}
  transform.named_sequence @act2() {{
    transform.yield
  }}
  transform.named_sequence private @takes(%a: !op {{transform.consumed}}, %b: !op {{transform.readonly}})
  transform.named_sequence @main(
      %o: !op {{transform.consumed}}, %p: !op {{transform.consumed}}, %f: !for {{transform.consumed}},
      %v: !value {{transform.consumed}}, %n: !param {{transform.readonly}}, %m: !param {{transform.readonly}}) {{
    {}
    transform.yield
  }}
}}
"""
STRUCTURED = "transform.match.structured %o : !op {{\n^bb0(%s: !op):\n {}\n transform.match.structured.yield\n}}"
_SHORT = re.compile(r"(\w+)(\[.*?\])?(.*)")


def line(name: str) -> str:
    """The text of an example, with its results; in a body where it needs one."""
    text = EXAMPLES[name]
    inside = name.startswith("transform.match.structured.") and not text.startswith("transform.")
    if inside:
        short, position, rest = _SHORT.fullmatch(text).groups()  # pyright: ignore[reportOptionalMemberAccess]
        text = f"transform.match.structured.{short} %s{position or ''}{rest}"
    signature = re.sub(r"\{[^{}]*\}$", "", text.split("{\n")[0].strip())
    results = signature.rpartition("->")[2].strip() if "->" in signature and "@match2 ->" not in signature[-40:] else ""
    count = results.count("!")
    if name == "transform.foreach_match":
        count = 1
    given = f"%r:{count} = " if count > 1 else "%r = " if count else ""
    text = text if text.startswith("%r") else given + text
    return STRUCTURED.format(text) if inside else text


def mlir_opt(text: str, *arguments: str) -> tuple[int, str]:
    assert MLIR_OPT is not None
    done = subprocess.run([MLIR_OPT, *arguments, "-"], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_every_operation_has_an_example() -> None:
    assert set(EXAMPLES) == {op.name for op in OURS}


@needs_mlir_opt
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_same_text_is_accepted(name: str) -> None:
    text = SCRIPT.format(line(name))
    module = parse_module(make_context(), text)
    module.verify()
    assert any(op.name == name for op in module.walk())
    # What is written, and what we print.
    for each in (text, str(module)):
        code, errors = mlir_opt(each)
        assert code == 0, errors


def example_op(module: ModuleOp, name: str) -> Operation:
    """The operation of an example."""
    return [op for op in module.walk() if op.name == name][-1]


def spelling(handle: SSAValue) -> str:
    """A use of an argument of the sequence."""
    assert isinstance(handle.type, TransformHandleType)
    if isinstance(handle.type, TransformParamHandleType):
        return f"transform.debug.emit_param_as_remark %{handle.name_hint} : {handle.type}"
    if isinstance(handle.type, TransformValueHandleType):
        return f"%used = transform.get_type %{handle.name_hint} : ({handle.type}) -> !transform.type"
    return f"transform.print %{handle.name_hint} : {handle.type}"


EXECUTED = [
    op.name
    for op in OURS
    if issubclass(op, TransformOpInterface) and not op.name.startswith("transform.match.structured.")
]


@needs_mlir_opt
@pytest.mark.parametrize("name", EXECUTED)
def test_operands_are_consumed_as_upstream_says(name: str) -> None:
    op = example_op(parse_module(make_context(), SCRIPT.format(line(name))), name)
    for index, handle in enumerate(op.operands):
        code, warnings = mlir_opt(SCRIPT.format(f"{line(name)}\n{spelling(handle)}"), "--transform-dialect-check-uses")
        assert code == 0, warnings
        theirs = "operand #0 may be used after free" in warnings
        ours = effect_on(op, index) is Effect.CONSUMES
        assert ours == theirs, f"{name}: operand #{index}: {warnings}"


def test_patterns_are_no_executed_operations() -> None:
    others = {op.name for op in OURS} - {op.name for op in OURS if issubclass(op, TransformOpInterface)}
    patterns = {op.name for op in OURS if issubclass(op, PatternDescriptor)}
    assert others - patterns == {"transform.named_sequence", "transform.yield", "transform.match.structured.yield"}


PAYLOAD = """
func.func @f(%m: memref<16xf32>) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  scf.for %i = %c0 to %c16 step %c1 {{
    %a = memref.load %m[%i] : memref<16xf32>
    memref.store %a, %m[%i] : memref<16xf32>
  }}
  func.return
}}
module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @match(%a: !transform.any_op {{transform.readonly}}) -> !transform.any_op {{
    transform.match.operation_name %a ["memref.load"] : !transform.any_op
    transform.yield %a : !transform.any_op
  }}
  transform.named_sequence @act(%a: !transform.any_op {{transform.readonly}}) {{
    transform.yield
  }}
  transform.named_sequence @takes(%a: !transform.any_op {{transform.consumed}}) {{
    %b = transform.apply_registered_pass "canonicalize" to %a : (!transform.any_op) -> !transform.any_op
    transform.yield
  }}
  transform.named_sequence @__transform_main(%root: !transform.any_op {{transform.consumed}}) {{
    %f = transform.structured.match ops{{["func.func"]}} in %root : (!transform.any_op) -> !transform.any_op
    %l = transform.structured.match ops{{["scf.for"]}} in %f : (!transform.any_op) -> !transform.any_op
    %none = transform.structured.match ops{{["scf.while"]}} in %f : (!transform.any_op) -> !transform.any_op
    {}
    transform.yield
  }}
}}
"""
USES = {"the handle itself": "%f", "one to what is nested": "%l", "one to what is around": "%root"}
RUN = {
    "apply_registered_pass": (
        '%r = transform.apply_registered_pass "canonicalize" to %f : (!transform.any_op) -> !transform.any_op'
    ),
    "foreach_match": "%r = transform.foreach_match in %f @match -> @act : (!transform.any_op) -> !transform.any_op",
    "include": "transform.include @takes failures(propagate) (%f) : (!transform.any_op) -> ()",
    "alternatives": "transform.alternatives %f : !transform.any_op {\n^bb0(%a: !transform.any_op):\n}",
    "foreach": (
        "transform.foreach %f : !transform.any_op {\n^bb0(%a: !transform.any_op):\n"
        ' %b = transform.apply_registered_pass "canonicalize" to %a : (!transform.any_op) -> !transform.any_op\n}'
    ),
    "cse": "transform.apply_cse to %f : !transform.any_op",
    "annotate": 'transform.annotate %f "mine" : !transform.any_op',
    "sequence": "transform.sequence %f : !transform.any_op failures(propagate) {\n^bb0(%a: !transform.any_op):\n}",
}


@needs_mlir_opt
@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("op", RUN)
def test_uses_of_dead_handles_are_found_as_upstream_finds_them(op: str, use: str) -> None:
    text = PAYLOAD.format(
        f"{RUN[op]}\n    %n = transform.num_associations {use} : (!transform.any_op) -> !transform.param<i64>"
    )
    code, errors = mlir_opt(text, "--transform-interpreter")
    theirs = "op uses a handle invalidated by a previously executed transform op" in errors
    assert theirs == (code != 0), errors
    module = parse_module(make_context(), text)
    module.verify()
    runner = PassRunner(make_context(), pass_registry())
    try:
        apply_script(module, module, passes=runner)
        ours = False
    except ScriptError as error:
        ours = "op uses a handle invalidated by a previously executed transform op" in str(error)
    assert ours == theirs, errors


@needs_mlir_opt
def test_an_empty_handle_that_was_consumed_is_dead() -> None:
    unroll = "transform.loop.unroll %none {factor = 2} : !transform.any_op"
    text = PAYLOAD.format(f"{unroll}\n    transform.print %none : !transform.any_op")
    _, errors = mlir_opt(text, "--transform-interpreter")
    assert "invalidated by a previously executed transform op" in errors
    module = parse_module(make_context(), text)
    with pytest.raises(ScriptError, match="op uses a handle invalidated by a previously executed transform op"):
        apply_script(module, module)
