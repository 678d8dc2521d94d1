"""Operators that reduce rows, and those whose every element looks at its whole row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects.builtin import AnyFloat
from xdsl.ir import Operation, SSAValue

from ....errors import ImportModelError
from ....operators import elementwise, logic, reductions, shape
from ....operators.operator import UnaryOp
from ....operators.reductions import ReduceMaxOp, ReduceMinOp, ReduceOp, ReduceProdOp, ReduceSumOp
from ....operators.reference.arrays import numpy_dtype
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
        if 0 in type_of(operand).get_shape():
            result = _of_nothing(op, node, operand, axes)
        else:
            result = _reduce(op, node, operand if before is None else before(node, operand), axes)
        return result if after is None else after(node, result)

    return convert


def _of_nothing(op: type[ReduceOp], node: Node, operand: SSAValue, axes: Sequence[int]) -> SSAValue:
    """What rows without elements reduce to."""
    shape = [
        1 if dim in axes else size
        for dim, size in enumerate(type_of(operand).get_shape())
        if dim not in axes or node.flag("keepdims", True)
    ]
    dtype = numpy_dtype(type_of(operand).element_type)
    if 0 in shape:
        raise ImportModelError(f"expected a result that is not empty, got shape {shape}")
    if op in (ReduceSumOp, ReduceProdOp):
        return node.splat(int(op is ReduceProdOp), operand, shape)
    if dtype == np.bool_:
        return node.splat(op is ReduceMinOp, operand, shape)
    if dtype.kind in "iu":
        return node.splat(int(np.iinfo(dtype).min if op is ReduceMaxOp else np.iinfo(dtype).max), operand, shape)
    return node.splat(-np.inf if op is ReduceMaxOp else np.inf, operand, shape)


def _square(node: Node, operand: SSAValue) -> SSAValue:
    return node.add(elementwise.MulOp(operand, operand))


def _unary(op: type[UnaryOp]) -> Step:
    return lambda node, operand: node.add(op(operand))


def _log_sum_exp(node: Node) -> SSAValue:
    """`m + log(sum(exp(x - m)))`, where `m` is the row's maximum, or 0 where that is infinite: no power overflows."""
    operand = node.tensors(1, 2)[0]
    axes = _axes(node, operand)
    if 0 in type_of(operand).get_shape():
        return node.add(elementwise.LogOp(_of_nothing(ReduceSumOp, node, operand, axes)))
    if not axes:
        return operand
    greatest = node.add(ReduceMaxOp(operand, axes, keepdims=True))
    finite = node.add(logic.LessOp(node.add(elementwise.AbsOp(greatest)), node.splat(np.inf, operand)))
    shift = node.add(elementwise.SelectOp(finite, greatest, node.splat(0, operand)))
    powers = node.add(elementwise.ExpOp(node.add(elementwise.SubOp(operand, shift))))
    logarithm = node.add(elementwise.LogOp(node.add(ReduceSumOp(powers, axes, keepdims=True))))
    result = node.add(elementwise.AddOp(logarithm, shift))
    if node.flag("keepdims", True):
        return result
    kept = [size for dim, size in enumerate(static_shape(result, "for ReduceLogSumExp")) if dim not in axes]
    return node.add(shape.ReshapeOp(result, kept))


def _hardmax(node: Node, axes: Sequence[int], operand: SSAValue) -> SSAValue:
    """1 at the first of the greatest elements of each row, else 0."""
    (axis,) = axes
    size = static_shape(operand, "for Hardmax")[axis]
    positions = np.arange(size, dtype=np.int64).reshape([size] + [1] * (rank_of(operand) - 1 - axis))
    first = node.add(reductions.ArgMaxOp(operand, axis, keepdims=True))
    hit = node.add(logic.EqualOp(node.weight(positions), first))
    return node.add(elementwise.SelectOp(hit, node.splat(1, operand), node.splat(0, operand)))


def _convert_hardmax(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    return _hardmax(node, [node.axis(-1, rank_of(operand))], operand)


def _convert_flattening_hardmax(node: Node) -> SSAValue:
    """Before opset 13: over all dimensions from `axis` on."""
    (operand,) = node.tensors(1)
    sizes = static_shape(operand, "for Hardmax")
    axis = node.axis(1, len(sizes))
    flat = [int(np.prod(sizes[:axis], dtype=np.int64)), int(np.prod(sizes[axis:], dtype=np.int64))]
    rows = _hardmax(node, [1], node.add(shape.ReshapeOp(operand, flat)))
    return node.add(shape.ReshapeOp(rows, sizes))


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
    Converter("ReduceL1", 1, _reduction(ReduceSumOp, before=_unary(elementwise.AbsOp)), _REDUCE),
    Converter("ReduceL2", 1, _reduction(ReduceSumOp, before=_square, after=_unary(elementwise.SqrtOp)), _REDUCE),
    Converter("ReduceLogSum", 1, _reduction(ReduceSumOp, after=_unary(elementwise.LogOp)), _REDUCE),
    Converter("ReduceLogSumExp", 1, _log_sum_exp, _REDUCE),
    Converter("Hardmax", 1, _convert_flattening_hardmax, ("axis",)),
    Converter("Hardmax", 13, _convert_hardmax, ("axis",)),
    Converter("ReduceSumSquare", 1, _reduction(ReduceSumOp, before=_square), _REDUCE),
    Converter("ArgMax", 1, _arg(reductions.ArgMaxOp), _ARG),
    Converter("ArgMin", 1, _arg(reductions.ArgMinOp), _ARG),
    Converter("Softmax", 1, _flattening_row(reductions.SoftmaxOp), ("axis",)),
    Converter("Softmax", 13, _row(reductions.SoftmaxOp), ("axis",)),
    Converter("LogSoftmax", 1, _flattening_row(reductions.LogSoftmaxOp), ("axis",)),
    Converter("LogSoftmax", 13, _row(reductions.LogSoftmaxOp), ("axis",)),
    Converter("CumSum", 11, _convert_cumsum, ("exclusive", "reverse")),
)
