"""Random tensor expressions whose results are exact: whole numbers, and sums that the element type holds.

So every correct way to compute them gives the same bits, in whatever order a reduction goes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ... import te
from ...runtime.signature import numpy_dtype
from ...te import Expr, IterVar, Reduction, Tensor

Array: TypeAlias = NDArray[Any]

_LIMITS = {"float16": 2**15, "bfloat16": 2**20, "float32": 2**24, "float64": 2**50, "int32": 2**31 - 1, "int64": 2**50}
"""Whole numbers up to these are exact in sums. Integers wrap, which is exact in any order; narrow floats are summed in
float32, and rounded once."""
_EXACT = {"float16": 2**11, "bfloat16": 2**8}
"""Whole numbers up to these are exact where narrow floats stay narrow."""
_CONSTANTS = {"int8": 100, "uint8": 100, "int16": 2**14, "uint16": 2**14, "float16": 2**11, "bfloat16": 2**8}
"""The largest constants of the types that do not have all that is used otherwise."""
_DTYPES = (
    *("float32",) * 8,
    *("int32", "float64") * 2,
    *("int64", "int8", "int16", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16"),
)
_EXTENTS = (1, 2, 3, 3, 4, 5, 5, 6, 7, 8, 9, 11, 13)
_LARGE_EXTENTS = (16, 17, 31, 33, 48, 64, 70)
"""Several vectors wide, with and without a tail; rare, since they take longer."""
_SMALL = 8


@dataclass(frozen=True)
class _Value:
    """An expression and the greatest absolute value that it may have."""

    expr: Expr
    bound: int


@dataclass
class _Program:
    """What is generated so far."""

    rng: random.Random
    dtype: str
    most: int | None = None
    """The greatest extent, where it is limited."""
    inputs: list[Tensor] = field(default_factory=list[Tensor])
    arrays: list[Array] = field(default_factory=list[Array])
    computed: list[Tensor] = field(default_factory=list[Tensor])
    bounds: dict[int, int] = field(default_factory=dict[int, int])

    @property
    def limit(self) -> int:
        return _LIMITS.get(self.dtype, 2**31)

    @property
    def exact(self) -> int:
        return _EXACT.get(self.dtype, self.limit)

    @property
    def is_float(self) -> bool:
        return "float" in self.dtype

    @property
    def is_unsigned(self) -> bool:
        return self.dtype.startswith("uint")

    def pick_extent(self, most: int = 13) -> int:
        if most >= 13 and self.rng.random() < 0.04:
            return self.at_most(self.rng.choice(_LARGE_EXTENTS))
        return self.at_most(self.rng.choice([extent for extent in _EXTENTS if extent <= most]))

    def at_most(self, extent: int) -> int:
        """An extent, or the greatest one that is allowed: what is drawn after it stays as it is."""
        return extent if self.most is None else min(extent, self.most)

    def pick_shape(self, least: int = 1, most: int = 3) -> tuple[int, ...]:
        rank = self.rng.randint(least, most)
        return tuple(self.pick_extent(13 if rank < 3 else 7) for _ in range(rank))

    def input(self, shape: Sequence[int], dtype: str | None = None, most: int = 4, least: int | None = None) -> Tensor:
        """A new input of small whole numbers."""
        name = chr(ord("A") + len(self.inputs))
        tensor = te.placeholder(tuple(shape), dtype or self.dtype, name=name, constant=self.rng.random() < 0.2)
        generator = np.random.default_rng(self.rng.getrandbits(32))
        low = 0 if tensor.dtype.startswith("uint") else -most if least is None else least
        self.inputs.append(tensor)
        self.arrays.append(generator.integers(low, most + 1, tuple(shape)).astype(numpy_dtype(tensor.dtype)))
        self.bounds[id(tensor)] = max(most, -low)
        return tensor

    def source(self) -> Tensor:
        """A tensor of the program's element type: often a new input or what was computed last."""
        known = [tensor for tensor in (*self.inputs, *self.computed) if tensor.dtype == self.dtype]
        if not known or (len(self.inputs) < 4 and self.rng.random() < 0.35):
            return self.input(self.pick_shape())
        return known[-1] if self.rng.random() < 0.6 else self.rng.choice(known)

    def name(self) -> str:
        return f"T{len(self.computed)}"

    def add(self, result: Tensor | tuple[Tensor, ...], *bounds: int) -> None:
        """Takes the results of a compute or scan."""
        tensors = result if isinstance(result, tuple) else (result,)
        for tensor, bound in zip(tensors, bounds, strict=True):
            self.computed.append(tensor)
            self.bounds[id(tensor)] = bound

    # Expressions

    def const(self, value: int) -> Expr:
        return te.const(float(value) if self.is_float else abs(value) if self.is_unsigned else value, self.dtype)

    def fit(self, value: _Value, most: int = _SMALL) -> _Value:
        """The value, clamped if it may be greater than `most`."""
        most = min(most, _CONSTANTS.get(self.dtype, most))
        if value.bound <= most:
            return value
        expr = value.expr if self.is_unsigned else te.maximum(value.expr, self.const(-most))
        return _Value(te.minimum(expr, self.const(most)), most)

    def index(self, iterators: Sequence[IterVar], size: int) -> Expr:
        """A random affine index of a dimension of `size`, in range for all values of the iterators."""
        rng = self.rng
        if not iterators or rng.random() < 0.05:
            return te.const(rng.randrange(size), "index")
        iterator = rng.choice(iterators)
        extent = iterator.extent.constant
        forms: list[Expr] = [iterator % size]
        if extent <= size:
            slack = size - extent
            forms += [iterator + rng.randint(0, slack)] * 3
            forms.append(size - 1 - rng.randint(0, slack) - iterator)
        if extent > 1 and (stride := (size - 1) // (extent - 1)) > 1:
            forms.append(iterator * rng.randint(2, stride))
        divisor = -(-extent // size)
        forms.append(iterator // rng.randint(divisor, divisor + 2))
        other = rng.choice(iterators)
        if extent + other.extent.constant - 1 <= size:
            forms.append(iterator + other)
        return rng.choice(forms)

    def read(self, iterators: Sequence[IterVar]) -> _Value:
        """An element of some tensor."""
        tensor = self.source()
        sizes = [cast(int, size) for size in tensor.shape]
        bound = self.bounds[id(tensor)]
        style = self.rng.random()
        if len(iterators) == len(sizes) and style < 0.4:
            exact = [self.direct_index(iterator, size) for iterator, size in zip(iterators, sizes, strict=True)]
            return _Value(tensor[tuple(exact)], bound)
        indices: list[object] = [self.index(iterators, size) for size in sizes]
        if style < 0.55 and iterators:
            return self.guarded_read(tensor, indices, iterators)
        if style < 0.65:
            return self.gathered_read(tensor, indices, iterators)
        return _Value(tensor[tuple(indices)], bound)

    def direct_index(self, iterator: IterVar, size: int) -> Expr:
        return iterator if iterator.extent.constant <= size else iterator % size

    def guarded_read(self, tensor: Tensor, indices: list[object], iterators: Sequence[IterVar]) -> _Value:
        """A read shifted out of bounds, behind a condition: padding."""
        dim = self.rng.randrange(len(indices)) if indices else None
        if dim is None:
            return _Value(tensor[()], self.bounds[id(tensor)])
        size = cast(int, tensor.shape[dim])
        shifted = self.rng.choice(iterators) * self.rng.choice((1, 1, 2)) - self.rng.randint(0, 3)
        indices[dim] = shifted
        pad = self.const(self.rng.choice((0, 0, 1)))
        match self.rng.choice(("inside", "outside", "nested")):
            case "inside":
                value = te.if_then_else((shifted >= 0) & (shifted < size), tensor[tuple(indices)], pad)
            case "outside":
                value = te.if_then_else((shifted < 0) | (shifted > size - 1), pad, tensor[tuple(indices)])
            case _:
                below = te.if_then_else(~(shifted >= size), tensor[tuple(indices)], pad)
                value = te.if_then_else(shifted < 0, pad, below)
        return _Value(value, max(1, self.bounds[id(tensor)]))

    def gathered_read(self, tensor: Tensor, indices: list[object], iterators: Sequence[IterVar]) -> _Value:
        """A read at an index that is data."""
        if not indices:
            return _Value(tensor[()], self.bounds[id(tensor)])
        dim = self.rng.randrange(len(indices))
        size = cast(int, tensor.shape[dim])
        rows = self.pick_extent()
        kind = self.rng.choice(("int32", "int32", "int64", "int64", "uint8", "uint32"))
        where = self.input((rows,), kind, most=size + 1, least=-2)
        indices[dim] = where[self.index(iterators, rows)]
        mode = self.rng.choice(("clamp", "wrap"))
        return _Value(tensor.read(*indices, out_of_range=mode), self.bounds[id(tensor)])

    def expression(self, iterators: Sequence[IterVar], depth: int) -> _Value:
        """A random expression."""
        rng = self.rng
        if depth == 0 or rng.random() < 0.15:
            return self.leaf(iterators)
        kind = rng.choice(("unary", "binary", "binary", "binary", "choice", "integer"))
        if kind == "unary":
            return self.unary(self.expression(iterators, depth - 1))
        if kind == "binary":
            return self.binary(self.expression(iterators, depth - 1), self.expression(iterators, depth - 1))
        if kind == "choice":
            return self.choice(iterators, depth)
        return self.integer(self.expression(iterators, depth - 1))

    def leaf(self, iterators: Sequence[IterVar]) -> _Value:
        style = self.rng.random()
        if style < 0.75:
            return self.read(iterators)
        if style < 0.9 or not iterators:
            value = self.rng.randint(-3, 3)
            return _Value(self.const(value), abs(value))
        iterator = self.rng.choice(iterators)
        scale = self.rng.randint(1, 3)
        return _Value(te.cast(iterator * scale - 1, self.dtype), scale * iterator.extent.constant)

    def unary(self, value: _Value) -> _Value:
        match self.rng.choice(("neg", "abs", "relu", "square")):
            case "neg":
                return _Value(-value.expr, value.bound)
            case "abs":
                return _Value(te.abs(value.expr), value.bound)
            case "relu":
                return _Value(te.maximum(value.expr, self.const(0)), value.bound)
            case _:
                value = self.fit(value, 64)
                return _Value(value.expr * value.expr, value.bound**2)

    def binary(self, lhs: _Value, rhs: _Value) -> _Value:
        lhs, rhs = self.fit(lhs, 1024), self.fit(rhs, 1024)
        match self.rng.choice(("add", "add", "sub", "mul", "mul", "max", "min")):
            case "add":
                return _Value(lhs.expr + rhs.expr, lhs.bound + rhs.bound)
            case "sub":
                return _Value(lhs.expr - rhs.expr, lhs.bound + rhs.bound)
            case "mul":
                lhs, rhs = self.fit(lhs, 64), self.fit(rhs, 64)
                return _Value(lhs.expr * rhs.expr, lhs.bound * rhs.bound)
            case "max":
                return _Value(te.maximum(lhs.expr, rhs.expr), max(lhs.bound, rhs.bound))
            case _:
                return _Value(te.minimum(lhs.expr, rhs.expr), max(lhs.bound, rhs.bound))

    def choice(self, iterators: Sequence[IterVar], depth: int) -> _Value:
        true, false = self.expression(iterators, depth - 1), self.expression(iterators, depth - 1)
        condition = self.condition(iterators)
        if self.rng.random() < 0.3:
            other = self.condition(iterators)
            condition = condition & other if self.rng.random() < 0.5 else condition | ~other
        chosen = self.rng.choice((te.select, te.if_then_else))(condition, true.expr, false.expr)
        return _Value(chosen, max(true.bound, false.bound))

    def condition(self, iterators: Sequence[IterVar]) -> Expr:
        if not iterators or self.rng.random() < 0.4:
            return self.read(iterators).expr > self.read(iterators).expr
        iterator, other = self.rng.choice(iterators), self.rng.choice(iterators)
        return self.rng.choice(
            (
                iterator < self.rng.randint(0, 8),
                iterator + other >= self.rng.randint(0, 10),
                iterator % 2 == self.rng.randint(0, 1),
                iterator != other,
            )
        )

    def integer(self, value: _Value) -> _Value:
        """A detour through integers, or division of them."""
        divisor = self.rng.randint(2, 4)
        if not self.is_float:
            if self.rng.random() < 0.5:
                return _Value(value.expr % divisor, divisor)
            return _Value(value.expr // divisor, value.bound)
        value = self.fit(value, 1024)
        if self.rng.random() < 0.5:
            return _Value(te.floor(value.expr * 0.5), value.bound)
        through = te.cast(value.expr, self.rng.choice(("int32", "int64")))
        return _Value(te.cast(through // divisor, self.dtype), value.bound)

    # Stages

    def spatial(self, shape: Sequence[int]) -> tuple[IterVar, ...]:
        """The iterators that a compute of this shape passes to its body."""
        captured: list[tuple[IterVar, ...]] = []

        def capture(*iterators: IterVar) -> Expr:
            captured.append(iterators)
            return te.const(0, "int32")

        te.compute(tuple(shape), capture, name="shape")
        return captured[0]

    def compute(self, shape: Sequence[int], body: Callable[..., object]) -> Tensor | tuple[Tensor, ...]:
        return te.compute(tuple(shape), cast("Callable[..., Expr]", body), name=self.name())

    def elementwise(self) -> None:
        """One or two outputs of random expressions."""
        bounds: list[int] = []

        def body(*iterators: IterVar) -> Expr | tuple[Expr, ...]:
            values = [self.fit(self.expression(iterators, 3), 1 << 16) for _ in range(self.rng.choice((1, 1, 1, 2)))]
            bounds.extend(value.bound for value in values)
            return values[0].expr if len(values) == 1 else tuple(value.expr for value in values)

        self.add(self.compute(self.pick_shape(0 if self.rng.random() < 0.1 else 1), body), *bounds)

    def reduction(self) -> None:
        """A random expression, reduced over one or two axes."""
        axes = [te.reduce_axis(self.pick_extent(9), name) for name in ("k", "l")[: self.rng.choice((1, 1, 2))]]
        count = 1
        for axis in axes:
            count *= axis.extent.constant
        bounds: list[int] = []

        def body(*iterators: IterVar) -> Reduction:
            reduced, bound = self.reduce(self.expression((*iterators, *axes), 2), axes, count)
            bounds.extend(bound)
            return reduced

        self.add(self.compute(self.pick_shape(0 if self.rng.random() < 0.1 else 1, 2), body), *bounds)

    def reduce(self, value: _Value, axes: list[IterVar], count: int) -> tuple[Reduction, list[int]]:
        kind = self.rng.choice(("sum", "sum", "sum", "max", "min", "prod", "arg", "moments", "last", "compose"))
        match kind:
            case "sum":
                value = self.fit(value, min(1 << 12, self.limit // (2 * count)))
                fastmath = self.rng.choice((("reassoc", "contract"), ("reassoc", "contract"), ()))
                return te.sum(value.expr, axes, fastmath), [value.bound * count]
            case "max" | "min":
                return (te.max if kind == "max" else te.min)(value.expr, axes), [value.bound]
            case "prod":
                value = self.fit(value, 1)
                return te.prod(value.expr, axes), [1]
            case "arg" if len(axes) == 1:
                value = self.fit(value, 3)  # ties
                function = self.rng.choice((te.argmax, te.argmin))
                return function(value.expr, axes[0], dtype=self.rng.choice(("int32", "int64"))), [count, value.bound]
            case "moments" | "arg":
                value = self.fit(value, min(16, math.isqrt(self.exact // count)))
                reduced = te.reduce(
                    lambda acc, x: (acc[0] + x[0], acc[1] + x[1]),
                    (0, 0),
                    (value.expr, value.expr * value.expr),
                    axes,
                    associative=True,
                    commutative=True,
                    fastmath=("reassoc",),
                )
                return reduced, [value.bound * count, value.bound**2 * count]
            case "last":
                reduced = te.reduce(
                    lambda acc, x: te.select(x != 0, x, acc),
                    0,
                    value.expr,
                    axes,
                    associative=True,
                    fastmath=("reassoc",),
                )
                return reduced, [value.bound]
            case _:
                # composition of x -> a * x + b with a in {0, 1}: associative, not commutative
                value = self.fit(value, min(64, self.exact // count))
                scale = te.select(value.expr > 0, self.const(1), self.const(0))
                reduced = te.reduce(
                    lambda acc, x: (acc[0] * x[0], x[0] * acc[1] + x[1]),
                    (1, 0),
                    (scale, value.expr),
                    axes,
                    associative=True,
                    fastmath=("reassoc",),
                )
                return reduced, [1, value.bound * count]

    def epilogue(self) -> None:
        """What was computed last, element by element, with something else: also turned, or a part of it."""
        tensor = self.source()
        shape = [cast(int, size) for size in tensor.shape]
        order = self.rng.sample(range(len(shape)), len(shape)) if self.rng.random() < 0.2 else list(range(len(shape)))
        offsets = [self.rng.randint(0, 2) if size > 3 and self.rng.random() < 0.1 else 0 for size in shape]
        bounds: list[int] = []

        def body(*iterators: IterVar) -> Expr:
            indices: list[object] = [None] * len(shape)
            for iterator, dim in zip(iterators, order, strict=True):
                indices[dim] = iterator + offsets[dim] if offsets[dim] else iterator
            value = _Value(tensor[tuple(indices)], self.bounds[id(tensor)])
            kind = self.rng.choice(("unary", "binary", "both"))
            if kind != "unary":
                value = self.binary(value, self.expression(iterators, self.rng.choice((0, 1))))
            if kind != "binary":
                value = self.unary(value)
            value = self.fit(value, 1 << 16)
            bounds.append(value.bound)
            return value.expr

        self.add(self.compute([shape[dim] - offsets[dim] for dim in order], body), *bounds)

    def sibling(self) -> None:
        """A map of the shape of what was computed last, and of inputs only."""
        shape = [cast(int, size) for size in (self.computed or [self.source()])[-1].shape]
        other = self.input(shape, most=3)
        bounds: list[int] = []

        def body(*iterators: IterVar) -> Expr:
            value = self.unary(_Value(other[tuple(iterators)], 3))
            bounds.append(value.bound)
            return value.expr

        self.add(self.compute(shape, body), *bounds)

    def mask(self) -> None:
        """A tensor of bools, and a choice by it."""
        shape = self.pick_shape()

        def condition(*iterators: IterVar) -> Expr:
            return self.condition(iterators)

        mask = cast(Tensor, self.compute(shape, condition))
        self.add(mask, 1)
        bounds: list[int] = []

        def choose(*iterators: IterVar) -> Expr:
            true, false = self.read(iterators), self.read(iterators)
            bounds.append(max(true.bound, false.bound))
            return te.select(mask[iterators], true.expr, false.expr)

        self.add(self.compute(shape, choose), *bounds)

    def matmul(self) -> None:
        """A product of matrices, sometimes of a transposed one, or a batch of them."""
        m, n, depth = (self.pick_extent() for _ in range(3))
        transposed = self.rng.random() < 0.3
        lhs = self.operand((m, depth))
        rhs = self.operand((n, depth) if transposed else (depth, n))
        axis = te.reduce_axis(depth, "k")
        bound = self.bounds[id(lhs)] * self.bounds[id(rhs)] * depth

        def body(i: Expr, j: Expr) -> Reduction:
            return te.sum(lhs[i, axis] * (rhs[j, axis] if transposed else rhs[axis, j]), axis)

        self.add(self.compute((m, n), body), bound)

    def operand(self, shape: Sequence[int]) -> Tensor:
        """A tensor of this shape with small values: a known one, or a new input."""
        for tensor in reversed(self.computed):
            if tensor.shape == tuple(shape) and tensor.dtype == self.dtype and self.bounds[id(tensor)] <= 16:
                return tensor
        return self.input(shape)

    def convolution(self) -> None:
        """A window with a stride and a dilation over a padded image, with channels last."""
        rng = self.rng
        height, width, channels, filters = rng.randint(4, 8), rng.randint(4, 8), rng.randint(1, 3), rng.randint(1, 4)
        kernel, stride, dilation, pad = (
            rng.choice((1, 2, 3)),
            rng.choice((1, 1, 2)),
            rng.choice((1, 1, 2)),
            rng.choice((0, 1)),
        )
        height, width = self.at_most(height), self.at_most(width)
        span = (kernel - 1) * dilation + 1
        out = [(size + 2 * pad - span) // stride + 1 for size in (height, width)]
        if min(out) < 1:
            return
        image = self.input((height, width, channels))
        weights = self.input((kernel, kernel, channels, filters))
        padded = self.padded(image, (pad, pad, 0))
        axes = [te.reduce_axis(kernel, "ry"), te.reduce_axis(kernel, "rx"), te.reduce_axis(channels, "rc")]

        def body(y: Expr, x: Expr, f: Expr) -> Reduction:
            ry, rx, rc = axes
            pixel = padded[y * stride + ry * dilation, x * stride + rx * dilation, rc]
            return te.sum(pixel * weights[ry, rx, rc, f], axis=axes)

        self.add(self.compute((*out, filters), body), 16 * kernel * kernel * channels)

    def padded(self, tensor: Tensor, pads: Sequence[int], value: int = 0) -> Tensor:
        """A tensor with so many elements of a value on both sides of each dimension; itself, if there are none."""
        if not any(pads):
            return tensor
        sizes = [cast(int, size) for size in tensor.shape]

        def body(*iterators: Expr) -> Expr:
            bounds = [
                bound
                for iterator, size, pad in zip(iterators, sizes, pads, strict=True)
                if pad
                for bound in (iterator >= pad, iterator < size + pad)
            ]
            shifted = tuple(iterator - pad if pad else iterator for iterator, pad in zip(iterators, pads, strict=True))
            return te.if_then_else(te.all(*bounds), tensor[shifted], self.const(value))

        result = cast(Tensor, self.compute([size + 2 * pad for size, pad in zip(sizes, pads, strict=True)], body))
        self.add(result, max(self.bounds[id(tensor)], abs(value)))
        return result

    def grouped_convolution(self) -> None:
        """A window over an image with channels first, in groups of one or more channels; then a bias and a ReLU."""
        rng = self.rng
        groups, inner, outer = rng.choice((1, 1, 2, 3)), rng.choice((1, 1, 2, 3)), rng.choice((1, 2, 3, 5))
        kernel = (rng.choice((1, 2, 3)), rng.choice((1, 1, 2, 3)))
        stride, dilation, pad = rng.choice((1, 1, 2, 3)), rng.choice((1, 1, 1, 2)), rng.choice((0, 1, 1, 2))
        batch = rng.choice((1, 1, 1, 2))
        image = [self.at_most(rng.randint(3, 9)), self.at_most(rng.randint(3, 9))]
        out = [(size + 2 * pad - (k - 1) * dilation - 1) // stride + 1 for size, k in zip(image, kernel, strict=True)]
        if min(out) < 1:
            return
        data = self.padded(self.operand((batch, groups * inner, *image)), (0, 0, pad, pad))
        weights = self.input((groups * outer, inner, *kernel), most=2)
        axes = [te.reduce_axis(inner, "rc"), te.reduce_axis(kernel[0], "ry"), te.reduce_axis(kernel[1], "rx")]

        def body(n: Expr, f: Expr, y: Expr, x: Expr) -> Reduction:
            rc, ry, rx = axes
            channel = rc if groups == 1 else f // outer * inner + rc
            pixel = data[n, channel, y * stride + ry * dilation, x * stride + rx * dilation]
            return te.sum(pixel * weights[f, rc, ry, rx], axis=axes)

        bound = self.bounds[id(data)] * 2 * inner * kernel[0] * kernel[1]
        result = cast(Tensor, self.compute((batch, groups * outer, *out), body))
        self.add(result, bound)
        if rng.random() < 0.6:
            bias = self.input((groups * outer,))
            zero = self.const(0)

            def relu(n: Expr, f: Expr, y: Expr, x: Expr) -> Expr:
                return te.maximum(result[n, f, y, x] + bias[f], zero)

            self.add(self.compute((batch, groups * outer, *out), relu), bound + 4)

    def window(self) -> None:
        """A sum or an extremum of a few rows that follow one another, or of each as it is."""
        tensor = self.source()
        sizes = [cast(int, size) for size in tensor.shape]
        if not sizes or sizes[0] < 3:
            sizes = [self.at_most(self.rng.randint(4, 9)), self.pick_extent(7)]
            tensor = self.operand(sizes)
        count, step = min(self.rng.choice((2, 3, 3)), sizes[0]), self.rng.choice((1, 1, 1, 2))
        rows = (sizes[0] - count) // step + 1
        k = te.reduce_axis(count, "k")
        kind = self.rng.choice((te.sum, te.max, te.min, None))
        value = self.fit(_Value(self.const(0), self.bounds[id(tensor)]), 64)
        bound = value.bound * count

        def read(row: Expr, others: Sequence[Expr]) -> Expr:
            return self.fit(_Value(tensor[(row, *others)], self.bounds[id(tensor)]), 64).expr

        def body(i: Expr, *others: Expr) -> Expr | Reduction:
            if kind is None:
                return read(i * step, others) + read(i * step + (count - 1), others)
            return kind(read(i * step + k, others), k)

        self.add(self.compute((rows, *sizes[1:]), body), bound)

    def padding(self) -> None:
        """A tensor with a margin."""
        tensor = self.source()
        pads = [self.rng.choice((0, 1, 1, 2)) for _ in tensor.shape]
        self.padded(tensor, pads, self.rng.choice((0, 0, 1)))

    def pooling(self) -> None:
        """The greatest or least element, or the sum, of each window of an image."""
        rng = self.rng
        size = (rng.choice((1, 2, 3)), self.at_most(rng.randint(2, 9)), self.at_most(rng.randint(2, 9)))
        kernel, stride, pad = rng.choice((2, 2, 3)), rng.choice((1, 2, 2, 3)), rng.choice((0, 0, 1))
        out = [(extent + 2 * pad - kernel) // stride + 1 for extent in size[1:]]
        if min(out) < 1:
            return
        kind = rng.choice((te.max, te.min, te.sum))
        data = self.padded(self.operand(size), (0, pad, pad), 0 if self.is_unsigned or kind is te.sum else -4)
        axes = [te.reduce_axis(kernel, "ry"), te.reduce_axis(kernel, "rx")]

        def body(c: Expr, y: Expr, x: Expr) -> Reduction:
            return kind(data[c, y * stride + axes[0], x * stride + axes[1]], axes)

        self.add(self.compute((size[0], *out), body), self.bounds[id(data)] * kernel * kernel)

    def batched_matmul(self) -> None:
        """A product of matrices for each of a few, and sometimes one of what came out: two steps of attention."""
        batch, m, n, depth = self.at_most(self.rng.choice((1, 2, 3))), *(self.pick_extent(9) for _ in range(3))
        lhs, rhs = self.operand((batch, m, depth)), self.operand((batch, n, depth))
        k = te.reduce_axis(depth, "k")

        def score(b: Expr, i: Expr, j: Expr) -> Reduction:
            return te.sum(lhs[b, i, k] * rhs[b, j, k], axis=k)

        scores = cast(Tensor, self.compute((batch, m, n), score))
        bound = self.bounds[id(lhs)] * self.bounds[id(rhs)] * depth
        self.add(scores, bound)
        if self.rng.random() < 0.5:
            values, r = self.input((batch, n, depth), most=1), te.reduce_axis(n, "r")

            def body(b: Expr, i: Expr, j: Expr) -> Reduction:
                return te.sum(self.fit(_Value(scores[b, i, r], bound), 16).expr * values[b, r, j], axis=r)

            self.add(self.compute((batch, m, depth), body), 16 * n)

    def widened_product(self) -> None:
        """A product of matrices whose sums are of a wider type than its factors."""
        narrow, wide = self.rng.choice(
            (("int8", "int32"), ("uint8", "int32"), ("int16", "int32"), ("bfloat16", "float32"), ("float16", "float32"))
        )
        m, n, depth = self.pick_extent(), self.pick_extent(), self.pick_extent()
        if self.rng.random() < 0.5:  # what instructions for it take
            n, depth = self.at_most(16 * self.rng.choice((1, 1, 2))), self.at_most(4 * self.rng.choice((1, 2, 4)))
        signed = "int8" if narrow == "uint8" and self.rng.random() < 0.7 else narrow
        lhs, rhs = self.input((m, depth), narrow), self.input((depth, n), signed)
        if self.rng.random() < 0.3:
            rhs = self.input((n, depth), signed)
        turned = rhs.shape != (depth, n) or (n == depth and self.rng.random() < 0.5)
        k = te.reduce_axis(depth, "k")

        def body(i: Expr, j: Expr) -> Reduction:
            right = rhs[j, k] if turned else rhs[k, j]
            return te.sum(te.cast(lhs[i, k], wide) * te.cast(right, wide), axis=k)

        self.add(self.compute((m, n), body), 16 * depth)

    def rows(self) -> None:
        """What each row has in common, taken from its elements, and a sum of what is left: the shape of a softmax."""
        shape = (self.pick_extent(), self.pick_extent())
        tensor = self.operand(shape)
        bound = self.bounds[id(tensor)]
        k, r = te.reduce_axis(shape[1], "k"), te.reduce_axis(shape[1], "r")

        def greatest(i: Expr) -> Reduction:
            return te.max(tensor[i, k], k)

        most = cast(Tensor, self.compute((shape[0],), greatest))
        self.add(most, bound)

        def rest(i: Expr, j: Expr) -> Expr:
            return most[i] - tensor[i, j]

        left = cast(Tensor, self.compute(shape, rest))
        self.add(left, 2 * bound)

        def sums(i: Expr) -> Reduction:
            return te.sum(left[i, r], r)

        total = cast(Tensor, self.compute((shape[0],), sums))
        self.add(total, 2 * bound * shape[1])
        if self.rng.random() < 0.6:

            def last(i: Expr, j: Expr) -> Expr:
                return left[i, j] + self.fit(_Value(total[i], 2 * bound * shape[1]), 64).expr

            self.add(self.compute(shape, last), 2 * bound + 64)

    def stencil(self) -> None:
        """Windows of neighbouring rows of something that is computed, as a blur has them."""
        window, step = self.rng.choice((2, 3, 3, 4)), self.rng.choice((1, 1, 2))
        rows, width = self.at_most(self.rng.randint(2, 7)), self.pick_extent(9)
        height = (rows - 1) * step + window
        tensor = self.operand((height, width))
        scale = self.rng.choice((2, 3))

        def source(i: Expr, j: Expr) -> Expr:
            return tensor[i, j] * scale

        scaled = cast(Tensor, self.compute((height, width), source))
        bound = self.bounds[id(tensor)] * scale
        self.add(scaled, bound)
        k = te.reduce_axis(window, "k")

        def windows(i: Expr, j: Expr) -> Reduction:
            return te.sum(scaled[i * step + k, j], k)

        self.add(self.compute((rows, width), windows), bound * window)

    def biased(self) -> None:
        """A sum or an extremum over the last dimension, and something else combined with it in the same way."""
        shape = (self.pick_extent(), self.pick_extent(), self.pick_extent(9))
        tensor = self.operand(shape)
        k = te.reduce_axis(shape[2], "k")
        kind = self.rng.choice(("max", "min") if self.is_float else ("max", "min", "sum", "sum"))
        reduction = {"max": te.max, "min": te.min, "sum": te.sum}[kind]

        def combine(x: Expr, y: Expr) -> Expr:
            return x + y if kind == "sum" else te.maximum(x, y) if kind == "max" else te.minimum(x, y)

        def reduced(i: Expr, j: Expr) -> Reduction:
            return reduction(tensor[i, j, k], k)

        result = cast(Tensor, self.compute(shape[:2], reduced))
        bound = self.bounds[id(tensor)] * shape[2]
        self.add(result, bound)
        other = self.input(self.rng.choice((shape[:2], shape[1:2])))
        turned = self.rng.random() < 0.3

        def epilogue(i: Expr, j: Expr) -> Expr:
            row, column = (j, i) if turned else (i, j)
            value = other[row, column] if len(other.shape) == 2 else other[column]
            return (
                combine(result[row, column], value) if self.rng.random() < 0.7 else combine(value, result[row, column])
            )

        self.add(self.compute(shape[1::-1] if turned else shape[:2], epilogue), bound + 4)

    def gather(self) -> None:
        """Rows of a table, at indices that are data."""
        rows, width, count = self.pick_extent(), self.pick_extent(), self.pick_extent()
        table, where = self.operand((rows, width)), self.input((count,), "int64", most=rows + 1, least=-2)
        mode = self.rng.choice(("clamp", "wrap"))

        def row(i: Expr, j: Expr) -> Expr:
            return table.read(where[i], j, out_of_range=mode)

        self.add(self.compute((count, width), row), self.bounds[id(table)])

    def transposed_convolution(self) -> None:
        """A window that spreads, behind conditions with `floordiv` and `mod`."""
        size, kernel = self.at_most(self.rng.randint(2, 6)), self.rng.choice((2, 3))
        stride = 2
        signal, weights = self.input((size,)), self.input((kernel,))
        axis = te.reduce_axis(kernel, "k")

        def body(x: Expr) -> Reduction:
            at = x - axis
            inside = te.all(at >= 0, at % stride == 0, at // stride < size)
            return te.sum(te.if_then_else(inside, signal[at // stride], self.const(0)) * weights[axis], axis)

        self.add(self.compute(((size - 1) * stride + kernel,), body), 16 * kernel)

    def transpose(self) -> None:
        """The dimensions of a tensor in another order, sometimes with one of them reversed."""
        tensor = self.source()
        order = self.rng.sample(range(tensor.ndim), tensor.ndim)
        reversed_dim = self.rng.choice((None, *range(tensor.ndim)))

        def body(*iterators: Expr) -> Expr:
            indices: list[object] = [None] * tensor.ndim
            for iterator, dim in zip(iterators, order, strict=True):
                indices[dim] = cast(int, tensor.shape[dim]) - 1 - iterator if dim == reversed_dim else iterator
            return tensor[tuple(indices)]

        self.add(self.compute([cast(int, tensor.shape[dim]) for dim in order], body), self.bounds[id(tensor)])

    def reshape(self) -> None:
        """The elements of a tensor in row-major order, along one dimension."""
        tensor = self.source()
        shape = [cast(int, size) for size in tensor.shape]

        def body(flat: Expr) -> Expr:
            indices: list[Expr] = []
            for size in reversed(shape):
                indices.insert(0, flat % size)
                flat = flat // size
            return tensor[tuple(indices)]

        self.add(self.compute((int(np.prod(shape)),), body), self.bounds[id(tensor)])

    def scan(self) -> None:
        """A recurrence over rows, with one or two rows of history."""
        rng = self.rng
        steps, width = self.at_most(rng.randint(1, 7)), self.at_most(rng.randint(1, 6))
        history = rng.choice((1, 1, 2))
        init, drive = self.input((history, width)), self.input((steps, width))
        product = rng.random() < 0.4
        weights = self.input((width, width)) if product else None
        name = self.name()

        def step(t: IterVar, state: Tensor) -> Tensor:
            previous = t + history - 1 - (rng.randint(0, history - 1))
            mixed = None if weights is None else self.mixed(state, previous, weights, f"{name}_mixed")

            def row(j: Expr) -> Expr:
                carried = state[previous, j] if mixed is None else mixed[j]
                value = self.fit(_Value(carried + drive[t, j], 1 << 20))
                return (
                    value.expr if rng.random() < 0.7 else value.expr + state[t, j] * 0 + self.const(1) - self.const(1)
                )

            return te.compute((width,), row, name=f"{name}_row")

        self.add(te.scan(steps, init, step, name=name), _SMALL + 1)

    def mixed(self, state: Tensor, row: Expr, weights: Tensor, name: str) -> Tensor:
        """The product of a row of `state` and a matrix."""
        width = cast(int, weights.shape[0])
        axis = te.reduce_axis(width, "k")

        def body(j: Expr) -> Reduction:
            return te.sum(state[row, axis] * weights[axis, j], axis)

        return cast(Tensor, te.compute((width,), body, name=name))


_STAGES: tuple[Callable[[_Program], None], ...] = (
    _Program.elementwise,
    _Program.elementwise,
    _Program.elementwise,
    _Program.reduction,
    _Program.reduction,
    _Program.reduction,
    _Program.epilogue,
    _Program.epilogue,
    _Program.epilogue,
    _Program.sibling,
    _Program.mask,
    _Program.biased,
    _Program.biased,
    _Program.stencil,
    _Program.stencil,
    _Program.stencil,
    _Program.biased,
    _Program.biased,
    _Program.matmul,
    _Program.matmul,
    _Program.convolution,
    _Program.grouped_convolution,
    _Program.transposed_convolution,
    _Program.window,
    _Program.window,
    _Program.window,
    _Program.padding,
    _Program.pooling,
    _Program.batched_matmul,
    _Program.widened_product,
    _Program.rows,
    _Program.gather,
    _Program.transpose,
    _Program.reshape,
    _Program.scan,
)


def random_expression(rng: random.Random, most: int | None = None) -> tuple[list[Tensor], list[Array]]:
    """Random tensors (placeholders, then one to three outputs) for `te.build_module`, and inputs to run them on.

    With `most`, no extent is greater, and what is drawn stays much the same: failures are shown on smaller ones.
    """
    program = _Program(rng, rng.choice(_DTYPES), most)
    for _ in range(rng.choice((1, 1, 2, 2, 3, 3))):
        rng.choice(_STAGES)(program)
    if not program.computed:
        program.elementwise()
    outputs = [program.computed[-1]]
    for tensor in program.computed[:-1]:
        if rng.random() < 0.25 and len(outputs) < 3:
            outputs.append(tensor)
    if len(outputs) == 1 and rng.random() < 0.03:
        outputs.append(outputs[0])
    return [*program.inputs, *outputs], list(program.arrays)
