"""Reductions of windows: maxima, where they are, and sums. An average is a sum, divided."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, TensorType, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.graph import AnyTensor, FusionClass, format_shape, shape_of, tensor_of, tensor_operand
from ..te.dtypes import lowest
from ..te.expressions import ExprLike, Reduction
from ..te.tensors import Tensor
from .operator import known_extents, mnemonic, reduce_to
from .windows import Window, WindowOp, taps, window_properties


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

    def combine(self, value: te.Expr, axes: Sequence[te.IterVar]) -> Reduction:
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

    def combine(self, value: te.Expr, axes: Sequence[te.IterVar]) -> Reduction:
        return te.max(value, axes)


@irdl_op_definition
class SumPoolOp(PoolOp):
    """The sum of each window; what is around the operand is 0.

    Example: `graph.sum_pool %x window [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (…) -> …`.
    """

    name = "graph.sum_pool"

    def pad_value(self, dtype: str) -> int | float:
        return 0

    def combine(self, value: te.Expr, axes: Sequence[te.IterVar]) -> Reduction:
        return te.sum(value, axes)


OPERATORS: tuple[type[Operation], ...] = (MaxPoolOp, SumPoolOp)
