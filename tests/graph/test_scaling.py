"""Graph passes take time in proportion to the number of operators: calls are counted, which says so on any machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from random import Random
from types import FrameType

import pytest
from graph.random_models import Builder, residual_block
from stepwell.backends.registry import make_context
from stepwell.operators import elementwise, reductions, shape
from stepwell.passes.registry import our_passes
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Region, SSAValue

PASSES = [
    "graph-infer-shapes",
    "graph-fold-constants",
    "graph-simplify",
    "graph-fold-constants",
    "graph-cse",
    "graph-dce",
    "graph-fuse",
]


def residuals(b: Builder, values: list[SSAValue]) -> SSAValue:
    block = residual_block(b, values[-1])
    assert block is not None
    return block


def from_the_input(b: Builder, values: list[SSAValue]) -> SSAValue:
    """The input is used everywhere."""
    return b.add(elementwise.AddOp(values[-1], b.add(elementwise.TanhOp(values[0]))))


def dense(b: Builder, values: list[SSAValue]) -> SSAValue:
    """Every sum of the last few is used by the next few."""
    value = b.add(elementwise.ReluOp(values[-1]))
    for other in values[-5:-1]:
        value = b.add(elementwise.AddOp(value, other))
    return value


def mixed(b: Builder, values: list[SSAValue]) -> SSAValue:
    """Kernels of every class, and reads across them."""
    value = b.add(reductions.SoftmaxOp(residuals(b, values), [1]))
    value = b.add(shape.TransposeOp(value, (0, 1, 3, 2)))
    return b.add(elementwise.AddOp(value, values[max(0, len(values) - 3)]))


def model(size: int, step: Callable[[Builder, list[SSAValue]], SSAValue]) -> ModuleOp:
    b = Builder(Random(0))
    values = [b.input((1, 2, 4, 4))]
    while b.ops < size:
        values.append(step(b, values))
    b.block.add_op(ReturnOp(values[-1]))
    return ModuleOp([FuncOp("main", (b.block.arg_types, [values[-1].type]), Region(b.block)), *b.data])


def calls_in(run: Callable[[], None]) -> int:
    """How many functions of Python and of C a run calls."""
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("step", [residuals, from_the_input, dense, mixed])
def test_time_per_operator_is_constant(step: Callable[[Builder, list[SSAValue]], SSAValue]):
    small, large = (calls_of_passes(model(size, step)) for size in (250, 2000))
    for name, before, after in zip(PASSES, small, large, strict=True):
        each = before / 250, after / 2000
        assert each[1] <= 1.3 * each[0] + 5, f"{name}: {each[0]:.0f} calls an operator, then {each[1]:.0f}"


def calls_of_passes(module: ModuleOp) -> list[int]:
    ctx = make_context()
    passes = [our_passes()[name]()() for name in PASSES]
    return [calls_in(partial(each.apply, ctx, module)) for each in passes]
