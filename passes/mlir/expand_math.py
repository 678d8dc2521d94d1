"""`math-polynomial-approximation`: transcendental functions in arithmetic.

LLVM turns these functions of a vector into one call of the C library for each lane. Here `exp exp2 expm1 log log1p
log2 log10 tanh erf sin cos tan pow` of f32 become polynomials, the same for scalars and vectors, so that a result does
not depend on how a loop was vectorized. f16 is computed in f32; f64 is left to the C library, and so are angles
beyond 2**20, which need more bits of pi.

Errors, against float64 wherever the result is a normal number, with fused multiply-add: at most 1 ulp for exp, log,
erf and pow, 3 for tan, 1.5 for the others. NaN, infinities, zeros and overflow are as IEEE 754 wants them; subnormal
results of exp and exp2 are rounded twice.

The coefficients are minimax fits of this project: relative error below 1e-8, each rounded to f32 before the next was
fitted. Those of sin, cos and pow are Taylor's.
"""

from __future__ import annotations

import math as pymath
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import arith, func, math, scf, vector
from xdsl.dialects.builtin import (
    AnyFloat,
    Float16Type,
    Float32Type,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    f32,
    f64,
    i1,
    i32,
    i64,
)
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from ...dialects import arith as wide
from ...errors import CompileError
from .llvm_conversion import as_vector, dense, vector_type

_CONTRACT = arith.FastMathFlagsAttr([FastMathFlag.ALLOW_CONTRACT])
_NONE = arith.FastMathFlagsAttr("none")

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
_LN2_LOW = pymath.log(2) - _LN2_HIGH
_INFINITY = float("inf")


@dataclass(frozen=True)
class _Shape:
    """A scalar or a vector of f32, or of f64, and the types that go with it."""

    lanes: int | None
    double: bool = False

    def _of(self, element: Attribute) -> Attribute:
        return element if self.lanes is None else vector_type(self.lanes, element)

    @property
    def float_element(self) -> AnyFloat:
        return f64 if self.double else f32

    @property
    def float(self) -> Attribute:
        return self._of(self.float_element)

    @property
    def integer_element(self) -> IntegerType:
        return i64 if self.double else i32

    @property
    def integer(self) -> Attribute:
        return self._of(self.integer_element)

    @property
    def boolean(self) -> Attribute:
        return self._of(i1)


@dataclass
class _Constants:
    """The constants of a function, one operation for each value and type, where the function starts."""

    entry: Block
    known: dict[tuple[str, _Shape], SSAValue] = field(default_factory=dict[tuple[str, "_Shape"], SSAValue])
    last: Operation | None = None

    def get(self, value: float, is_float: bool, shape: _Shape) -> SSAValue:
        key = (repr(value), shape)  # whose text tells -0.0 from 0.0, and 1.0 from 1
        found = self.known.get(key)
        if found is None:
            type = shape.float if is_float else shape.integer
            number = (
                FloatAttr(value, shape.float_element) if is_float else IntegerAttr(int(value), shape.integer_element)
            )
            attribute: Attribute = number
            if shape.lanes is not None:
                attribute = dense(type, [value])
            op = arith.ConstantOp.create(result_types=(type,), properties={"value": attribute})
            if self.last is None:
                assert self.entry.first_op is not None
                self.entry.insert_op_before(op, self.entry.first_op)
            else:
                self.entry.insert_op_after(op, self.last)
            self.last = op
            found = self.known[key] = op.results[0]
        return found


@dataclass
class _Code:
    """Arithmetic on scalars or vectors of one shape, to stand before an operation."""

    constants: _Constants
    shape: _Shape
    ops: list[Operation] = field(default_factory=list[Operation])

    def in_double(self) -> _Code:
        """The same place for arithmetic on f64."""
        return _Code(self.constants, _Shape(self.shape.lanes, True), self.ops)

    def converted(
        self, kind: type[Operation], type: Attribute, x: SSAValue, properties: Mapping[str, Attribute] = {}
    ) -> SSAValue:
        """A value in another type."""
        return self._emit(kind, type, (x,), properties)

    def _emit(
        self,
        kind: type[Operation],
        type: Attribute,
        operands: Sequence[SSAValue],
        properties: Mapping[str, Attribute] = {},
    ) -> SSAValue:
        op = kind.create(operands=operands, result_types=(type,), properties=properties)
        self.ops.append(op)
        return op.results[0]

    def number(self, value: float) -> SSAValue:
        return self.constants.get(value, True, self.shape)

    def integer(self, value: int) -> SSAValue:
        return self.constants.get(value, False, self.shape)

    def add(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self._emit(arith.AddfOp, self.shape.float, (lhs, rhs), {"fastmath": _NONE})

    def sub(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self._emit(arith.SubfOp, self.shape.float, (lhs, rhs), {"fastmath": _NONE})

    def mul(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self._emit(arith.MulfOp, self.shape.float, (lhs, rhs), {"fastmath": _NONE})

    def div(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self._emit(arith.DivfOp, self.shape.float, (lhs, rhs), {"fastmath": _NONE})

    def fma(self, a: SSAValue, b: SSAValue, c: SSAValue) -> SSAValue:
        """`a * b + c`, fused where the target can: an `fma` operation would be a library call where it cannot."""
        product = self._emit(arith.MulfOp, self.shape.float, (a, b), {"fastmath": _CONTRACT})
        return self._emit(arith.AddfOp, self.shape.float, (product, c), {"fastmath": _CONTRACT})

    def polynomial(self, x: SSAValue, coefficients: Sequence[float]) -> SSAValue:
        """Horner's rule; coefficients go from the constant up."""
        *rest, last = coefficients
        value = self.number(last)
        for coefficient in reversed(rest):
            value = self.fma(value, x, self.number(coefficient))
        return value

    def abs(self, x: SSAValue) -> SSAValue:
        return self._emit(math.AbsFOp, self.shape.float, (x,), {"fastmath": _NONE})

    def copysign(self, magnitude: SSAValue, sign: SSAValue) -> SSAValue:
        return self._emit(math.CopySignOp, self.shape.float, (magnitude, sign), {"fastmath": _NONE})

    def compare(self, predicate: str, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        number = arith.CMPF_COMPARISON_OPERATIONS.index(predicate)
        properties = {"predicate": IntegerAttr(number, i64), "fastmath": _NONE}
        return self._emit(wide.CmpfOp, self.shape.boolean, (lhs, rhs), properties)

    def compare_integers(self, predicate: str, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        number = arith.CMPI_COMPARISON_OPERATIONS.index(predicate)
        return self._emit(wide.CmpiOp, self.shape.boolean, (lhs, rhs), {"predicate": IntegerAttr(number, i64)})

    def both(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self._emit(arith.AndIOp, lhs.type, (lhs, rhs))

    def truncated(self, x: SSAValue) -> SSAValue:
        return self._emit(math.TruncOp, self.shape.float, (x,), {"fastmath": _NONE})

    def select(self, condition: SSAValue, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self._emit(wide.SelectOp, lhs.type, (condition, lhs, rhs))

    def at_most(self, x: SSAValue, limit: float) -> SSAValue:
        """`min(x, limit)`, or NaN where `x` is."""
        bound = self.number(limit)
        return self.select(self.compare("olt", bound, x), bound, x)

    def at_least(self, x: SSAValue, limit: float) -> SSAValue:
        """`max(x, limit)`, or NaN where `x` is."""
        bound = self.number(limit)
        return self.select(self.compare("ogt", bound, x), bound, x)

    def bits(self, x: SSAValue) -> SSAValue:
        return self._emit(arith.BitcastOp, self.shape.integer, (x,))

    def from_bits(self, x: SSAValue) -> SSAValue:
        return self._emit(arith.BitcastOp, self.shape.float, (x,))

    def on_integers(self, kind: type[Operation], lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        properties = {"overflowFlags": arith.IntegerOverflowAttr("none")} if kind in _WRAPPING else {}
        return self._emit(kind, self.shape.integer, (lhs, rhs), properties)

    def to_float(self, x: SSAValue) -> SSAValue:
        return self._emit(wide.SIToFPOp, self.shape.float, (x,))


_WRAPPING = (arith.AddiOp, arith.SubiOp, arith.ShLIOp)


def _rounded(c: _Code, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """The nearest integer to a small number, as a float and in the low bits of an integer."""
    shifted = c.add(x, c.number(_MAGIC))
    whole = c.on_integers(arith.SubiOp, c.bits(shifted), c.integer(_bits_of(_MAGIC)))
    return c.sub(shifted, c.number(_MAGIC)), whole


def _bits_of(value: float) -> int:
    return struct.unpack("<i", struct.pack("<f", value))[0]


def _power_of_two(c: _Code, exponent: SSAValue) -> SSAValue:
    """`2**exponent` for exponents of normal numbers."""
    biased = c.on_integers(arith.AddiOp, exponent, c.integer(127))
    return c.from_bits(c.on_integers(arith.ShLIOp, biased, c.integer(23)))


def _scaled(c: _Code, value: SSAValue, exponent: SSAValue) -> SSAValue:
    """`value * 2**exponent`, in two steps, so that the result may be subnormal or overflow."""
    half = c.on_integers(arith.ShRSIOp, exponent, c.integer(1))
    rest = c.on_integers(arith.SubiOp, exponent, half)
    return c.mul(c.mul(value, _power_of_two(c, half)), _power_of_two(c, rest))


def _reduced(c: _Code, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """`(r, n)` with `x = r + n * log(2)` and |r| <= log(2) / 2."""
    nearest, whole = _rounded(c, c.mul(x, c.number(1 / pymath.log(2))))
    r = c.fma(nearest, c.number(-_LN2_HIGH), x)
    return c.fma(nearest, c.number(-_LN2_LOW), r), whole


def _exp_minus_one(c: _Code, r: SSAValue) -> SSAValue:
    """`exp(r) - 1` for |r| <= log(2) / 2."""
    return c.fma(c.mul(r, r), c.polynomial(r, _EXP), r)


def expand_exp(c: _Code, x: SSAValue) -> SSAValue:
    """`exp(r) * 2**n`. Beyond the bounds the result is 0 or infinity all the same."""
    r, n = _reduced(c, c.at_least(c.at_most(x, 89.0), -104.0))
    return _scaled(c, c.add(_exp_minus_one(c, r), c.number(1.0)), n)


def expand_exp2(c: _Code, x: SSAValue) -> SSAValue:
    """`exp(f * log(2)) * 2**n` for the fraction `f` of x."""
    x = c.at_least(c.at_most(x, 129.0), -151.0)
    nearest, n = _rounded(c, x)
    fraction = c.sub(x, nearest)
    high = c.mul(fraction, c.number(_LN2_HIGH))
    r = c.fma(fraction, c.number(_LN2_LOW), high)
    return _scaled(c, c.add(_exp_minus_one(c, r), c.number(1.0)), n)


def expand_expm1(c: _Code, x: SSAValue) -> SSAValue:
    """`2**n * (exp(r) - 1) + (2**n - 1)`, at half its size, so that `2**n` does not overflow before the result."""
    r, n = _reduced(c, c.at_least(c.at_most(x, 89.0), -60.0))
    half = _power_of_two(c, c.on_integers(arith.SubiOp, n, c.integer(1)))
    value = c.fma(half, _exp_minus_one(c, r), c.sub(half, c.number(0.5)))
    value = c.add(value, value)
    return c.select(c.compare("olt", c.abs(x), c.number(2.0**-25)), x, value)


def _log_digits(c: _Code, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """`(e, f)` with `x = 2**e * (1 + f)` and sqrt(1/2) <= 1 + f <= sqrt(2), for positive finite x."""
    tiny = c.compare("olt", x, c.number(2.0**-126))
    normal = c.select(tiny, c.mul(x, c.number(2.0**23)), x)
    # The mantissa is brought to sqrt(1/2)..sqrt(2): what the subtraction borrows goes to the exponent.
    offset = c.integer(_bits_of(pymath.sqrt(0.5)))
    shifted = c.on_integers(arith.SubiOp, c.bits(normal), offset)
    exponent = c.on_integers(arith.ShRSIOp, shifted, c.integer(23))
    mantissa = c.on_integers(arith.AddiOp, c.on_integers(arith.AndIOp, shifted, c.integer(0x7FFFFF)), offset)
    e = c.to_float(exponent)
    e = c.select(tiny, c.sub(e, c.number(23.0)), e)
    return e, c.sub(c.from_bits(mantissa), c.number(1.0))


def _log_parts(c: _Code, x: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """`(e, f, g)` with `log(x) = e * log(2) + f + g` and |g| small, for positive finite x."""
    e, f = _log_digits(c, x)
    squared = c.mul(f, f)
    cubed = c.mul(squared, f)
    g = c.fma(cubed, c.polynomial(f, _LOG), c.mul(squared, c.number(-0.5)))
    return e, f, g


def _log_of_special(c: _Code, x: SSAValue, value: SSAValue) -> SSAValue:
    """`value`, but what a logarithm is of 0, negative numbers, infinity and NaN."""
    value = c.select(c.compare("olt", x, c.number(_INFINITY)), value, x)
    value = c.select(c.compare("oeq", x, c.number(0.0)), c.number(-_INFINITY), value)
    return c.select(c.compare("olt", x, c.number(0.0)), c.number(float("nan")), value)


def expand_log(c: _Code, x: SSAValue) -> SSAValue:
    """`e * log(2) + log(1 + f)`, small parts first."""
    e, f, g = _log_parts(c, x)
    low = c.fma(e, c.number(_LN2_LOW), g)
    value = c.fma(e, c.number(_LN2_HIGH), c.add(low, f))
    return _log_of_special(c, x, value)


def _scaled_log(c: _Code, x: SSAValue, per_octave: tuple[float, float], factor: float) -> SSAValue:
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
    mantissa, exponent = pymath.frexp(value)
    return pymath.ldexp(pymath.floor(mantissa * 2**12) / 2**12, exponent)


def expand_log2(c: _Code, x: SSAValue) -> SSAValue:
    """`e + log2(1 + f)`."""
    return _scaled_log(c, x, (1.0, 0.0), 1 / pymath.log(2))


def expand_log10(c: _Code, x: SSAValue) -> SSAValue:
    """`e * log10(2) + log10(1 + f)`."""
    high = _truncated(pymath.log10(2))
    return _scaled_log(c, x, (high, pymath.log10(2) - high), 1 / pymath.log(10))


def expand_log1p(c: _Code, x: SSAValue) -> SSAValue:
    """`log(u) + (x - (u - 1)) / u` for `u = 1 + x`, which says what rounding `u` has lost."""
    one = c.number(1.0)
    u = c.add(x, one)
    log = expand_log(c, u)
    lost = c.div(c.sub(x, c.sub(u, one)), u)
    exact = c.compare("olt", c.abs(log), c.number(_INFINITY))
    value = c.select(exact, c.add(log, lost), log)
    return c.select(c.compare("oeq", x, c.number(0.0)), x, value)


_QUARTER_HIGH = float.fromhex("0x1.921fb544p+0")
"""pi / 2 with so few bits that the product with a number of quarter turns is exact."""
_QUARTER_LOW = float.fromhex("0x1.0b4611a626331p-34")
"""The rest of pi / 2."""
_LARGEST_ANGLE = 2.0**20
_MAGIC_F64 = 1.5 * 2.0**52


def _taylor(*denominators: int) -> tuple[float, ...]:
    return tuple(1 / pymath.prod(range(1, abs(n) + 1)) * (1 if n > 0 else -1) for n in denominators)


_SIN = _taylor(-3, 5, -7, 9)
"""`(sin(r) - r) / r**3` in r**2, for |r| <= pi / 4."""
_COS = _taylor(-2, 4, -6, 8, -10)
"""`(cos(r) - 1) / r**2` in r**2, for |r| <= pi / 4."""


def _quarter_turns(c: _Code, x: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """The sine and cosine of what is left of an angle, and the quarter turns that were taken off, for small angles."""
    d = c.in_double()
    angle = c.converted(arith.ExtFOp, d.shape.float, x)
    shifted = d.add(d.mul(angle, d.number(2 / pymath.pi)), d.number(_MAGIC_F64))
    turns = d.sub(shifted, d.number(_MAGIC_F64))
    rest = d.fma(turns, d.number(-_QUARTER_HIGH), angle)
    rest = d.fma(turns, d.number(-_QUARTER_LOW), rest)
    r = c.converted(arith.TruncFOp, c.shape.float, rest)
    count = c.converted(wide.TruncIOp, c.shape.integer, d.bits(shifted))
    squared = c.mul(r, r)
    sine = c.fma(c.mul(r, squared), c.polynomial(squared, _SIN), r)
    cosine = c.fma(squared, c.polynomial(squared, _COS), c.number(1.0))
    return sine, cosine, count


def _is_odd(c: _Code, count: SSAValue) -> SSAValue:
    return c.compare_integers("ne", c.on_integers(arith.AndIOp, count, c.integer(1)), c.integer(0))


def _or_tiny(c: _Code, x: SSAValue, value: SSAValue) -> SSAValue:
    """`value`, or `x` where they are the same to all bits, zeros' signs too."""
    return c.select(c.compare("olt", c.abs(x), c.number(2.0**-13)), x, value)


def _sine(c: _Code, x: SSAValue, ahead: int) -> SSAValue:
    sine, cosine, count = _quarter_turns(c, x)
    if ahead:
        count = c.on_integers(arith.AddiOp, count, c.integer(ahead))
    value = c.select(_is_odd(c, count), cosine, sine)
    sign = c.on_integers(arith.ShLIOp, c.on_integers(arith.AndIOp, count, c.integer(2)), c.integer(30))
    return c.from_bits(c.on_integers(arith.XOrIOp, c.bits(value), sign))


def expand_sin(c: _Code, x: SSAValue) -> SSAValue:
    """The sine or cosine of an eighth of a turn at most, by the number of quarter turns."""
    return _or_tiny(c, x, _sine(c, x, 0))


def expand_cos(c: _Code, x: SSAValue) -> SSAValue:
    """The sine of a quarter turn more."""
    return _sine(c, x, 1)


def expand_tan(c: _Code, x: SSAValue) -> SSAValue:
    """The sine over the cosine, or less its reciprocal, by the number of quarter turns."""
    sine, cosine, count = _quarter_turns(c, x)
    odd = _is_odd(c, count)
    quotient = c.div(c.select(odd, cosine, sine), c.select(odd, sine, cosine))
    return _or_tiny(c, x, c.select(odd, c.sub(c.number(-0.0), quotient), quotient))


_LOG2_SERIES = tuple(2 / (pymath.log(2) * (2 * k + 1)) for k in range(8))
"""`log2((1 + s) / (1 - s)) / s` in s**2, for |s| <= 0.1716."""
_EXP2_SERIES = tuple(pymath.log(2) ** k / pymath.factorial(k) for k in range(10))
"""`2**f` for |f| <= 1/2."""


def expand_pow(c: _Code, x: SSAValue, y: SSAValue) -> SSAValue:
    """`2**(y * log2(|x|))` in f64, with the sign of an odd power."""
    d = c.in_double()
    zero, one, infinity = c.number(0.0), c.number(1.0), c.number(_INFINITY)
    magnitude, exponent = c.abs(x), c.converted(arith.ExtFOp, d.shape.float, y)
    power = d.mul(exponent, _log2_in_double(c, d, magnitude))
    power = d.select(c.compare("oeq", magnitude, one), d.number(0.0), power)
    value = c.converted(arith.TruncFOp, c.shape.float, _exp2_in_double(d, power))

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


def _log2_in_double(c: _Code, d: _Code, x: SSAValue) -> SSAValue:
    """`e + log2((1 + s) / (1 - s))` of a number that is not negative."""
    e, f = _log_digits(c, x)
    f = c.converted(arith.ExtFOp, d.shape.float, f)
    s = d.div(f, d.add(f, d.number(2.0)))
    series = d.polynomial(d.mul(s, s), _LOG2_SERIES)
    value = d.fma(s, series, c.converted(arith.ExtFOp, d.shape.float, e))
    value = d.select(c.compare("oeq", x, c.number(0.0)), d.number(-_INFINITY), value)
    return d.select(c.compare("oeq", x, c.number(_INFINITY)), d.number(_INFINITY), value)


def _exp2_in_double(d: _Code, x: SSAValue) -> SSAValue:
    """`2**f * 2**n`, within the range of f32 and somewhat beyond."""
    x = d.at_least(d.at_most(x, 200.0), -200.0)
    shifted = d.add(x, d.number(_MAGIC_F64))
    fraction = d.sub(x, d.sub(shifted, d.number(_MAGIC_F64)))
    biased = d.on_integers(arith.AddiOp, d.bits(shifted), d.integer(1023))
    scale = d.from_bits(d.on_integers(arith.ShLIOp, biased, d.integer(52)))
    return d.mul(d.polynomial(fraction, _EXP2_SERIES), scale)


def expand_tanh(c: _Code, x: SSAValue) -> SSAValue:
    """An odd polynomial near 0, else `1 - 2 / (exp(2 |x|) + 1)`."""
    squared = c.mul(x, x)
    near = c.fma(c.mul(squared, x), c.polynomial(squared, _TANH), x)
    magnitude = c.abs(x)
    power = expand_exp(c, c.at_most(c.add(magnitude, magnitude), 40.0))
    one = c.number(1.0)
    far = c.sub(one, c.div(c.number(2.0), c.add(power, one)))
    return c.copysign(c.select(c.compare("olt", magnitude, c.number(0.625)), near, far), x)


def expand_erf(c: _Code, x: SSAValue) -> SSAValue:
    """An odd polynomial near 0, else `1 - exp(-t - t * p(t))`, which is 1 beyond 4."""
    squared = c.mul(x, x)
    near = c.fma(x, c.polynomial(squared, _ERF), x)
    magnitude = c.abs(x)
    t = c.at_most(magnitude, 4.0)
    exponent = c.fma(t, c.polynomial(t, _ERFC), t)
    power = expand_exp(c, c.sub(c.number(-0.0), exponent))
    far = c.copysign(c.sub(c.number(1.0), power), x)
    return c.select(c.compare("olt", magnitude, c.number(0.9375)), near, far)


EXPANSIONS: Mapping[type[Operation], Callable[..., SSAValue]] = {
    math.CosOp: expand_cos,
    math.ErfOp: expand_erf,
    math.Exp2Op: expand_exp2,
    math.ExpM1Op: expand_expm1,
    math.ExpOp: expand_exp,
    math.Log10Op: expand_log10,
    math.Log1pOp: expand_log1p,
    math.Log2Op: expand_log2,
    math.LogOp: expand_log,
    math.PowFOp: expand_pow,
    math.SinOp: expand_sin,
    math.TanOp: expand_tan,
    math.TanhOp: expand_tanh,
}
"""How each operation is written in arithmetic."""

_OF_ANGLES = (math.CosOp, math.SinOp, math.TanOp)
"""What is written in arithmetic for small numbers only."""


def expand_math(module: ModuleOp) -> None:
    """Rewrites each operation that has an expansion, in place."""
    for function in module.ops:
        if isinstance(function, func.FuncOp) and function.body.blocks:
            targets = [op for op in function.body.walk() if type(op) in EXPANSIONS]
            constants = _Constants(function.body.blocks[0])
            for op in targets:
                _expand(op, constants)


def _expand(op: Operation, constants: _Constants) -> None:
    operands, result = tuple(op.operands), op.results[0]
    shape = as_vector(result.type)
    element = result.type if shape is None else shape.element_type
    if not isinstance(element, Float16Type | Float32Type):
        return
    if shape is not None and shape.get_num_dims() != 1:
        raise CompileError(f"'{op.name}': expected a vector with one dimension, got {shape}")
    code = _Code(constants, _Shape(None if shape is None else shape.get_shape()[0]))
    narrow = isinstance(element, Float16Type)
    if narrow:
        operands = tuple(code.converted(arith.ExtFOp, code.shape.float, operand) for operand in operands)
    value = _of_any_angle(code, op, *operands) if isinstance(op, _OF_ANGLES) else EXPANSIONS[type(op)](code, *operands)
    if narrow:
        value = code.converted(arith.TruncFOp, result.type, value)
    block = op.parent
    assert block is not None
    block.insert_ops_before(code.ops, op)
    value.name_hint = result.name_hint
    result.replace_all_uses_with(value)
    block.erase_op(op)


def _of_any_angle(c: _Code, op: Operation, x: SSAValue) -> SSAValue:
    """The expansion, but the operation itself in those lanes that are large, where there are some."""
    value = EXPANSIONS[type(op)](c, x)
    large = some = c.compare("ogt", c.abs(x), c.number(_LARGEST_ANGLE))
    if c.shape.lanes is not None:
        kind = vector.CombiningKindAttr(vector.CombiningKindFlag.OR)
        some = c.converted(vector.ReductionOp, i1, large, {"kind": kind, "fastmath": _NONE})
    exact = type(op).create(operands=(x,), result_types=(x.type,), properties=op.properties)
    chosen = wide.SelectOp.create(operands=(large, exact.results[0], value), result_types=(x.type,))
    there = Block([exact, chosen, scf.YieldOp(chosen.results[0])])
    choice = scf.IfOp(some, [x.type], Region(there), Region(Block([scf.YieldOp(value)])))
    c.ops.append(choice)
    return choice.results[0]


@dataclass(frozen=True)
class MathPolynomialApproximationPass(ModulePass):
    """Writes f32 and f16 transcendental functions in arithmetic, for scalars and vectors alike."""

    name = "math-polynomial-approximation"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        expand_math(op)
