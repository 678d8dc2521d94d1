"""The scripts in `filecheck/transform/primitives`: what they do keeps results, what is refused changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.random_loop import random_inputs
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.errors import ScheduleError, ScriptError
from stepwell.transform.interpreter import apply_script
from stepwell.transform.sched_ops.primitives import PrimitiveOp
from stepwell.transform.state import SCHEDULED
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.utils.exceptions import VerifyException

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


def functions_of(module: ModuleOp) -> list[FuncOp]:
    functions = [op for op in module.walk() if isinstance(op, FuncOp)]
    for function in functions:
        function.attributes.pop(SCHEDULED, None)  # a script that is over says so
    return functions


def test_there_are_scripts() -> None:
    assert len(ACCEPTED) > 40
    assert len(REFUSED) > 90


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_is_accepted_computes_what_it_did(text: str) -> None:
    module = parse(text)
    kernels = [op.clone() for op in module.ops if isinstance(op, FuncOp)]
    payload = ModuleOp(kernels, {name: a for name, a in module.attributes.items() if name == "cpu.target"})
    entry = next((kernel for kernel in kernels if kernel.sym_name.data == "main"), kernels[0])
    inputs = random_inputs(ModuleOp([entry.clone()]), 0)
    expected = run_loop(payload, *inputs)
    apply_script(module, payload)
    payload.verify()
    for order in ("sequential", "adversarial"):
        for result, wanted in zip(run_loop(payload, *inputs, order=order), expected, strict=True):
            np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_unchanged(text: str) -> None:
    try:
        script, reference = parse(text), parse(text)
    except VerifyException:
        return  # before it runs
    # All steps but the last one, which is refused, go through on the reference.
    last = [op for op in reference.walk() if isinstance(op, PrimitiveOp)][-1]
    last.detach()
    last.erase()
    apply_script(reference, reference)
    with pytest.raises((ScheduleError, ScriptError)):
        apply_script(script, script)
    assert list(map(str, functions_of(script))) == list(map(str, functions_of(reference)))
