"""Depthwise convolutions and pools: masked, padded and staged."""

from __future__ import annotations

import pytest
from space_candidates import check, narrow_target, workload_of, zero_padded
from stepwell import te
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.writer import facts_of


def depthwise(channels: int, size: tuple[int, int], window: int, stride: int, border: int) -> list[te.Tensor]:
    x = te.placeholder((1, channels, *size), "float32", name="X")
    w = te.placeholder((channels, 1, window, window), "float32", name="W")
    b = te.placeholder((channels,), "float32", name="B")
    p = zero_padded(x, border, border) if border else x
    height, width = ((extent + 2 * border - window) // stride + 1 for extent in size)
    r, s = te.reduce_axis(window, "r"), te.reduce_axis(window, "s")
    c = te.compute(
        (1, channels, height, width),
        lambda n, o, y, z: te.sum(p[n, o, y * stride + r, z * stride + s] * w[o, 0, r, s], axis=[r, s]),
        name="C",
    )
    y = te.compute((1, channels, height, width), lambda n, o, y, z: te.maximum(c[n, o, y, z] + b[o], 0.0), name="Y")
    return [x, w, b, y]


@pytest.mark.parametrize(
    ("channels", "size", "window", "stride", "border"),
    [(5, (7, 7), 3, 1, 1), (3, (13, 20), 3, 2, 1), (2, (11, 37), 5, 1, 2), (4, (9, 18), 2, 2, 0)],
)
def test_depthwise(channels: int, size: tuple[int, int], window: int, stride: int, border: int) -> None:
    space = check(depthwise(channels, size, window, stride, border), "windows", 8)
    names = {sketch.name.partition(",")[0] for sketch in space.sketches}
    assert "windows/masked" in names
    assert ("windows/staged" in names) == bool(border)


def test_planes_of_short_rows_together() -> None:
    """Where a row is at most half a vector."""
    name = "windows/masked, planes together"
    narrow, wide = (workload_of(depthwise(5, (6, width), 3, 1, 1)) for width in (3, 40))
    lanes = facts_of(narrow)["vector_bytes"] // 4
    space = check(narrow, "windows", 16) if lanes >= 6 else build_space(narrow, rules=["windows"])
    assert (name in [sketch.name for sketch in space.sketches]) == (lanes >= 6)
    assert name not in [sketch.name for sketch in build_space(wide, rules=["windows"]).sketches]


def test_max_pool() -> None:
    x = te.placeholder((2, 3, 15, 17), "float32", name="X")
    r, s = te.reduce_axis(3, "r"), te.reduce_axis(3, "s")
    y = te.compute((2, 3, 7, 8), lambda n, c, y, z: te.max(x[n, c, y * 2 + r, z * 2 + s], axis=[r, s]), name="Y")
    check([x, y], "windows")


def test_short_vectors_and_threads() -> None:
    workload = workload_of(depthwise(32, (30, 31), 3, 1, 1), narrow_target())
    assert "sched.parallelize" in str(check(workload, "windows").sketches[0].script)


def test_other_kernels_are_left_to_other_rules() -> None:
    x = te.placeholder((8, 8), "float32", name="X")
    y = te.compute((8, 8), lambda i, j: x[i, j] + 1.0, name="Y")
    assert not build_space(workload_of([x, y]), rules=["windows"]).sketches
