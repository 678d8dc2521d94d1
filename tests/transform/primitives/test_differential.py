"""Each primitive on random kernels: what it accepts keeps the results in every order that marks allow, what it refuses
stays as it was."""

from __future__ import annotations

import random

import numpy as np
import pytest
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.random_loop import parse_kernel, random_inputs, random_kernel
from stepwell.backends.oracles.random_schedule import ENTRIES, random_step
from stepwell.backends.oracles.random_step import apply_step
from stepwell.errors import ScheduleError
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

LEAST, MOST = 15, 400
"""How many kernels a primitive is tried on: more than the least where it isn't accepted often enough."""


def kernel_of(module: ModuleOp) -> FuncOp:
    (kernel,) = (op for op in module.body.block.ops if isinstance(op, FuncOp))
    return kernel


@pytest.mark.parametrize("primitive", ENTRIES)
def test_primitive_keeps_results_or_refuses(primitive: str) -> None:
    accepted = 0
    for seed in range(MOST):
        if seed >= LEAST and accepted >= 4:
            break
        rng = random.Random(f"{primitive}:{seed}")
        _, text = random_kernel(rng)
        module = parse_kernel(text)
        kernel = kernel_of(module)
        inputs = random_inputs(module, seed)
        expected = run_loop(module, *inputs)
        # Some other steps first, so that the primitive meets kernels that are scheduled already.
        for _ in range(rng.choice((0, 0, 1, 3))):
            try:
                apply_step(kernel, random_step(rng, kernel))
            except ScheduleError:
                continue
        before = str(module)
        step = ENTRIES[primitive].choose(rng, kernel)
        if step is None:
            continue
        try:
            apply_step(kernel, step)
        except ScheduleError:
            assert str(module) == before, step
            continue
        accepted += 1
        module.verify()
        for order in ("sequential", "adversarial"):
            for array, result in zip(expected, run_loop(module, *inputs, order=order, seed=seed), strict=True):
                np.testing.assert_array_equal(array, result, err_msg=f"{step} ({order})\n{before}")
    assert accepted >= 4, f"expected the generator to give steps that are accepted, got {accepted}"


@pytest.mark.parametrize("seed", range(40))
def test_long_schedules_keep_results(seed: int) -> None:
    rng = random.Random(seed)
    _, text = random_kernel(rng)
    module = parse_kernel(text)
    kernel = kernel_of(module)
    inputs = random_inputs(module, seed)
    expected = run_loop(module, *inputs)
    steps: list[str] = []
    for _ in range(25):
        step = random_step(rng, kernel)
        before = str(module)
        try:
            apply_step(kernel, step)
            steps.append(str(step))
        except ScheduleError:
            assert str(module) == before, [*steps, str(step)]
    module.verify()
    for order in ("sequential", "adversarial"):
        for array, result in zip(expected, run_loop(module, *inputs, order=order, seed=seed), strict=True):
            np.testing.assert_array_equal(array, result, err_msg="\n".join(steps))
