"""Every kernel down every step: a pipeline stopped anywhere prints IR that the rest of it finishes to the same code."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from functools import cache
from io import StringIO

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import get_backend, make_context
from stepwell.dialects.source import parse_module
from stepwell.passes.pass_manager import PassManager
from stepwell.tools.driver import lower, pipeline_steps
from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer

from .kernels import KERNELS, Kernel

MLIR_OPT = shutil.which("mlir-opt-22")


@cache
def _steps() -> PassManager:
    return pipeline_steps(get_backend("llvm-cpu"), None, make_context())


def _module(kernel: Kernel) -> ModuleOp:
    module = te.build_module(kernel.build())
    module.attributes["cpu.target"] = get_backend("llvm-cpu").default_target()
    return module


def _object(module: ModuleOp) -> bytes:
    code = get_backend("llvm-cpu").emit(module, "object")
    assert isinstance(code, bytes)
    return code


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_all_rungs_agree(kernel: Kernel) -> None:
    expected = run_te(te.build_module(kernel.build()), *kernel.inputs)
    before = lower(te.build_module(kernel.build()), until="convert-te-to-loop")
    before.verify()
    after = lower(te.build_module(kernel.build()), until="apply-schedules")
    after.verify()
    native = sw.compile(list(kernel.build()))(*kernel.inputs)
    natives = native if isinstance(native, tuple) else (native,)
    for results in (run_loop(before, *kernel.inputs), run_loop(after, *kernel.inputs, order="adversarial"), natives):
        assert len(results) == len(expected)
        for got, want in zip(results, expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_a_pipeline_can_be_stopped_anywhere(kernel: Kernel) -> None:
    manager, ctx = _steps(), make_context()
    module = _module(kernel)
    texts: list[str] = []
    for step in manager.steps:
        replace(manager, steps=(step,)).run(ctx, module)
        module.verify()
        texts.append(str(module))
    expected = _object(module)
    for done, text in enumerate(texts, start=1):
        resumed = parse_module(make_context(), text)
        assert str(resumed) == text
        replace(manager, steps=manager.steps[done:]).run(ctx, resumed)
        assert _object(resumed) == expected, f"stopped after {manager.steps[done - 1].pass_.name}"


@pytest.mark.skipif(MLIR_OPT is None, reason="mlir-opt-22 is not installed")
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
@pytest.mark.parametrize("rung", ["mlir", "llvm"])
def test_mlir_opt_verifies_the_lower_rungs(kernel: Kernel, rung: str) -> None:
    text = StringIO()
    Printer(text, print_generic_format=True).print_op(lower(te.build_module(kernel.build()), until=rung))
    assert MLIR_OPT is not None
    judged = subprocess.run([MLIR_OPT, "-"], input=text.getvalue(), capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stderr
