"""Instruction selection: fixed-point code that the unit does in one instruction.

These are plain functions; the transform operation `toy.select` only calls them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from stepwell.dialects.loop import BlockOp
from stepwell.errors import ScheduleError
from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, i8, i32
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from .dialect import RequantizeOp

CLAMPS = (arith.MinSIOp, arith.MaxSIOp)


@dataclass(frozen=True)
class Interval:
    """What clamps make of all numbers: those of an interval."""

    low: int
    high: int

    def clamped(self, op: Operation, bound: int) -> Interval:
        """The interval after one more minimum or maximum."""
        limit = min if isinstance(op, arith.MinSIOp) else max
        return Interval(limit(self.low, bound), limit(self.high, bound))


def constant_operand(op: Operation) -> tuple[SSAValue, int] | None:
    """The other operand of an op with two, one of them an integer constant, and the constant."""
    for value, other in (op.operands, reversed(op.operands)):
        owner = other.owner
        if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr):
            return value, owner.value.value.data
    return None


@dataclass(frozen=True)
class Match:
    """A truncation to 8 bits, and the instruction that computes the same."""

    root: arith.TruncIOp
    input: SSAValue
    shift: int
    clamp: Interval


def match_requantize(root: Operation) -> Match | None:
    """`trunci(clamp((x + 2**(shift - 1)) >> shift))`, with minimum and maximum in any order and number."""
    if not isinstance(root, arith.TruncIOp) or root.result.type != i8 or root.input.type != i32:
        return None
    clamps: list[tuple[Operation, int]] = []
    value = root.input
    while isinstance(value.owner, CLAMPS):
        found = constant_operand(value.owner)
        if found is None:
            return None
        clamps.append((value.owner, found[1]))
        value = found[0]
    shift = value.owner
    if not isinstance(shift, arith.ShRSIOp) or not isinstance(shift.lhs.owner, arith.AddiOp):
        return None
    amount, rounding = constant_operand(shift), constant_operand(shift.lhs.owner)
    if amount is None or amount[0] is not shift.lhs or rounding is None:
        return None
    clamp = reduce(lambda interval, each: interval.clamped(*each), reversed(clamps), Interval(-(2**31), 2**31 - 1))
    fits = 1 <= amount[1] <= 31 and rounding[1] == 1 << (amount[1] - 1) and clamp.low >= -128 and clamp.high <= 127
    return Match(root, rounding[0], amount[1], clamp) if fits else None


def select_requantize(block: BlockOp) -> list[RequantizeOp]:
    """Replaces all that the unit can do in a block by its instruction.

    Raises:
        ScheduleError: if that is nothing; the block is as it was.
    """
    matches = [match for op in block.walk() if (match := match_requantize(op)) is not None]
    if not matches:
        raise ScheduleError("expected fixed-point code that requantizes, got none", block)
    return [_select(match) for match in matches]


def _select(match: Match) -> RequantizeOp:
    new = RequantizeOp(match.input, match.shift, match.clamp.low, match.clamp.high)
    unused = [match.root.input]
    Rewriter.replace_op(match.root, new)
    while unused:
        value = unused.pop()
        if isinstance(op := value.owner, Operation) and op.parent is not None and not value.uses:
            unused += op.operands
            Rewriter.erase_op(op)
    return new
