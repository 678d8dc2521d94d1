"""Fourier transforms, as products with matrices of sines and cosines, computed in float64."""

from __future__ import annotations

import math

import numpy as np
from xdsl.dialects.builtin import f64
from xdsl.ir import SSAValue

from ....dialects.extents import Extent
from ....errors import ImportModelError
from ....operators.convolution import ConvOp
from ....operators.linear_algebra import MatmulOp
from ....operators.reference.arrays import Array, numpy_dtype
from ....operators.windows import Window
from ..layout import dims_of, reshape, take, transpose
from ..node import Converter, Node, normalized_axis, rank_of
from ..tensors import element_type
from ..terms import Term
from .windows import static_sizes

_MOST_ELEMENTS = 1 << 24
"""How large a matrix may be."""


def _transform(length: int, rows: int, columns: int, parts: int, *, inverse: bool) -> Array:
    """Element `[n, p, k, q]` is what part `p` (real, imaginary) of number `n` adds to part `q` of number `k`."""
    if rows * columns * parts * 2 > _MOST_ELEMENTS:
        raise ImportModelError(f"expected a transform of fewer elements, got {length}")
    turns = np.multiply.outer(np.arange(rows), np.arange(columns)) % length
    cos, sin = _cosine(turns, length), _cosine(4 * turns - length, 4 * length)
    sin = sin if inverse else -sin
    matrix = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)[:, :parts]
    return matrix / length if inverse else matrix


def _cosine(turns: Array, length: int) -> Array:
    """The cosine of `turns / length` turns, exact at multiples of a quarter."""
    angles = np.cos(2 * np.pi * turns / length)
    quarters = 4 * turns % (4 * length) / length
    for quarter, value in enumerate((1.0, 0.0, -1.0, 0.0)):
        angles[quarters == quarter] = value
    return angles


def _real_inverse(length: int, rows: int) -> Array:
    """The inverse of a transform of real numbers from its first half: the rest of it is the conjugate."""
    matrix = _transform(length, rows, length, 2, inverse=True)[..., :1]
    twice = np.full(rows, 2.0)
    twice[0] = 1
    if length % 2 == 0 and rows > length // 2:
        twice[length // 2] = 1
    return matrix * twice[:, None, None, None]


def _number(node: Node, index: int) -> int | None:
    values = node.integers(index)
    if values is not None and len(values) != 1:
        raise ImportModelError(f"expected one number as input {index}, got {values}")
    return None if values is None else values[0]


def _convert_dft(node: Node) -> SSAValue:
    operands = node.optional_tensors(1, 2 if node.opset < 20 else 3)
    axis = _number(node, 2) if node.opset >= 20 else node.attribute("axis", 1)
    return _dft(node, operands[0], _number(node, 1), -2 if axis is None else axis)


def _dft(node: Node, operand: SSAValue | None, length: int | None, axis: int) -> SSAValue:
    assert operand is not None
    rank = rank_of(operand)
    axis = normalized_axis(axis, rank)
    size, parts = static_sizes(operand, [axis, rank - 1])
    if parts not in (1, 2) or axis == rank - 1:
        raise ImportModelError(f"expected real or complex numbers in the last dimension, got {parts} parts")
    inverse, onesided = node.flag("inverse"), node.flag("onesided")
    real = inverse and onesided
    if inverse and not real and Term(node, operand).element_type != f64:
        # where exact results are zero, others give the noise of their single precision, which is not ours
        raise ImportModelError("expected float64 for the inverse transform of complex numbers")
    length = (2 * (size - 1) if real else size) if length is None else length
    if length < 1:
        raise ImportModelError(f"expected a transform of 1 element or more, got {length}")
    rows = min(size, length // 2 + 1 if real else length)
    if real:
        matrix = _real_inverse(length, rows)[:, :parts]
    else:
        columns = length // 2 + 1 if onesided else length
        matrix = _transform(length, rows, columns, parts, inverse=inverse)
    value = take(node, operand, axis, 0, rows)
    order = [*(dim for dim in range(rank - 1) if dim != axis), axis, rank - 1]
    value = transpose(node, value, order)
    outer = dims_of(value)[:-2]
    flat = Term(node, reshape(node, value, [*outer, rows * parts])).cast(f64)
    weights = node.weight(matrix.reshape(rows * parts, -1), "transform")
    product = Term(node, node.add(MatmulOp(flat.value, weights))).cast(Term(node, operand).element_type)
    result = reshape(node, product.value, [*outer, *matrix.shape[2:]])
    return transpose(node, result, [order.index(dim) for dim in range(rank)])


def _convert_stft(node: Node) -> SSAValue:
    """A convolution with a channel for each part of each frequency."""
    signal, _, window, _ = node.optional_tensors(2, 4)
    assert signal is not None
    if rank_of(signal) != 3:
        raise ImportModelError(f"expected a signal of rank 3, got {rank_of(signal)}")
    batch, _, _ = dims_of(signal)
    size, parts = static_sizes(signal, [1, 2])
    step, length = _number(node, 1), _number(node, 3)
    if length is None:
        length = size if window is None else static_sizes(window, [0])[0]
    if step is None or step < 1 or not 1 <= length <= size or parts not in (1, 2):
        raise ImportModelError(f"expected frames of at most {size} elements, got {length}, {step} apart")
    if window is not None and dims_of(window) != [Extent.of(length)]:
        raise ImportModelError(f"expected a window of {length} elements, got {dims_of(window)}")
    columns = length // 2 + 1 if node.flag("onesided", True) else length
    matrix = _transform(length, length, columns, parts, inverse=False)
    weights = Term(node, node.weight(matrix.transpose(2, 3, 1, 0).reshape(-1, parts, length), "transform"))
    if window is not None:
        weights = weights * Term(node, window).cast(f64)
    channels = Term(node, transpose(node, signal, [0, 2, 1])).cast(f64)
    frames = node.add(ConvOp(channels.value, weights.value, Window((length,), (step,), (0, 0), (1,))))
    result = Term(node, frames).cast(Term(node, signal).element_type).value
    apart = reshape(node, result, [batch, columns, 2, dims_of(result)[2]])
    return transpose(node, apart, [0, 3, 1, 2])


def _convert_mel_weight_matrix(node: Node) -> SSAValue:
    """Triangles over the bins of a spectrum, whose corners lie at even distances on the mel scale."""
    bins, length, rate, low, high = (_scalar(node, index) for index in range(5))
    count = int(bins)
    if min(count, int(length), rate) < 1 or low <= -700 or high < low:
        raise ImportModelError(f"expected bins between two frequencies, got {count} from {low} to {high}")
    edges = [_mel(low) + i * (_mel(high) - _mel(low)) / (count + 2) for i in range(count + 2)]
    hertz = [700 * (10 ** (mel / 2595) - 1) for mel in edges]
    corners = [int((length + 1) * each // rate) for each in hertz]
    matrix = np.zeros((int(length) // 2 + 1, count))
    for column, (left, center, right) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        _add_triangle(matrix[:, column], left, center, right)
    type = element_type(node.attribute("output_datatype", 1))
    return node.weight(matrix.astype(numpy_dtype(type)), "mel")


def _add_triangle(column: Array, left: int, center: int, right: int) -> None:
    rows = np.arange(len(column))
    if left == center:
        column[rows == center] = 1
    else:
        rising = (rows >= left) & (rows <= center)
        column[rising] = (rows[rising] - left) / (center - left)
    if right > center:
        falling = (rows >= center) & (rows < right)
        column[falling] = (right - rows[falling]) / (right - center)


def _mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


def _scalar(node: Node, index: int) -> float:
    array = node.constant(index)
    if array is None or array.size != 1:
        raise ImportModelError(f"expected one number as input {index}")
    return array.item()


CONVERTERS = (
    Converter("DFT", 17, _convert_dft, ("axis", "inverse", "onesided")),
    Converter("DFT", 20, _convert_dft, ("inverse", "onesided")),
    Converter("STFT", 17, _convert_stft, ("onesided",)),
    Converter("MelWeightMatrix", 17, _convert_mel_weight_matrix, ("output_datatype",)),
)
