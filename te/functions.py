"""Elementwise functions of scalar expressions."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ..errors import CompileError
from .dtypes import BOOL, INDEX, dtype_name, is_float, is_integer
from .expressions import Binary, Cast, Const, Expr, ExprLike, Fma, IfThenElse, Select, Unary, as_expr, unify


def _float_function(name: str, summary: str) -> Callable[[ExprLike], Expr]:
    def function(x: ExprLike) -> Expr:
        value = as_expr(x)
        if not is_float(value.dtype):
            raise CompileError(f"expected a float for te.{name}, got {value.dtype}; use te.cast")
        return Unary(name, value, value.dtype)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{summary} of a float."
    return function


exp = _float_function("exp", "The exponential")
exp2 = _float_function("exp2", "Two to the power")
expm1 = _float_function("expm1", "The exponential less one")
log = _float_function("log", "The natural logarithm")
log2 = _float_function("log2", "The logarithm to base two")
log1p = _float_function("log1p", "The natural logarithm of one more")
sqrt = _float_function("sqrt", "The square root")
rsqrt = _float_function("rsqrt", "The reciprocal square root")
sin = _float_function("sin", "The sine")
cos = _float_function("cos", "The cosine")
tan = _float_function("tan", "The tangent")
tanh = _float_function("tanh", "The hyperbolic tangent")
atan = _float_function("atan", "The arc tangent")
erf = _float_function("erf", "The error function")
floor = _float_function("floor", "The greatest integral value that is not greater")
ceil = _float_function("ceil", "The least integral value that is not less")
round = _float_function("round", "The nearest integral value, ties to even,")
trunc = _float_function("trunc", "The integral part")


def abs(x: ExprLike) -> Expr:
    """The absolute value of a number."""
    value = as_expr(x)
    if not is_float(value.dtype) and not is_integer(value.dtype):
        raise CompileError(f"expected a number for te.abs, got {value.dtype}")
    return Unary("abs", value, value.dtype)


def sigmoid(x: ExprLike) -> Expr:
    """`1 / (1 + exp(-x))` of a float."""
    value = as_expr(x)
    return 1.0 / (1.0 + exp(-value))


def isnan(x: ExprLike) -> Expr:
    """Whether a float is not a number."""
    value = as_expr(x)
    return Binary("unordered", value, value, BOOL) if is_float(value.dtype) else Const(False, BOOL)


def pow(x: ExprLike, exponent: ExprLike) -> Expr:
    """`x` to the power of `exponent`; small integer exponents multiply."""
    base = as_expr(x)
    if isinstance(exponent, int) and not isinstance(exponent, bool) and 1 <= exponent <= 8:
        return functools.reduce(lambda product, _: product * base, range(exponent - 1), base)
    base, power = unify(base, exponent, "te.pow")
    if not is_float(base.dtype):
        raise CompileError(f"expected floats or an exponent of 1 to 8 for te.pow, got {base.dtype}")
    return Binary("pow", base, power, base.dtype)


def fma(a: ExprLike, b: ExprLike, c: ExprLike) -> Expr:
    """`a * b + c` of floats, rounded once."""
    left, right = unify(a, b, "te.fma")
    left, addend = unify(left, c, "te.fma")
    if not is_float(left.dtype):
        raise CompileError(f"expected floats for te.fma, got {left.dtype}")
    return Fma(left, right, addend)


def maximum(a: ExprLike, b: ExprLike) -> Expr:
    """The greater of two numbers; NaN where one is NaN."""
    return _extremum("max", a, b)


def minimum(a: ExprLike, b: ExprLike) -> Expr:
    """The lesser of two numbers; NaN where one is NaN."""
    return _extremum("min", a, b)


def _extremum(op: str, a: ExprLike, b: ExprLike) -> Expr:
    left, right = unify(a, b, f"te.{op}imum")
    if left.dtype == BOOL:
        raise CompileError(f"expected numbers for te.{op}imum, got bool")
    return Binary(op, left, right, left.dtype)


def cast(x: ExprLike, dtype: object) -> Expr:
    """`x` in another dtype: floats to integers truncate, anything to bool compares with zero."""
    value = as_expr(x)
    name = INDEX if dtype == INDEX else dtype_name(dtype)
    return value if value.dtype == name else Cast(value, name)


def const(value: float | bool, dtype: object) -> Expr:
    """A number of a dtype."""
    return Const(value, INDEX if dtype == INDEX else dtype_name(dtype))


def select(condition: ExprLike, true: ExprLike, false: ExprLike) -> Expr:
    """`true` where the condition holds, else `false`; both are evaluated."""
    left, right = unify(true, false, "te.select")
    return Select(_condition(condition, "te.select"), left, right)


where = select


def if_then_else(condition: ExprLike, true: ExprLike, false: ExprLike) -> Expr:
    """`true` where the condition holds, else `false`; only the one chosen is evaluated.

    A read of a tensor in one of them is in bounds if it is so under the condition.
    """
    left, right = unify(true, false, "te.if_then_else")
    return IfThenElse(_condition(condition, "te.if_then_else"), left, right)


def all(*conditions: ExprLike) -> Expr:
    """Whether all conditions hold."""
    return _fold("and", "te.all", conditions)


def any(*conditions: ExprLike) -> Expr:
    """Whether one of the conditions holds."""
    return _fold("or", "te.any", conditions)


def _condition(condition: ExprLike, what: str) -> Expr:
    value = as_expr(condition)
    if value.dtype != BOOL:
        raise CompileError(f"expected a condition of dtype bool for {what}, got {value.dtype}")
    return value


def _fold(op: str, what: str, conditions: tuple[ExprLike, ...]) -> Expr:
    if not conditions:
        raise CompileError(f"expected at least one condition for {what}, got none")
    values = [_condition(condition, what) for condition in conditions]
    return functools.reduce(lambda lhs, rhs: Binary(op, lhs, rhs, BOOL), values)
