"""The `toy` dialect: the one instruction of the unit."""

from __future__ import annotations

from typing import cast

from stepwell.dialects.scalar import ElementwiseMappable
from xdsl.dialects.builtin import I64, IntegerAttr, VectorType, i8, i32, i64
from xdsl.ir import Attribute, Dialect, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class RequantizeOp(IRDLOperation):
    """Brings a 32-bit sum back to 8 bits: divides it by `2**shift`, halves rounded up, and clamps it to `low..high`.

    `%q = toy.requantize %x shift 7 clamp [-128, 127] : i32 to i8`

    As in the fixed-point code that it stands for, adding what rounds wraps around.
    """

    name = "toy.requantize"
    input = operand_def()
    shift = prop_def(IntegerAttr[I64])
    low = prop_def(IntegerAttr[I64])
    high = prop_def(IntegerAttr[I64])
    result = result_def()

    # It may stand in the bodies of te.compute and loop.block, and be vectorized there.
    traits = traits_def(ElementwiseMappable(), Pure())

    assembly_format = (
        "$input `shift` $shift `clamp` `[` $low `,` $high `]` attr-dict `:` type($input) `to` type($result)"
    )

    def __init__(self, input: SSAValue, shift: int, low: int, high: int) -> None:
        super().__init__(
            operands=[input],
            result_types=[_with_element(input.type, i8)],
            properties={
                "shift": IntegerAttr(shift, i64),
                "low": IntegerAttr(low, i64),
                "high": IntegerAttr(high, i64),
            },
        )

    def verify_(self) -> None:
        if _element(self.input.type) != i32 or _element(self.result.type) != i8:
            raise VerifyException(
                f"expected i32 to i8, or vectors of these, got {self.input.type} to {self.result.type}"
            )
        shift, low, high = self.shift.value.data, self.low.value.data, self.high.value.data
        if not 1 <= shift <= 31:
            raise VerifyException(f"expected a shift from 1 to 31, got {shift}")
        if not -128 <= low <= high <= 127:
            raise VerifyException(f"expected bounds of i8 to clamp to, the lower one first, got [{low}, {high}]")


def _element(type: Attribute) -> Attribute:
    return cast("VectorType[Attribute]", type).element_type if isinstance(type, VectorType) else type


def _with_element(type: Attribute, element: Attribute) -> Attribute:
    return VectorType(element, cast("VectorType[Attribute]", type).shape) if isinstance(type, VectorType) else element


Toy = Dialect("toy", [RequantizeOp])
