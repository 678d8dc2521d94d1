"""Functions of f32 that need more bits on the way: they are computed in f64. The series are Taylor's."""

from __future__ import annotations

import math as math_
import struct

from xdsl.dialects import arith
from xdsl.ir import SSAValue

from .code import Code
from .single import INFINITY, log_digits

_QUARTER_HIGH = float.fromhex("0x1.921fb544p+0")
"""pi / 2 with so few bits that the product with a number of quarter turns is exact."""
_QUARTER_LOW = float.fromhex("0x1.0b4611a626331p-34")
"""The rest of pi / 2."""
LARGEST_ANGLE = 2.0**20
_MAGIC_F64 = 1.5 * 2.0**52


def _taylor(*denominators: int) -> tuple[float, ...]:
    return tuple(1 / math_.prod(range(1, abs(n) + 1)) * (1 if n > 0 else -1) for n in denominators)


_SIN = _taylor(-3, 5, -7, 9)
"""`(sin(r) - r) / r**3` in r**2, for |r| <= pi / 4."""
_COS = _taylor(-2, 4, -6, 8, -10)
"""`(cos(r) - 1) / r**2` in r**2, for |r| <= pi / 4."""


def _quarter_turns(c: Code, x: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """The sine and cosine of what is left of an angle, and the quarter turns that were taken off, for small angles."""
    d = c.in_double()
    angle = _extended(c, x)
    shifted = d.add(d.mul(angle, d.number(2 / math_.pi)), d.number(_MAGIC_F64))
    turns = d.sub(shifted, d.number(_MAGIC_F64))
    rest = d.fma(turns, d.number(-_QUARTER_HIGH), angle)
    rest = d.fma(turns, d.number(-_QUARTER_LOW), rest)
    r = _rounded(c, rest)
    count = c.narrowed(d.bits(shifted))
    squared = c.mul(r, r)
    sine = c.fma(c.mul(r, squared), c.polynomial(squared, _SIN), r)
    cosine = c.fma(squared, c.polynomial(squared, _COS), c.number(1.0))
    return sine, cosine, count


def _is_odd(c: Code, count: SSAValue) -> SSAValue:
    return c.compare_integers("ne", c.on_integers(arith.AndIOp, count, c.integer(1)), c.integer(0))


def _or_tiny(c: Code, x: SSAValue, value: SSAValue) -> SSAValue:
    """`value`, or `x` where they are the same to all bits, zeros' signs too."""
    return c.select(c.compare("olt", c.abs(x), c.number(2.0**-13)), x, value)


def _sine(c: Code, x: SSAValue, ahead: int) -> SSAValue:
    sine, cosine, count = _quarter_turns(c, x)
    if ahead:
        count = c.on_integers(arith.AddiOp, count, c.integer(ahead))
    value = c.select(_is_odd(c, count), cosine, sine)
    sign = c.on_integers(arith.ShLIOp, c.on_integers(arith.AndIOp, count, c.integer(2)), c.integer(30))
    return c.from_bits(c.on_integers(arith.XOrIOp, c.bits(value), sign))


def expand_sin(c: Code, x: SSAValue) -> SSAValue:
    """The sine or cosine of an eighth of a turn at most, by the number of quarter turns."""
    return _or_tiny(c, x, _sine(c, x, 0))


def expand_cos(c: Code, x: SSAValue) -> SSAValue:
    """The sine of a quarter turn more."""
    return _sine(c, x, 1)


def expand_tan(c: Code, x: SSAValue) -> SSAValue:
    """The sine over the cosine, or less its reciprocal, by the number of quarter turns."""
    sine, cosine, count = _quarter_turns(c, x)
    odd = _is_odd(c, count)
    quotient = c.div(c.select(odd, cosine, sine), c.select(odd, sine, cosine))
    return _or_tiny(c, x, c.select(odd, c.sub(c.number(-0.0), quotient), quotient))


_LOG2_SERIES = tuple(2 / (math_.log(2) * (2 * k + 1)) for k in range(8))
"""`log2((1 + s) / (1 - s)) / s` in s**2, for |s| <= 0.1716."""
_EXP2_SERIES = tuple(math_.log(2) ** k / math_.factorial(k) for k in range(10))
"""`2**f` for |f| <= 1/2."""


def expand_pow(c: Code, x: SSAValue, y: SSAValue) -> SSAValue:
    """`2**(y * log2(|x|))` in f64, with the sign of an odd power."""
    d = c.in_double()
    zero, one, infinity = c.number(0.0), c.number(1.0), c.number(INFINITY)
    magnitude, exponent = c.abs(x), _extended(c, y)
    power = d.mul(exponent, _log2_in_double(c, d, magnitude))
    power = d.select(c.compare("oeq", magnitude, one), d.number(0.0), power)
    value = _rounded(c, _exp2_in_double(d, power))

    half = c.mul(y, c.number(0.5))
    whole = c.compare("oeq", c.truncated(y), y)
    odd = c.both(whole, c.compare("une", c.truncated(half), half))
    value = c.select(odd, c.copysign(value, x), value)
    # a negative number has no power that is not whole, but for infinities
    ordinary = c.both(c.compare("olt", x, zero), c.compare("une", magnitude, infinity))
    value = c.select(c.both(ordinary, c.compare("une", c.truncated(y), y)), c.number(float("nan")), value)
    value = c.select(c.compare("uno", x, y), c.number(float("nan")), value)
    value = c.select(c.compare("oeq", y, zero), one, value)
    return c.select(c.compare("oeq", x, one), one, value)


def _log2_in_double(c: Code, d: Code, x: SSAValue) -> SSAValue:
    """`e + log2((1 + s) / (1 - s))` of a number that is not negative."""
    e, f = log_digits(c, x)
    f = _extended(c, f)
    s = d.div(f, d.add(f, d.number(2.0)))
    series = d.polynomial(d.mul(s, s), _LOG2_SERIES)
    value = d.fma(s, series, _extended(c, e))
    value = d.select(c.compare("oeq", x, c.number(0.0)), d.number(-INFINITY), value)
    return d.select(c.compare("oeq", x, c.number(INFINITY)), d.number(INFINITY), value)


def _exp2_in_double(d: Code, x: SSAValue) -> SSAValue:
    """`2**f * 2**n`, within the range of f32 and somewhat beyond."""
    x = d.at_least(d.at_most(x, 200.0), -200.0)
    shifted = d.add(x, d.number(_MAGIC_F64))
    fraction = d.sub(x, d.sub(shifted, d.number(_MAGIC_F64)))
    biased = d.on_integers(arith.AddiOp, d.bits(shifted), d.integer(1023))
    scale = d.from_bits(d.on_integers(arith.ShLIOp, biased, d.integer(52)))
    return d.mul(d.polynomial(fraction, _EXP2_SERIES), scale)


# What follows is computed in f64, but for small numbers, and rounded once.

_LN2 = math_.log(2)


def _exp_in_double(d: Code, x: SSAValue) -> SSAValue:
    return _exp2_in_double(d, d.mul(x, d.number(1 / _LN2)))


def _log_in_double(d: Code, x: SSAValue) -> SSAValue:
    """The natural logarithm of a positive finite f64 that is not subnormal."""
    offset = d.integer(bits_of_double(math_.sqrt(0.5)))
    shifted = d.on_integers(arith.SubiOp, d.bits(x), offset)
    exponent = d.on_integers(arith.ShRSIOp, shifted, d.integer(52))
    mantissa = d.on_integers(arith.AndIOp, shifted, d.integer((1 << 52) - 1))
    f = d.sub(d.from_bits(d.on_integers(arith.AddiOp, mantissa, offset)), d.number(1.0))
    s = d.div(f, d.add(f, d.number(2.0)))
    value = d.fma(s, d.polynomial(d.mul(s, s), _LOG2_SERIES), d.to_float(d.in_single().narrowed(exponent)))
    return d.mul(value, d.number(_LN2))


def bits_of_double(value: float) -> int:
    """The bits of an f64, read as a number with a sign."""
    return struct.unpack("<q", struct.pack("<d", value))[0]


def _extended(c: Code, x: SSAValue) -> SSAValue:
    return c.converted(arith.ExtFOp, c.in_double().shape.float, x)


def _rounded(c: Code, x: SSAValue) -> SSAValue:
    return c.converted(arith.TruncFOp, c.shape.float, x)


def expand_sinh(c: Code, x: SSAValue) -> SSAValue:
    """`(e - 1 / e) / 2` for `e = exp(|x|)`, near 0 a series."""
    d = c.in_double()
    e = _exp_in_double(d, _extended(c, c.abs(x)))
    far = _rounded(c, d.mul(d.sub(e, d.div(d.number(1.0), e)), d.number(0.5)))
    squared = c.mul(x, x)
    near = c.fma(c.mul(x, squared), c.polynomial(squared, _taylor(3, 5, 7, 9)), x)
    return c.select(c.compare("olt", c.abs(x), c.number(0.5)), _or_tiny(c, x, near), c.copysign(far, x))


def expand_cosh(c: Code, x: SSAValue) -> SSAValue:
    """`(e + 1 / e) / 2` for `e = exp(|x|)`."""
    d = c.in_double()
    e = _exp_in_double(d, _extended(c, c.abs(x)))
    return _rounded(c, d.mul(d.add(e, d.div(d.number(1.0), e)), d.number(0.5)))


def expand_asinh(c: Code, x: SSAValue) -> SSAValue:
    """`log(|x| + sqrt(x**2 + 1))`."""
    d = c.in_double()
    magnitude = _extended(c, c.abs(x))
    root = d.square_root(d.fma(magnitude, magnitude, d.number(1.0)))
    value = c.copysign(_rounded(c, _log_in_double(d, d.add(magnitude, root))), x)
    squared = c.mul(x, x)
    near = _or_tiny(c, x, c.fma(c.mul(x, squared), c.number(-1 / 6), x))
    value = c.select(c.compare("olt", c.abs(x), c.number(2.0**-9)), near, value)
    return _unless_infinite(c, x, value)


def _unless_infinite(c: Code, x: SSAValue, value: SSAValue) -> SSAValue:
    """`value`, but `x` where that is an infinity or not a number."""
    return c.select(c.compare("olt", c.abs(x), c.number(INFINITY)), value, x)


def expand_acosh(c: Code, x: SSAValue) -> SSAValue:
    """`log(x + sqrt((x - 1) * (x + 1)))`."""
    d = c.in_double()
    wide_x, one = _extended(c, x), d.number(1.0)
    root = d.square_root(d.mul(d.sub(wide_x, one), d.add(wide_x, one)))
    value = _unless_infinite(c, x, _rounded(c, _log_in_double(d, d.add(wide_x, root))))
    return c.select(c.compare("olt", x, c.number(1.0)), c.number(float("nan")), value)


def expand_atanh(c: Code, x: SSAValue) -> SSAValue:
    """`log((1 + |x|) / (1 - |x|)) / 2`."""
    d = c.in_double()
    magnitude, one = c.abs(x), d.number(1.0)
    ratio = d.div(d.add(one, _extended(c, magnitude)), d.sub(one, _extended(c, magnitude)))
    far = _rounded(c, d.mul(_log_in_double(d, ratio), d.number(0.5)))
    far = c.select(c.compare("oeq", magnitude, c.number(1.0)), c.number(INFINITY), far)
    squared = c.mul(x, x)
    near = c.fma(c.mul(x, squared), c.polynomial(squared, (1 / 3, 1 / 5)), x)
    value = c.select(c.compare("olt", magnitude, c.number(2.0**-7)), _or_tiny(c, x, near), c.copysign(far, x))
    return c.select(c.compare("ugt", magnitude, c.number(1.0)), c.number(float("nan")), value)


_EIGHTH = math_.sqrt(2) - 1
"""The tangent of pi / 8."""
_ATAN_SERIES = tuple((-1) ** k / (2 * k + 1) for k in range(13))
"""`atan(u) / u` in u**2, for |u| <= tan(pi / 8)."""


def _angle(d: Code, opposite: SSAValue, adjacent: SSAValue) -> SSAValue:
    """The angle from 0 to pi / 2 whose tangent is the quotient of two numbers that are not negative, nor both 0."""
    steep = d.compare("ogt", opposite, adjacent)
    low, high = d.select(steep, adjacent, opposite), d.select(steep, opposite, adjacent)
    near = d.compare("ogt", low, d.mul(high, d.number(_EIGHTH)))
    u = d.div(d.select(near, d.sub(low, high), low), d.select(near, d.add(low, high), high))
    base = d.select(near, d.number(math_.pi / 4), d.number(0.0))
    value = d.fma(u, d.polynomial(d.mul(u, u), _ATAN_SERIES), base)
    return d.select(steep, d.sub(d.number(math_.pi / 2), value), value)


def expand_atan(c: Code, x: SSAValue) -> SSAValue:
    """The angle beside 1."""
    d = c.in_double()
    return c.copysign(_rounded(c, _angle(d, _extended(c, c.abs(x)), d.number(1.0))), x)


def expand_asin(c: Code, x: SSAValue) -> SSAValue:
    """The angle beside `sqrt(1 - x**2)`."""
    d = c.in_double()
    magnitude = _extended(c, c.abs(x))
    return c.copysign(_rounded(c, _angle(d, magnitude, _other_side(d, magnitude))), x)


def expand_acos(c: Code, x: SSAValue) -> SSAValue:
    """The angle of the other side, from the other end where `x` is negative."""
    d = c.in_double()
    magnitude = _extended(c, c.abs(x))
    value = _angle(d, _other_side(d, magnitude), magnitude)
    negative = c.compare("olt", x, c.number(0.0))
    return _rounded(c, d.select(negative, d.sub(d.number(math_.pi), value), value))


def _other_side(d: Code, x: SSAValue) -> SSAValue:
    one = d.number(1.0)
    return d.square_root(d.mul(d.sub(one, x), d.add(one, x)))


def expand_atan2(c: Code, y: SSAValue, x: SSAValue) -> SSAValue:
    """The angle in the first quadrant, brought to that of the point."""
    d = c.in_double()
    opposite, adjacent = c.abs(y), c.abs(x)
    both_zero = c.compare("oeq", c.select(c.compare("ogt", opposite, adjacent), opposite, adjacent), c.number(0.0))
    both_infinite = c.both(
        c.compare("oeq", opposite, c.number(INFINITY)), c.compare("oeq", adjacent, c.number(INFINITY))
    )
    one = c.number(1.0)
    adjacent = c.select(both_zero, one, c.select(both_infinite, one, adjacent))
    opposite = c.select(both_infinite, one, opposite)
    value = _angle(d, _extended(c, opposite), _extended(c, adjacent))
    negative = c.compare_integers("slt", c.bits(x), c.integer(0))
    value = d.select(negative, d.sub(d.number(math_.pi), value), value)
    value = c.copysign(_rounded(c, value), y)
    return c.select(c.compare("uno", x, y), c.number(float("nan")), value)
