"""Reductions of windows: maxima, where they are, and sums. An average is a sum, divided."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import DenseArrayBase, TensorType, UnitAttr, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import AnyTensor, FusionClass, format_shape, shape_of, tensor_of, tensor_operand
from ..te.dtypes import highest, lowest
from ..te.expressions import Expr, ExprLike, Reduction, as_expr
from ..te.tensors import Size, Tensor
from .operator import known_extents, mnemonic, reduce_to
from .windows import Window, WindowOp, offset_by, scaled, taps, window_properties


class PoolOp(WindowOp, ABC):
    """An operator that reduces windows over the last dimensions of its operand, as many as the window has."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.REDUCTION

    operand = operand_def(TensorType)
    kernel = prop_def(DenseArrayBase.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$operand `window` $kernel `strides` $strides `pads` $pads `dilations` $dilations"
        " attr-dict `:` functional-type(operands, results)"
    )

    def __init__(self, operand: SSAValue, window: Window):
        super().__init__(
            operands=[operand],
            properties={**window_properties(window), "kernel": DenseArrayBase.from_list(i64, window.kernel)},
            result_types=[self._type(operand, window)],
        )

    @property
    def window(self) -> Window:
        """The window."""
        return self.window_of(self.kernel.get_values())

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [self._type(self.operand, self.window)]

    @classmethod
    def _type(cls, operand: SSAValue, window: Window) -> AnyTensor:
        type = tensor_operand(operand)
        shape = shape_of(type)
        if type.element_type == i1:
            raise VerifyException("expected numbers, got i1")
        window.verify()
        if window.rank > len(shape):
            raise VerifyException(f"expected rank {window.rank} or more, got {format_shape(shape)}")
        leading = len(shape) - window.rank
        return tensor_of(cls.result_element(type.element_type), (*shape[:leading], *window.count(shape[leading:])))

    @classmethod
    def result_element(cls, element_type: Attribute) -> Attribute:
        """The element type of the result."""
        return element_type

    def pad_value(self, dtype: str) -> int | float:
        """What is around the operand."""
        raise NotImplementedError

    def combine(self, value: Expr, axes: Sequence[te.IterVar]) -> Reduction:
        """The reduction of the elements of a window."""
        raise NotImplementedError

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        window = self.window
        padded = window.pad(operand, te.const(self.pad_value(operand.dtype), operand.dtype))
        leading = operand.ndim - window.rank
        axes, tap = taps(window.kernel)

        def element(*indices: ExprLike) -> Reduction:
            value = padded.read(*indices[:leading], *window.element(indices[leading:], tap))
            return self.combine(value, axes)

        return reduce_to(known_extents(self.result), element, mnemonic(self))


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """The greatest element of each window; what is around the operand is less than any.

    Example: `graph.max_pool %x window [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (…) -> …`.
    """

    name = "graph.max_pool"

    def pad_value(self, dtype: str) -> int | float:
        return lowest(dtype)

    def combine(self, value: Expr, axes: Sequence[te.IterVar]) -> Reduction:
        return te.max(value, axes)


@irdl_op_definition
class SumPoolOp(PoolOp):
    """The sum of each window; what is around the operand is 0.

    Example: `graph.sum_pool %x window [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (…) -> …`.
    """

    name = "graph.sum_pool"

    def pad_value(self, dtype: str) -> int | float:
        return 0

    def combine(self, value: Expr, axes: Sequence[te.IterVar]) -> Reduction:
        return te.sum(value, axes)


@irdl_op_definition
class ArgMaxPoolOp(PoolOp):
    """Where the greatest element of each window is, the first of equal ones: its position in the whole operand,
    counted row by row, or column by column of the last dimensions with `column_major`.

    Example: `graph.arg_max_pool %x window [2] strides [2] pads [0, 0] dilations [1] : (…) -> tensor<4xi64>`.
    """

    name = "graph.arg_max_pool"

    column_major = opt_prop_def(UnitAttr)

    irdl_options = (ParsePropInAttrDict(),)

    def __init__(self, operand: SSAValue, window: Window, *, column_major: bool = False):
        super().__init__(operand, window)
        self.column_major = UnitAttr() if column_major else None

    @classmethod
    def result_element(cls, element_type: Attribute) -> Attribute:
        return i64

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """The number of the greatest element in its window, then where that is. What is around the operand has numbers
        behind all others, and is never the greatest."""
        (operand,) = operands
        window = self.window
        leading = operand.ndim - window.rank
        padded = window.pad(operand, te.const(lowest(operand.dtype), operand.dtype))
        axes, tap = taps(window.kernel)
        number = _linear(tap, window.kernel)
        count = math.prod(window.kernel)
        sizes = operand.extents[leading:]

        def element(*indices: ExprLike) -> Reduction:
            at = window.element(indices[leading:], tap)
            value = padded.read(*indices[:leading], *at)
            outside = [
                index < low if where == "low" else index >= size + low
                for index, size, low, high in zip(map(as_expr, at), sizes, window.begin, window.end, strict=True)
                for where, pad in (("low", low), ("high", high))
                if pad > 0
            ]
            rank = number if not outside else te.select(te.any(*outside), as_expr(number) + count, number)
            return _first_greatest(te.cast(rank, "int64"), value, axes)

        shape = known_extents(self.result)
        chosen, _ = cast("tuple[Tensor, Tensor]", te.compute(shape, element, name="first_greatest"))

        def position(*indices: ExprLike) -> Expr:
            rest = chosen.read(*indices)
            offsets: list[Expr] = []
            for size in reversed(window.kernel):
                offsets.append(rest % size)
                rest = rest // size
            starts = window.element(indices[leading:], [0] * window.rank)
            at = [
                te.cast(as_expr(start) - low, "int64") + offset * dilation
                for start, low, offset, dilation in zip(
                    starts, window.begin, reversed(offsets), window.dilations, strict=True
                )
            ]
            inner, inner_sizes = (at[::-1], sizes[::-1]) if self.column_major else (at, sizes)
            outer = [te.cast(as_expr(index), "int64") for index in indices[:leading]]
            return as_expr(_linear([*outer, *inner], [*operand.extents[:leading], *inner_sizes]))

        return te.compute(shape, position, name=mnemonic(self))


def _linear(indices: Sequence[ExprLike], sizes: Sequence[Size]) -> ExprLike:
    """The position of an element counted row by row."""
    result: ExprLike = 0
    for index, size in zip(indices, sizes, strict=True):
        extent = Extent.of(size)
        if extent.is_constant:
            result = offset_by(scaled(result, extent.constant), index)
        elif isinstance(result, Expr):
            result = result * te.cast(as_expr(extent), result.dtype) + index
        else:
            result = index
    return result


def _first_greatest(number: Expr, value: Expr, axes: Sequence[te.IterVar]) -> Reduction:
    """The least number among those of the greatest value, and that value."""

    def combine(acc: Sequence[Expr], x: Sequence[Expr]) -> tuple[Expr, Expr]:
        take = (x[1] > acc[1]) | ((x[1] == acc[1]) & (x[0] < acc[0]))
        return te.select(take, x[0], acc[0]), te.select(take, x[1], acc[1])

    identity = highest("int64"), lowest(value.dtype)
    return te.reduce(combine, identity, (number, value), axes, associative=True, commutative=True)


OPERATORS: tuple[type[Operation], ...] = (MaxPoolOp, SumPoolOp, ArgMaxPoolOp)
