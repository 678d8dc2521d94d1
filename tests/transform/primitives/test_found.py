"""What random schedules have found: primitives that left IR which was invalid, or meant something else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.random_schedule import copy_intrinsic
from stepwell.backends.oracles.random_step import Block, Buffer, Loop, Step, apply_step
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.errors import ScheduleError
from stepwell.passes.pass_manager import build_pipeline
from stepwell.passes.registry import PassRegistry
from stepwell.te import Tensor
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.dialects.func import FuncOp

Array = np.ndarray


class Kernel:
    """Tensor expressions on the loop rung, with inputs and what they have to give."""

    def __init__(self, inputs: Sequence[Tensor], *outputs: Tensor) -> None:
        self.module: ModuleOp = te.build_module([*inputs, *outputs])
        generator = np.random.default_rng(0)
        self.inputs = [generator.integers(-4, 5, tensor.shape).astype(tensor.dtype) for tensor in inputs]
        self.expected = run_te(self.module, *self.inputs)
        build_pipeline("te-simplify,convert-te-to-loop", PassRegistry()).run(make_context(), self.module, ())
        (self.func,) = (op for op in self.module.body.block.ops if isinstance(op, FuncOp))

    def apply(self, *steps: Step) -> None:
        for step in steps:
            apply_step(self.func, step)

    def check(self) -> None:
        self.module.verify()
        for order in ("sequential", "adversarial"):
            for expected, got in zip(self.expected, run_loop(self.module, *self.inputs, order=order), strict=True):
                np.testing.assert_array_equal(expected, got)

    def check_refused(self, message: str, step: Step) -> None:
        before = str(self.module)
        with pytest.raises(ScheduleError, match=message):
            self.apply(step)
        assert str(self.module) == before


def step(primitive: str, *arguments: object) -> Step:
    """A step that is applied, and not written."""
    return Step(primitive, arguments, "")


def loops(block: str, *places: int) -> tuple[Loop, ...]:
    return tuple(Loop(block, place) for place in places)


def matmul(m: int, n: int, depth: int) -> Kernel:
    a, b = te.placeholder((m, depth), name="A"), te.placeholder((depth, n), name="B")
    k = te.reduce_axis(depth, name="k")
    return Kernel([a, b], te.compute((m, n), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C"))


def chain(*shape: int) -> Kernel:
    """Three computes, one after the other."""
    a = te.placeholder(shape, name="A")
    first = te.compute(shape, lambda *i: a[i] + 1.0, name="S")
    second = te.compute(shape, lambda *i: first[i] * 2.0, name="T")
    third = te.compute(shape, lambda *i: second[i] - a[i], name="U")
    return Kernel([a], third)


def scan() -> Kernel:
    start, a = te.placeholder((1, 4), name="S0"), te.placeholder((7, 4), name="A")
    weights = te.placeholder((4, 4), name="W")

    def step(t: te.IterVar, state: Tensor) -> Tensor:
        k = te.reduce_axis(4, name="k")
        mixed = te.compute((4,), lambda j: te.sum(state[t, k] * weights[k, j], axis=k), name="mixed")
        return te.compute((4,), lambda j: te.minimum(te.maximum(mixed[j] + a[t, j], -8.0), 8.0), name="row")

    return Kernel([start, a, weights], te.scan(7, start, step, name="S"))


def test_a_moved_consumer_takes_its_buffer_along() -> None:
    kernel = chain(6, 5)
    kernel.apply(step("reverse_compute_at", Block("map1"), Loop("map0", 1)))
    kernel.check()


def test_a_moved_block_makes_loops_with_valid_names() -> None:
    kernel = chain(6, 5)
    kernel.apply(step("compute_at", Block("map0"), Loop("map1", 0)))
    kernel.check()


def test_what_is_cached_at_function_level_is_cached_whole() -> None:
    a = te.placeholder((9, 4), name="A")
    kernel = Kernel([a], te.compute((4, 4), lambda i, j: a[i * 2, j], name="C"))
    kernel.apply(step("cache_read", Block("map0"), Buffer("map0", 0), None, "local"))
    kernel.check()


def test_reduce_loops_that_run_once_may_be_outside() -> None:
    kernel = matmul(3, 4, 1)
    kernel.apply(step("interchange", loops("reduce0", 0, 1, 2), (2, 0, 1)))
    kernel.apply(step("cache_write", Block("reduce0"), Loop("reduce0", 1), "local"))
    kernel.check()


def test_reduce_loops_that_run_once_may_be_parallel() -> None:
    kernel = matmul(3, 4, 5)
    kernel.apply(step("tile", loops("reduce0", 2), (5,)), step("parallelize", Loop("reduce0", 2)))
    kernel.check()


@pytest.mark.parametrize(("shape", "size"), [((3, 3), 6), ((6, 7, 2), 8), ((4, 3, 2), 16), ((5, 3), 2), ((2, 9, 2), 3)])
def test_coalesced_loops_are_tiled_with_a_tail(shape: tuple[int, ...], size: int) -> None:
    kernel = chain(*shape)
    kernel.apply(step("coalesce", loops("map0", *range(len(shape)))), step("tile", loops("map0", 0), (size,)))
    kernel.check()


def test_a_second_tail_of_coalesced_loops_is_refused() -> None:
    kernel = chain(2, 3)
    kernel.apply(step("coalesce", loops("map0", 0, 1)), step("tile", loops("map0", 0), (4,)))
    kernel.check_refused("expected .*, to tile loop", step("tile", loops("map0", 1), (3,)))
    kernel.check()


def test_a_tail_of_strided_reads_needs_no_more_than_there_is() -> None:
    a = te.placeholder((9,), name="A")
    first = te.compute((9,), lambda i: a[i] + 1.0, name="S")
    kernel = Kernel([a], te.compute((3, 5), lambda i, j: first[j * 2], name="C"))
    kernel.apply(step("compute_at", Block("map0"), Loop("map1", 0)), step("tile", loops("map1", 1), (2,)))
    kernel.check()


def test_what_writes_a_part_of_an_output_is_not_staged() -> None:
    kernel = scan()
    kernel.check_refused(
        "expected a spatial iterator .* to be covered", step("cache_write", Block("map0"), Loop("map0", 0), "local")
    )


def test_a_tail_guards_copies_of_what_lives_in_the_loop() -> None:
    kernel = scan()
    kernel.apply(
        step("cache_read", Block("scan0"), Buffer("scan0", 0), Loop("scan0", 0), "local"),
        step("tile", loops("scan0", 0), (5,)),
    )
    kernel.check()


def test_lanes_beside_a_dimension_of_one_element_are_refused() -> None:
    a, b = te.placeholder((1,), name="A"), te.placeholder((8, 4), name="B")
    inside = te.compute((8, 4), lambda i, j: te.if_then_else(j < 1, a[j], 0.0) + b[i, j], name="C")
    kernel = Kernel([a, b], inside)
    kernel.apply(step("cache_read", Block("map0"), Buffer("map0", 0), Loop("map0", 0), "local"))
    with pytest.raises(ScheduleError):
        kernel.apply(step("vectorize", Loop("A_local_read", 1)))
    kernel.check()


def test_sums_that_are_parts_of_one_another_end_the_proof() -> None:
    a = te.placeholder((5, 3, 2), name="A")
    kernel = Kernel([a], te.compute((5, 3, 2), lambda i, j, k: a[i, j, k] + 1.0, name="C"))
    kernel.apply(
        step("coalesce", loops("map0", 0, 1, 2)),
        step("cache_read", Block("map0"), Buffer("map0", 0), Loop("map0", 0), ""),
        step("tile", loops("map0", 0), (5,)),
        step("cache_read", Block("arg0_global_read"), Buffer("arg0_global_read", 0), Loop("arg0_global_read", 3), ""),
        step("tile", loops("arg0_global_read", 1), (16,)),
        step("tile", loops("arg0_global_0_read", 2), (4,)),
    )
    kernel.check()


def test_a_reader_inside_of_the_loops_ends_a_split_reduction() -> None:
    a = te.placeholder((4, 8), name="A")
    k = te.reduce_axis(8, name="k")
    total = te.compute((4,), lambda i: te.sum(a[i, k], axis=k), name="T")
    kernel = Kernel([a], total, total)
    kernel.apply(step("reverse_compute_at", Block("map0"), Loop("reduce0", 0)))
    kernel.check()
    kernel.check_refused(
        "expected 'reduce0' alone to use .* inside of its loops",
        step("split_reduction", Block("reduce0"), Loop("reduce0", 1)),
    )


def test_a_nest_that_is_one_statement_stays_as_it_is() -> None:
    kernel = chain(4, 8)
    copy = copy_intrinsic(f32, 8)
    kernel.apply(
        step("cache_write", Block("map0"), None, "local"),
        step("tensorize", Loop("S_local_write", 1), copy),
    )
    written = Block("S_local_write")
    kernel.check_refused("expected the nest below tensorized loop", step("compute_inline", Block("map0")))
    for place in (0, 1):
        copied = step("cache_read", written, Buffer("S_local_write", 0), Loop("S_local_write", place), "local")
        if place:
            kernel.check_refused("expected the nest below tensorized loop .* to stay as it is", copied)
        else:
            kernel.apply(copied)
    kernel.check()


def test_the_steps_of_a_scan_may_be_one_statement() -> None:
    start, a = te.placeholder((1, 4), name="S0"), te.placeholder((7, 4), name="A")

    def row(t: te.IterVar, state: Tensor) -> Tensor:
        return te.compute((4,), lambda j: te.minimum(state[t, j] + a[t, j], 8.0), name="row")

    kernel = Kernel([start, a], te.scan(7, start, row, name="S"))
    kernel.apply(step("blockize", Loop("scan0", 0)))
    kernel.check()
    kernel.check_refused("expected the nest below opaque loop", step("tile", loops("scan0", 1), (2,)))


def test_a_margin_is_not_inlined_into_what_it_is_around() -> None:
    a = te.placeholder((2,), name="A")
    first = te.compute((2,), lambda i: a[i] + 1.0, name="S")
    inside = te.compute((4,), lambda i: te.if_then_else(te.all(i >= 1, i < 3), first[i - 1], 1.0), name="C")
    kernel = Kernel([a], inside)
    inlined = step("reverse_compute_inline", Block("map1"))
    kernel.check_refused("expected 'map0' to write 'S' for each value of the iterators of 'map1'", inlined)
    kernel.check()


def test_what_a_consumer_writes_lives_before_its_producer() -> None:
    kernel = chain(4, 5)
    kernel.apply(
        step("fuse_sibling", Loop("map0", 0), Loop("map1", 0)),
        step("cache_read", Block("map1"), Buffer("map1", 0), Loop("map1", 0), ""),
        step("reverse_compute_inline", Block("S_global_read")),
    )
    kernel.check()


def test_what_prefetches_is_not_padded() -> None:
    kernel = chain(6, 5)
    kernel.apply(step("prefetch", Block("map0"), Buffer("map0", 0), Loop("map0", 0), 2))
    kernel.check_refused("expected a block that writes something to pad", step("pad", Block("arg0_prefetch"), (4, 4)))
    kernel.check()


def test_the_init_of_a_split_reduction_finds_what_it_reads() -> None:
    a, b = te.placeholder((3, 4), name="A"), te.placeholder((3,), name="B")
    k = te.reduce_axis(4, name="k")
    least = te.compute((3,), lambda i: te.min(a[i, k], axis=k), name="T")
    kernel = Kernel([a, b], te.compute((3,), lambda i: te.minimum(least[i], b[i]), name="C"))
    kernel.apply(
        step("fuse_reduction_epilogue", Block("map0")),
        step("cache_read", Block("reduce0"), Buffer("reduce0", 0), Loop("reduce0", 0), "local"),
    )
    kernel.check()
    kernel.check_refused(
        "which the init of 'reduce0' reads", step("split_reduction", Block("reduce0"), Loop("reduce0", 1))
    )


def test_the_order_of_allocs_is_always_the_same() -> None:
    def fused() -> str:
        a = te.placeholder((4, 5), name="A")
        parts = [te.compute((4, 5), lambda i, j, n=n: a[i, j] + float(n), name=f"S{n}") for n in range(5)]
        total = te.compute((4, 5), lambda i, j: sum((part[i, j] for part in parts[1:]), parts[0][i, j]), name="T")
        kernel = Kernel([a], total)
        for n in range(5):
            kernel.apply(step("fuse_sibling", Loop(f"map{n}", 0), Loop(f"map{n + 1}", 0)))
        kernel.check()
        return str(kernel.module)

    assert len({fused() for _ in range(8)}) == 1
