"""The first elements of rows in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import IntegerAttr, TensorType, UnitAttr, i1, i64
from xdsl.ir import Operation, SSAValue
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
from ..dialects.graph import AnyTensor, FusionClass, shape_of, tensor_of, tensor_operand
from ..te.dtypes import highest, is_float, lowest
from ..te.expressions import Expr, ExprLike, IterVar, Reduction
from ..te.tensors import Tensor
from .operator import Operator


@irdl_op_definition
class TopKOp(Operator):
    """The `k` greatest elements along `axis`, greatest first, or with `smallest` the least, least first; and their
    indices. Equal elements are in the order of their indices; NaN is greater than any number.

    Example: `graph.topk %x axis 1 k 3 {smallest} : (tensor<4x9xf32>) -> (tensor<4x3xf32>, tensor<4x3xi64>)`.
    """

    name = "graph.topk"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE

    operand = operand_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    k = prop_def(IntegerAttr.constr(i64))
    smallest = opt_prop_def(UnitAttr)
    values = result_def(TensorType)
    indices = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$operand `axis` $axis `k` $k attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue, axis: int, k: int, *, smallest: bool = False):
        super().__init__(
            operands=[operand],
            properties={
                "axis": IntegerAttr(axis, i64),
                "k": IntegerAttr(k, i64),
                "smallest": UnitAttr() if smallest else None,
            },
            result_types=_topk_types(operand, axis, k),
        )

    @property
    def dim(self) -> int:
        """The dimension that rows lie along."""
        return self.axis.value.data

    @property
    def count(self) -> int:
        """How many elements there are of each row."""
        return self.k.value.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return _topk_types(self.operand, self.dim, self.count)

    def tensor_expression(self, *operands: Tensor) -> Sequence[Tensor]:
        """One element after the other: each is the first of those that come after the one before it."""
        (operand,) = operands
        axis, dtype = self.dim, operand.dtype
        others = [size for dim, size in enumerate(operand.shape) if dim != axis]
        first = (lowest if self.smallest else highest)(dtype)
        if is_float(dtype) and not self.smallest:
            first = math.nan
        start = te.compute([1, *others], lambda *_: te.const(first, dtype), name="before_all")
        nowhere = te.compute([1, *others], lambda *_: te.const(-1, "int64"), name="nowhere")

        def step(t: IterVar, values: Tensor, places: Tensor) -> Sequence[Tensor]:
            k = te.reduce_axis(operand.shape[axis], name="k")

            def element(*row: ExprLike) -> Reduction:
                value, place = operand.read(*row[:axis], k, *row[axis:]), te.cast(k, "int64")
                later = self._is_before((values.read(t, *row), places.read(t, *row)), (value, place))
                behind = te.const(highest("int64"), "int64")
                last = te.const(self._last(dtype), dtype)
                return self._first((te.select(later, value, last), te.select(later, place, behind)), k)

            found = te.compute(others, element, name="next")
            return cast("tuple[Tensor, Tensor]", found)

        values, places = te.scan(self.count, [start, nowhere], step, name="topk")
        shape = [*others[:axis], self.count, *others[axis:]]

        def read(states: Tensor) -> Tensor:
            def element(*indices: ExprLike) -> Expr:
                at = indices[axis]
                assert isinstance(at, Expr)
                return states.read(at + 1, *indices[:axis], *indices[axis + 1 :])

            return te.compute(shape, element, name="topk_rows")

        return read(values), read(places)

    def _last(self, dtype: str) -> float:
        """What no element is behind of."""
        if self.smallest:
            return math.nan if is_float(dtype) else highest(dtype)
        return lowest(dtype)

    def _is_before(self, lhs: Sequence[Expr], rhs: Sequence[Expr]) -> Expr:
        """Whether a value and its place come before another."""
        before, equal = (lhs[0] < rhs[0] if self.smallest else lhs[0] > rhs[0]), lhs[0] == rhs[0]
        if is_float(lhs[0].dtype):
            nans = te.isnan(lhs[0]), te.isnan(rhs[0])
            before = before | (nans[1] & ~nans[0] if self.smallest else nans[0] & ~nans[1])
            equal = equal | (nans[0] & nans[1])
        return before | (equal & (lhs[1] < rhs[1]))

    def _first(self, value: tuple[Expr, Expr], axis: IterVar) -> Reduction:
        def combine(acc: Sequence[Expr], x: Sequence[Expr]) -> tuple[Expr, Expr]:
            take = self._is_before(x, acc)
            return te.select(take, x[0], acc[0]), te.select(take, x[1], acc[1])

        identity = self._last(value[0].dtype), highest("int64")
        return te.reduce(combine, identity, value, axis, associative=True, commutative=True, fastmath=("reassoc",))


def _topk_types(operand: SSAValue, axis: int, k: int) -> list[AnyTensor]:
    type = tensor_operand(operand)
    shape = shape_of(type)
    if type.element_type == i1:
        raise VerifyException("expected numbers to put in order, got i1")
    if not 0 <= axis < len(shape):
        raise VerifyException(f"expected an axis from 0 to {len(shape) - 1}, got {axis}")
    size = shape[axis]
    if k < 1 or (size is not None and size.is_constant and k > size.constant):
        raise VerifyException(f"expected from 1 to {size} elements of each row, got {k}")
    shape = (*shape[:axis], Extent.of(k), *shape[axis + 1 :])
    return [tensor_of(type.element_type, shape), tensor_of(i64, shape)]


OPERATORS: tuple[type[Operation], ...] = (TopKOp,)
