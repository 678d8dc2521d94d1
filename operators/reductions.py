"""Operators that reduce rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeAlias

from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.graph import AnyTensor, FusionClass, tensor_operand, verify_float
from ..te.expressions import ExprLike, IterVar, Reduction
from ..te.tensors import Tensor
from .operator import UnaryOp, reduce_to

RowReduction: TypeAlias = Callable[[ExprLike, Sequence[IterVar]], Reduction]


@irdl_op_definition
class SoftmaxOp(UnaryOp):
    """`exp(x) / sum(exp(x))`, where the sum runs over `axes`: `graph.softmax %x axes [1] : tensor<4x10xf32>`."""

    name = "graph.softmax"
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
        """The dimensions that the sum runs over, in order."""
        return self.axes.get_values()

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type = tensor_operand(self.operand)
        verify_float(type)
        axes, rank = self.axis_list, type.get_num_dims()
        if not axes or list(axes) != sorted(set(axes)) or axes[0] < 0 or axes[-1] >= rank:
            raise VerifyException(f"expected increasing axes from 0 to {rank - 1}, got {list(axes)}")
        return [type]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """Less the row's maximum, so that no power overflows."""
        (operand,) = operands
        axes = self.axis_list
        greatest = _reduce_rows(operand, axes, te.max, "row_max")
        powers = te.compute(
            operand.shape,
            lambda *indices: te.exp(operand.read(*indices) - greatest.read(*_kept(indices, axes))),
            name="power",
        )
        total = _reduce_rows(powers, axes, te.sum, "row_sum")
        return te.compute(
            operand.shape, lambda *indices: powers.read(*indices) / total.read(*_kept(indices, axes)), name="softmax"
        )


def _kept(indices: Sequence[ExprLike], axes: Sequence[int]) -> list[ExprLike]:
    return [index for dim, index in enumerate(indices) if dim not in axes]


def _reduce_rows(tensor: Tensor, axes: Sequence[int], reduce: RowReduction, name: str) -> Tensor:
    """`tensor` reduced over `axes`, which the result does not have."""
    kept = [size for dim, size in enumerate(tensor.shape) if dim not in axes]
    reduced = {dim: te.reduce_axis(tensor.shape[dim], name=f"k{dim}") for dim in axes}

    def element(*indices: ExprLike) -> Reduction:
        outer = iter(indices)
        full = [reduced[dim] if dim in reduced else next(outer) for dim in range(tensor.ndim)]
        return reduce(tensor.read(*full), list(reduced.values()))

    return reduce_to(kept, element, name)


OPERATORS: tuple[type[Operation], ...] = (SoftmaxOp,)
