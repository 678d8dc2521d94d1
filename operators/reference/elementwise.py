"""Operators on each element by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import elementwise as ops
from .arrays import Array, Semantics, SemanticsTable, numpy_dtype, wide


def _is_integer(array: Array) -> bool:
    return array.dtype.kind in "iu"


def _add(op: ops.AddOp, lhs: Array, rhs: Array) -> Array:
    return lhs + rhs


def _sub(op: ops.SubOp, lhs: Array, rhs: Array) -> Array:
    return lhs - rhs


def _mul(op: ops.MulOp, lhs: Array, rhs: Array) -> Array:
    return lhs * rhs


def _div(op: ops.DivOp, lhs: Array, rhs: Array) -> Array:
    if not _is_integer(lhs):
        return lhs / rhs
    rest = np.fmod(lhs, _divisor(rhs))
    return (lhs - rest) // _divisor(rhs)


def _divisor(array: Array) -> Array:
    """What integers are divided by: 1 instead of 0."""
    return np.where(array == 0, np.ones((), array.dtype), array)


def _mod(op: ops.ModOp, lhs: Array, rhs: Array) -> Array:
    return np.where(rhs == 0, lhs, np.mod(lhs, _divisor(rhs)))


def _rem(op: ops.RemOp, lhs: Array, rhs: Array) -> Array:
    if not _is_integer(lhs):
        return np.fmod(wide(lhs), wide(rhs))
    return np.where(rhs == 0, lhs, np.fmod(lhs, _divisor(rhs)))


def _pow(op: ops.PowOp, lhs: Array, rhs: Array) -> Array:
    if not _is_integer(lhs):
        return np.power(wide(lhs), wide(rhs))
    if lhs.dtype.kind == "u":
        return np.power(lhs, rhs)
    powers = np.power(lhs, np.maximum(rhs, 0))
    odd = np.where(rhs % 2 == 0, np.ones((), lhs.dtype), lhs)
    inverse = np.where(abs(lhs) == 1, odd, np.zeros((), lhs.dtype))
    return np.where(rhs < 0, inverse, powers)


def _min(op: ops.MinOp, lhs: Array, rhs: Array) -> Array:
    return np.minimum(lhs, rhs)


def _max(op: ops.MaxOp, lhs: Array, rhs: Array) -> Array:
    return np.maximum(lhs, rhs)


def _relu(op: ops.ReluOp, operand: Array) -> Array:
    return np.maximum(operand, np.zeros((), operand.dtype))


def _unary(function: Callable[[Array], Array]) -> Semantics:
    """A function of each element, floats in float64."""

    def semantics(op: ops.UnaryElementwiseOp, operand: Array) -> Array:
        return function(wide(operand))

    return semantics


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _select(op: ops.SelectOp, condition: Array, true: Array, false: Array) -> Array:
    return np.where(condition, true, false)


def _cast(op: ops.CastOp, operand: Array) -> Array:
    dtype = numpy_dtype(op.result.type.element_type)
    if dtype.kind not in "iu" or operand.dtype.kind in "iub":
        return operand.astype(dtype)
    return saturated(wide(operand), dtype)


def saturated(array: Array, dtype: np.dtype[Any]) -> Array:
    """Floats as integers, which truncate; those out of range become the nearest there is, NaN 0."""
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    array = np.where(np.isnan(array), 0.0, np.trunc(array))
    too_low, too_high = array <= float(low), array >= float(high)
    inside = np.where(too_low | too_high, 0.0, array).astype(dtype)
    return np.where(too_low, np.array(low, dtype), np.where(too_high, np.array(high, dtype), inside))


SEMANTICS: SemanticsTable = {
    ops.AddOp: _add,
    ops.SubOp: _sub,
    ops.MulOp: _mul,
    ops.DivOp: _div,
    ops.ModOp: _mod,
    ops.RemOp: _rem,
    ops.PowOp: _pow,
    ops.MinOp: _min,
    ops.MaxOp: _max,
    ops.ReluOp: _relu,
    ops.AbsOp: _unary(np.abs),
    ops.NegOp: _unary(np.negative),
    ops.SignOp: _unary(np.sign),
    ops.CeilOp: _unary(np.ceil),
    ops.FloorOp: _unary(np.floor),
    ops.RoundOp: _unary(np.rint),
    ops.SqrtOp: _unary(np.sqrt),
    ops.ExpOp: _unary(np.exp),
    ops.LogOp: _unary(np.log),
    ops.SinOp: _unary(np.sin),
    ops.CosOp: _unary(np.cos),
    ops.TanOp: _unary(np.tan),
    ops.AsinOp: _unary(np.arcsin),
    ops.AcosOp: _unary(np.arccos),
    ops.AtanOp: _unary(np.arctan),
    ops.SinhOp: _unary(np.sinh),
    ops.CoshOp: _unary(np.cosh),
    ops.TanhOp: _unary(np.tanh),
    ops.AsinhOp: _unary(np.arcsinh),
    ops.AcoshOp: _unary(np.arccosh),
    ops.AtanhOp: _unary(np.arctanh),
    ops.ErfOp: _unary(_erf),
    ops.SigmoidOp: _unary(_sigmoid),
    ops.SelectOp: _select,
    ops.CastOp: _cast,
}
