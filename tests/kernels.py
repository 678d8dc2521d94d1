"""Small kernels of every kind, with inputs: what tests walk down the whole staircase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from stepwell import te

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Kernel:
    """Tensors (inputs, then outputs) and arrays to call them with."""

    name: str
    build: Callable[[], Sequence[te.Tensor]]
    inputs: tuple[Array, ...]


def _ints(*shape: int, seed: int = 0, dtype: str = "float32") -> Array:
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


def matmul_bias_relu() -> Sequence[te.Tensor]:
    a, b = te.placeholder((13, 21), "float32", name="A"), te.placeholder((21, 35), "float32", name="B")
    bias = te.placeholder((35,), "float32", name="bias")
    k = te.reduce_axis(21, name="k")
    c = te.compute((13, 35), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")
    d = te.compute((13, 35), lambda i, j: te.maximum(c[i, j] + bias[j], 0.0), name="D")
    return [a, b, bias, d]


def softmax() -> Sequence[te.Tensor]:
    x = te.placeholder((7, 19), "float32", name="X")
    k1, k2 = te.reduce_axis(19, name="k1"), te.reduce_axis(19, name="k2")
    largest = te.compute((7,), lambda i: te.max(x[i, k1], axis=k1), name="largest")
    e = te.compute((7, 19), lambda i, j: te.exp(x[i, j] - largest[i]), name="e")
    total = te.compute((7,), lambda i: te.sum(e[i, k2], axis=k2), name="total")
    return [x, te.compute((7, 19), lambda i, j: e[i, j] / total[i], name="Y")]


def padded_convolution() -> Sequence[te.Tensor]:
    x, w = te.placeholder((9, 9, 3), "float32", name="X"), te.placeholder((3, 3, 3, 17), "float32", name="W")
    p = te.compute(
        (11, 11, 3),
        lambda i, j, c: te.if_then_else(
            (i >= 1) & (i < 10) & (j >= 1) & (j < 10), x[i - 1, j - 1, c], te.const(0.0, "float32")
        ),
        name="P",
    )
    r, s, c = te.reduce_axis(3, name="r"), te.reduce_axis(3, name="s"), te.reduce_axis(3, name="c")
    y = te.compute((9, 9, 17), lambda i, j, o: te.sum(p[i + r, j + s, c] * w[r, s, c, o], axis=[r, s, c]), name="Y")
    return [x, w, y]


def argmax_rows() -> Sequence[te.Tensor]:
    x = te.placeholder((5, 23), "float32", name="X")
    k = te.reduce_axis(23, name="k")
    return [x, *te.compute((5,), lambda i: te.argmax(x[i, k], axis=k), name="best")]


def gather() -> Sequence[te.Tensor]:
    x, index = te.placeholder((11, 6), "float32", name="X"), te.placeholder((8,), "int64", name="I")
    return [x, index, te.compute((8, 6), lambda i, j: x[index[i], j] * 2.0, name="Y")]


def running_sum() -> Sequence[te.Tensor]:
    x = te.placeholder((10, 8), "float32", name="X")
    first = te.compute((1, 8), lambda t, i: x[t, i], name="first")

    def step(t: te.IterVar, state: te.Tensor) -> te.Tensor:
        return te.compute((8,), lambda i: state[t, i] + x[t + 1, i], name="step")

    return [x, te.scan(9, first, step, name="sum")]


def two_outputs() -> Sequence[te.Tensor]:
    x = te.placeholder((33,), "int32", name="X")
    a = te.compute((33,), lambda i: x[i] * 3 + i.astype("int32"), name="a")
    b = te.compute((33,), lambda i: te.maximum(x[32 - i], a[i]), name="b")
    return [x, a, b]


def parallel_map() -> Sequence[te.Tensor]:
    x = te.placeholder((64, 4096), "float32", name="X")
    return [x, te.compute((64, 4096), lambda i, j: te.tanh(x[i, j]) * 0.5, name="Y")]


KERNELS = (
    Kernel("matmul_bias_relu", matmul_bias_relu, (_ints(13, 21), _ints(21, 35, seed=1), _ints(35, seed=2))),
    Kernel("softmax", softmax, (_ints(7, 19),)),
    Kernel("padded_convolution", padded_convolution, (_ints(9, 9, 3), _ints(3, 3, 3, 17, seed=1))),
    Kernel("argmax_rows", argmax_rows, (_ints(5, 23),)),
    Kernel("gather", gather, (_ints(11, 6), _ints(8, seed=1, dtype="int64") % 11)),
    Kernel("running_sum", running_sum, (_ints(10, 8),)),
    Kernel("two_outputs", two_outputs, (_ints(33, dtype="int32"),)),
    Kernel("parallel_map", parallel_map, (_ints(64, 4096),)),
)
