"""Patterns from `arith` to `llvm`, on scalars and one-dimensional vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from xdsl.dialects import arith
from xdsl.dialects import llvm as upstream
from xdsl.dialects.builtin import (
    AnyFloat,
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    bf16,
    f32,
    f64,
    i1,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue

from ...dialects import arith as wide
from ...dialects import llvm
from ...dialects.arith import WIDENED
from ...errors import CompileError
from .llvm_conversion import (
    NO_FASTMATH,
    LLVMConversion,
    Pattern,
    PatternTable,
    as_vector,
    dense,
    element_type,
    integer_attr,
    mangle,
    vector_type,
)

_SLT = integer_attr(2, i64)
_EQ = integer_attr(0, i64)
_NE = integer_attr(1, i64)
_ULT = integer_attr(6, i64)
_OGT, _OGE, _OLT, _ONE, _UNO = 2, 3, 4, 6, 14


@cache
def llvm_fastmath(flags: arith.FastMathFlagsAttr | None) -> upstream.FastMathAttr:
    """The same flags as the `llvm` dialect writes them."""
    return upstream.FastMathAttr(tuple(flags.data) if flags else None)


def fastmath(op: Operation) -> upstream.FastMathAttr:
    """The fastmath flags of an `arith` or `math` operation."""
    flags = op.properties.get("fastmath") or op.attributes.get("fastmath")
    return llvm_fastmath(flags if isinstance(flags, arith.FastMathFlagsAttr) else None)


def _integer_binary(target: type[Operation]) -> Pattern:
    def convert(c: LLVMConversion, op: Any) -> None:
        lhs, rhs = op.operands
        left = c.get(lhs)
        c.map(op.results[0], c.emit(target, (left, c.get(rhs)), left.type))

    return convert


def _division(*, signed: bool) -> Pattern:
    def convert(c: LLVMConversion, op: Any) -> None:
        left, right = (c.get(operand) for operand in op.operands)
        c.map(op.results[0], quotient(c, left, divisor(c, left, right, signed=signed), signed=signed))

    return convert


def _remainder(*, signed: bool) -> Pattern:
    def convert(c: LLVMConversion, op: Any) -> None:
        left, right = (c.get(operand) for operand in op.operands)
        right = divisor(c, left, right, signed=signed)
        if _divides_as_floats(right):
            whole = c.emit(upstream.MulOp, (quotient(c, left, right, signed=signed), right), left.type)
            c.map(op.results[0], c.emit(upstream.SubOp, (left, whole), left.type))
        else:
            target = upstream.SRemOp if signed else upstream.URemOp
            c.map(op.results[0], c.emit(target, (left, right), left.type))

    return convert


def _divides_as_floats(right: SSAValue) -> bool:
    """Whether floats divide faster: there is no division of vectors of integers but by constants, which LLVM knows."""
    return as_vector(right.type) is not None and _width(right.type) <= 32 and not _is_constant(right)


def _is_constant(value: SSAValue) -> bool:
    return isinstance(value.owner, upstream.ConstantOp)


def quotient(c: LLVMConversion, left: SSAValue, right: SSAValue, *, signed: bool) -> SSAValue:
    """The quotient towards zero, where there is one.

    Rounding reaches no whole number that the quotient does not: that is at least a part in `left` away, and floats
    have more bits than `left`.
    """
    type = left.type
    if not _divides_as_floats(right):
        return c.emit(upstream.SDivOp if signed else upstream.UDivOp, (left, right), type)
    narrow = _width(type) <= 16
    float_type, integer_type = like(type, f32 if narrow else f64), like(type, i32)
    to_float, to_integer = (upstream.SIToFPOp, llvm.FPToSIOp) if signed else (llvm.UIToFPOp, llvm.FPToUIOp)
    floats = [c.emit(to_float, (each,), float_type) for each in (left, right)]
    divided = c.emit(upstream.FDivOp, floats, float_type, {"fastmathFlags": NO_FASTMATH})
    if not narrow:
        return c.emit(to_integer, (divided,), type)
    # all that fits into 16 bits fits into 32 with a sign
    whole = c.emit(llvm.FPToSIOp, (divided,), integer_type)
    return c.emit(upstream.TruncOp, (whole,), type)


def divisor(c: LLVMConversion, left: SSAValue, right: SSAValue, *, signed: bool) -> SSAValue:
    """What may be divided by without a trap: 1 where `right` is 0, or where the quotient overflows.

    Lanes that a mask drops, and the untaken side of a choice, may hold anything.
    """
    owner = right.owner
    if isinstance(owner, upstream.ConstantOp) and _divides_safely(owner.properties["value"], signed):
        return right
    type = right.type
    bad = _compare(c, _EQ, right, c.zero(type))
    if signed:
        least = c.splat_integer(-(1 << (_width(type) - 1)), type)
        overflows = c.emit(
            upstream.AndOp,
            (_compare(c, _EQ, left, least), _compare(c, _EQ, right, c.splat_integer(-1, type))),
            bad.type,
        )
        bad = c.emit(upstream.OrOp, (bad, overflows), bad.type)
    return _choose(c, bad, c.splat_integer(1, type), right)


def _divides_safely(value: Attribute, signed: bool) -> bool:
    return all(number != 0 and not (signed and number == -1) for number in _integers(value))


def _integers(value: Attribute) -> Sequence[int]:
    """The numbers of a constant, of each lane where it is a vector."""
    if isinstance(value, IntegerAttr):
        return (int(value.value.data),)
    return cast("DenseIntOrFPElementsAttr[Any]", value).get_values()


def _shift(target: type[Operation]) -> Pattern:
    """A shift by as many bits as there are, or more, leaves nothing: in LLVM that is poison."""

    def convert(c: LLVMConversion, op: Any) -> None:
        left, right = (c.get(operand) for operand in op.operands)
        type, width = left.type, _width(left.type)
        known = right.owner
        if isinstance(known, upstream.ConstantOp) and all(0 <= n < width for n in _integers(known.properties["value"])):
            c.map(op.results[0], c.emit(target, (left, right), type))
            return
        if target is upstream.AShrOp:
            most = c.intrinsic(f"llvm.umin.{mangle(type)}", (right, c.splat_integer(width - 1, type)), type)
            c.map(op.results[0], c.emit(target, (left, most), type))
            return
        shifted = c.emit(target, (left, right), type)
        fits = _compare(c, _ULT, right, c.splat_integer(width, type))
        c.map(op.results[0], _choose(c, fits, shifted, c.zero(type)))

    return convert


def _float_binary(target: type[Operation]) -> Pattern:
    def convert(c: LLVMConversion, op: Any) -> None:
        lhs, rhs = op.operands
        left = c.get(lhs)
        c.map(op.results[0], c.emit(target, (left, c.get(rhs)), left.type, {"fastmathFlags": fastmath(op)}))

    return convert


def _binary_intrinsic(name: str) -> Pattern:
    def convert(c: LLVMConversion, op: Any) -> None:
        left, right = (c.get(operand) for operand in op.operands)
        flags = fastmath(op) if isinstance(element_type(left.type), AnyFloat) else None
        c.map(op.results[0], c.intrinsic(f"llvm.{name}.{mangle(left.type)}", (left, right), left.type, flags))

    return convert


def convert_constant(c: LLVMConversion, op: arith.ConstantOp) -> None:
    value = op.properties["value"]
    type = c.type(op.result.type)
    if isinstance(op.result.type, IndexType):
        number = int(cast("IntegerAttr[IndexType]", value).value.data)
        c.integers[op.result] = number
        c.intervals[op.result] = (number, number)
        value = integer_attr(number, i64)
    elif isinstance(element_type(op.result.type), BFloat16Type):
        value = _bits_of_bf16(value, type)
    elif op.result.type != type:
        value = dense(type, [int(number) for number in cast("DenseIntOrFPElementsAttr[Any]", value).get_values()])
    c.map(op.result, c.constant(value, type))


def _bits_of_bf16(value: Attribute, type: Attribute) -> Attribute:
    if isinstance(value, FloatAttr):
        return integer_attr(_as_i16(value.value.data), i16)
    numbers = cast("DenseIntOrFPElementsAttr[Any]", value)
    return dense(
        type, [_as_i16(number) for number in (numbers.get_values()[:1] if numbers.is_splat() else numbers.get_values())]
    )


def _as_i16(number: float) -> int:
    return int.from_bytes(bf16.pack((number,)), "little", signed=True)


def convert_negf(c: LLVMConversion, op: arith.NegfOp) -> None:
    value = c.get(op.operand)
    c.map(op.result, c.emit(upstream.FNegOp, (value,), value.type, {"fastmathFlags": fastmath(op)}))


def convert_cmpi(c: LLVMConversion, op: arith.CmpiOp) -> None:
    result = c.emit(upstream.ICmpOp, (c.get(op.lhs), c.get(op.rhs)), op.result.type, {"predicate": op.predicate})
    c.map(op.result, result)


def convert_cmpf(c: LLVMConversion, op: arith.CmpfOp) -> None:
    properties = {"predicate": op.predicate, "fastmathFlags": fastmath(op)}
    c.map(op.result, c.emit(llvm.FCmpOp, (c.get(op.lhs), c.get(op.rhs)), op.result.type, properties))


def convert_select(c: LLVMConversion, op: arith.SelectOp) -> None:
    lhs = c.get(op.lhs)
    properties = {"fastmathFlags": fastmath(op)}
    c.map(op.result, c.emit(llvm.SelectOp, (c.get(op.cond), lhs, c.get(op.rhs)), lhs.type, properties))


def _cast(target: type[Operation]) -> Pattern:
    def convert(c: LLVMConversion, op: Any) -> None:
        result = op.results[0]
        c.map(result, c.emit(target, (c.get(op.operands[0]),), c.type(result.type)))

    return convert


def _saturating_cast(*, signed: bool) -> Pattern:
    """To integers, of which the last ones stand for all beyond, and 0 for NaN: in upstream's op they are poison.

    LLVM 22 makes one conversion for each lane of its own saturating intrinsics.
    """

    def convert(c: LLVMConversion, op: Any) -> None:
        value, type = c.get(op.operands[0]), c.type(op.results[0].type)
        if isinstance(element_type(value.type), Float16Type):
            value = c.emit(upstream.FPExtOp, (value,), like(value.type, f32))
        c.map(op.results[0], saturated(c, value, type, signed=signed))

    return convert


def saturated(c: LLVMConversion, value: SSAValue, type: Attribute, *, signed: bool) -> SSAValue:
    """An f32 or f64 as an integer of the range's, by clamping it to numbers that both types have."""
    width = _width(type)
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    kept = 53 if isinstance(element_type(value.type), Float64Type) else 24
    # the largest float of the range is the largest integer if that has no more bits than the mantissa
    bits = high.bit_length()
    last = high if bits <= kept else high - (1 << (bits - kept)) + 1
    floor, ceiling = (float_constant(c, float(limit), value.type) for limit in (low, last))
    clamped = _choose(c, _fcmp(c, _OGT, value, floor), value, floor)
    clamped = _choose(c, _fcmp(c, _OLT, clamped, ceiling), clamped, ceiling)
    if width < 32:
        result = c.emit(llvm.FPToSIOp, (clamped,), like(type, i32))
        result = c.emit(upstream.TruncOp, (result,), type)
    else:
        result = c.emit(llvm.FPToSIOp if signed else llvm.FPToUIOp, (clamped,), type)
    if last != high:
        beyond = _fcmp(c, _OGE, value, float_constant(c, float(high + 1), value.type))
        result = _choose(c, beyond, c.splat_integer(high, type), result)
    if low:
        result = _choose(c, _fcmp(c, _UNO, value, value), c.zero(type), result)
    return result


def _fcmp(c: LLVMConversion, predicate: int, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
    properties = {"predicate": integer_attr(predicate, i64), "fastmathFlags": NO_FASTMATH}
    return c.emit(llvm.FCmpOp, (lhs, rhs), like(lhs.type, i1), properties)


def _choose(c: LLVMConversion, condition: SSAValue, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
    return c.emit(llvm.SelectOp, (condition, lhs, rhs), lhs.type, {"fastmathFlags": NO_FASTMATH})


def float_constant(c: LLVMConversion, value: float, type: Attribute) -> SSAValue:
    """A float constant, or a vector of it."""
    vector = as_vector(type)
    if vector is not None:
        return c.constant(dense(vector, [value]), vector)
    return c.constant(FloatAttr(value, cast(AnyFloat, type)), type)


def convert_truncf(c: LLVMConversion, op: arith.TruncFOp) -> None:
    """f64 to f16 goes through f32: LLVM's own way is a library call that is not in every process."""
    value, type = c.get(op.input), c.type(op.result.type)
    if isinstance(element_type(value.type), Float64Type) and isinstance(element_type(type), Float16Type):
        value = rounded_to_odd(c, value)
    c.map(op.result, c.emit(upstream.FPTruncOp, (value,), type))


def like(type: Attribute, element: Attribute) -> Attribute:
    """Another element type, in as many lanes."""
    vector = as_vector(type)
    return element if vector is None else vector_type(vector.get_shape()[0], element)


def rounded_to_odd(c: LLVMConversion, value: SSAValue) -> SSAValue:
    """f64 as f32, with the last bit set where it is inexact, so that rounding once more is right."""
    float_type, integer_type = (like(value.type, element) for element in (f32, i32))
    nearest = c.emit(upstream.FPTruncOp, (value,), float_type)
    back = c.emit(upstream.FPExtOp, (nearest,), value.type)
    sizes = [c.intrinsic(f"llvm.fabs.{mangle(value.type)}", (each,), value.type) for each in (back, value)]
    away, inexact = _fcmp(c, _OGT, *sizes), _fcmp(c, _ONE, back, value)
    away, inexact = (c.emit(upstream.ZExtOp, (each,), integer_type) for each in (away, inexact))
    bits = c.emit(upstream.BitcastOp, (nearest,), integer_type)
    bits = c.emit(upstream.SubOp, (bits, away), integer_type)
    bits = c.emit(upstream.OrOp, (bits, inexact), integer_type)
    return c.emit(upstream.BitcastOp, (bits,), float_type)


def convert_bitcast(c: LLVMConversion, op: arith.BitcastOp) -> None:
    value, type = c.get(op.input), c.type(op.result.type)
    c.map(op.result, value if value.type == type else c.emit(upstream.BitcastOp, (value,), type))


def convert_index_cast(c: LLVMConversion, op: arith.IndexCastOp) -> None:
    value, type = c.get(op.input), c.type(op.result.type)
    from_width, to_width = _width(value.type), _width(type)
    if from_width < to_width:
        value = c.emit(upstream.SExtOp, (value,), type)
    elif from_width > to_width:
        value = c.emit(upstream.TruncOp, (value,), type)
    c.map(op.result, value)
    known = c.integers.get(op.input)
    if known is not None and isinstance(op.result.type, IndexType):
        c.integers[op.result] = known


def _width(type: Attribute) -> int:
    element = element_type(type)
    if isinstance(element, IntegerType):
        return cast(IntegerType, element).width.data
    raise CompileError(f"expected an integer or index, got {type}")


def convert_floordiv(c: LLVMConversion, op: arith.FloorDivSIOp) -> None:
    """`q - 1` where the remainder is not zero and the signs differ."""
    left, right = c.get(op.lhs), c.get(op.rhs)
    c.map(op.result, _rounded_division(c, left, right, up=False))


def convert_ceildiv_signed(c: LLVMConversion, op: arith.CeilDivSIOp) -> None:
    """`q + 1` where the remainder is not zero and the signs agree."""
    left, right = c.get(op.lhs), c.get(op.rhs)
    c.map(op.result, _rounded_division(c, left, right, up=True))


def _rounded_division(c: LLVMConversion, left: SSAValue, right: SSAValue, *, up: bool) -> SSAValue:
    type = left.type
    right = divisor(c, left, right, signed=True)
    whole = quotient(c, left, right, signed=True)
    remainder = c.emit(upstream.SubOp, (left, c.emit(upstream.MulOp, (whole, right), type)), type)
    inexact = _compare(c, _NE, remainder, c.zero(type))
    signs = c.emit(upstream.XOrOp, (left, right), type)
    differ = _compare(c, _SLT, signs, c.zero(type))
    if up:
        differ = c.emit(upstream.XOrOp, (differ, c.splat_integer(1, differ.type)), differ.type)
    adjust = c.emit(upstream.AndOp, (inexact, differ), inexact.type)
    amount = c.emit(upstream.ZExtOp, (adjust,), type)
    return c.emit(upstream.AddOp if up else upstream.SubOp, (whole, amount), type)


def convert_ceildiv_unsigned(c: LLVMConversion, op: arith.CeilDivUIOp) -> None:
    left, right = c.get(op.lhs), c.get(op.rhs)
    type = left.type
    right = divisor(c, left, right, signed=False)
    whole = quotient(c, left, right, signed=False)
    remainder = c.emit(upstream.SubOp, (left, c.emit(upstream.MulOp, (whole, right), type)), type)
    inexact = c.emit(upstream.ZExtOp, (_compare(c, _NE, remainder, c.zero(type)),), type)
    c.map(op.result, c.emit(upstream.AddOp, (whole, inexact), type))


def _compare(c: LLVMConversion, predicate: Attribute, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
    return c.emit(upstream.ICmpOp, (lhs, rhs), like(lhs.type, i1), {"predicate": predicate})


_PATTERNS: dict[type[Operation], Pattern] = {
    arith.AddfOp: _float_binary(upstream.FAddOp),
    arith.AddiOp: _integer_binary(upstream.AddOp),
    arith.AndIOp: _integer_binary(upstream.AndOp),
    arith.BitcastOp: convert_bitcast,
    arith.CeilDivSIOp: convert_ceildiv_signed,
    arith.CeilDivUIOp: convert_ceildiv_unsigned,
    arith.CmpfOp: convert_cmpf,
    arith.CmpiOp: convert_cmpi,
    arith.ConstantOp: convert_constant,
    arith.DivSIOp: _division(signed=True),
    arith.DivUIOp: _division(signed=False),
    arith.DivfOp: _float_binary(upstream.FDivOp),
    arith.ExtFOp: _cast(upstream.FPExtOp),
    arith.ExtSIOp: _cast(upstream.SExtOp),
    arith.ExtUIOp: _cast(upstream.ZExtOp),
    arith.FPToSIOp: _saturating_cast(signed=True),
    arith.FPToUIOp: _saturating_cast(signed=False),
    arith.FloorDivSIOp: convert_floordiv,
    arith.IndexCastOp: convert_index_cast,
    arith.MaxSIOp: _binary_intrinsic("smax"),
    arith.MaxUIOp: _binary_intrinsic("umax"),
    arith.MaximumfOp: _binary_intrinsic("maximum"),
    arith.MaxnumfOp: _binary_intrinsic("maxnum"),
    arith.MinSIOp: _binary_intrinsic("smin"),
    arith.MinUIOp: _binary_intrinsic("umin"),
    arith.MinimumfOp: _binary_intrinsic("minimum"),
    arith.MinnumfOp: _binary_intrinsic("minnum"),
    arith.MulfOp: _float_binary(upstream.FMulOp),
    arith.MuliOp: _integer_binary(upstream.MulOp),
    arith.NegfOp: convert_negf,
    arith.OrIOp: _integer_binary(upstream.OrOp),
    wide.RemFOp: _float_binary(upstream.FRemOp),
    arith.RemSIOp: _remainder(signed=True),
    arith.RemUIOp: _remainder(signed=False),
    arith.SIToFPOp: _cast(upstream.SIToFPOp),
    arith.SelectOp: convert_select,
    arith.ShLIOp: _shift(upstream.ShlOp),
    arith.ShRSIOp: _shift(upstream.AShrOp),
    arith.ShRUIOp: _shift(upstream.LShrOp),
    arith.SubfOp: _float_binary(upstream.FSubOp),
    arith.SubiOp: _integer_binary(upstream.SubOp),
    arith.TruncFOp: convert_truncf,
    arith.TruncIOp: _cast(upstream.TruncOp),
    arith.UIToFPOp: _cast(llvm.UIToFPOp),
    arith.XOrIOp: _integer_binary(upstream.XOrOp),
}


def fused_multiply_add(c: LLVMConversion, operands: Sequence[SSAValue], flags: Attribute = NO_FASTMATH) -> SSAValue:
    """`a * b + c`, rounded once. Of f16, products are exact in f64, and sums but for what f16 does not see."""
    type = operands[0].type
    if not isinstance(element_type(type), Float16Type):
        return c.emit(upstream.FMAOp, operands, type, {"fastmathFlags": flags})
    double = like(type, f64)
    a, b, addend = (c.emit(upstream.FPExtOp, (operand,), double) for operand in operands)
    product = c.emit(upstream.FMulOp, (a, b), double, {"fastmathFlags": NO_FASTMATH})
    total = c.emit(upstream.FAddOp, (product, addend), double, {"fastmathFlags": NO_FASTMATH})
    return c.emit(upstream.FPTruncOp, (rounded_to_odd(c, total),), type)


def without_bf16(table: PatternTable) -> dict[type[Operation], Pattern]:
    """The patterns, which refuse bf16: LLVM sees integers."""

    def checked(pattern: Pattern) -> Pattern:
        def convert(c: LLVMConversion, op: Operation) -> None:
            for value in (op.operands[0], op.results[0]):
                if isinstance(element_type(value.type), BFloat16Type):
                    passes = "arith-emulate-unsupported-floats and arith-expand"
                    raise CompileError(f"'{op.name}': expected no arithmetic on bf16 after {passes}, got {value.type}")
            pattern(c, op)

        return convert

    return {op: checked(pattern) for op, pattern in table.items()}


_CHECKED = _PATTERNS | without_bf16({op: p for op, p in _PATTERNS.items() if op.name.endswith("f") or "fp" in op.name})

ARITH_TO_LLVM: PatternTable = {
    **_CHECKED,
    **{WIDENED[op]: pattern for op, pattern in _CHECKED.items() if op in WIDENED},
}
