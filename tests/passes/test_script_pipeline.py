"""Reading scripts as pipelines: what is a row of passes, and what is said about the rest."""

from __future__ import annotations

import pytest
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.errors import PipelineError
from stepwell.passes.pass_manager import PassManager
from stepwell.passes.registry import PassRegistry
from stepwell.passes.script_pipeline import flatten_script

REGISTRY = PassRegistry()
CALL = "(!transform.any_op) -> !transform.any_op"


def flattened(body: str, sequences: str = "") -> str:
    text = f"""module attributes {{transform.with_named_sequence}} {{
      {sequences}
      transform.named_sequence @__transform_main(%m: !transform.any_op {{transform.consumed}}) {{
        {body}
        transform.yield
      }}
    }}"""
    steps = flatten_script(parse_module(make_context(), text, "script.mlir"), REGISTRY)
    return str(PassManager(steps, REGISTRY).pipeline())


def apply(name: str, target: str = "%m", result: str = "%0", options: str = "") -> str:
    given = f"with options = {options} " if options else ""
    return f'{result} = transform.apply_registered_pass "{name}" {given}to {target} : {CALL}'


def test_passes_in_a_row():
    body = apply("cse") + apply("canonicalize", "%0", "%1")
    assert flattened(body) == "builtin.module(cse, canonicalize)"


def test_options():
    body = apply("transform-interpreter", options='{"entry-point" = "x y"}')
    assert flattened(body) == 'builtin.module(transform-interpreter{entry-point="x y"})'


def test_functions():
    body = f"""%f = transform.structured.match ops{{["func.func"]}} in %m : {CALL}
      {apply("cse", "%f")} {apply("canonicalize", "%0", "%1")} {apply("symbol-dce", "%m", "%2")}"""
    assert flattened(body) == "builtin.module(func.func(cse, canonicalize), symbol-dce)"


def test_included_sequences():
    sequence = f"""transform.named_sequence @clean(%m: !transform.any_op {{transform.consumed}}) -> !transform.any_op {{
        {apply("cse")}
        transform.yield %0 : !transform.any_op
      }}"""
    body = f"""%a = transform.include @clean failures(propagate) (%m) : {CALL}
      {apply("symbol-dce", "%a")}"""
    assert flattened(body, sequence) == "builtin.module(cse, symbol-dce)"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (apply("symbol-dse"), "script.mlir:4:9: unknown pass 'symbol-dse'; did you mean 'symbol-dce'?"),
        (apply("cse", options="{x = 1 : i64}"), "script.mlir:4:9: pass 'cse' has no option 'x'; it has none"),
        (
            f'%l = transform.structured.match ops{{["loop.for"]}} in %m : {CALL}',
            "script.mlir:4:9: expected a match of 'func.func' only",
        ),
        (
            "transform.include @nowhere failures(propagate) (%m) : (!transform.any_op) -> ()",
            "script.mlir:4:9: expected a named sequence @nowhere, got none",
        ),
        (
            "transform.print %m : !transform.any_op",
            "script.mlir:4:9: expected only passes in a row, got 'transform.print'",
        ),
    ],
)
def test_what_is_no_row_of_passes(body: str, message: str):
    with pytest.raises(PipelineError) as error:
        flattened(body)
    assert str(error.value) == message


def test_a_sequence_that_includes_itself():
    sequence = """transform.named_sequence @again(%m: !transform.any_op) {
        transform.include @again failures(propagate) (%m) : (!transform.any_op) -> ()
        transform.yield
      }"""
    body = "transform.include @again failures(propagate) (%m) : (!transform.any_op) -> ()"
    with pytest.raises(PipelineError, match="expected a script that ends, got a sequence that includes itself"):
        flattened(body, sequence)
