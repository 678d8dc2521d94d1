"""Rows that are kept, and whatever else is scheduled then, against the oracle and native code."""

from __future__ import annotations

import random

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.random_schedule import random_step
from stepwell.backends.oracles.random_step import apply_step
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects.loop import blocks_in, enclosing_loops
from stepwell.errors import ScheduleError
from stepwell.passes.pass_manager import build_pipeline
from stepwell.passes.registry import PassRegistry
from stepwell.transform import primitives
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

TO_NATIVE = (
    "loop-expand,cpu-outline-parallel,convert-cpu-to-llvm,"
    "arith-emulate-unsupported-floats,math-polynomial-approximation,arith-expand,convert-to-llvm"
)


def blur(rows: int, width: int, window: int, step: int) -> tuple[ModuleOp, tuple[int, int]]:
    """Sums over windows of rows of something that is computed."""
    height = (rows - 1) * step + window
    a = te.placeholder((height, width), name="A")
    twice = te.compute((height, width), lambda i, j: a[i, j] * 2.0, name="T")
    k = te.reduce_axis(window, "k")
    return te.build_module([a, te.compute((rows, width), lambda i, j: te.sum(twice[i * step + k, j], k), name="D")]), (
        height,
        width,
    )


SHAPES = [(9, 8, 3, 1), (5, 7, 3, 2), (4, 5, 5, 1), (6, 4, 4, 3), (2, 3, 3, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_rows_are_kept(shape: tuple[int, int, int, int], seed: int) -> None:
    module, size = blur(*shape)
    inputs = np.random.default_rng(seed).integers(-4, 5, size).astype(np.float32)
    (expected,) = run_te(module, inputs)
    build_pipeline("te-simplify,convert-te-to-loop", PassRegistry()).run(make_context(), module, ())
    (kernel,) = (op for op in module.body.block.ops if isinstance(op, FuncOp))
    producer, consumer = blocks_in(kernel)
    primitives.compute_at(producer, enclosing_loops(consumer)[0])
    first = primitives.rolling_buffer(producer)
    assert first is not None
    assert [loop.extent for loop in enclosing_loops(producer)][:2] == [shape[0], shape[3]]
    steps: list[str] = []
    rng = random.Random(seed)
    for _ in range(8 * min(seed, 1)):
        step = random_step(rng, kernel)
        before = str(module)
        try:
            apply_step(kernel, step)
            steps.append(str(step))
        except ScheduleError:
            assert str(module) == before, step
    module.verify()
    for order in ("sequential", "adversarial"):
        np.testing.assert_array_equal(expected, run_loop(module, inputs, order=order)[0], err_msg="; ".join(steps))
    np.testing.assert_array_equal(expected, sw.compile(module, pipeline=TO_NATIVE)(inputs), err_msg="; ".join(steps))
