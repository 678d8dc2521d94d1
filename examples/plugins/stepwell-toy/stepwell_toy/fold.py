"""`toy-fold`: clamps that follow a requantization, such as a ReLU, become part of it."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.passes.function_pass import FunctionPass
from xdsl.context import Context
from xdsl.dialects.arith import MaxSIOp, MinSIOp
from xdsl.dialects.func import FuncOp
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern

from .dialect import RequantizeOp
from .selection import Interval, constant_operand


class FoldClamp(RewritePattern):
    """`max(requantize(x) clamp [l, h], c)` is `requantize(x) clamp [max(l, c), max(h, c)]`; the same goes for `min`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxSIOp | MinSIOp, rewriter: PatternRewriter) -> None:
        found = constant_operand(op)
        if found is None or not isinstance(unit := found[0].owner, RequantizeOp):
            return
        clamp = Interval(unit.low.value.data, unit.high.value.data).clamped(op, found[1])
        rewriter.replace(op, RequantizeOp(unit.input, unit.shift.value.data, clamp.low, clamp.high))
        if not unit.result.uses:
            rewriter.erase(unit)


@dataclass(frozen=True)
class ToyFoldPass(FunctionPass):
    """Fold clamps into the requantizations that they follow."""

    name = "toy-fold"

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        PatternRewriteWalker(FoldClamp()).rewrite_region(func.body)
