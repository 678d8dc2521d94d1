"""Elementwise functions, broadcasts, transposes."""

from __future__ import annotations

import pytest
from space_candidates import check, narrow_target, workload_of
from stepwell import te


def transpose(shape: tuple[int, ...], order: tuple[int, ...], dtype: str = "float32") -> list[te.Tensor]:
    a = te.placeholder(shape, dtype, name="A")
    place = [order.index(d) for d in range(len(shape))]
    return [a, te.compute(tuple(shape[p] for p in order), lambda *i: a[tuple(i[p] for p in place)], name="B")]


def chain(*shape: int) -> list[te.Tensor]:
    a, b = te.placeholder(shape, "float32", name="A"), te.placeholder((shape[1],), "float32", name="Bias")
    c = te.compute(shape, lambda *i: a[i] + b[i[1]], name="C")
    return [a, b, te.compute(shape, lambda *i: te.maximum(c[i], 0.0), name="D")]


@pytest.mark.parametrize("shape", [(2, 5, 7, 7), (1, 3, 9, 30), (4, 70)])
def test_chains(shape: tuple[int, ...]) -> None:
    space = check(chain(*shape), "maps", 6)
    assert ("maps/lanes along 2 dimensions" in {sketch.name for sketch in space.sketches}) == (len(shape) > 2)


@pytest.mark.parametrize(
    ("shape", "order"), [((37, 50), (1, 0)), ((1, 20, 7, 7), (0, 2, 3, 1)), ((2, 5, 6, 21), (0, 3, 1, 2))]
)
def test_transposes(shape: tuple[int, ...], order: tuple[int, ...]) -> None:
    space = check(transpose(shape, order), "maps", 5)
    names = {sketch.name for sketch in space.sketches}
    assert "maps/transposed in registers" in names
    assert ("maps/transposed, planes" in names) == (len(shape) == 4)


def test_bytes() -> None:
    check(transpose((40, 33), (1, 0), "int8"), "maps", 4)


def test_threads() -> None:
    space = check(workload_of(chain(16, 8, 16, 17), narrow_target()), "maps", 4)
    assert all("sched.parallelize" in str(sketch.script) for sketch in space.sketches)
