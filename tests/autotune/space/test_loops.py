"""Kernels that no other rule has a sketch for."""

from __future__ import annotations

import pytest
from space_candidates import check, narrow_target, workload_of
from stepwell import te
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sketch import Space


def interleaved(rows: int, columns: int) -> list[te.Tensor]:
    """Every second element."""
    x = te.placeholder((rows, 2 * columns), "float32", name="X")
    return [x, te.compute((rows, columns), lambda i, j: x[i, 2 * j + 1], name="Y")]


def gathered(rows: int, columns: int, count: int) -> list[te.Tensor]:
    """Of each row the elements at some places, which are data."""
    x = te.placeholder((rows, columns), "float32", name="X")
    at = te.placeholder((rows, count), "int64", name="I")
    return [x, at, te.compute((rows, count), lambda i, j: x[i, at[i, j]], name="Y")]


def gathered_sums(rows: int, columns: int, count: int) -> list[te.Tensor]:
    """What is gathered, added up: neither a product, nor a reduction of neighbours."""
    x = te.placeholder((rows, columns), "float32", name="X")
    at = te.placeholder((rows, count), "int64", name="I")
    k = te.reduce_axis(count, "k")
    return [x, at, te.compute((rows,), lambda i: te.sum(x[i, at[i, k]], axis=k), name="Y")]


def running_products(steps: int, rows: int) -> list[te.Tensor]:
    """Steps in order, of elements that are no neighbours."""
    x = te.placeholder((rows, 2 * steps), "float32", name="X")
    first = te.compute((1, rows), lambda i, j: te.const(1.0, "float32"), name="first")
    return [x, te.scan(steps, first, lambda t, s: te.compute((rows,), lambda j: s[t, j] * x[j, 2 * t]), name="S")]


def single() -> list[te.Tensor]:
    x = te.placeholder((1,), "float32", name="X")
    return [x, te.compute((1,), lambda i: x[i] + 1.0, name="Y")]


def names(space: Space) -> list[str]:
    return [sketch.name for sketch in space.sketches]


@pytest.mark.parametrize(
    "source",
    [interleaved(7, 37), gathered(9, 20, 35), gathered_sums(11, 20, 35), running_products(6, 37)],
    ids=["every second element", "gathered", "sums of what is gathered", "steps in order"],
)
def test_candidates_are_right(source: list[te.Tensor]) -> None:
    space = check(source, "loops", 6)
    assert {"loops/lanes along the innermost loop", "loops/one by one"} <= set(names(space))


def test_short_vectors_and_threads() -> None:
    check(workload_of(gathered_sums(11, 20, 35), narrow_target()), "loops", 5)


def test_what_other_rules_leave() -> None:
    for source in (interleaved(7, 37), gathered(9, 20, 35)):
        space = build_space(workload_of(source))
        assert any(name.startswith("loops/") for name in names(space))
        assert "shipped" in names(space)


def test_what_other_rules_have() -> None:
    x = te.placeholder((8, 40), "float32", name="X")
    space = build_space(workload_of([x, te.compute((8, 40), lambda i, j: x[i, j] + 1.0, name="Y")]))
    assert not any(name.startswith("loops/") for name in names(space))


def test_nothing_to_choose() -> None:
    assert names(build_space(workload_of(single()))) == ["shipped"]
    assert not build_space(workload_of(single()), rules=["loops"]).sketches


def test_lanes_along_another_loop() -> None:
    """Where rows are neighbours and columns are not."""
    x = te.placeholder((2, 40, 3), "float32", name="X")
    space = build_space(workload_of([x, te.compute((3, 40), lambda i, j: x[1, j, i], name="Y")]), rules=["loops"])
    scripts = {sketch.name: str(sketch.script) for sketch in space.sketches}
    assert (
        scripts["loops/lanes along the innermost loop"]
        != scripts["loops/lanes along the loop around the innermost one"]
    )
    assert all(sketch.size > 1 for sketch in space.sketches)
