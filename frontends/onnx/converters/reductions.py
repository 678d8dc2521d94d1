"""Operators that reduce rows, and those whose every element looks at its whole row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects.builtin import AnyFloat
from xdsl.ir import Operation, SSAValue

from ....errors import ImportModelError
from ....operators import elementwise, reductions
from ....operators.reductions import ReduceMaxOp, ReduceMinOp, ReduceOp, ReduceProdOp, ReduceSumOp
from ..node import Convert, Converter, Node, normalized_axis, rank_of, static_shape, type_of

Step = Callable[[Node, SSAValue], SSAValue]


def _axes(node: Node, operand: SSAValue) -> list[int]:
    """The dimensions to reduce over: given as attribute or as operand, else all; none for `noop_with_empty_axes`."""
    given: list[int] | None = node.attribute("axes", list[int]()) or node.integers(1)
    rank = rank_of(operand)
    if not given:
        return [] if node.flag("noop_with_empty_axes") else list(range(rank))
    axes = [normalized_axis(axis, rank) for axis in given]
    if len(set(axes)) != len(axes):
        raise ImportModelError(f"expected different axes, got {given}")
    return axes


def _reduce(op: type[ReduceOp], node: Node, operand: SSAValue, axes: Sequence[int]) -> SSAValue:
    return node.add(op(operand, axes, keepdims=node.flag("keepdims", True))) if axes else operand


def _reduction(op: type[ReduceOp], before: Step | None = None, after: Step | None = None) -> Convert:
    """A reduction of elements to which something is done before, with something done to what it gives."""

    def convert(node: Node) -> SSAValue:
        operand = node.tensors(1, 2)[0]
        axes = _axes(node, operand)
        value = operand if before is None else before(node, operand)
        result = _reduce(op, node, value, axes)
        return result if after is None else after(node, result)

    return convert


def _square(node: Node, operand: SSAValue) -> SSAValue:
    return node.add(elementwise.MulOp(operand, operand))


def _mean(node: Node) -> SSAValue:
    operand = node.tensors(1, 2)[0]
    axes = _axes(node, operand)
    total = _reduce(ReduceSumOp, node, operand, axes)
    shape = static_shape(operand, "for a mean")
    count = int(np.prod([shape[axis] for axis in axes], dtype=np.int64))
    return total if count == 1 else divide(node, total, count)


def divide(node: Node, value: SSAValue, count: int) -> SSAValue:
    """`value / count`, in its element type."""
    if not isinstance(type_of(value).element_type, AnyFloat):
        raise ImportModelError(f"expected floating-point elements, got {type_of(value).element_type}")
    return node.add(elementwise.DivOp(value, node.splat(count, value)))


def _arg(op: type[reductions.ArgReduceOp]) -> Convert:
    def convert(node: Node) -> Operation:
        (operand,) = node.tensors(1)
        axis = node.axis(0, rank_of(operand))
        return op(operand, axis, keepdims=node.flag("keepdims", True), last=node.flag("select_last_index"))

    return convert


def _row(op: type[reductions.RowOp]) -> Convert:
    def convert(node: Node) -> Operation:
        (operand,) = node.tensors(1)
        return op(operand, [node.axis(-1, rank_of(operand))])

    return convert


def _flattening_row(op: type[reductions.RowOp]) -> Convert:
    """Before opset 13: over all dimensions from `axis` on."""

    def convert(node: Node) -> SSAValue:
        (operand,) = node.tensors(1)
        rank = rank_of(operand)
        axes = range(node.axis(1, rank), rank)
        return node.add(op(operand, axes))

    return convert


def _convert_cumsum(node: Node) -> Operation:
    operand, _ = node.tensors(2)
    axes = node.integers(1) or []
    if len(axes) != 1:
        raise ImportModelError(f"expected one axis, got {axes}")
    axis = normalized_axis(axes[0], rank_of(operand))
    return reductions.CumSumOp(operand, axis, exclusive=node.flag("exclusive"), reverse=node.flag("reverse"))


_REDUCE = ("axes", "keepdims", "noop_with_empty_axes")
_ARG = ("axis", "keepdims", "select_last_index")

CONVERTERS = (
    Converter("ReduceSum", 1, _reduction(ReduceSumOp), _REDUCE),
    Converter("ReduceProd", 1, _reduction(ReduceProdOp), _REDUCE),
    Converter("ReduceMax", 1, _reduction(ReduceMaxOp), _REDUCE),
    Converter("ReduceMin", 1, _reduction(ReduceMinOp), _REDUCE),
    Converter("ReduceMean", 1, _mean, _REDUCE),
    Converter("ReduceSumSquare", 1, _reduction(ReduceSumOp, before=_square), _REDUCE),
    Converter("ArgMax", 1, _arg(reductions.ArgMaxOp), _ARG),
    Converter("ArgMin", 1, _arg(reductions.ArgMinOp), _ARG),
    Converter("Softmax", 1, _flattening_row(reductions.SoftmaxOp), ("axis",)),
    Converter("Softmax", 13, _row(reductions.SoftmaxOp), ("axis",)),
    Converter("LogSoftmax", 1, _flattening_row(reductions.LogSoftmaxOp), ("axis",)),
    Converter("LogSoftmax", 13, _row(reductions.LogSoftmaxOp), ("axis",)),
    Converter("CumSum", 11, _convert_cumsum, ("exclusive", "reverse")),
)
