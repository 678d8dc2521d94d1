"""Sums and maxima over rows and columns, softmax, normalisations."""

from __future__ import annotations

import pytest
from space_candidates import check, narrow_target, workload_of
from stepwell import te


def softmax(m: int, n: int) -> list[te.Tensor]:
    x = te.placeholder((m, n), "float32", name="X")
    k, s = te.reduce_axis(n, "k"), te.reduce_axis(n, "l")
    top = te.compute((m,), lambda i: te.max(x[i, k], axis=k), name="top")
    e = te.compute((m, n), lambda i, j: te.exp(x[i, j] - top[i]), name="e")
    total = te.compute((m,), lambda i: te.sum(e[i, s], axis=s), name="total")
    return [x, te.compute((m, n), lambda i, j: e[i, j] / total[i], name="Y")]


def row_mean(m: int, n: int) -> list[te.Tensor]:
    x = te.placeholder((m, n), "float32", name="X")
    k = te.reduce_axis(n, "k")
    total = te.compute((m,), lambda i: te.sum(x[i, k], axis=k), name="total")
    return [x, te.compute((m,), lambda i: total[i] / float(n), name="Y")]


def column_max(m: int, n: int) -> list[te.Tensor]:
    x = te.placeholder((m, n), "float32", name="X")
    k = te.reduce_axis(m, "k")
    return [x, te.compute((n,), lambda j: te.max(x[k, j], axis=k), name="Y")]


def column_means_subtracted(m: int, n: int) -> list[te.Tensor]:
    x = te.placeholder((m, n), "float32", name="X")
    k = te.reduce_axis(m, "k")
    total = te.compute((n,), lambda j: te.sum(x[k, j], axis=k), name="total")
    return [x, te.compute((m, n), lambda i, j: x[i, j] - total[j] / float(m), name="Y")]


def argmax(m: int, n: int) -> list[te.Tensor]:
    x = te.placeholder((m, n), "float32", name="X")
    k = te.reduce_axis(n, "k")
    return [x, *te.compute((m,), lambda i: te.argmax(x[i, k], axis=k), name="Y")]


def ordered_sum(m: int, n: int) -> list[te.Tensor]:
    """A sum whose order may not change."""
    x = te.placeholder((m, n), "float32", name="X")
    k = te.reduce_axis(n, "k")
    return [x, te.compute((m,), lambda i: te.sum(x[i, k], axis=k, fastmath=()), name="Y")]


def squares(shape: tuple[int, ...], axis: int) -> list[te.Tensor]:
    """Sums of squares along one dimension: products of what is read with itself."""
    x = te.placeholder(shape, "float32", name="X")
    k = te.reduce_axis(shape[axis], "k")

    def element(*at: te.IterVar) -> te.Expr:
        value = x[*at[:axis], k, *at[axis:]]
        return te.sum(value * value, axis=k)

    return [x, te.compute((*shape[:axis], *shape[axis + 1 :]), element, name="Y")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (softmax(13, 50), "reductions/rows"),
        (row_mean(21, 37), "reductions/rows"),
        (column_max(19, 45), "reductions/columns"),
        (column_means_subtracted(9, 33), "reductions/columns"),
        (argmax(7, 40), "reductions/rows"),
        (ordered_sum(12, 20), "reductions/steps together"),
        (squares((13, 50), 1), "reductions/rows"),
        (squares((19, 45), 0), "reductions/columns"),
        (squares((3, 19, 45), 1), "reductions/columns, rows outside"),
        (squares((21, 37), 1), "reductions/rows, results apart"),
        (row_mean(21, 10), "reductions/rows, results apart"),
    ],
    ids=[
        *("softmax", "row mean", "column max", "column means", "argmax", "ordered sum", "squares of rows"),
        *("squares of columns", "squares of the middle", "squares apart", "means apart"),
    ],
)
def test_candidates_are_right(source: list[te.Tensor], expected: str) -> None:
    space = check(source, "reductions", 8)
    assert expected in {sketch.name for sketch in space.sketches}


def test_rows_outside_of_columns() -> None:
    space = check(workload_of(column_max(40, 300), narrow_target()), "reductions", 8)
    assert "reductions/columns, rows outside" in {sketch.name for sketch in space.sketches}
