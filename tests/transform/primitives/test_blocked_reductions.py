"""Sums in parts: a tile below an outer loop of the reduction, in every order of the loops."""

from __future__ import annotations

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects.loop import ForOp, blocks_in, enclosing_loops
from stepwell.passes.pass_manager import build_pipeline
from stepwell.passes.registry import PassRegistry
from stepwell.transform import primitives
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

TO_NATIVE = (
    "loop-expand,cpu-outline-parallel,convert-cpu-to-llvm,"
    "arith-emulate-unsupported-floats,math-polynomial-approximation,arith-expand,convert-to-llvm"
)
SHAPES = [(8, 16, 48), (7, 17, 50), (5, 33, 16)]


def matmul_relu(m: int, n: int, depth: int) -> ModuleOp:
    a, b = te.placeholder((m, depth), name="A"), te.placeholder((depth, n), name="B")
    k = te.reduce_axis(depth, name="k")
    product = te.compute((m, n), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")
    return te.build_module([a, b, te.compute((m, n), lambda i, j: te.maximum(product[i, j], 0.0), name="D")])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ["koiojo", "iokojo", "jokoio", "kojoio", "iojoko"])
@pytest.mark.parametrize("place", ["io", "jo"])
def test_tile_below_the_reduction(shape: tuple[int, int, int], order: str, place: str) -> None:
    module = matmul_relu(*shape)
    generator = np.random.default_rng(0)
    m, n, depth = shape
    inputs = [generator.integers(-4, 5, each).astype(np.float32) for each in ((m, depth), (depth, n))]
    (expected,) = run_te(module, *inputs)
    build_pipeline("te-simplify,convert-te-to-loop", PassRegistry()).run(make_context(), module, ())
    (kernel,) = (op for op in module.body.block.ops if isinstance(op, FuncOp))
    reduce = next(block for block in blocks_in(kernel) if block.init is not None)
    tiled = primitives.tile(enclosing_loops(reduce), [4, 8, 16])
    loops = dict(zip(("io", "jo", "ko", "ii", "ji", "ki"), tiled, strict=True))
    names = [order[p : p + 2] for p in range(0, 6, 2)]
    wanted = [*(loops[name] for name in names), loops["ki"], loops["ii"], loops["ji"]]
    primitives.interchange(tiled, [tiled.index(loop) for loop in wanted])
    init = reduce.init
    copy = primitives.cache_write(reduce, loops[place])
    in_parts = shape[2] > 16 and names.index("ko") <= names.index(place)
    assert (reduce.init is None) == in_parts
    assert (copy.init is not None) == in_parts
    assert init is not None
    if in_parts:
        inner = [loop for loop in enclosing_loops(reduce) if loop not in enclosing_loops(loops[place])][1]
        assert isinstance(inner, ForOp)
        start = primitives.decompose_reduction(reduce, inner)
        assert start.written_buffers() == reduce.written_buffers()
    primitives.vectorize(loops["ji"])
    primitives.unroll(loops["ii"])
    primitives.vectorize(enclosing_loops(copy)[-1])
    module.verify()
    for loop_order in ("sequential", "adversarial"):
        (result,) = run_loop(module, *inputs, order=loop_order)
        np.testing.assert_array_equal(expected, result)
    np.testing.assert_array_equal(expected, sw.compile(module, pipeline=TO_NATIVE)(*inputs))
