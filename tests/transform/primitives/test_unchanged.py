"""The scripts that are refused in `filecheck/transform/primitives` leave what they are refused on as it was."""

from pathlib import Path

import pytest
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.errors import ScheduleError
from stepwell.transform.interpreter import apply_script
from stepwell.transform.sched_ops.primitives import PrimitiveOp
from stepwell.transform.state import SCHEDULED

HERE = Path(__file__).parents[3] / "filecheck" / "transform" / "primitives"
CASES = [
    pytest.param(text, id=f"{path.stem}-{number}")
    for path in sorted(HERE.glob("invalid_*.mlir"))
    for number, text in enumerate(path.read_text().split("// -----"), 1)
]


def test_there_are_cases():
    assert len(CASES) > 50


@pytest.mark.parametrize("text", CASES)
def test_a_refusal_changes_nothing(text):
    script, reference = parse_module(make_context(), text), parse_module(make_context(), text)
    for module in (script, reference):
        module.verify()
    # All steps but the last one, which is refused, go through on the reference.
    steps = [op for op in reference.walk() if isinstance(op, PrimitiveOp)]
    for result in steps[-1].results:
        assert result.first_use is None
    steps[-1].detach()
    steps[-1].erase()
    apply_script(reference, reference)
    with pytest.raises(ScheduleError):
        apply_script(script, script)
    assert _kernels(script) == _kernels(reference)


def _kernels(module):
    kernels = [op for op in module.ops if op.name == "func.func"]
    for kernel in kernels:
        kernel.attributes.pop(SCHEDULED, None)  # a script that is over says so
    return [str(kernel) for kernel in kernels]
