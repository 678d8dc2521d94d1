"""One operator at a time: its reference semantics, its tensor expression under the oracle, and native code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import stepwell as sw
from stepwell.backends.oracles.graph import run_graph
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.frontends.onnx.tensors import tensor_type_of
from stepwell.passes.graph.convert_graph_to_te import convert_graph_to_te
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue

Array = np.ndarray[Any, Any]

Build = Callable[..., Operation | Sequence[Operation]]
"""From values to the operator on them; or several, the last of which has the results."""


def module_of(build: Build, arrays: Sequence[Array], *, every: bool = False) -> ModuleOp:
    """`@main` with one operator, which has printed and parsed; of several, it gives the last one's results, or those of
    `every` one."""
    block = Block(arg_types=[tensor_type_of(array) for array in arrays])
    built = build(*block.args)
    ops = [built] if isinstance(built, Operation) else list(built)
    results = [result for op in (ops if every else ops[-1:]) for result in op.results]
    block.add_ops([*ops, ReturnOp(*results)])
    module = ModuleOp([FuncOp("main", (block.arg_types, [result.type for result in results]), Region(block))])
    module.verify()
    text = str(module)
    again = parse_module(make_context(), text)
    again.verify()
    assert str(again) == text
    return again


def check(
    build: Build, *arrays: Array, native: bool = True, every: bool = False, rtol: float = 1e-5, atol: float = 1e-5
) -> list[Array]:
    """Checks that the reference, the tensor expression and native code agree; gives the reference's results."""
    module = module_of(build, arrays, every=every)
    expected = run_graph(module, arrays)
    lowered = module.clone()
    convert_graph_to_te(lowered)
    lowered.verify()
    for got, wanted in zip(run_te(lowered, *arrays), expected, strict=True):
        assert_close(got, wanted, rtol, atol)
    if native:
        results = sw.compile(module)(*arrays)
        for got, wanted in zip(results if isinstance(results, tuple | list) else [results], expected, strict=True):
            assert_close(got, wanted, rtol, atol)
    return list(expected)


def assert_close(got: Array, wanted: Array, rtol: float, atol: float) -> None:
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    if wanted.dtype.kind in "fV":
        np.testing.assert_allclose(got.astype(np.float64), wanted.astype(np.float64), rtol=rtol, atol=atol)
    else:
        np.testing.assert_array_equal(got, wanted)


def tensor(*shape: int, dtype: str = "float32", seed: int = 0) -> Array:
    """Random small numbers."""
    random = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        return random.integers(max(info.min, -100), min(info.max, 100), shape).astype(dtype)
    return random.standard_normal(shape).astype(dtype)


__all__ = ["Array", "SSAValue", "check", "module_of", "tensor"]
