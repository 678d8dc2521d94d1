"""Operators on each element by itself: arithmetic, ReLU."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Commutative, Pure

from .. import te
from ..dialects.graph import (
    AnyTensor,
    FusionClass,
    broadcast_shapes,
    common_element_type,
    shape_of,
    tensor_of,
    tensor_operand,
    verify_float,
)
from ..te.expressions import Expr, ExprLike
from ..te.tensors import Tensor
from .broadcasting import read_broadcast
from .operator import Operator, UnaryOp, known_extents, mnemonic


class BinaryOp(Operator, ABC):
    """An operator on two tensors, element by element, that broadcasts."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"

    def __init__(self, lhs: SSAValue, rhs: SSAValue, result_type: Attribute | None = None):
        types = [tensor_operand(lhs), tensor_operand(rhs)]
        super().__init__(operands=[lhs, rhs], result_types=[result_type or _broadcast_type(types)])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_broadcast_type([tensor_operand(operand) for operand in self.operands])]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        lhs, rhs = operands
        shape = known_extents(self.result)

        def element(*indices: ExprLike) -> Expr:
            return self.element(read_broadcast(lhs, indices, shape), read_broadcast(rhs, indices, shape))

        return te.compute(shape, element, name=mnemonic(self))

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        """The result's element for an element of each operand."""
        raise NotImplementedError


def _broadcast_type(types: Sequence[AnyTensor]) -> AnyTensor:
    return tensor_of(common_element_type(types), broadcast_shapes(*map(shape_of, types)))


@irdl_op_definition
class AddOp(BinaryOp):
    """`lhs + rhs`."""

    name = "graph.add"
    traits = traits_def(Commutative())

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs + rhs


@irdl_op_definition
class SubOp(BinaryOp):
    """`lhs - rhs`."""

    name = "graph.sub"

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs - rhs


@irdl_op_definition
class MulOp(BinaryOp):
    """`lhs * rhs`."""

    name = "graph.mul"
    traits = traits_def(Commutative())

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs * rhs


@irdl_op_definition
class DivOp(BinaryOp):
    """`lhs / rhs`, on floats."""

    name = "graph.div"

    def infer_result_types(self) -> Sequence[AnyTensor]:
        types = super().infer_result_types()
        verify_float(types[0])
        return types

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs / rhs


@irdl_op_definition
class ReluOp(UnaryOp):
    """`max(operand, 0)`."""

    name = "graph.relu"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        return te.compute(operand.shape, lambda *indices: te.maximum(operand.read(*indices), 0), name="relu")


OPERATORS: tuple[type[Operation], ...] = (AddOp, SubOp, MulOp, DivOp, ReluOp)
