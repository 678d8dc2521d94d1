"""Every example on the page about schedules does what the page says."""

import re
from pathlib import Path

import pytest
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.transform.interpreter import apply_script
from stepwell.transform.sched import PRIMITIVES
from stepwell.transform.script import shipped_schedules
from stepwell.transform.state import SCHEDULED
from xdsl.dialects.func import FuncOp

PAGE = Path(__file__).parents[2] / "docs" / "schedules.md"
EXAMPLE = re.compile(
    r"### `(?P<name>[\w.]+)`.*?```mlir\n// before\n(?P<before>.*?)```\n```mlir\n// script\n(?P<script>.*?)```\n"
    r"```mlir\n// after\n(?P<after>.*?)```",
    re.DOTALL,
)
EXAMPLES = {match["name"]: match for match in EXAMPLE.finditer(PAGE.read_text("utf-8"))}
SCRIPT = """
!op = !transform.any_op
!param = !transform.any_param
!value = !transform.any_value
module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @__transform_main(%root: !op {{transform.readonly}}) {{
    {}
    transform.yield
  }}
}}
"""


def test_each_primitive_has_an_example() -> None:
    assert set(EXAMPLES) == {op.name for op in PRIMITIVES}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str) -> None:
    example = EXAMPLES[name]
    module = parse_module(make_context(), example["before"], "before")
    script = parse_module(make_context(), SCRIPT.format(example["script"]), "script")
    script.verify()
    apply_script(script, module, libraries=shipped_schedules())
    module.verify()
    (func,) = (op for op in module.ops if isinstance(op, FuncOp))
    del func.attributes[SCHEDULED]
    assert str(func) == example["after"].rstrip("\n")
