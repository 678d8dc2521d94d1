"""Comparisons, truth values and bits, element by element."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import TensorType, UnitAttr, i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, operand_def, opt_prop_def, result_def, traits_def
from xdsl.traits import Commutative, Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.graph import (
    AnyTensor,
    FusionClass,
    is_unsigned,
    shape_of,
    tensor_of,
    tensor_operand,
    verify_bits,
    verify_float,
)
from ..te.dtypes import bit_width
from ..te.expressions import Expr
from ..te.tensors import Tensor
from .elementwise import BinaryOp, UnaryElementwiseOp
from .operator import Operator, mnemonic

# Comparisons


class ComparisonOp(BinaryOp, ABC):
    """A comparison, which gives truth values."""

    def result_element_type(self, element_type: Attribute) -> Attribute:
        return i1


@irdl_op_definition
class EqualOp(ComparisonOp):
    """`lhs == rhs`, on truth values too."""

    name = "graph.equal"
    traits = traits_def(Commutative())

    def verify_operand(self, type: AnyTensor) -> None:
        pass

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs == rhs


@irdl_op_definition
class LessOp(ComparisonOp):
    """`lhs < rhs`."""

    name = "graph.less"

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs < rhs


@irdl_op_definition
class LessOrEqualOp(ComparisonOp):
    """`lhs <= rhs`."""

    name = "graph.less_or_equal"

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs <= rhs


# Truth values and bits


class BitwiseOp(BinaryOp, ABC):
    """An operator on truth values, or on the bits of integers."""

    def verify_operand(self, type: AnyTensor) -> None:
        verify_bits(type)


@irdl_op_definition
class AndOp(BitwiseOp):
    """`lhs & rhs`."""

    name = "graph.and"
    traits = traits_def(Commutative())

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs & rhs


@irdl_op_definition
class OrOp(BitwiseOp):
    """`lhs | rhs`."""

    name = "graph.or"
    traits = traits_def(Commutative())

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs | rhs


@irdl_op_definition
class XorOp(BitwiseOp):
    """`lhs ^ rhs`."""

    name = "graph.xor"
    traits = traits_def(Commutative())

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        return lhs ^ rhs


@irdl_op_definition
class NotOp(UnaryElementwiseOp):
    """`~operand`, on truth values or the bits of integers."""

    name = "graph.not"

    def verify_operand(self, type: AnyTensor) -> None:
        verify_bits(type)

    def element(self, x: Expr) -> Expr:
        return ~x


class ShiftOp(BinaryOp, ABC):
    """Bits of unsigned integers, moved; those that leave are lost."""

    def verify_operand(self, type: AnyTensor) -> None:
        if not is_unsigned(type.element_type):
            raise VerifyException(f"expected unsigned integers as elements, got {type.element_type}")

    def element(self, lhs: Expr, rhs: Expr) -> Expr:
        bits = bit_width(lhs.dtype)
        # a shift by all bits or more is not defined below
        return te.select(rhs < bits, self.shift(lhs, te.minimum(rhs, bits - 1)), 0)

    def shift(self, value: Expr, distance: Expr) -> Expr:
        """`value` moved by less than its width."""
        raise NotImplementedError


@irdl_op_definition
class ShiftLeftOp(ShiftOp):
    """`lhs << rhs`."""

    name = "graph.shift_left"

    def shift(self, value: Expr, distance: Expr) -> Expr:
        return value << distance


@irdl_op_definition
class ShiftRightOp(ShiftOp):
    """`lhs >> rhs`."""

    name = "graph.shift_right"

    def shift(self, value: Expr, distance: Expr) -> Expr:
        return value >> distance


# What kind of number


class ClassificationOp(Operator, ABC):
    """A question to each element, a float."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    operand = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$operand attr-dict `:` type($operand) `->` type($result)"

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_truths(self.operand)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        return te.compute(operand.shape, lambda *indices: self.element(operand.read(*indices)), name=mnemonic(self))

    def element(self, x: Expr) -> Expr:
        """The answer for an element."""
        raise NotImplementedError


def _truths(operand: SSAValue) -> AnyTensor:
    type = tensor_operand(operand)
    verify_float(type)
    return tensor_of(i1, shape_of(type))


@irdl_op_definition
class IsNanOp(ClassificationOp):
    """Whether elements are not a number: `graph.isnan %x : tensor<4xf32> -> tensor<4xi1>`."""

    name = "graph.isnan"

    def __init__(self, operand: SSAValue):
        super().__init__(operands=[operand], result_types=[_truths(operand)])

    def element(self, x: Expr) -> Expr:
        return te.isnan(x)


@irdl_op_definition
class IsInfOp(ClassificationOp):
    """Whether elements are an infinity; with `positive` or `negative` that one only."""

    name = "graph.isinf"

    positive = opt_prop_def(UnitAttr)
    negative = opt_prop_def(UnitAttr)

    def __init__(self, operand: SSAValue, *, positive: bool = False, negative: bool = False):
        super().__init__(
            operands=[operand],
            properties={"positive": UnitAttr() if positive else None, "negative": UnitAttr() if negative else None},
            result_types=[_truths(operand)],
        )

    def infer_result_types(self) -> Sequence[AnyTensor]:
        if self.positive and self.negative:
            raise VerifyException("expected positive or negative, got both: leave both out")
        return super().infer_result_types()

    def element(self, x: Expr) -> Expr:
        if self.positive:
            return x == float("inf")
        return x == float("-inf") if self.negative else te.isinf(x)


OPERATORS: tuple[type[Operation], ...] = (
    EqualOp,
    LessOp,
    LessOrEqualOp,
    AndOp,
    OrOp,
    XorOp,
    NotOp,
    ShiftLeftOp,
    ShiftRightOp,
    IsNanOp,
    IsInfOp,
)
