"""The scripts in `filecheck/transform/primitives`: what they do keeps results, what is refused changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.random_loop import random_inputs
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.errors import ScheduleError
from stepwell.transform.interpreter import apply_script
from stepwell.transform.sched_ops.primitives import PrimitiveOp
from stepwell.transform.state import SCHEDULED
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

HERE = Path(__file__).parents[3] / "filecheck" / "transform" / "primitives"


def chunks(refused: bool) -> list[object]:
    return [
        pytest.param(text, id=f"{path.stem}-{number}")
        for path in sorted(HERE.glob("*.mlir"))
        if path.stem.startswith("invalid_") == refused
        for number, text in enumerate(path.read_text().split("// -----"), 1)
    ]


ACCEPTED, REFUSED = chunks(refused=False), chunks(refused=True)


def parse(text: str) -> ModuleOp:
    module = parse_module(make_context(), text)
    module.verify()
    return module


def kernel_of(module: ModuleOp) -> FuncOp:
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
    kernel.attributes.pop(SCHEDULED, None)  # a script that is over says so
    return kernel


def test_there_are_scripts() -> None:
    assert len(ACCEPTED) > 40
    assert len(REFUSED) > 90


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_is_accepted_computes_what_it_did(text: str) -> None:
    module = parse(text)
    payload = ModuleOp([kernel_of(module).clone()])
    inputs = random_inputs(payload, 0)
    expected = run_loop(payload, *inputs)
    apply_script(module, payload)
    payload.verify()
    for order in ("sequential", "adversarial"):
        for result, wanted in zip(run_loop(payload, *inputs, order=order), expected, strict=True):
            np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_unchanged(text: str) -> None:
    script, reference = parse(text), parse(text)
    # All steps but the last one, which is refused, go through on the reference.
    last = [op for op in reference.walk() if isinstance(op, PrimitiveOp)][-1]
    last.detach()
    last.erase()
    apply_script(reference, reference)
    with pytest.raises(ScheduleError):
        apply_script(script, script)
    assert str(kernel_of(script)) == str(kernel_of(reference))
