"""Pools."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from xdsl.ir import SSAValue

from ....errors import ImportModelError
from ....operators.elementwise import AbsOp, DivOp, PowOp, SqrtOp
from ....operators.indexing import ScatterElementsOp
from ....operators.pooling import ArgMaxPoolOp, MaxPoolOp, SumPoolOp
from ....operators.reductions import ReduceMaxOp, ReduceOp, ReduceSumOp
from ....operators.reference.arrays import Array, numpy_dtype
from ....operators.shape import PadOp
from ....operators.windows import Window
from ..layout import reshape
from ..node import Convert, Converter, Node, rank_of, type_of
from ..terms import Term
from .reductions import divide
from .windows import WINDOW_ATTRIBUTES, check_spatial, numbers, read_window, spatial_sizes, static_sizes


def _read_pool(node: Node) -> tuple[SSAValue, Window]:
    (operand,) = node.tensors(1)
    kernel = node.required_int_list("kernel_shape")
    check_spatial(operand, len(kernel))
    return operand, read_window(node, operand, kernel, ceil=node.flag("ceil_mode"))


def _convert_max_pool(node: Node) -> Sequence[SSAValue]:
    operand, window = _read_pool(node)
    greatest = node.add(MaxPoolOp(operand, window))
    if node.output_count == 1:
        return [greatest]
    return [greatest, node.add(ArgMaxPoolOp(operand, window, column_major=node.flag("storage_order")))]


def _convert_average_pool(node: Node) -> SSAValue:
    """The sum of each window, divided by how many elements it has."""
    operand, window = _read_pool(node)
    total = node.add(SumPoolOp(operand, window))
    counts = _counts(node, operand, window)
    if counts.ndim == 0:
        return divide(node, total, int(counts))
    return node.add(DivOp(total, node.weight(counts.astype(numpy_dtype(type_of(operand).element_type)), "count")))


def _convert_global_pool(op: type[ReduceOp]) -> Convert:
    """A reduction over all dimensions after the second."""

    def convert(node: Node) -> SSAValue:
        (operand,) = node.tensors(1)
        return node.add(op(operand, range(2, rank_of(operand)), keepdims=True))

    return convert


def _convert_global_average_pool(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    axes = range(2, rank_of(operand))
    total = node.add(ReduceSumOp(operand, axes, keepdims=True))
    return divide(node, total, math.prod(spatial_sizes(operand)))


def _counts(node: Node, operand: SSAValue, window: Window) -> Array:
    """How many elements each window has, a scalar where all have as many. What is around the operand may count; what
    lies beyond that, in a last window that is not full, does not."""
    including = node.flag("count_include_pad")
    auto_pad = node.attribute("auto_pad", "NOTSET")
    may_exceed = node.flag("ceil_mode") and not auto_pad.startswith("SAME")
    if not any(window.pads) or (including and not may_exceed):
        return np.asarray(np.prod(window.kernel))
    sizes = spatial_sizes(operand)
    none = [0] * len(window.pads)
    pads = window.pads if not including else numbers(node, "pads", none) if auto_pad == "NOTSET" else none
    total = np.ones((), np.int64)
    for axis, size in enumerate(sizes):
        low, high = pads[axis], pads[window.rank + axis]
        first = 0 if including else low
        last = size + low + (high if including else 0)
        padded = size + window.begin[axis] + window.end[axis]
        starts = np.arange(0, padded - window.span[axis] + 1, window.strides[axis])
        taps = starts[:, None] + np.arange(window.kernel[axis]) * window.dilations[axis]
        total = np.multiply.outer(total, ((taps >= first) & (taps < last)).sum(1))
    return total[(0,) * total.ndim] if np.all(total == total.flat[0]) else total


# Norms


def _norm(node: Node, operand: SSAValue, total: Callable[[SSAValue], SSAValue]) -> SSAValue:
    """`total(|x|^p)^(1/p)`."""
    exponent = node.attributes.get("p", 2)
    if not isinstance(exponent, int | float) or exponent < 1:
        raise ImportModelError(f"expected p of 1 or more, got {exponent}")
    x = Term(node, operand)
    if exponent == 1:
        return total(x.apply(AbsOp).value)
    if exponent == 2:
        return Term(node, total((x * x).value)).apply(SqrtOp).value
    powers = node.add(PowOp(x.apply(AbsOp).value, x.number(exponent).value))
    return node.add(PowOp(total(powers), x.number(1 / exponent).value))


def _convert_lp_pool(node: Node) -> SSAValue:
    operand, window = _read_pool(node)
    return _norm(node, operand, lambda powers: node.add(SumPoolOp(powers, window)))


def _convert_global_lp_pool(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    axes = range(2, rank_of(operand))
    return _norm(node, operand, lambda powers: node.add(ReduceSumOp(powers, axes, keepdims=True)))


# The way back


def _convert_max_unpool(node: Node) -> SSAValue:
    """Zeros, with each element where the greatest one was. Positions are those of the least result that pools to the
    operand; a larger one has more zeros at the end of each dimension."""
    operand, positions, _ = node.optional_tensors(2, 3)
    assert operand is not None and positions is not None
    rank = rank_of(operand) - 2
    kernel = node.required_int_list("kernel_shape")
    check_spatial(operand, len(kernel))
    strides, pads = numbers(node, "strides", [1] * rank), numbers(node, "pads", [0] * (2 * rank))
    shape = static_sizes(operand, range(rank + 2))
    sizes = [
        (size - 1) * stride - low - high + span
        for size, stride, low, high, span in zip(shape[2:], strides, pads[:rank], pads[rank:], kernel, strict=True)
    ]
    least = [*shape[:2], *sizes]
    wanted = node.integers(2) or least
    if min(least) < 1 or len(wanted) != len(least) or any(a < b for a, b in zip(wanted, least, strict=True)):
        raise ImportModelError(f"expected an output_shape of at least {least}, got {wanted}")
    zeros = node.splat(0, operand, [math.prod(least)])
    flat = [reshape(node, value, [math.prod(shape)]) for value in (positions, operand)]
    value = reshape(node, node.add(ScatterElementsOp(zeros, *flat, axis=0)), least)
    if wanted == least:
        return value
    return node.add(PadOp(value, [0] * len(least), [a - b for a, b in zip(wanted, least, strict=True)]))


_POOL_ATTRIBUTES = (*WINDOW_ATTRIBUTES, "ceil_mode")

CONVERTERS = (
    Converter("MaxPool", 1, _convert_max_pool, (*_POOL_ATTRIBUTES, "storage_order")),
    Converter("AveragePool", 7, _convert_average_pool, (*_POOL_ATTRIBUTES, "count_include_pad")),
    Converter("GlobalAveragePool", 1, _convert_global_average_pool),
    Converter("GlobalMaxPool", 1, _convert_global_pool(ReduceMaxOp)),
    Converter("LpPool", 1, _convert_lp_pool, (*_POOL_ATTRIBUTES, "p")),
    Converter("GlobalLpPool", 1, _convert_global_lp_pool, ("p",)),
    Converter("MaxUnpool", 9, _convert_max_unpool, ("kernel_shape", "pads", "strides")),
)
