"""Operators on each element by itself: arithmetic, functions of one number, choice, conversion."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import TensorType, i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Commutative, Pure
from xdsl.utils.exceptions import VerifyException

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
    verify_integer,
    verify_number,
)
from ..te.dtypes import is_float
from ..te.expressions import Expr, ExprLike
from ..te.tensors import Tensor
from .broadcasting import read_broadcast
from .operator import Operator, UnaryOp, dtype_of, known_extents, mnemonic

# Two operands


class BinaryOp(Operator, ABC):
    """An operator on two tensors, element by element, that broadcasts."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"

    def __init__(self, lhs: SSAValue, rhs: SSAValue, result_type: Attribute | None = None):
        super().__init__(operands=[lhs, rhs], result_types=[result_type or self._result_type([lhs, rhs])])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [self._result_type(self.operands)]

    def _result_type(self, operands: Sequence[SSAValue]) -> AnyTensor:
        types = [tensor_operand(operand) for operand in operands]
        element_type = common_element_type(types)
        self.verify_operand(types[0])
        return tensor_of(self.result_element_type(element_type), broadcast_shapes(*map(shape_of, types)))

    def verify_operand(self, type: AnyTensor) -> None:
        """Checks that the operator is defined on elements of this type."""
        verify_number(type)

    def result_element_type(self, element_type: Attribute) -> Attribute:
        """The element type of the result for that of the operands."""
        return element_type

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        lhs, rhs = operands
        shape = known_extents(self.result)

        def element(*indices: ExprLike) -> Expr:
            return self.element(read_broadcast(lhs, indices, shape), read_broadcast(rhs, indices, shape))

        return te.compute(shape, element, name=mnemonic(self))

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        """The result's element for an element of each operand."""
        raise NotImplementedError


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
    """`lhs / rhs`; integers are rounded towards zero, and divided by 1 where there is no quotient."""

    name = "graph.div"

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs / rhs if is_float(lhs.dtype) else te.truncdiv(lhs, rhs)


@irdl_op_definition
class ModOp(BinaryOp):
    """The remainder of integers that has the sign of `rhs`; `lhs` where that is 0."""

    name = "graph.mod"

    def verify_operand(self, type: AnyTensor) -> None:
        verify_integer(type)

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs % rhs


@irdl_op_definition
class RemOp(BinaryOp):
    """The remainder that has the sign of `lhs`, as C's `fmod`; of integers, `lhs` where `rhs` is 0."""

    name = "graph.rem"

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return te.fmod(lhs, rhs)


@irdl_op_definition
class PowOp(BinaryOp):
    """`lhs` to the power of `rhs`; of integers, a negative one is rounded towards zero."""

    name = "graph.pow"

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return te.pow(lhs, rhs)


@irdl_op_definition
class MinOp(BinaryOp):
    """The lesser of `lhs` and `rhs`; NaN where one is NaN."""

    name = "graph.min"
    traits = traits_def(Commutative())

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return te.minimum(lhs, rhs)


@irdl_op_definition
class MaxOp(BinaryOp):
    """The greater of `lhs` and `rhs`; NaN where one is NaN."""

    name = "graph.max"
    traits = traits_def(Commutative())

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return te.maximum(lhs, rhs)


# One operand


class UnaryElementwiseOp(UnaryOp, ABC):
    """A function of each element, on floats unless the op says otherwise."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    def infer_result_types(self) -> Sequence[AnyTensor]:
        types = super().infer_result_types()
        self.verify_operand(types[0])
        return types

    def verify_operand(self, type: AnyTensor) -> None:
        """Checks that the operator is defined on elements of this type."""
        verify_float(type)

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        return te.compute(operand.shape, lambda *indices: self.element(operand.read(*indices)), name=mnemonic(self))

    def element(self, x: Expr) -> Expr:
        """The result's element for an element of the operand."""
        raise NotImplementedError


class NumberOp(UnaryElementwiseOp, ABC):
    """A function of each element, on floats and integers."""

    def verify_operand(self, type: AnyTensor) -> None:
        verify_number(type)


@irdl_op_definition
class ReluOp(NumberOp):
    """`max(operand, 0)`."""

    name = "graph.relu"

    def element(self, x: Expr) -> Expr:
        return te.maximum(x, 0)


@irdl_op_definition
class AbsOp(NumberOp):
    """The absolute value."""

    name = "graph.abs"

    def element(self, x: Expr) -> Expr:
        return te.abs(x)


@irdl_op_definition
class NegOp(NumberOp):
    """`-operand`."""

    name = "graph.neg"

    def element(self, x: Expr) -> Expr:
        return -x


@irdl_op_definition
class SignOp(NumberOp):
    """-1, 0 or 1; NaN of NaN."""

    name = "graph.sign"

    def element(self, x: Expr) -> Expr:
        return te.sign(x)


@irdl_op_definition
class CeilOp(UnaryElementwiseOp):
    """The least integral value that is not less."""

    name = "graph.ceil"

    def element(self, x: Expr) -> Expr:
        return te.ceil(x)


@irdl_op_definition
class FloorOp(UnaryElementwiseOp):
    """The greatest integral value that is not greater."""

    name = "graph.floor"

    def element(self, x: Expr) -> Expr:
        return te.floor(x)


@irdl_op_definition
class RoundOp(UnaryElementwiseOp):
    """The nearest integral value; the even one of two."""

    name = "graph.round"

    def element(self, x: Expr) -> Expr:
        return te.round(x)


@irdl_op_definition
class SqrtOp(UnaryElementwiseOp):
    """The square root."""

    name = "graph.sqrt"

    def element(self, x: Expr) -> Expr:
        return te.sqrt(x)


@irdl_op_definition
class ExpOp(UnaryElementwiseOp):
    """The exponential."""

    name = "graph.exp"

    def element(self, x: Expr) -> Expr:
        return te.exp(x)


@irdl_op_definition
class LogOp(UnaryElementwiseOp):
    """The natural logarithm."""

    name = "graph.log"

    def element(self, x: Expr) -> Expr:
        return te.log(x)


@irdl_op_definition
class SinOp(UnaryElementwiseOp):
    """The sine."""

    name = "graph.sin"

    def element(self, x: Expr) -> Expr:
        return te.sin(x)


@irdl_op_definition
class CosOp(UnaryElementwiseOp):
    """The cosine."""

    name = "graph.cos"

    def element(self, x: Expr) -> Expr:
        return te.cos(x)


@irdl_op_definition
class TanOp(UnaryElementwiseOp):
    """The tangent."""

    name = "graph.tan"

    def element(self, x: Expr) -> Expr:
        return te.tan(x)


@irdl_op_definition
class AsinOp(UnaryElementwiseOp):
    """The arc sine."""

    name = "graph.asin"

    def element(self, x: Expr) -> Expr:
        return te.asin(x)


@irdl_op_definition
class AcosOp(UnaryElementwiseOp):
    """The arc cosine."""

    name = "graph.acos"

    def element(self, x: Expr) -> Expr:
        return te.acos(x)


@irdl_op_definition
class AtanOp(UnaryElementwiseOp):
    """The arc tangent."""

    name = "graph.atan"

    def element(self, x: Expr) -> Expr:
        return te.atan(x)


@irdl_op_definition
class SinhOp(UnaryElementwiseOp):
    """The hyperbolic sine."""

    name = "graph.sinh"

    def element(self, x: Expr) -> Expr:
        return te.sinh(x)


@irdl_op_definition
class CoshOp(UnaryElementwiseOp):
    """The hyperbolic cosine."""

    name = "graph.cosh"

    def element(self, x: Expr) -> Expr:
        return te.cosh(x)


@irdl_op_definition
class TanhOp(UnaryElementwiseOp):
    """The hyperbolic tangent."""

    name = "graph.tanh"

    def element(self, x: Expr) -> Expr:
        return te.tanh(x)


@irdl_op_definition
class AsinhOp(UnaryElementwiseOp):
    """The area hyperbolic sine."""

    name = "graph.asinh"

    def element(self, x: Expr) -> Expr:
        return te.asinh(x)


@irdl_op_definition
class AcoshOp(UnaryElementwiseOp):
    """The area hyperbolic cosine."""

    name = "graph.acosh"

    def element(self, x: Expr) -> Expr:
        return te.acosh(x)


@irdl_op_definition
class AtanhOp(UnaryElementwiseOp):
    """The area hyperbolic tangent."""

    name = "graph.atanh"

    def element(self, x: Expr) -> Expr:
        return te.atanh(x)


@irdl_op_definition
class ErfOp(UnaryElementwiseOp):
    """The error function."""

    name = "graph.erf"

    def element(self, x: Expr) -> Expr:
        return te.erf(x)


@irdl_op_definition
class SigmoidOp(UnaryElementwiseOp):
    """`1 / (1 + exp(-operand))`."""

    name = "graph.sigmoid"

    def element(self, x: Expr) -> Expr:
        return te.sigmoid(x)


# Choice and conversion


@irdl_op_definition
class SelectOp(Operator):
    """`true` where the condition holds, else `false`; all three broadcast.

    Example: `graph.select %c, %x, %y : (tensor<4xi1>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>`.
    """

    name = "graph.select"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    condition = operand_def(TensorType)
    true = operand_def(TensorType)
    false = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$condition `,` $true `,` $false attr-dict `:` functional-type(operands, results)"

    def __init__(self, condition: SSAValue, true: SSAValue, false: SSAValue):
        super().__init__(operands=[condition, true, false], result_types=[_select_type(condition, true, false)])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_select_type(self.condition, self.true, self.false)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        shape = known_extents(self.result)
        return te.compute(
            shape,
            lambda *indices: te.select(*(read_broadcast(operand, indices, shape) for operand in operands)),
            name="select",
        )


def _select_type(*operands: SSAValue) -> AnyTensor:
    condition, *values = map(tensor_operand, operands)
    if condition.element_type != i1:
        raise VerifyException(f"expected a condition of i1, got {condition.element_type}")
    return tensor_of(common_element_type(values), broadcast_shapes(*map(shape_of, [condition, *values])))


@irdl_op_definition
class CastOp(Operator):
    """The elements in another type. Floats to integers truncate and saturate, NaN is 0; integers wrap; what is not 0 is
    true.

    Example: `graph.cast %x : tensor<4xf32> -> tensor<4xi32>`.
    """

    name = "graph.cast"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    operand = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$operand attr-dict `:` type($operand) `->` type($result)"

    def __init__(self, operand: SSAValue, element_type: Attribute):
        super().__init__(operands=[operand], result_types=[tensor_of(element_type, shape_of(tensor_operand(operand)))])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        element_type = tensor_operand(self.result).element_type
        return [tensor_of(element_type, shape_of(tensor_operand(self.operand)))]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        dtype = dtype_of(self.result)
        return te.compute(operand.shape, lambda *indices: te.cast(operand.read(*indices), dtype), name="cast")


OPERATORS: tuple[type[Operation], ...] = (
    AddOp,
    SubOp,
    MulOp,
    DivOp,
    ModOp,
    RemOp,
    PowOp,
    MinOp,
    MaxOp,
    ReluOp,
    AbsOp,
    NegOp,
    SignOp,
    CeilOp,
    FloorOp,
    RoundOp,
    SqrtOp,
    ExpOp,
    LogOp,
    SinOp,
    CosOp,
    TanOp,
    AsinOp,
    AcosOp,
    AtanOp,
    SinhOp,
    CoshOp,
    TanhOp,
    AsinhOp,
    AcoshOp,
    AtanhOp,
    ErfOp,
    SigmoidOp,
    SelectOp,
    CastOp,
)
