"""Layers of well-known models as tensor expressions: what `untuned.py` times, and what tests check at small sizes."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell import te

Tensors = Sequence[te.Tensor]


def _zero_padded(x: te.Tensor, pads: Sequence[tuple[int, int]], value: float = 0.0) -> te.Tensor:
    """The tensor with a border of a value in its last dimensions."""
    shape = [int(str(extent)) for extent in x.shape]
    fixed = len(shape) - len(pads)
    padded = [*shape[:fixed], *(n + a + b for n, (a, b) in zip(shape[fixed:], pads, strict=True))]

    def element(*indices: te.IterVar) -> te.Expr:
        moved = [i - a for i, (a, _) in zip(indices[fixed:], pads, strict=True)]
        inside = [c for i, n in zip(moved, shape[fixed:], strict=True) for c in (i >= 0, i < n)]
        number = value if x.dtype.startswith("float") else int(value)
        return te.if_then_else(te.all(*inside), x[*indices[:fixed], *moved], te.const(number, x.dtype))

    return te.compute(tuple(padded), element, name="padded")


def conv2d(
    channels: int,
    size: int,
    filters: int,
    kernel: int,
    stride: int = 1,
    pad: int | None = None,
    *,
    groups: int = 1,
    dilation: int = 1,
    bias: bool = True,
    relu: bool = True,
    residual: bool = False,
    batch: int = 1,
    dtype: str = "float32",
) -> Tensors:
    """A convolution (channels first) with bias, an optional residual sum and a rectifier."""
    pad = dilation * (kernel // 2) if pad is None else pad
    reach = dilation * (kernel - 1) + 1
    out = (size + 2 * pad - reach) // stride + 1
    x = te.placeholder((batch, channels, size, size), dtype, name="X")
    w = te.placeholder((filters, channels // groups, kernel, kernel), dtype, name="W")
    inputs = [x, w]
    p = _zero_padded(x, [(pad, pad), (pad, pad)]) if pad else x
    c, r, s = te.reduce_axis(channels // groups, "c"), te.reduce_axis(kernel, "r"), te.reduce_axis(kernel, "s")
    each = channels // groups

    def value(n: te.IterVar, o: te.IterVar, y: te.IterVar, z: te.IterVar) -> te.Expr:
        base = c if groups == 1 else o if groups == channels == filters else (o // (filters // groups)) * each + c
        element = p[n, base, y * stride + r * dilation, z * stride + s * dilation]
        if groups == channels == filters:
            return te.sum(element * w[o, 0, r, s], axis=[r, s])
        return te.sum(element * w[o, c, r, s], axis=[c, r, s])

    shape = (batch, filters, out, out)
    y = te.compute(shape, value, name="conv")
    if bias:
        b = te.placeholder((filters,), dtype, name="B")
        inputs.append(b)
        before = y
        y = te.compute(shape, lambda n, o, i, j: before[n, o, i, j] + b[o], name="biased")
    if residual:
        other = te.placeholder(shape, dtype, name="R")
        inputs.append(other)
        sum_ = y
        y = te.compute(shape, lambda n, o, i, j: sum_[n, o, i, j] + other[n, o, i, j], name="summed")
    if relu:
        linear = y
        y = te.compute(shape, lambda n, o, i, j: te.maximum(linear[n, o, i, j], 0), name="rectified")
    return [*inputs, y]


def conv_transpose2d(channels: int, size: int, filters: int, kernel: int, stride: int, pad: int) -> Tensors:
    """A transposed convolution: as many convolutions as the stride has phases, whose results take turns."""
    x = te.placeholder((1, channels, size, size), "float32", name="X")
    taps = -(-kernel // stride)
    w = te.placeholder((stride, stride, filters, channels, taps, taps), "float32", name="W")
    out = (size - 1) * stride - 2 * pad + kernel
    each = (out + pad) // stride + 1
    p = _zero_padded(x, [(taps - 1, taps)] * 2)
    c, r, s = te.reduce_axis(channels, "c"), te.reduce_axis(taps, "r"), te.reduce_axis(taps, "s")
    each = min(each, size + taps)

    def phase(a: te.IterVar, b: te.IterVar, o: te.IterVar, i: te.IterVar, j: te.IterVar) -> te.Expr:
        return te.sum(p[0, c, i + r, j + s] * w[a, b, o, c, r, s], axis=[c, r, s])

    y = te.compute((stride, stride, filters, each, each), phase, name="phases")

    def element(n: te.IterVar, o: te.IterVar, i: te.IterVar, j: te.IterVar) -> te.Expr:
        a, b = i + pad, j + pad
        return te.maximum(y[a % stride, b % stride, o, a // stride, b // stride], 0)

    return [x, w, te.compute((1, filters, out, out), element, name="rectified")]


def pool(channels: int, size: int, kernel: int, stride: int, pad: int, kind: str = "max") -> Tensors:
    """The greatest or the mean value of windows."""
    x = te.placeholder((1, channels, size, size), "float32", name="X")
    p = _zero_padded(x, [(pad, pad), (pad, pad)], -3.4e38 if kind == "max" else 0.0) if pad else x
    out = (size + 2 * pad - kernel) // stride + 1
    r, s = te.reduce_axis(kernel, "r"), te.reduce_axis(kernel, "s")
    combine = te.max if kind == "max" else te.sum
    shape = (1, channels, out, out)
    y = te.compute(
        shape, lambda n, c, i, j: combine(p[n, c, i * stride + r, j * stride + s], axis=[r, s]), name="pooled"
    )
    if kind == "max":
        return [x, y]
    return [x, te.compute(shape, lambda n, c, i, j: y[n, c, i, j] * (1.0 / kernel**2), name="mean")]


def global_mean(channels: int, size: int) -> Tensors:
    """The mean of each channel."""
    x = te.placeholder((1, channels, size, size), "float32", name="X")
    r, s = te.reduce_axis(size, "r"), te.reduce_axis(size, "s")
    y = te.compute((1, channels, 1, 1), lambda n, c, i, j: te.sum(x[n, c, r, s], axis=[r, s]), name="sum")
    return [x, te.compute((1, channels, 1, 1), lambda n, c, i, j: y[n, c, i, j] * (1.0 / size**2), name="mean")]


def gemm(m: int, n: int, k: int, *, trans_b: bool = True, act: str = "", dtype: str = "float32") -> Tensors:
    """A matrix product with a bias and perhaps a rectifier or gelu."""
    a = te.placeholder((m, k), dtype, name="A")
    b = te.placeholder((n, k) if trans_b else (k, n), dtype, name="B")
    bias = te.placeholder((n,), dtype, name="bias")
    r = te.reduce_axis(k, "k")
    c = te.compute((m, n), lambda i, j: te.sum(a[i, r] * (b[j, r] if trans_b else b[r, j]), axis=r), name="C")
    d = te.compute((m, n), lambda i, j: c[i, j] + bias[j], name="D")
    if act == "relu":
        d = te.compute((m, n), lambda i, j, d=d: te.maximum(d[i, j], 0), name="relu")
    if act == "gelu":
        d = te.compute(
            (m, n), lambda i, j, d=d: 0.5 * d[i, j] * (1.0 + te.erf(d[i, j] * 0.7071067811865476)), name="gelu"
        )
    return [a, b, bias, d]


def batched_matmul(batch: int, m: int, n: int, k: int, *, trans_b: bool) -> Tensors:
    """A product of matrices for each head."""
    a = te.placeholder((batch, m, k), "float32", name="A")
    b = te.placeholder((batch, n, k) if trans_b else (batch, k, n), "float32", name="B")
    r = te.reduce_axis(k, "k")

    def value(h: te.IterVar, i: te.IterVar, j: te.IterVar) -> te.Expr:
        return te.sum(a[h, i, r] * (b[h, j, r] if trans_b else b[h, r, j]), axis=r)

    c = te.compute((batch, m, n), value, name="C")
    return [a, b, te.compute((batch, m, n), lambda h, i, j: c[h, i, j] * 0.125, name="scaled")]


def heads_matmul(heads: int, m: int, n: int, k: int) -> Tensors:
    """Scores of attention: heads are columns of the inputs, whose transposes are part of the kernel."""
    a = te.placeholder((m, heads * k), "float32", name="Q")
    b = te.placeholder((n, heads * k), "float32", name="K")
    q = te.compute((heads, m, k), lambda h, i, d: a[i, h * k + d], name="q")
    kt = te.compute((heads, k, n), lambda h, d, j: b[j, h * k + d], name="kt")
    r = te.reduce_axis(k, "k")
    return [a, b, te.compute((heads, m, n), lambda h, i, j: te.sum(q[h, i, r] * kt[h, r, j], axis=r), name="C")]


def softmax(rows: int, columns: int) -> Tensors:
    x = te.placeholder((rows, columns), "float32", name="X")
    k1, k2 = te.reduce_axis(columns, "k1"), te.reduce_axis(columns, "k2")
    largest = te.compute((rows,), lambda i: te.max(x[i, k1], axis=k1), name="largest")
    e = te.compute((rows, columns), lambda i, j: te.exp(x[i, j] - largest[i]), name="e")
    total = te.compute((rows,), lambda i: te.sum(e[i, k2], axis=k2), name="total")
    return [x, te.compute((rows, columns), lambda i, j: e[i, j] / total[i], name="Y")]


def layer_norm(rows: int, columns: int, *, residual: bool = False) -> Tensors:
    x = te.placeholder((rows, columns), "float32", name="X")
    inputs = [x]
    if residual:
        other = te.placeholder((rows, columns), "float32", name="R")
        inputs.append(other)
        first = x
        x = te.compute((rows, columns), lambda i, j: first[i, j] + other[i, j], name="sum")
    scale, shift = te.placeholder((columns,), "float32", name="S"), te.placeholder((columns,), "float32", name="B")
    k1, k2 = te.reduce_axis(columns, "k1"), te.reduce_axis(columns, "k2")
    total = te.compute((rows,), lambda i: te.sum(x[i, k1], axis=k1), name="total")
    mean = te.compute((rows,), lambda i: total[i] * (1.0 / columns), name="mean")
    d = te.compute((rows, columns), lambda i, j: x[i, j] - mean[i], name="d")
    square = te.compute((rows,), lambda i: te.sum(d[i, k2] * d[i, k2], axis=k2), name="square")
    inverse = te.compute((rows,), lambda i: te.rsqrt(square[i] * (1.0 / columns) + 1e-5), name="inverse")
    y = te.compute((rows, columns), lambda i, j: d[i, j] * inverse[i] * scale[j] + shift[j], name="Y")
    return [*inputs, scale, shift, y]


def lstm(steps: int, inputs: int, hidden: int) -> Tensors:
    """One layer over time; the products of the inputs with their weights are there already."""
    x = te.placeholder((steps, 4 * hidden), "float32", name="X")
    w = te.placeholder((4 * hidden, hidden), "float32", name="W")
    h0 = te.placeholder((1, hidden), "float32", name="h0")
    c0 = te.placeholder((1, hidden), "float32", name="c0")

    def step(t: te.IterVar, h: te.Tensor, c: te.Tensor) -> Sequence[te.Tensor]:
        k = te.reduce_axis(hidden, "k")
        g = te.compute((4 * hidden,), lambda j: te.sum(h[t, k] * w[j, k], axis=k), name="g")
        z = te.compute((4 * hidden,), lambda j: g[j] + x[t, j], name="z")

        def cell(j: te.IterVar) -> te.Expr:
            kept = te.sigmoid(z[2 * hidden + j]) * c[t, j]
            return kept + te.sigmoid(z[j]) * te.tanh(z[3 * hidden + j])

        new_c = te.compute((hidden,), cell, name="new_c")
        new_h = te.compute((hidden,), lambda j: te.sigmoid(z[hidden + j]) * te.tanh(new_c[j]), name="new_h")
        return new_h, new_c

    h1 = te.compute((1, hidden), lambda i, j: h0[i, j] * 1.0, name="h1")
    c1 = te.compute((1, hidden), lambda i, j: c0[i, j] * 1.0, name="c1")
    h, c = te.scan(steps, [h1, c1], step, name="lstm")
    return [x, w, h0, c0, h, c]


def lstm_cell(hidden: int) -> Tensors:
    """What follows the products in one step."""
    z = te.placeholder((1, 4 * hidden), "float32", name="Z")
    c = te.placeholder((1, hidden), "float32", name="c")

    def cell(i: te.IterVar, j: te.IterVar) -> te.Expr:
        return te.sigmoid(z[i, 2 * hidden + j]) * c[i, j] + te.sigmoid(z[i, j]) * te.tanh(z[i, 3 * hidden + j])

    new_c = te.compute((1, hidden), cell, name="new_c")
    new_h = te.compute((1, hidden), lambda i, j: te.sigmoid(z[i, hidden + j]) * te.tanh(new_c[i, j]), name="new_h")
    return [z, c, new_h, new_c]


def embedding(words: int, width: int, length: int) -> Tensors:
    table = te.placeholder((words, width), "float32", name="table")
    index = te.placeholder((length,), "int64", name="index")
    return [table, index, te.compute((length, width), lambda i, j: table[index[i], j], name="rows")]


def transpose(shape: Sequence[int], order: Sequence[int]) -> Tensors:
    x = te.placeholder(tuple(shape), "float32", name="X")

    def element(*indices: te.IterVar) -> te.Expr:
        source = [indices[order.index(d)] for d in range(len(shape))]
        return x[*source]

    return [x, te.compute(tuple(shape[d] for d in order), element, name="Y")]


def concat(parts: Sequence[int], rows: int, columns: int) -> Tensors:
    """Matrices side by side along the first of three dimensions."""
    inputs = [te.placeholder((n, rows, columns), "float32", name=f"X{i}") for i, n in enumerate(parts)]

    def element(c: te.IterVar, i: te.IterVar, j: te.IterVar) -> te.Expr:
        start = sum(parts[:-1])
        value: te.Expr = inputs[-1][c - start, i, j]
        for part, n in zip(inputs[-2::-1], parts[-2::-1], strict=True):
            start -= n
            value = te.if_then_else(c < start + n, part[c - start, i, j], value)
        return value

    return [*inputs, te.compute((sum(parts), rows, columns), element, name="Y")]


def add_relu(*shape: int) -> Tensors:
    x, y = te.placeholder(shape, "float32", name="X"), te.placeholder(shape, "float32", name="Y")
    return [x, y, te.compute(shape, lambda *i: te.maximum(x[*i] + y[*i], 0), name="Z")]


def argmax(rows: int, columns: int) -> Tensors:
    x = te.placeholder((rows, columns), "float32", name="X")
    k = te.reduce_axis(columns, "k")
    return [x, *te.compute((rows,), lambda i: te.argmax(x[i, k], axis=k), name="best")]


def column_sum(rows: int, columns: int) -> Tensors:
    x = te.placeholder((rows, columns), "float32", name="X")
    k = te.reduce_axis(rows, "k")
    return [x, te.compute((columns,), lambda j: te.sum(x[k, j], axis=k), name="sum")]


def total(*shape: int) -> Tensors:
    x = te.placeholder(shape, "float32", name="X")
    axes = [te.reduce_axis(n, f"k{i}") for i, n in enumerate(shape)]
    return [x, te.compute((1,), lambda i: te.sum(x[*axes], axis=axes), name="sum")]


LAYERS = {
    "resnet conv 7x7/2 3-64": lambda: conv2d(3, 224, 64, 7, 2),
    "resnet conv 3x3 64 @56": lambda: conv2d(64, 56, 64, 3, residual=True),
    "resnet conv 3x3/2 64-128 @28": lambda: conv2d(64, 56, 128, 3, 2),
    "resnet conv 3x3 128 @28": lambda: conv2d(128, 28, 128, 3, residual=True),
    "resnet conv 3x3 256 @14": lambda: conv2d(256, 14, 256, 3),
    "resnet conv 3x3 512 @7": lambda: conv2d(512, 7, 512, 3),
    "resnet conv 1x1/2 64-128": lambda: conv2d(64, 56, 128, 1, 2, relu=False),
    "resnet conv 1x1/2 256-512": lambda: conv2d(256, 14, 512, 1, 2, relu=False),
    "resnet max pool 3x3/2": lambda: pool(64, 112, 3, 2, 1),
    "resnet mean 7x7": lambda: global_mean(512, 7),
    "resnet gemm": lambda: gemm(1, 1000, 512),
    "mobilenet conv 3x3/2 3-32": lambda: conv2d(3, 224, 32, 3, 2),
    "mobilenet depthwise 3x3 32 @112": lambda: conv2d(32, 112, 32, 3, groups=32),
    "mobilenet depthwise 3x3/2 64": lambda: conv2d(64, 112, 64, 3, 2, groups=64),
    "mobilenet depthwise 3x3 512 @14": lambda: conv2d(512, 14, 512, 3, groups=512),
    "mobilenet depthwise 3x3 1024 @7": lambda: conv2d(1024, 7, 1024, 3, groups=1024),
    "mobilenet conv 1x1 32-64 @112": lambda: conv2d(32, 112, 64, 1),
    "mobilenet conv 1x1 512 @14": lambda: conv2d(512, 14, 512, 1),
    "mobilenet conv 1x1 1024 @7": lambda: conv2d(1024, 7, 1024, 1),
    "dqn conv 8x8/4": lambda: conv2d(4, 84, 32, 8, 4, 0),
    "dqn conv 4x4/2": lambda: conv2d(32, 20, 64, 4, 2, 0),
    "dqn conv 3x3": lambda: conv2d(64, 9, 64, 3, 1, 0),
    "dqn gemm": lambda: gemm(1, 512, 3136, act="relu"),
    "dcgan conv transpose 1-4": lambda: conv_transpose2d(100, 1, 512, 4, 1, 0),
    "dcgan conv transpose 4-8": lambda: conv_transpose2d(512, 4, 256, 4, 2, 1),
    "dcgan conv transpose 32-64": lambda: conv_transpose2d(64, 32, 3, 4, 2, 1),
    "lm gates": lambda: gemm(1, 2600, 650),
    "lm vocabulary": lambda: gemm(1, 10000, 650),
    "lm cell": lambda: lstm_cell(650),
    "lm embedding": lambda: embedding(10000, 650, 1),
    "lstm over time": lambda: lstm(32, 128, 128),
    "lstm inputs": lambda: gemm(32, 512, 128),
    "encoder qkv": lambda: gemm(128, 512, 512),
    "encoder qkv, not transposed": lambda: gemm(128, 512, 512, trans_b=False),
    "encoder scores": lambda: batched_matmul(8, 128, 128, 64, trans_b=True),
    "encoder scores of heads": lambda: heads_matmul(8, 128, 128, 64),
    "encoder mix": lambda: batched_matmul(8, 128, 64, 128, trans_b=False),
    "encoder softmax": lambda: softmax(1024, 128),
    "encoder layer norm": lambda: layer_norm(128, 512, residual=True),
    "encoder gelu": lambda: gemm(128, 2048, 512, act="gelu"),
    "encoder heads": lambda: transpose((128, 8, 64), (1, 0, 2)),
    "transpose": lambda: transpose((512, 512), (1, 0)),
    "grouped conv": lambda: conv2d(64, 28, 64, 3, groups=4),
    "dilated conv": lambda: conv2d(32, 28, 32, 3, dilation=2),
    "concat": lambda: concat((64, 64, 128), 28, 28),
    "residual sum": lambda: add_relu(1, 256, 14, 14),
    "argmax": lambda: argmax(64, 1000),
    "column sum": lambda: column_sum(1000, 512),
    "total": lambda: total(64, 56, 56),
    "matmul 512": lambda: gemm(512, 512, 512, trans_b=False),
    "matmul 64 int32": lambda: gemm(64, 64, 64, trans_b=False, dtype="int32"),
    "matmul 256 f64": lambda: gemm(256, 256, 256, trans_b=False, dtype="float64"),
}
"""By name, what builds them."""
