"""Comparisons, truth values and bits."""

from __future__ import annotations

import numpy as np

from .. import logic as ops
from .arrays import Array, SemanticsTable, wide


def _equal(op: ops.EqualOp, lhs: Array, rhs: Array) -> Array:
    return lhs == rhs


def _less(op: ops.LessOp, lhs: Array, rhs: Array) -> Array:
    return lhs < rhs


def _less_or_equal(op: ops.LessOrEqualOp, lhs: Array, rhs: Array) -> Array:
    return lhs <= rhs


def _and(op: ops.AndOp, lhs: Array, rhs: Array) -> Array:
    return lhs & rhs


def _or(op: ops.OrOp, lhs: Array, rhs: Array) -> Array:
    return lhs | rhs


def _xor(op: ops.XorOp, lhs: Array, rhs: Array) -> Array:
    return lhs ^ rhs


def _not(op: ops.NotOp, operand: Array) -> Array:
    return ~operand


def _shift_left(op: ops.ShiftLeftOp, lhs: Array, rhs: Array) -> Array:
    return np.left_shift(lhs, rhs)


def _shift_right(op: ops.ShiftRightOp, lhs: Array, rhs: Array) -> Array:
    return np.right_shift(lhs, rhs)


def _isnan(op: ops.IsNanOp, operand: Array) -> Array:
    return np.isnan(wide(operand))


def _isinf(op: ops.IsInfOp, operand: Array) -> Array:
    numbers = wide(operand)
    if op.positive:
        return np.isposinf(numbers)
    return np.isneginf(numbers) if op.negative else np.isinf(numbers)


SEMANTICS: SemanticsTable = {
    ops.EqualOp: _equal,
    ops.LessOp: _less,
    ops.LessOrEqualOp: _less_or_equal,
    ops.AndOp: _and,
    ops.OrOp: _or,
    ops.XorOp: _xor,
    ops.NotOp: _not,
    ops.ShiftLeftOp: _shift_left,
    ops.ShiftRightOp: _shift_right,
    ops.IsNanOp: _isnan,
    ops.IsInfOp: _isinf,
}
