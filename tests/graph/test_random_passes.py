"""Random models of 15 operators and more keep their results under every graph pass, alone and in any order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
import stepwell as sw
from graph.random_models import LEAST_OPS, build_model
from graph.test_random_graphs import Example, assert_same, text
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stepwell.backends.oracles.graph import run_graph
from stepwell.backends.registry import make_context
from stepwell.dialects import graph
from stepwell.dialects.resources import ResourceAttr
from stepwell.dialects.source import parse_module
from stepwell.operators.convolution import ConvOp
from stepwell.operators.elementwise import AddOp
from stepwell.passes.registry import our_passes
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation

PASSES = [name for name in our_passes() if name.startswith("graph-")] + ["cse", "canonicalize", "symbol-dce"]


def examples(count: int) -> settings:
    # A failure names its seed. What is made of a smaller one is not simpler, so there is nothing to shrink.
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(max_examples=count, deadline=None, phases=phases, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def models(draw: st.DrawFn) -> Example:
    seed = draw(st.integers(0, 2**32))
    return Example(build_model(Random(seed)))


def main_of(module: ModuleOp) -> FuncOp:
    return next(op for op in module.ops if isinstance(op, FuncOp))


def inputs_of(module: ModuleOp) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    types = main_of(module).function_type.inputs
    return [random.standard_normal(type.get_shape()).astype(np.float32) for type in types]


def without_handles(module: ModuleOp) -> str:
    """The text of a module without the handles of data: these depend on other modules that are still alive."""
    return re.sub(r"#graph.resource<[^>]*>", "#graph.resource<>", str(module))


def assert_kept(module: ModuleOp, passes: Sequence[str]) -> None:
    """The passes keep what a model computes, and leave a program that verifies and comes back from text."""
    inputs = inputs_of(module)
    expected = run_graph(module, inputs)
    ctx = make_context()
    for name in passes:
        our_passes()[name]()().apply(ctx, module)
        module.verify()
    with ResourceAttr.table.limited_to(None):
        parsed = parse_module(make_context(), text(module))
    parsed.verify()
    assert without_handles(parsed) == without_handles(module)
    assert_same(run_graph(parsed, inputs), expected)


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_alone(name: str):
    @examples(12)
    @given(models())
    def check(example: Example) -> None:
        assert_kept(example.module, [name])

    check()


@examples(40)
@given(models(), st.lists(st.sampled_from(PASSES), min_size=2, max_size=8))
def test_any_order(example: Example, passes: list[str]):
    assert_kept(example.module, passes)


@examples(6)
@given(models())
def test_native_code(example: Example):
    inputs = inputs_of(example.module)
    expected = run_graph(example.module, inputs)
    got = sw.compile(example.module)(*inputs)
    assert_same(got if isinstance(got, tuple) else (got,), expected)


def operators(module: ModuleOp) -> list[Operation]:
    return [op for op in module.walk() if isinstance(op, graph.TensorOp)]


def is_residual(op: Operation) -> bool:
    """Whether a sum is of something that was used on the way to the other operand, too."""
    if not isinstance(op, AddOp) or op.lhs.type != op.rhs.type:
        return False
    return any(not operand.has_one_use() for operand in op.operands) and all(
        isinstance(operand.owner, graph.TensorOp) for operand in op.operands
    )


def test_models_are_what_they_are_meant_to_be():
    """Otherwise the tests above would say little."""
    made = [build_model(Random(seed)) for seed in range(60)]
    counts = [len(operators(module)) for module in made]
    assert min(counts) >= LEAST_OPS
    assert np.mean(counts) >= 18

    def share(condition: list[bool]) -> float:
        return sum(condition) / len(condition)

    assert share([any(isinstance(op, ConvOp) for op in operators(module)) for module in made]) == 1
    assert share([any(map(is_residual, operators(module))) for module in made]) >= 0.8
    assert share([len(set(main_of(module).body.block.last_op.operands)) >= 2 for module in made]) >= 0.9
    names = {name: share([any(op.name == name for op in operators(module)) for module in made]) for name in KINDS}
    assert all(part >= 0.1 for part in names.values()), names


KINDS = [
    f"graph.{name}"
    for name in (
        "matmul",
        "gemm",
        "softmax",
        "reduce_sum",
        "reshape",
        "transpose",
        "concat",
        "slice",
        "select",
        "max_pool",
    )
]


def test_kernels_have_several_results():
    """And so do the kernels that they are made into."""
    several = rows = 0
    for seed in range(30):
        module = build_model(Random(seed))
        our_passes()["graph-fuse"]()().apply(make_context(), module)
        several += any(isinstance(op, CallOp) and len(op.results) > 1 for op in module.walk())
        kernels = [op for op in module.ops if isinstance(op, FuncOp) and op.sym_visibility is not None]
        rows += any(
            sum(op.FUSION_CLASS is graph.FusionClass.REDUCTION for op in operators_of(kernel)) > 1 for kernel in kernels
        )
    assert several >= 10
    assert rows >= 5


def operators_of(func: FuncOp) -> list[graph.TensorOp]:
    return [op for op in func.body.block.ops if isinstance(op, graph.TensorOp)]
