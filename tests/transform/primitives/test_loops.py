"""Primitives on loops, against the oracle in every order that marks allow, and in native code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects.loop import BlockOp, blocks_in, enclosing_loops
from stepwell.errors import ScheduleError
from stepwell.passes.pass_manager import build_pipeline
from stepwell.passes.registry import PassRegistry
from stepwell.transform import primitives
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

TO_NATIVE = (
    "loop-plan-memory,loop-expand,cpu-outline-parallel,convert-cpu-to-llvm,"
    "arith-emulate-unsupported-floats,math-polynomial-approximation,arith-expand,convert-to-llvm"
)
SHAPES = [(7, 17, 50), (5, 33, 3)]


def matmul_relu(m: int, n: int, depth: int) -> ModuleOp:
    a, b = te.placeholder((m, depth), name="A"), te.placeholder((depth, n), name="B")
    k = te.reduce_axis(depth, name="k")
    product = te.compute((m, n), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")
    return te.build_module([a, b, te.compute((m, n), lambda i, j: te.maximum(product[i, j], 0.0), name="D")])


def block(kernel: FuncOp, name: str) -> BlockOp:
    return next(each for each in blocks_in(kernel) if each.block_name == name)


def k_outside(kernel: FuncOp, size: int = 16) -> BlockOp:
    """The product with blocks of its reduction outside."""
    product = block(kernel, "reduce0")
    i, j, k = enclosing_loops(product)
    outer, inner = primitives.tile([k], [min(size, k.extent)])
    primitives.interchange([i, j, outer, inner], [2, 0, 1, 3])
    return product


def staged(kernel: FuncOp, depth: int, space: str = "local") -> BlockOp:
    """A pipeline over blocks of the reduction, whose inputs are both staged."""
    product = k_outside(kernel)
    outer = enclosing_loops(product)[0]
    for read in product.reads():
        primitives.cache_read(product, read.buffer, outer, space)
    primitives.pipeline(outer, depth)
    return product


def pipeline_once(kernel: FuncOp) -> None:
    staged(kernel, 1)


def pipeline_far(kernel: FuncOp) -> None:
    staged(kernel, 3, "")


def pipeline_lanes(kernel: FuncOp) -> None:
    product = staged(kernel, 1)
    primitives.decompose_reduction(product, enclosing_loops(product)[0])
    loops = enclosing_loops(product)
    outer, inner = primitives.tile([loops[2]], [8])
    primitives.interchange([inner, loops[3]], [1, 0])
    primitives.vectorize(inner)
    primitives.unroll(loops[3])
    assert outer.extent > 0


def pipeline_in_threads(kernel: FuncOp) -> None:
    product = block(kernel, "reduce0")
    i, j, k = enclosing_loops(product)
    outer, inner = primitives.tile([k], [min(16, k.extent)])
    primitives.interchange([j, outer, inner], [1, 2, 0])
    primitives.cache_read(product, product.reads()[1].buffer, outer)
    primitives.pipeline(outer)
    primitives.parallelize(i)


def two_copies(kernel: FuncOp) -> None:
    product = k_outside(kernel, 8)
    copy = primitives.cache_read(product, product.reads()[1].buffer, enclosing_loops(product)[0])
    primitives.multibuffer(copy.written_buffers()[0], 2)


def split_everything(kernel: FuncOp) -> None:
    product = block(kernel, "reduce0")
    for place in (2, 1, 0):
        loop = enclosing_loops(product)[place]
        primitives.split(loop, max(1, loop.extent // 3))


def split_the_reader(kernel: FuncOp) -> None:
    loop = enclosing_loops(block(kernel, "map0"))[1]
    _, rest = primitives.split(loop, loop.extent - 1)
    primitives.unroll(rest)


def jam(kernel: FuncOp) -> None:
    i, j, _ = enclosing_loops(block(kernel, "reduce0"))
    primitives.unroll_and_jam(i, 4)
    primitives.unroll_and_jam(j, 2)


def jam_with_inits(kernel: FuncOp) -> None:
    product = block(kernel, "reduce0")
    i, _, k = enclosing_loops(product)
    primitives.decompose_reduction(product, k)
    primitives.unroll_and_jam(i, 3)


def fuse(kernel: FuncOp) -> None:
    primitives.fuse_sibling(enclosing_loops(block(kernel, "map0"))[0], enclosing_loops(block(kernel, "reduce0"))[0])


def fuse_rows(kernel: FuncOp) -> None:
    primitives.fuse_sibling(enclosing_loops(block(kernel, "reduce0"))[0], enclosing_loops(block(kernel, "map0"))[0])
    product, consumer = block(kernel, "reduce0"), block(kernel, "map0")
    primitives.fuse_sibling(enclosing_loops(product)[1], enclosing_loops(consumer)[1])


def prefetch(kernel: FuncOp) -> None:
    product = k_outside(kernel, 4)
    outer = enclosing_loops(product)[0]
    for read in product.reads():
        primitives.prefetch(product, read.buffer, outer, 2)


def reorder_and_move(kernel: FuncOp) -> None:
    product, consumer = block(kernel, "reduce0"), block(kernel, "map0")
    primitives.reorder_iterators(product, [2, 1, 0])
    primitives.compute_at(product, primitives.add_unit_loop(enclosing_loops(consumer)[1]))


SCHEDULES = [
    pipeline_once,
    pipeline_far,
    pipeline_lanes,
    pipeline_in_threads,
    two_copies,
    split_everything,
    split_the_reader,
    jam,
    jam_with_inits,
    fuse,
    fuse_rows,
    prefetch,
    reorder_and_move,
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_results_stay(schedule: Callable[[FuncOp], None], shape: tuple[int, int, int]) -> None:
    module = matmul_relu(*shape)
    generator = np.random.default_rng(0)
    m, n, depth = shape
    inputs = [generator.integers(-4, 5, each).astype(np.float32) for each in ((m, depth), (depth, n))]
    (expected,) = run_te(module, *inputs)
    passes = PassRegistry()
    build_pipeline("te-simplify,convert-te-to-loop", passes).run(make_context(), module)
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
    before = str(module)
    try:
        schedule(kernel)
    except ScheduleError:
        assert shape == (5, 33, 3)  # one block of the reduction: nothing to overlap, or to split
        return
    module.verify()
    assert str(module) != before
    for order in ("sequential", "adversarial"):
        (result,) = run_loop(module, *inputs, order=order)
        np.testing.assert_array_equal(result, expected)
    program = sw.compile(module, pipeline=TO_NATIVE)
    np.testing.assert_array_equal(program(*inputs), expected)


def test_a_pipeline_overlaps() -> None:
    module = matmul_relu(8, 16, 48)
    passes = PassRegistry()
    build_pipeline("te-simplify,convert-te-to-loop", passes).run(make_context(), module)
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
    staged(kernel, 1)
    build_pipeline("loop-expand", passes).run(make_context(), module)
    text = str(module)
    assert "memref<2x8x16xf32>" in text  # two copies of a block of A
    assert "memref<2x16x16xf32>" in text
    assert "mod 2" in text
