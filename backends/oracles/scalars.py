"""Exact scalar semantics of `arith` and `math` as Python source, one expression an op, for the loop rung's oracle.

Representations: `iN` and `index` are Python ints (signed, except `i1`, which is 0 or 1), floats are numpy scalars of
their type, so that every operation rounds as its type says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
)
from xdsl.ir import Attribute, Operation
from xdsl.utils.hints import isa

from ...errors import CompileError, StepwellError
from ...runtime.signature import numpy_dtype

Float = np.floating


class ExecutionError(StepwellError):
    """A program did what has no meaning: read what was never written, went out of bounds, raced."""


def dtype_of(type: Attribute) -> np.dtype[np.generic]:
    """The numpy type of an element type."""
    match type:
        case BFloat16Type():
            return numpy_dtype("bfloat16")
        case Float16Type():
            return np.dtype(np.float16)
        case Float32Type():
            return np.dtype(np.float32)
        case Float64Type():
            return np.dtype(np.float64)
        case IndexType():
            return np.dtype(np.int64)
        case IntegerType():
            width = type.width.data
            return np.dtype(np.bool_) if width == 1 else np.dtype(f"int{width}")
        case _:
            raise CompileError(f"expected an element type that the oracle executes, got {type}")


def width_of(type: Attribute) -> int:
    """The width in bits of an integer or index type."""
    return type.width.data if isa(type, IntegerType) else 64


def wrap(type: Attribute, expr: str) -> str:
    """`expr` brought into the range of an integer type."""
    width = width_of(type)
    if width == 1:
        return f"({expr}) & 1"
    half = 1 << (width - 1)
    return f"(({expr}) + {half} & {2 * half - 1}) - {half}"


def wrap_value(type: Attribute, value: int) -> int:
    """`value` brought into the range of an integer type."""
    width = width_of(type)
    if width == 1:
        return value & 1
    half = 1 << (width - 1)
    return ((value + half) & (2 * half - 1)) - half


def signed(type: Attribute, name: str) -> str:
    """An integer as a signed number."""
    return f"(-{name})" if width_of(type) == 1 else name


def unsigned(type: Attribute, name: str) -> str:
    """An integer as an unsigned number."""
    width = width_of(type)
    return name if width == 1 else f"({name} & {(1 << width) - 1})"


def constant(op: arith.ConstantOp) -> object:
    """The value of an `arith.constant`."""
    match op.value:
        case IntegerAttr():
            return wrap_value(op.result.type, op.value.value.data)
        case FloatAttr():
            return dtype_of(op.result.type).type(op.value.value.data)
        case _:
            raise CompileError(f"expected a scalar constant, got {op.value}")


Emit = Callable[[Operation, list[str]], str]
"""Gives the expression of an op's result, from names of its operands."""


def _type(op: Operation) -> Attribute:
    return op.operands[0].type


def _wrapped(template: str) -> Emit:
    return lambda op, x: wrap(op.results[0].type, template.format(*x))


def _plain(template: str) -> Emit:
    return lambda _, x: template.format(*x)


def _on_signed(template: str) -> Emit:
    return lambda op, x: wrap(_type(op), template.format(*(signed(_type(op), name) for name in x)))


def _on_unsigned(template: str) -> Emit:
    return lambda op, x: wrap(_type(op), template.format(*(unsigned(_type(op), name) for name in x)))


def _numpy(name: str) -> Emit:
    return lambda _, x: f"_np.{name}({', '.join(x)})"


def _shift(template: str, view: Callable[[Attribute, str], str]) -> Emit:
    """A shift by so many bits, read as an unsigned number, that nothing or the sign is left, gives that."""

    def emit(op: Operation, x: list[str]) -> str:
        type = _type(op)
        return wrap(type, template.format(view(type, x[0]), f"min({unsigned(type, x[1])}, {width_of(type)})"))

    return emit


_SIGNED = ("==", "!=", "<", "<=", ">", ">=")
_UNSIGNED = ("<", "<=", ">", ">=")


def _cmpi(op: Operation, x: list[str]) -> str:
    assert isinstance(op, arith.CmpiOp)
    predicate, type = op.predicate.value.data, _type(op)
    if predicate < 6:
        return f"1 if {signed(type, x[0])} {_SIGNED[predicate]} {signed(type, x[1])} else 0"
    return f"1 if {unsigned(type, x[0])} {_UNSIGNED[predicate - 6]} {unsigned(type, x[1])} else 0"


_ORDERED = {
    0: "False",
    1: "{0} == {1}",
    2: "{0} > {1}",
    3: "{0} >= {1}",
    4: "{0} < {1}",
    5: "{0} <= {1}",
    6: "{0} < {1} or {0} > {1}",
    7: "{0} == {0} and {1} == {1}",
}
_NEGATED = {8: 6, 9: 5, 10: 4, 11: 3, 12: 2, 13: 1, 14: 7, 15: 0}


def _cmpf(op: Operation, x: list[str]) -> str:
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    if predicate in _ORDERED:
        return f"1 if {_ORDERED[predicate].format(*x)} else 0"
    return f"0 if {_ORDERED[_NEGATED[predicate]].format(*x)} else 1"


def _float_cast(op: Operation, x: list[str]) -> str:
    return f"_float_to_float({x[0]}, {_float_kind(op)!r})"


def _float_kind(op: Operation) -> str:
    return dtype_of(op.results[0].type).name


def _from_signed(op: Operation, x: list[str]) -> str:
    return f"_int_to_float({signed(_type(op), x[0])}, {_float_kind(op)!r})"


def _from_unsigned(op: Operation, x: list[str]) -> str:
    return f"_int_to_float({unsigned(_type(op), x[0])}, {_float_kind(op)!r})"


def _to_signed(op: Operation, x: list[str]) -> str:
    type = op.results[0].type
    half = 1 << (width_of(type) - 1)
    return wrap(type, f"_float_to_int({x[0]}, {-half}, {half - 1})")


def _to_unsigned(op: Operation, x: list[str]) -> str:
    type = op.results[0].type
    return wrap(type, f"_float_to_int({x[0]}, 0, {(1 << width_of(type)) - 1})")


def _extend_signed(op: Operation, x: list[str]) -> str:
    return wrap(op.results[0].type, signed(_type(op), x[0]))


def _extend_unsigned(op: Operation, x: list[str]) -> str:
    return wrap(op.results[0].type, unsigned(_type(op), x[0]))


def _bitcast(op: Operation, x: list[str]) -> str:
    return f"_same_bits({x[0]}, {dtype_of(_type(op)).name!r}, {_float_kind(op)!r})"


EMIT: Mapping[str, Emit] = {
    "arith.addi": _wrapped("{0} + {1}"),
    "arith.subi": _wrapped("{0} - {1}"),
    "arith.muli": _wrapped("{0} * {1}"),
    "arith.divsi": _on_signed("_div({0}, {1})"),
    "arith.divui": _on_unsigned("_div({0}, {1})"),
    "arith.floordivsi": _on_signed("_floordiv({0}, {1})"),
    "arith.ceildivsi": _on_signed("-_floordiv(-{0}, {1})"),
    "arith.ceildivui": _on_unsigned("-_floordiv(-{0}, {1})"),
    "arith.remsi": _on_signed("_rem({0}, {1})"),
    "arith.remui": _on_unsigned("_rem({0}, {1})"),
    "arith.minsi": _on_signed("min({0}, {1})"),
    "arith.maxsi": _on_signed("max({0}, {1})"),
    "arith.minui": _on_unsigned("min({0}, {1})"),
    "arith.maxui": _on_unsigned("max({0}, {1})"),
    "arith.andi": _plain("{0} & {1}"),
    "arith.ori": _plain("{0} | {1}"),
    "arith.xori": _plain("{0} ^ {1}"),
    "arith.shli": _shift("{0} << {1}", unsigned),
    "arith.shrui": _shift("{0} >> {1}", unsigned),
    "arith.shrsi": _shift("{0} >> {1}", signed),
    "arith.cmpi": _cmpi,
    "arith.cmpf": _cmpf,
    "arith.select": _plain("{1} if {0} else {2}"),
    "arith.addf": _plain("{0} + {1}"),
    "arith.subf": _plain("{0} - {1}"),
    "arith.mulf": _plain("{0} * {1}"),
    "arith.divf": _plain("{0} / {1}"),
    "arith.remf": _numpy("fmod"),
    "arith.negf": _plain("-{0}"),
    "arith.maximumf": _plain("_maximum({0}, {1})"),
    "arith.minimumf": _plain("-_maximum(-{0}, -{1})"),
    "arith.maxnumf": _numpy("fmax"),
    "arith.minnumf": _numpy("fmin"),
    "arith.bitcast": _bitcast,
    "arith.index_cast": _extend_signed,
    "arith.index_castui": _extend_unsigned,
    "arith.fptosi": _to_signed,
    "arith.fptoui": _to_unsigned,
    "arith.sitofp": _from_signed,
    "arith.uitofp": _from_unsigned,
    "arith.extf": _float_cast,
    "arith.truncf": _float_cast,
    "arith.trunci": _wrapped("{0}"),
    "arith.extsi": _extend_signed,
    "arith.extui": _extend_unsigned,
    "math.absf": _plain("abs({0})"),
    "math.absi": _on_signed("abs({0})"),
    "math.fma": _plain("_fma({0}, {1}, {2})"),
    "math.erf": _plain("type({0})(_math.erf({0}))"),
    "math.round": _plain("_round_away({0})"),
    "math.roundeven": _numpy("rint"),
    "math.rsqrt": _plain("type({0})(1.0 / _np.sqrt(_np.float64({0})))"),
    "math.powf": _numpy("power"),
    "math.atan2": _numpy("arctan2"),
    "math.fpowi": _plain("_np.power({0}, type({0})({1}))"),
    "math.ctpop": lambda op, x: f"{unsigned(_type(op), x[0])}.bit_count()",
    **{
        f"math.{name}": _numpy({"acos": "arccos", "asin": "arcsin", "atan": "arctan"}.get(name, name))
        for name in [
            "acos",
            "asin",
            "atan",
            "cbrt",
            "ceil",
            "copysign",
            "cos",
            "cosh",
            "exp2",
            "expm1",
            "exp",
            "floor",
            "log10",
            "log1p",
            "log2",
            "log",
            "sin",
            "sinh",
            "sqrt",
            "tan",
            "tanh",
            "trunc",
        ]
    },
    **{f"math.{name}": _numpy(f"arc{name[1:]}") for name in ("acosh", "asinh", "atanh")},
}
"""The expression of each op with one result."""


def _div(a: int, b: int) -> int:
    """Division towards zero, and by 1 instead of 0."""
    if b == 0:
        return a
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _floordiv(a: int, b: int) -> int:
    return a // b if b else a


def _rem(a: int, b: int) -> int:
    return a - _div(a, b) * b if b else 0


def _maximum(a: Float, b: Float) -> Float:
    """The larger number; NaN if either is; +0 is larger than -0."""
    if a != a or b != b:
        return a + b
    if a == b:
        return b if np.signbit(a) else a
    return a if a > b else b


def _int_to_float(value: int, target: str) -> Float:
    """The nearest float, with one rounding only; bf16 is computed in f32."""
    kind = np.dtype("float32" if target == "bfloat16" else target).type
    exact = abs(value) <= 1 << 53
    number: Float = kind(value if exact else np.uint64(value) if value >= 1 << 63 else np.int64(value))
    return numpy_dtype(target).type(number)


def _float_to_float(value: Float, target: str) -> Float:
    """The nearest float of another type."""
    if target == "bfloat16":
        value = np.float32(_odd_f32(float(value)))
    return numpy_dtype(target).type(value)


def _odd_f32(value: float) -> float:
    """A number of f32 whose last bit remembers that it is inexact, so that rounding it again is right."""
    single = np.float32(value)
    if not math.isfinite(value) or single == value:
        return float(single)
    bits = single.view(np.int32) - (abs(float(single)) > abs(value))
    return float(np.int32(bits | 1).view(np.float32))


def _float_to_int(value: Float, low: int, high: int) -> int:
    """Towards zero, and to the end of the range where that is out of it. What is not a number is 0."""
    if np.isfinite(value):
        return min(max(int(float(value)), low), high)
    return 0 if value != value else high if value > 0 else low


def _same_bits(value: object, source: str, target: str) -> object:
    """The same bits as another type."""
    result = np.array(value, numpy_dtype(source)).view(numpy_dtype(target))[()]
    return int(result) if numpy_dtype(target).kind in "ib" else result


def _round_away(value: Float) -> Float:
    """To the nearest whole number, halves away from zero."""
    whole = np.trunc(value)
    return whole if abs(value - whole) < 0.5 else whole + np.copysign(type(value)(1), value)


def _fma(a: Float, b: Float, c: Float) -> Float:
    """`a * b + c` with one rounding."""
    kind = type(a)
    if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(c)):
        return a * b + c
    (an, ad), (bn, bd), (cn, cd) = (float(x).as_integer_ratio() for x in (a, b, c))
    numerator, denominator = an * bn * cd + cn * ad * bd, ad * bd * cd
    if numerator == 0:
        return a * b + c
    return kind(_round_to_odd(numerator, denominator)) if kind is not np.float64 else kind(numerator / denominator)


def _round_to_odd(numerator: int, denominator: int) -> float:
    """The quotient as a double whose last bit remembers that it is inexact, so that rounding it again is right."""
    value = numerator / denominator
    n, d = value.as_integer_ratio()
    error = numerator * d - n * denominator
    if error == 0 or np.float64(value).view(np.int64) & 1:
        return value
    return math.nextafter(value, math.inf if error > 0 else -math.inf)


SCALAR_NAMES: Mapping[str, object] = {
    "_np": np,
    "_math": math,
    "_div": _div,
    "_floordiv": _floordiv,
    "_rem": _rem,
    "_same_bits": _same_bits,
    "_maximum": _maximum,
    "_int_to_float": _int_to_float,
    "_float_to_float": _float_to_float,
    "_float_to_int": _float_to_int,
    "_round_away": _round_away,
    "_fma": _fma,
}
"""What the expressions refer to."""
