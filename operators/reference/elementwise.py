"""Operators on each element by itself."""

from __future__ import annotations

import numpy as np

from .. import elementwise as ops
from .arrays import Array, SemanticsTable


def _add(op: ops.AddOp, lhs: Array, rhs: Array) -> Array:
    return lhs + rhs


def _sub(op: ops.SubOp, lhs: Array, rhs: Array) -> Array:
    return lhs - rhs


def _mul(op: ops.MulOp, lhs: Array, rhs: Array) -> Array:
    return lhs * rhs


def _div(op: ops.DivOp, lhs: Array, rhs: Array) -> Array:
    return lhs / rhs


def _relu(op: ops.ReluOp, operand: Array) -> Array:
    return np.maximum(operand, np.zeros((), operand.dtype))


SEMANTICS: SemanticsTable = {
    ops.AddOp: _add,
    ops.SubOp: _sub,
    ops.MulOp: _mul,
    ops.DivOp: _div,
    ops.ReluOp: _relu,
}
