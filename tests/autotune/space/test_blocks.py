"""Kernels with several reductions of different kinds, and scans."""

from __future__ import annotations

from space_candidates import check
from stepwell import te


def attention(queries: int, keys: int, size: int) -> list[te.Tensor]:
    """A softmax of products, and a second product."""
    q = te.placeholder((queries, size), "float32", name="Q")
    k = te.placeholder((keys, size), "float32", name="K")
    v = te.placeholder((keys, size), "float32", name="V")
    a, b, c = te.reduce_axis(size, "a"), te.reduce_axis(keys, "b"), te.reduce_axis(keys, "c")
    scores = te.compute((queries, keys), lambda i, j: te.sum(q[i, a] * k[j, a], axis=a), name="scores")
    top = te.compute((queries,), lambda i: te.max(scores[i, b], axis=b), name="top")
    e = te.compute((queries, keys), lambda i, j: te.exp(scores[i, j] - top[i]), name="e")
    y = te.compute((queries, size), lambda i, j: te.sum(e[i, c] * v[c, j], axis=c), name="Y")
    return [q, k, v, y]


def running_sums(rows: int, columns: int, taps: int) -> list[te.Tensor]:
    """Each row adds what another matrix sums to the row before."""
    x = te.placeholder((rows, columns, taps), "float32", name="X")
    first = te.compute((1, columns), lambda i, j: te.const(0.0, "float32"), name="first")

    def step(t: te.IterVar, state: te.Tensor) -> te.Tensor:
        k = te.reduce_axis(taps, "k")
        total = te.compute((columns,), lambda j: te.sum(x[t, j, k], axis=k), name="total")
        return te.compute((columns,), lambda j: state[t, j] + total[j], name="row")

    return [x, te.scan(rows, first, step, name="S")]


def total(m: int, n: int) -> list[te.Tensor]:
    x = te.placeholder((m, n), "float32", name="X")
    k, s = te.reduce_axis(m, "k"), te.reduce_axis(n, "s")
    return [x, te.compute((1,), lambda i: te.sum(x[k, s], axis=[k, s]), name="Y")]


def test_several_reductions() -> None:
    space = check(attention(9, 21, 20), "blocks", 5)
    assert [sketch.name for sketch in space.sketches] == ["blocks/along reductions", "blocks/along what is kept"]


def test_scans() -> None:
    space = check(running_sums(6, 37, 19), "blocks", 5)
    assert "sched.split_reduction" in str(space.sketches[0].script)


def test_all_elements_at_once() -> None:
    check(total(11, 29), "blocks", 4)
