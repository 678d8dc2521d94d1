"""Operators that reduce rows, and those whose every element looks at its whole row."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeAlias, TypeVar, cast

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, TensorType, UnitAttr, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
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
from ..dialects.graph import AnyTensor, FusionClass, shape_of, tensor_of, tensor_operand, verify_float
from ..te.dtypes import BOOL, highest, lowest
from ..te.expressions import Expr, ExprLike, IterVar, Reduction, as_expr
from ..te.tensors import Size, Tensor
from .operator import Operator, UnaryOp, dtype_of, mnemonic, reduce_to

T = TypeVar("T")

RowReduction: TypeAlias = Callable[[ExprLike, Sequence[IterVar]], Reduction]


def _verify_axes(axes: Sequence[int], rank: int) -> None:
    if not axes or list(axes) != sorted(set(axes)) or axes[0] < 0 or axes[-1] >= rank:
        raise VerifyException(f"expected increasing axes from 0 to {rank - 1}, got {list(axes)}")


def reduced_shape(type: AnyTensor, axes: Sequence[int], keepdims: bool) -> AnyTensor:
    """The type of a tensor that is reduced over `axes`, which stay as extents of 1 with `keepdims`.

    Raises:
        VerifyException: if it does not have such axes.
    """
    _verify_axes(axes, type.get_num_dims())
    dims = [Extent.of(1) if i in axes else dim for i, dim in enumerate(shape_of(type)) if keepdims or i not in axes]
    return tensor_of(type.element_type, tuple(dims))


# Reductions to one value for each row


class ReduceOp(Operator, ABC):
    """An operator that reduces over `axes`, which stay as extents of 1 with `keepdims`.

    Example: `graph.reduce_sum %x axes [1] {keepdims} : (tensor<4x10xf32>) -> tensor<4x1xf32>`.
    """

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.REDUCTION

    operand = operand_def(TensorType)
    axes = prop_def(DenseArrayBase.constr(i64))
    keepdims = opt_prop_def(UnitAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$operand `axes` $axes attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue, axes: Iterable[int], *, keepdims: bool = False):
        ordered = sorted(axes)
        super().__init__(
            operands=[operand],
            properties={
                "axes": DenseArrayBase.from_list(i64, ordered),
                "keepdims": UnitAttr() if keepdims else None,
            },
            result_types=[reduced_shape(tensor_operand(operand), ordered, keepdims)],
        )

    @property
    def axis_list(self) -> tuple[int, ...]:
        """The dimensions that are reduced over, in order."""
        return self.axes.get_values()

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [reduced_shape(tensor_operand(self.operand), self.axis_list, self.keepdims is not None)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        return _reduce_rows(operand, self.axis_list, self.reduction, mnemonic(self), self.keepdims is not None)

    @abstractmethod
    def reduction(self, value: ExprLike, axes: Sequence[IterVar]) -> Reduction:
        """A value reduced over axes."""


def _logical(
    combine: Callable[[Expr, Expr], Expr], identity: bool, value: ExprLike, axes: Sequence[IterVar]
) -> Reduction:
    return te.reduce(combine, identity, value, axes, associative=True, commutative=True)


@irdl_op_definition
class ReduceSumOp(ReduceOp):
    """The sum of each row. Floats may be summed in any order; integers wrap."""

    name = "graph.reduce_sum"

    def reduction(self, value: ExprLike, axes: Sequence[IterVar]) -> Reduction:
        return te.sum(value, axes)


@irdl_op_definition
class ReduceProdOp(ReduceOp):
    """The product of each row. Floats may be multiplied in any order; integers wrap."""

    name = "graph.reduce_prod"

    def reduction(self, value: ExprLike, axes: Sequence[IterVar]) -> Reduction:
        return te.prod(value, axes)


@irdl_op_definition
class ReduceMaxOp(ReduceOp):
    """The greatest element of each row; of booleans, whether one is true."""

    name = "graph.reduce_max"

    def reduction(self, value: ExprLike, axes: Sequence[IterVar]) -> Reduction:
        if dtype_of(self.operand) == BOOL:
            return _logical(lambda acc, x: acc | x, False, value, axes)
        return te.max(value, axes)


@irdl_op_definition
class ReduceMinOp(ReduceOp):
    """The least element of each row; of booleans, whether all are true."""

    name = "graph.reduce_min"

    def reduction(self, value: ExprLike, axes: Sequence[IterVar]) -> Reduction:
        if dtype_of(self.operand) == BOOL:
            return _logical(lambda acc, x: acc & x, True, value, axes)
        return te.min(value, axes)


class ArgReduceOp(Operator, ABC):
    """An operator that gives an index along `axis`, which stays as an extent of 1 with `keepdims`: the first of equal
    elements, or the last with `last`. A NaN comes before any number.

    Example: `graph.argmax %x axis 1 {keepdims} : (tensor<4x10xf32>) -> tensor<4x1xi64>`.
    """

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.REDUCTION

    operand = operand_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    keepdims = opt_prop_def(UnitAttr)
    last = opt_prop_def(UnitAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$operand `axis` $axis attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue, axis: int, *, keepdims: bool = False, last: bool = False):
        type = reduced_shape(tensor_operand(operand), [axis], keepdims)
        super().__init__(
            operands=[operand],
            properties={
                "axis": IntegerAttr(axis, i64),
                "keepdims": UnitAttr() if keepdims else None,
                "last": UnitAttr() if last else None,
            },
            result_types=[tensor_of(i64, shape_of(type))],
        )

    @property
    def axis_index(self) -> int:
        """The dimension that is reduced over."""
        return self.axis.value.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type = reduced_shape(tensor_operand(self.operand), [self.axis_index], self.keepdims is not None)
        return [tensor_of(i64, shape_of(type))]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        axis = self.axis_index
        k = te.reduce_axis(operand.shape[axis], name="k")

        def element(*indices: ExprLike) -> Reduction:
            kept = _without(indices, [axis]) if self.keepdims else indices
            return self._reduction(operand.read(*kept[:axis], k, *kept[axis:]), k)

        shape = _result_shape(operand, [axis], self.keepdims is not None)
        index, _ = cast("tuple[Tensor, Tensor]", te.compute(shape, element, name=mnemonic(self)))
        return index

    def _reduction(self, value: Expr, k: IterVar) -> Reduction:
        last = self.last is not None
        value = te.cast(value, "int8") if value.dtype == BOOL else value

        def combine(acc: Sequence[Expr], x: Sequence[Expr]) -> tuple[Expr, Expr]:
            better, equal = self.is_better(x[1], acc[1]), x[1] == acc[1]
            if value.dtype.startswith(("float", "bfloat")):
                nan, acc_nan = te.isnan(x[1]), te.isnan(acc[1])
                better = better | (nan & ~acc_nan)
                equal = equal | (nan & acc_nan)
            # the first or last of equal values wins in whatever order they come
            take = better | (equal & ((x[0] > acc[0]) if last else (x[0] < acc[0])))
            return te.select(take, x[0], acc[0]), te.select(take, x[1], acc[1])

        identity = (lowest if last else highest)("int64"), self.worst(value.dtype)
        return te.reduce(
            combine,
            identity,
            (te.cast(k, "int64"), value),
            k,
            associative=True,
            commutative=True,
            fastmath=("reassoc",),
        )

    @abstractmethod
    def is_better(self, lhs: Expr, rhs: Expr) -> Expr:
        """Whether `lhs` is in front of `rhs`."""

    @abstractmethod
    def worst(self, dtype: str) -> float:
        """What no element is behind of."""


@irdl_op_definition
class ArgMaxOp(ArgReduceOp):
    """Where the greatest element of each row is."""

    name = "graph.argmax"

    def is_better(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs > rhs

    def worst(self, dtype: str) -> float:
        return lowest(dtype)


@irdl_op_definition
class ArgMinOp(ArgReduceOp):
    """Where the least element of each row is."""

    name = "graph.argmin"

    def is_better(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs < rhs

    def worst(self, dtype: str) -> float:
        return highest(dtype)


# Operators that keep the shape


class RowOp(UnaryOp, ABC):
    """An operator whose every element looks at its row, the elements along `axes`."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.REDUCTION

    axes = prop_def(DenseArrayBase.constr(i64))

    assembly_format = "$operand `axes` $axes attr-dict `:` type($operand)"

    def __init__(self, operand: SSAValue, axes: Iterable[int]):
        IRDLOperation.__init__(
            self,
            operands=[operand],
            properties={"axes": DenseArrayBase.from_list(i64, sorted(axes))},
            result_types=[operand.type],
        )

    @property
    def axis_list(self) -> tuple[int, ...]:
        """The dimensions of a row, in order."""
        return self.axes.get_values()

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type = tensor_operand(self.operand)
        verify_float(type)
        _verify_axes(self.axis_list, type.get_num_dims())
        return [type]


@irdl_op_definition
class SoftmaxOp(RowOp):
    """`exp(x) / sum(exp(x))`, where the sum runs over `axes`: `graph.softmax %x axes [1] : tensor<4x10xf32>`."""

    name = "graph.softmax"

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """Less the row's maximum, so that no power overflows."""
        (operand,) = operands
        axes = self.axis_list
        greatest = _reduce_rows(operand, axes, te.max, "row_max")
        powers = te.compute(
            operand.shape,
            lambda *indices: te.exp(operand.read(*indices) - greatest.read(*_without(indices, axes))),
            name="power",
        )
        total = _sum_powers(powers, axes)
        return te.compute(
            operand.shape, lambda *indices: powers.read(*indices) / total.read(*_without(indices, axes)), name="softmax"
        )


_FEW = 8


def _sum_powers(powers: Tensor, axes: Sequence[int]) -> Tensor:
    """The sum of each row.

    ONNX makes it in the elements' own type. So do we for a few numbers of bfloat16, where its reference rounds every
    sum; over many, such a sum would stop growing.
    """
    extents = [powers.extents[dim] for dim in axes]
    few = powers.dtype == "bfloat16" and all(extent.is_constant for extent in extents)
    if not few or len(axes) > 1 or extents[0].constant >= _FEW:
        return _reduce_rows(powers, axes, te.sum, "row_sum")
    (axis,) = axes

    def element(*indices: ExprLike) -> Expr:
        steps = [powers.read(*indices[:axis], k, *indices[axis:]) for k in range(extents[0].constant)]
        return functools.reduce(lambda total, step: total + step, steps)

    return te.compute(_without(powers.shape, axes), element, name="row_sum")


@irdl_op_definition
class LogSoftmaxOp(RowOp):
    """`x - log(sum(exp(x)))`, where the sum runs over `axes`."""

    name = "graph.log_softmax"

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """Less the row's maximum, so that no power overflows."""
        (operand,) = operands
        axes = self.axis_list
        greatest = _reduce_rows(operand, axes, te.max, "row_max")

        def shifted(*indices: ExprLike) -> Expr:
            return operand.read(*indices) - greatest.read(*_without(indices, axes))

        powers = te.compute(operand.shape, lambda *indices: te.exp(shifted(*indices)), name="power")
        total = _reduce_rows(powers, axes, te.sum, "row_sum")
        return te.compute(
            operand.shape,
            lambda *indices: shifted(*indices) - te.log(total.read(*_without(indices, axes))),
            name="log_softmax",
        )


@irdl_op_definition
class CumSumOp(Operator):
    """The sums of the elements up to each one along `axis`: without itself if `exclusive`, from the end if `reverse`.

    Example: `graph.cumsum %x axis 0 {reverse} : tensor<5x4xf32>`.
    """

    name = "graph.cumsum"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE

    T: ClassVar = UnaryOp.T

    operand = operand_def(T)
    axis = prop_def(IntegerAttr.constr(i64))
    exclusive = opt_prop_def(UnitAttr)
    reverse = opt_prop_def(UnitAttr)
    result = result_def(T)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$operand `axis` $axis attr-dict `:` type($operand)"

    def __init__(self, operand: SSAValue, axis: int, *, exclusive: bool = False, reverse: bool = False):
        super().__init__(
            operands=[operand],
            properties={
                "axis": IntegerAttr(axis, i64),
                "exclusive": UnitAttr() if exclusive else None,
                "reverse": UnitAttr() if reverse else None,
            },
            result_types=[operand.type],
        )

    @property
    def axis_index(self) -> int:
        """The dimension that is summed along."""
        return self.axis.value.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type = tensor_operand(self.operand)
        _verify_axes([self.axis_index], type.get_num_dims())
        return [type]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """Row `t` of a scan is the sum of the first `t` elements."""
        (operand,) = operands
        axis = self.axis_index
        steps = operand.shape[axis]
        last = as_expr(steps - 1)
        others = _without(operand.shape, [axis])
        zero = te.compute((1, *others), lambda *_: te.const(0, operand.dtype), name="zero")

        def step(t: IterVar, sums: Tensor) -> Tensor:
            at = last - t if self.reverse else t
            return te.compute(
                others,
                lambda *row: sums.read(t, *row) + operand.read(*row[:axis], at, *row[axis:]),
                name="sum",
            )

        sums = te.scan(steps, zero, step, name="cumsum")
        skipped = 0 if self.exclusive else 1

        def element(*indices: ExprLike) -> Expr:
            index = indices[axis]
            at = last - as_expr(index) if self.reverse else as_expr(index)
            return sums.read(at + skipped, *_without(indices, [axis]))

        return te.compute(operand.shape, element, name="cumsum_rows")


def _without(indices: Sequence[T], axes: Sequence[int]) -> list[T]:
    return [index for dim, index in enumerate(indices) if dim not in axes]


def _result_shape(tensor: Tensor, axes: Sequence[int], keepdims: bool) -> list[Size]:
    return [1 if dim in axes else size for dim, size in enumerate(tensor.shape) if keepdims or dim not in axes]


def _reduce_rows(
    tensor: Tensor, axes: Sequence[int], reduce: RowReduction, name: str, keepdims: bool = False
) -> Tensor:
    """`tensor` reduced over `axes`, which the result does not have, or has as extents of 1."""
    reduced = [te.reduce_axis(tensor.shape[dim], name=f"k{dim}") for dim in axes]

    def element(*indices: ExprLike) -> Reduction:
        inner = iter(_without(indices, axes) if keepdims else indices)
        steps = iter(reduced)
        full = [next(steps) if dim in axes else next(inner) for dim in range(tensor.ndim)]
        return reduce(tensor.read(*full), reduced)

    return reduce_to(_result_shape(tensor, axes, keepdims), element, name)


OPERATORS: tuple[type[Operation], ...] = (
    ReduceSumOp,
    ReduceProdOp,
    ReduceMaxOp,
    ReduceMinOp,
    ArgMaxOp,
    ArgMinOp,
    SoftmaxOp,
    LogSoftmaxOp,
    CumSumOp,
)
