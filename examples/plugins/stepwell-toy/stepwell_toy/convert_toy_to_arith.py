"""`convert-toy-to-arith`: what the unit does, in `arith`. A real accelerator would have its instruction here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from stepwell.dialects.arith import TruncIOp
from stepwell.passes.function_pass import FunctionPass
from xdsl.context import Context
from xdsl.dialects.arith import AddiOp, ConstantOp, MaxSIOp, MinSIOp, ShRSIOp
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerAttr, IntegerType, VectorType, i32
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern

from .dialect import RequantizeOp


def _constant(value: int, type: Attribute) -> ConstantOp:
    if not isinstance(type, VectorType):
        return ConstantOp(IntegerAttr(value, i32))
    return ConstantOp(DenseIntOrFPElementsAttr.from_list(cast("VectorType[IntegerType]", type), [value]))


class LowerRequantize(RewritePattern):
    """Add, shift, maximum, minimum, truncation: on scalars, and on vectors where a loop was vectorized."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: RequantizeOp, rewriter: PatternRewriter) -> None:
        type, shift = op.input.type, op.shift.value.data
        rounding, amount = _constant(1 << (shift - 1), type), _constant(shift, type)
        low, high = _constant(op.low.value.data, type), _constant(op.high.value.data, type)
        sum = AddiOp(op.input, rounding)
        quotient = ShRSIOp(sum, amount)
        above = MaxSIOp(quotient, low)
        clamped = MinSIOp(above, high)
        result = TruncIOp.create(operands=[clamped.result], result_types=[op.result.type])
        rewriter.replace(op, [rounding, amount, low, high, sum, quotient, above, clamped, result])


@dataclass(frozen=True)
class ConvertToyToArithPass(FunctionPass):
    """Convert the `toy` dialect to `arith`, on rung 4."""

    name = "convert-toy-to-arith"

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        PatternRewriteWalker(LowerRequantize(), apply_recursively=False).rewrite_region(func.body)
