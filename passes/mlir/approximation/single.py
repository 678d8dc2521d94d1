"""Functions of f32 whose f32 arithmetic is exact enough.

The coefficients are minimax fits of this project: relative error below 1e-8, each rounded to f32 before the next was
fitted.
"""

from __future__ import annotations

import math
import struct

from xdsl.dialects import arith
from xdsl.ir import SSAValue

from .code import Code

_EXP = (0.4999999403953552, 0.1666652113199234, 0.04166827350854874, 0.008368685841560364, 0.001382013550028205)
"""`(exp(r) - 1 - r) / r**2` for |r| <= log(2) / 2."""
_LOG = (
    0.3333333134651184,
    -0.2500081956386566,
    0.2000124156475067,
    -0.166234090924263,
    0.14201579988002777,
    -0.13159610331058502,
    0.12762217223644257,
    -0.07636439055204391,
)
"""`(log(1 + f) - f + f**2 / 2) / f**3` for sqrt(1/2) <= 1 + f <= sqrt(2)."""
_TANH = (-0.3333328068256378, 0.13331405818462372, -0.05373651534318924, 0.02062816731631756, -0.005692296661436558)
"""`(tanh(x) - x) / x**3` in x**2, for |x| <= 0.625."""
_ERF = (
    0.12837916612625122,
    -0.3761262893676758,
    0.11283625662326813,
    -0.02685573697090149,
    0.005192438140511513,
    -0.0008050384349189699,
    8.000279194675386e-05,
)
"""`erf(x) / x - 1` in x**2, for |x| <= 0.9375."""
_ERFC = (
    0.12865851819515228,
    0.6351107954978943,
    0.10630357265472412,
    -0.023819250985980034,
    0.003669383004307747,
    -0.00032939916127361357,
    1.1887774235219695e-05,
)
"""`-log(1 - erf(t)) / t - 1` for 0.9375 <= t <= 4."""

_MAGIC = 12582912.0
"""1.5 * 2**23: adding it rounds to the nearest integer, which is then in the low bits."""
_LN2_HIGH = 0.693359375
"""log(2) with so few bits that the product with an exponent is exact."""
_LN2_LOW = math.log(2) - _LN2_HIGH
INFINITY = float("inf")


def _rounded(c: Code, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """The nearest integer to a small number, as a float and in the low bits of an integer."""
    shifted = c.add(x, c.number(_MAGIC))
    whole = c.on_integers(arith.SubiOp, c.bits(shifted), c.integer(_bits_of(_MAGIC)))
    return c.sub(shifted, c.number(_MAGIC)), whole


def _bits_of(value: float) -> int:
    return struct.unpack("<i", struct.pack("<f", value))[0]


def _power_of_two(c: Code, exponent: SSAValue) -> SSAValue:
    """`2**exponent` for exponents of normal numbers."""
    biased = c.on_integers(arith.AddiOp, exponent, c.integer(127))
    return c.from_bits(c.on_integers(arith.ShLIOp, biased, c.integer(23)))


def _scaled(c: Code, value: SSAValue, exponent: SSAValue) -> SSAValue:
    """`value * 2**exponent`, in two steps, so that the result may be subnormal or overflow."""
    half = c.on_integers(arith.ShRSIOp, exponent, c.integer(1))
    rest = c.on_integers(arith.SubiOp, exponent, half)
    return c.mul(c.mul(value, _power_of_two(c, half)), _power_of_two(c, rest))


def _reduced(c: Code, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """`(r, n)` with `x = r + n * log(2)` and |r| <= log(2) / 2."""
    nearest, whole = _rounded(c, c.mul(x, c.number(1 / math.log(2))))
    r = c.fma(nearest, c.number(-_LN2_HIGH), x)
    return c.fma(nearest, c.number(-_LN2_LOW), r), whole


def _exp_minus_one(c: Code, r: SSAValue) -> SSAValue:
    """`exp(r) - 1` for |r| <= log(2) / 2."""
    return c.fma(c.mul(r, r), c.polynomial(r, _EXP), r)


def expand_exp(c: Code, x: SSAValue) -> SSAValue:
    """`exp(r) * 2**n`. Beyond the bounds the result is 0 or infinity all the same."""
    r, n = _reduced(c, c.at_least(c.at_most(x, 89.0), -104.0))
    return _scaled(c, c.add(_exp_minus_one(c, r), c.number(1.0)), n)


def expand_exp2(c: Code, x: SSAValue) -> SSAValue:
    """`exp(f * log(2)) * 2**n` for the fraction `f` of x."""
    x = c.at_least(c.at_most(x, 129.0), -151.0)
    nearest, n = _rounded(c, x)
    fraction = c.sub(x, nearest)
    high = c.mul(fraction, c.number(_LN2_HIGH))
    r = c.fma(fraction, c.number(_LN2_LOW), high)
    return _scaled(c, c.add(_exp_minus_one(c, r), c.number(1.0)), n)


def expand_expm1(c: Code, x: SSAValue) -> SSAValue:
    """`2**n * (exp(r) - 1) + (2**n - 1)`, at half its size, so that `2**n` does not overflow before the result."""
    r, n = _reduced(c, c.at_least(c.at_most(x, 89.0), -60.0))
    half = _power_of_two(c, c.on_integers(arith.SubiOp, n, c.integer(1)))
    value = c.fma(half, _exp_minus_one(c, r), c.sub(half, c.number(0.5)))
    value = c.add(value, value)
    return c.select(c.compare("olt", c.abs(x), c.number(2.0**-25)), x, value)


def log_digits(c: Code, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """`(e, f)` with `x = 2**e * (1 + f)` and sqrt(1/2) <= 1 + f <= sqrt(2), for positive finite x."""
    tiny = c.compare("olt", x, c.number(2.0**-126))
    normal = c.select(tiny, c.mul(x, c.number(2.0**23)), x)
    # The mantissa is brought to sqrt(1/2)..sqrt(2): what the subtraction borrows goes to the exponent.
    offset = c.integer(_bits_of(math.sqrt(0.5)))
    shifted = c.on_integers(arith.SubiOp, c.bits(normal), offset)
    exponent = c.on_integers(arith.ShRSIOp, shifted, c.integer(23))
    mantissa = c.on_integers(arith.AddiOp, c.on_integers(arith.AndIOp, shifted, c.integer(0x7FFFFF)), offset)
    e = c.to_float(exponent)
    e = c.select(tiny, c.sub(e, c.number(23.0)), e)
    return e, c.sub(c.from_bits(mantissa), c.number(1.0))


def _log_parts(c: Code, x: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """`(e, f, g)` with `log(x) = e * log(2) + f + g` and |g| small, for positive finite x."""
    e, f = log_digits(c, x)
    squared = c.mul(f, f)
    cubed = c.mul(squared, f)
    g = c.fma(cubed, c.polynomial(f, _LOG), c.mul(squared, c.number(-0.5)))
    return e, f, g


def _log_of_special(c: Code, x: SSAValue, value: SSAValue) -> SSAValue:
    """`value`, but what a logarithm is of 0, negative numbers, infinity and NaN."""
    value = c.select(c.compare("olt", x, c.number(INFINITY)), value, x)
    value = c.select(c.compare("oeq", x, c.number(0.0)), c.number(-INFINITY), value)
    return c.select(c.compare("olt", x, c.number(0.0)), c.number(float("nan")), value)


def expand_log(c: Code, x: SSAValue) -> SSAValue:
    """`e * log(2) + log(1 + f)`, small parts first."""
    e, f, g = _log_parts(c, x)
    low = c.fma(e, c.number(_LN2_LOW), g)
    value = c.fma(e, c.number(_LN2_HIGH), c.add(low, f))
    return _log_of_special(c, x, value)


def _scaled_log(c: Code, x: SSAValue, per_octave: tuple[float, float], factor: float) -> SSAValue:
    """`e * per_octave + factor * log(1 + f)`, with the factor in two parts where it matters."""
    e, f, g = _log_parts(c, x)
    high = float(_truncated(factor))
    # f = f_high + f_low, f_high with so few bits that f_high * high is exact
    f_high = c.from_bits(c.on_integers(arith.AndIOp, c.bits(f), c.integer(-(1 << 12))))
    f_low = c.add(c.sub(f, f_high), g)
    low = c.fma(f_high, c.number(factor - high), c.mul(f_low, c.number(factor)))
    if per_octave[1]:
        low = c.fma(e, c.number(per_octave[1]), low)
    value = c.fma(f_high, c.number(high), low)
    value = c.fma(e, c.number(per_octave[0]), value)
    return _log_of_special(c, x, value)


def _truncated(value: float) -> float:
    """`value` with 12 bits of mantissa."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(math.floor(mantissa * 2**12) / 2**12, exponent)


def expand_log2(c: Code, x: SSAValue) -> SSAValue:
    """`e + log2(1 + f)`."""
    return _scaled_log(c, x, (1.0, 0.0), 1 / math.log(2))


def expand_log10(c: Code, x: SSAValue) -> SSAValue:
    """`e * log10(2) + log10(1 + f)`."""
    high = _truncated(math.log10(2))
    return _scaled_log(c, x, (high, math.log10(2) - high), 1 / math.log(10))


def expand_log1p(c: Code, x: SSAValue) -> SSAValue:
    """`log(u) + (x - (u - 1)) / u` for `u = 1 + x`, which says what rounding `u` has lost."""
    one = c.number(1.0)
    u = c.add(x, one)
    log = expand_log(c, u)
    lost = c.div(c.sub(x, c.sub(u, one)), u)
    exact = c.compare("olt", c.abs(log), c.number(INFINITY))
    value = c.select(exact, c.add(log, lost), log)
    return c.select(c.compare("oeq", x, c.number(0.0)), x, value)


def expand_tanh(c: Code, x: SSAValue) -> SSAValue:
    """An odd polynomial near 0, else `1 - 2 / (exp(2 |x|) + 1)`."""
    squared = c.mul(x, x)
    near = c.fma(c.mul(squared, x), c.polynomial(squared, _TANH), x)
    magnitude = c.abs(x)
    power = expand_exp(c, c.at_most(c.add(magnitude, magnitude), 40.0))
    one = c.number(1.0)
    far = c.sub(one, c.div(c.number(2.0), c.add(power, one)))
    return c.copysign(c.select(c.compare("olt", magnitude, c.number(0.625)), near, far), x)


def expand_erf(c: Code, x: SSAValue) -> SSAValue:
    """An odd polynomial near 0, else `1 - exp(-t - t * p(t))`, which is 1 beyond 4."""
    squared = c.mul(x, x)
    near = c.fma(x, c.polynomial(squared, _ERF), x)
    magnitude = c.abs(x)
    t = c.at_most(magnitude, 4.0)
    exponent = c.fma(t, c.polynomial(t, _ERFC), t)
    power = expand_exp(c, c.sub(c.number(-0.0), exponent))
    far = c.copysign(c.sub(c.number(1.0), power), x)
    return c.select(c.compare("olt", magnitude, c.number(0.9375)), near, far)
