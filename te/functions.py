"""Elementwise functions of scalar expressions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from ..errors import CompileError
from .dtypes import BOOL, INDEX, NARROW_FLOATS, bit_width, dtype_name, is_float, is_integer, is_unsigned
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
log10 = _float_function("log10", "The logarithm to base ten")
log1p = _float_function("log1p", "The natural logarithm of one more")
sqrt = _float_function("sqrt", "The square root")
rsqrt = _float_function("rsqrt", "The reciprocal square root")
sin = _float_function("sin", "The sine")
cos = _float_function("cos", "The cosine")
tan = _float_function("tan", "The tangent")
asin = _float_function("asin", "The arc sine")
acos = _float_function("acos", "The arc cosine")
atan = _float_function("atan", "The arc tangent")
sinh = _float_function("sinh", "The hyperbolic sine")
cosh = _float_function("cosh", "The hyperbolic cosine")
tanh = _float_function("tanh", "The hyperbolic tangent")
asinh = _float_function("asinh", "The area hyperbolic sine")
acosh = _float_function("acosh", "The area hyperbolic cosine")
atanh = _float_function("atanh", "The area hyperbolic tangent")
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
    """`1 / (1 + exp(-x))` of a float; of narrow floats it is rounded once."""
    value = as_expr(x)
    if value.dtype in NARROW_FLOATS:
        return cast(sigmoid(cast(value, "float32")), value.dtype)
    return 1.0 / (1.0 + exp(-value))


def sign(x: ExprLike) -> Expr:
    """-1, 0 or 1 as a number is negative, zero or positive; NaN where it is NaN."""
    value = as_expr(x)
    if value.dtype == BOOL:
        raise CompileError("expected a number for te.sign, got bool")
    if is_unsigned(value.dtype):
        return minimum(value, 1)
    if not is_float(value.dtype):
        return maximum(minimum(value, 1), -1)
    nonzero = select(value > 0.0, 1.0, select(value < 0.0, Const(-1.0, value.dtype), value))
    return select(value == 0.0, 0.0, nonzero)


def isinf(x: ExprLike) -> Expr:
    """Whether a float is an infinity."""
    value = as_expr(x)
    return abs(value) == math.inf if is_float(value.dtype) else Const(False, BOOL)


def isnan(x: ExprLike) -> Expr:
    """Whether a float is not a number."""
    value = as_expr(x)
    return Binary("unordered", value, value, BOOL) if is_float(value.dtype) else Const(False, BOOL)


def pow(x: ExprLike, exponent: ExprLike) -> Expr:
    """`x` to the power of `exponent`, both of one dtype; small integer exponents multiply.

    Powers of integers wrap around; negative ones are rounded towards zero, and 0 has none but 0.
    """
    base = as_expr(x)
    if isinstance(exponent, int) and not isinstance(exponent, bool) and 1 <= exponent <= 8:
        return functools.reduce(lambda product, _: product * base, range(exponent - 1), base)
    base, power = unify(base, exponent, "te.pow")
    if is_integer(base.dtype):
        return _integer_power(base, power)
    if not is_float(base.dtype):
        raise CompileError(f"expected numbers for te.pow, got {base.dtype}")
    return Binary("pow", base, power, base.dtype)


def _integer_power(base: Expr, exponent: Expr) -> Expr:
    """The product of the squares that the bits of the exponent choose."""
    product: Expr = Const(1, base.dtype)
    square = base
    for bit in range(bit_width(base.dtype)):
        chosen = (exponent >> bit) & 1
        product = select(chosen == 1, product * square, product)
        square = square * square
    if is_unsigned(base.dtype):
        return product
    parity = select((exponent & 1) == 1, Const(-1, base.dtype), 1)
    reciprocal = select(base == 1, 1, select(base == -1, parity, 0))
    return select(exponent < 0, reciprocal, product)


def fmod(a: ExprLike, b: ExprLike) -> Expr:
    """What is left of `a` when it is divided by `b` towards zero: of the sign of `a`, as in C."""
    left, right = unify(a, b, "te.fmod")
    if left.dtype == BOOL:
        raise CompileError("expected numbers for te.fmod, got bool")
    return Binary("fmod", left, right, left.dtype)


def truncdiv(a: ExprLike, b: ExprLike) -> Expr:
    """The quotient of two integers, rounded towards zero, as in C. (`//` rounds down.)"""
    left, right = unify(a, b, "te.truncdiv")
    if not is_integer(left.dtype):
        raise CompileError(f"expected integers for te.truncdiv, got {left.dtype}")
    return Binary("truncdiv", left, right, left.dtype)


def atan2(a: ExprLike, b: ExprLike) -> Expr:
    """The angle of the point `(b, a)`."""
    left, right = unify(a, b, "te.atan2")
    if not is_float(left.dtype):
        raise CompileError(f"expected floats for te.atan2, got {left.dtype}")
    return Binary("atan2", left, right, left.dtype)


def fma(a: ExprLike, b: ExprLike, c: ExprLike) -> Expr:
    """`a * b + c` of floats, rounded once."""
    left, right = unify(a, b, "te.fma")
    left, addend = unify(left, c, "te.fma")
    if not is_float(left.dtype):
        raise CompileError(f"expected floats for te.fma, got {left.dtype}")
    return Fma(left, right, addend)


def maximum(a: ExprLike, b: ExprLike) -> Expr:
    """The greater of two numbers; NaN where one is NaN, and either zero where both are zeros."""
    return _extremum("max", a, b)


def minimum(a: ExprLike, b: ExprLike) -> Expr:
    """The lesser of two numbers; NaN where one is NaN, and either zero where both are zeros."""
    return _extremum("min", a, b)


def _extremum(op: str, a: ExprLike, b: ExprLike) -> Expr:
    left, right = unify(a, b, f"te.{op}imum")
    if left.dtype == BOOL:
        raise CompileError(f"expected numbers for te.{op}imum, got bool")
    return Binary(op, left, right, left.dtype)


def cast(x: ExprLike, dtype: object) -> Expr:
    """`x` in another dtype.

    Floats become integers by rounding towards zero; where the integer type ends, so does the value, and NaN is 0.
    Integers wrap around. Floats are rounded to the nearest, ties to even. `bool` is whether the value is not zero.
    """
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
