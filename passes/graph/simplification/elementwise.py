"""Operators on each element: identities, operands in one order, and away from what only moves elements."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects.builtin import AnyFloat
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.traits import Commutative
from xdsl.utils.exceptions import VerifyException

from ....dialects import graph
from ....dialects.extents import Extent
from ....operators.elementwise import AddOp, DivOp, MulOp, NegOp, PowOp, ReluOp, SubOp
from ....operators.reference.arrays import numpy_dtype
from ....operators.shape import BroadcastOp, ReshapeOp, TransposeOp, reshape_groups
from ..constants import Constants, dense
from .common import ELEMENTWISE, ONE, defining, is_single, known_shape, shape_of, type_of, with_operands

_MOST_ELEMENTS = 1 << 22
"""Known operands are broadcast to no more elements."""


class KnownPattern(RewritePattern):
    """A pattern that asks which values are known."""

    def __init__(self, constants: Constants) -> None:
        self.constants = constants

    def number(self, value: SSAValue) -> float | None:
        """What a known value of one element is."""
        if not is_single(value) or not self.constants.is_known(value):
            return None
        return float(self.constants.array(value).reshape(()))


def scalar(number: float, like: SSAValue) -> graph.ConstantOp:
    """A constant of rank 0 and the element type of a value."""
    element_type = type_of(like).element_type
    return graph.ConstantOp(
        dense(graph.tensor_of(element_type, ()), np.asarray(number, numpy_dtype(element_type)).tobytes())
    )


# One operator


class DropNeutral(KnownPattern):
    """`x + -0`, `x - 0`, `x * 1`, `x / 1`, `x ** 1` → `x`; `x ** 2` → `x * x`. A float plus 0 is another one if it is
    -0, but for integers there is one 0."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, AddOp | SubOp | MulOp | DivOp | PowOp):
            return
        for index, operand in enumerate(op.operands):
            other = op.operands[1 - index]
            if index == 0 and not isinstance(op, AddOp | MulOp):
                continue
            number = self.number(operand)
            if number is None:
                continue
            if isinstance(op, PowOp) and number == 2 and other.type == op.result.type:
                rewriter.replace(op, MulOp(other, other))
                return
            if _is_neutral(op, number) and other.type == op.result.type:
                rewriter.replace(op, [], [other])
                return


def _is_neutral(op: Operation, number: float) -> bool:
    if not isinstance(op, AddOp | SubOp):
        return number == 1
    is_float = isinstance(type_of(op.results[0]).element_type, AnyFloat)
    return number == 0 and (not is_float or (math.copysign(1, number) < 0) == isinstance(op, AddOp))


class DropDouble(RewritePattern):
    """`-(-x)` → `x`; `relu(relu(x))` → `relu(x)`."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if isinstance(op, NegOp) and (before := defining(op.operand, NegOp)) is not None:
            rewriter.replace(op, [], [before.operands[0]])
        elif isinstance(op, ReluOp) and defining(op.operand, ReluOp) is not None:
            rewriter.replace(op, [], [op.operand])


class KnownOperandLast(KnownPattern):
    """A commutative operator has what is known last; `x - c` is `x + -c`; a quotient by a power of two is a product."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if type(op) not in ELEMENTWISE or len(op.operands) != 2:
            return
        lhs, rhs = op.operands
        if op.has_trait(Commutative):
            if self.constants.is_known(lhs) and not self.constants.is_known(rhs):
                rewriter.replace(op, with_operands(op, [rhs, lhs], op.result_types))
            return
        if not isinstance(op, SubOp | DivOp) or not isinstance(type_of(rhs).element_type, AnyFloat):
            return
        number = self.number(rhs)
        if number is None or not math.isfinite(number):
            return
        if isinstance(op, SubOp):
            negative = scalar(-number, rhs)
            rewriter.replace(op, [negative, with_type(AddOp(lhs, negative.result), op)])
        elif number != 0 and abs(math.frexp(number)[0]) == 0.5 and abs(math.frexp(number)[1]) < 10:
            inverse = scalar(1 / number, rhs)
            rewriter.replace(op, [inverse, with_type(MulOp(lhs, inverse.result), op)])


def with_type(new: Operation, op: Operation) -> Operation:
    """`new`, which gives the same type as `op`."""
    assert new.results[0].type == op.results[0].type
    new.results[0].name_hint = op.results[0].name_hint
    return new


class SmallOperands(KnownPattern):
    """Operands as they are before they broadcast: what is known has no extents of 1 in front, one number has rank 0,
    and a broadcast that the operator makes itself is left out."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if type(op) not in ELEMENTWISE or len(op.operands) < 2:
            return
        operands = list(op.operands)
        new: list[Operation] = []
        for index, operand in enumerate(operands):
            others = [shape_of(other) for position, other in enumerate(operands) if position != index]
            made: list[Operation] = []
            replacement = self._smaller(operand, made)
            if replacement is None:
                continue
            if _broadcast([shape_of(replacement), *others]) == shape_of(op.results[0]):
                operands[index] = replacement
                new += made
            else:
                for each in made:
                    each.erase()
        if operands != list(op.operands):
            rewriter.replace(op, [*new, with_operands(op, operands, op.result_types)])

    def _smaller(self, operand: SSAValue, new: list[Operation]) -> SSAValue | None:
        before = defining(operand, BroadcastOp)
        if before is not None:
            return before.operands[0]
        if isinstance(operand.owner, graph.ConstantOp) and shape_of(operand):
            data = operand.owner.value.data.data
            width = numpy_dtype(type_of(operand).element_type).itemsize
            type = graph.tensor_of(type_of(operand).element_type, ())
            new.append(graph.ConstantOp(dense(type, data[:width])))
            return new[-1].results[0]
        shape = shape_of(operand)
        if shape and shape[0] == ONE and self.constants.is_known(operand):
            leading = next((index for index, dim in enumerate(shape) if dim != ONE), len(shape))
            new.append(ReshapeOp(operand, shape[leading:]))
            return new[-1].results[0]
        return None


def _broadcast(shapes: Sequence[graph.Shape]) -> graph.Shape | None:
    try:
        return graph.broadcast_shapes(*shapes)
    except VerifyException:
        return None


# Elementwise operators and movements


class ElementwiseBeforeMovement(KnownPattern):
    """`relu(reshape(x))` → `reshape(relu(x))`, so that the operator stands beside what computes `x`; also transposes.

    Other operands are moved the other way round, where that costs nothing: they are known, or a reshape does it. A
    reshape of several operands goes towards fewer dimensions.
    """

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if type(op) not in ELEMENTWISE or len(op.results) != 1:
            return
        for index, operand in enumerate(op.operands):
            before = defining(operand, (ReshapeOp, TransposeOp))
            if before is None or shape_of(operand) != shape_of(op.results[0]):
                continue
            source = before.operands[0]
            if self.constants.is_known(source) or known_shape(source) is None or known_shape(operand) is None:
                continue
            if isinstance(before, TransposeOp) and not operand.has_one_use():
                continue
            new: list[Operation] = []
            others = self._others(op, index, before, new)
            if others is None:
                for each in reversed(new):
                    each.erase()
                continue
            operands = [source if other is None else other for other in others]
            element_type = type_of(op.results[0]).element_type
            moved = with_operands(op, operands, [graph.tensor_of(element_type, shape_of(source))])
            after = with_operands(before, [moved.results[0]], op.result_types)
            rewriter.replace(op, [*new, moved, after])
            return

    def _others(
        self, op: Operation, index: int, before: Operation, new: list[Operation]
    ) -> list[SSAValue | None] | None:
        """The other operands where the elements of `source` are, None for operand `index`."""
        found: list[SSAValue | None] = []
        for position, other in enumerate(op.operands):
            if position == index or other is op.operands[index]:
                found.append(None)
                continue
            move = self._unreshaped if isinstance(before, ReshapeOp) else self._untransposed
            value = self._one(other, new) if is_single(other) else move(other, before, new)
            if value is None:
                return None
            found.append(value)
        return found

    def _one(self, value: SSAValue, new: list[Operation]) -> SSAValue:
        return _reshaped(value, (), new)

    def _unreshaped(self, value: SSAValue, before: Operation, new: list[Operation]) -> SSAValue | None:
        source, target = known_shape(before.operands[0]), known_shape(before.results[0])
        own_shape = known_shape(value)
        assert source is not None and target is not None
        known = self.constants.is_known(value)
        if own_shape is None or not (known or len(source) < len(target)):
            return None
        shape = (ONE,) * (len(target) - len(own_shape)) + own_shape
        result, full = [ONE] * len(source), list(shape)
        for dims, others in reshape_groups(source, target):
            if all(shape[dim] == ONE for dim in others):
                continue
            for dim in others:
                full[dim] = target[dim]
            for dim in dims:
                result[dim] = source[dim]
        if tuple(full) != shape:
            if not known or any(not dim.is_constant for dim in full):
                return None
            if math.prod(dim.constant for dim in full) > _MOST_ELEMENTS:
                return None
            new.append(BroadcastOp(value, full))
            value = new[-1].results[0]
        leading = next((dim for dim, size in enumerate(result) if size != ONE), len(result))
        return _reshaped(value, tuple(result[leading:]), new)

    def _untransposed(self, value: SSAValue, before: Operation, new: list[Operation]) -> SSAValue | None:
        assert isinstance(before, TransposeOp)
        permutation = before.permutation.get_values()
        other = defining(value, TransposeOp)
        if isinstance(other, TransposeOp) and other.permutation == before.permutation and value.has_one_use():
            return other.operand
        own_shape = known_shape(value)
        if own_shape is None:
            return None
        shape = (ONE,) * (len(permutation) - len(own_shape)) + own_shape
        inverse = [permutation.index(dim) for dim in range(len(permutation))]
        moved = [dim for dim in inverse if shape[dim] != ONE]
        if moved == sorted(moved):
            return _reshaped(value, tuple(shape[dim] for dim in inverse), new)
        if not self.constants.is_known(value):
            return None
        new.append(TransposeOp(_reshaped(value, shape, new), inverse))
        return new[-1].results[0]


def _reshaped(value: SSAValue, shape: tuple[Extent, ...], new: list[Operation]) -> SSAValue:
    if shape_of(value) == shape:
        return value
    new.append(ReshapeOp(value, shape))
    return new[-1].results[0]


PATTERNS: tuple[type[RewritePattern], ...] = (DropDouble,)
KNOWN_PATTERNS: tuple[Callable[[Constants], RewritePattern], ...] = (
    DropNeutral,
    KnownOperandLast,
    SmallOperands,
    ElementwiseBeforeMovement,
)
