"""Lanes that go across rows: rows are loaded as they lie, and transposed in registers."""

from __future__ import annotations

import numpy as np
import pytest
from stepwell import te
from stepwell.tools import driver
from stepwell.transform.interpreter import apply_script
from stepwell.transform.script import parse_script
from xdsl.dialects.builtin import ModuleOp

SCRIPT = """
!op = !transform.any_op
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i, %j = sched.get_loops %c : (!op) -> (!op, !op)
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [ROWS, LANES] : (!op, !op) -> (!op, !op, !op, !op)
    sched.unroll %ii : !op
    sched.vectorize %ji : !op
    sched.peel %io, %jo : !op, !op
    transform.yield
  }
}
"""


def transposed(rows: int, columns: int, dtype: str, tile: tuple[int, int]) -> ModuleOp:
    a = te.placeholder((rows, columns), dtype, name="A")
    module = driver.lower([a, te.compute((columns, rows), lambda i, j: a[j, i], name="B")], until="convert-te-to-loop")
    text = SCRIPT.replace("ROWS", str(tile[0])).replace("LANES", str(tile[1]))
    apply_script(parse_script(text), module)
    return module


@pytest.mark.parametrize("tile", [(16, 16), (12, 8), (5, 7), (20, 4)])
@pytest.mark.parametrize("shape", [(32, 48), (37, 21), (5, 64)])
def test_each_element_has_its_place(shape: tuple[int, int], tile: tuple[int, int]) -> None:
    for dtype in ("float32", "int8", "float64"):
        program = driver.compile(transposed(*shape, dtype, tile), threads=1)
        x = np.arange(shape[0] * shape[1]).reshape(shape).astype(dtype)
        np.testing.assert_array_equal(program(x), x.T)


def test_rows_are_loaded_as_they_lie() -> None:
    module = transposed(32, 32, "float32", (16, 16))
    text = str(driver.lower(module, until="loop-expand"))
    assert text.count("affine.vector_load") == 16
    assert text.count("vector.shuffle") == 16 * 4
    assert "affine.load" not in text


PLANES = """
!op = !transform.any_op
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %n, %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op, !op)
    %plane = sched.coalesce PLANE : (!op, !op) -> !op
    %po, %pi = sched.tile %plane tile_sizes [16] : (!op) -> (!op, !op)
    %ko, %ki = sched.tile CHANNEL tile_sizes [16] : (!op) -> (!op, !op)
    sched.reorder %po, %ko, UNROLLED, LANES : !op, !op, !op, !op
    sched.unroll UNROLLED : !op
    sched.vectorize LANES : !op
    sched.peel %po, %ko : !op, !op
    transform.yield
  }
}
"""


@pytest.mark.parametrize("channels", [32, 21])
@pytest.mark.parametrize("size", [(8, 8), (7, 7), (5, 11)])
def test_planes_are_rows_of_pixels(size: tuple[int, int], channels: int) -> None:
    """Two dimensions that lie one after another are one: images become channels last, and back."""
    shapes = ((2, channels, *size), (2, *size, channels))
    for given, wanted, order, places in (
        (*shapes, (0, 3, 1, 2), {"PLANE": "%i, %j", "CHANNEL": "%k", "UNROLLED": "%pi", "LANES": "%ki"}),
        (*reversed(shapes), (0, 2, 3, 1), {"PLANE": "%j, %k", "CHANNEL": "%i", "UNROLLED": "%ki", "LANES": "%pi"}),
    ):
        a = te.placeholder(given, "float32", name="A")
        b = te.compute(wanted, lambda *i, a=a, order=order: a[tuple(i[p] for p in order)], name="B")
        module, text = driver.lower([a, b], until="convert-te-to-loop"), PLANES
        for name, place in places.items():
            text = text.replace(name, place)
        apply_script(parse_script(text), module)
        assert "vector.shuffle" in str(driver.lower(module.clone(), until="loop-expand"))
        x = np.random.default_rng(0).random(given, np.float32)
        inverse = tuple(order.index(d) for d in range(4))
        np.testing.assert_array_equal(driver.compile(module, threads=1)(x), x.transpose(inverse))


@pytest.mark.parametrize(
    ("shape", "permutation"), [((40, 33), (1, 0)), ((10, 20, 18), (1, 2, 0)), ((2, 17, 19, 24), (0, 3, 1, 2))]
)
def test_shipped_schedules_transpose(shape: tuple[int, ...], permutation: tuple[int, ...]) -> None:
    a = te.placeholder(shape, "float32", name="A")
    place = [permutation.index(d) for d in range(len(shape))]
    result = tuple(shape[p] for p in permutation)
    b = te.compute(result, lambda *i: a[tuple(i[p] for p in place)], name="B")
    assert "vector.shuffle" in str(driver.lower([a, b], until="loop-expand"))
    x = np.random.default_rng(0).random(shape, np.float32)
    np.testing.assert_array_equal(driver.compile([a, b])(x), x.transpose(permutation))
