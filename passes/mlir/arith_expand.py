"""`arith-expand`: conversions of floats that the machine only stores, in integer arithmetic; maxima that x86 lacks.

LLVM makes calls of a library, which is not in every process, of what the machine has no instruction for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float64Type,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
    f32,
    i1,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass

from ...dialects import arith as wide
from ...dialects.walk import operations_in
from .emulate_unsupported_floats import formats_to_emulate, with_element
from .expand_extrema import expand_extrema
from .llvm_conversion import as_vector, dense, element_type
from .targets import is_x86

_NONE = arith.FastMathFlagsAttr("none")
_WRAPS = arith.IntegerOverflowAttr("none")
_ULT, _UGT, _UGE = 6, 8, 9
_OGT, _UNE = 2, 13


@dataclass
class _Code:
    """Arithmetic to stand before an operation, on values of its shape."""

    shape: Attribute
    ops: list[Operation] = field(default_factory=list[Operation])

    def emit(
        self,
        kind: type[Operation],
        element: Attribute,
        *operands: SSAValue,
        properties: Mapping[str, Attribute] = {},
    ) -> SSAValue:
        type = with_element(self.shape, element)
        op = kind.create(operands=operands, result_types=(type,), properties=properties)
        self.ops.append(op)
        return op.results[0]

    def integer(self, value: int) -> SSAValue:
        type = with_element(self.shape, i32)
        attribute: Attribute = IntegerAttr(value, i32, truncate_bits=True)
        if as_vector(type) is not None:
            attribute = dense(type, [attribute.value.data])
        return self.emit(arith.ConstantOp, i32, properties={"value": attribute})

    def number(self, value: float) -> SSAValue:
        type = with_element(self.shape, f32)
        attribute: Attribute = FloatAttr(value, f32)
        if as_vector(type) is not None:
            attribute = dense(type, [value])
        return self.emit(arith.ConstantOp, f32, properties={"value": attribute})

    def add(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.AddiOp, i32, lhs, rhs, properties={"overflowFlags": _WRAPS})

    def sub(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.SubiOp, i32, lhs, rhs, properties={"overflowFlags": _WRAPS})

    def left(self, value: SSAValue, bits: int) -> SSAValue:
        return self.emit(arith.ShLIOp, i32, value, self.integer(bits), properties={"overflowFlags": _WRAPS})

    def right(self, value: SSAValue, bits: int) -> SSAValue:
        return self.emit(arith.ShRUIOp, i32, value, self.integer(bits))

    def both(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.AndIOp, i32, lhs, rhs)

    def either(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.OrIOp, i32, lhs, rhs)

    def compare(self, predicate: int, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(wide.CmpiOp, i1, lhs, rhs, properties={"predicate": IntegerAttr(predicate, i64)})

    def compare_floats(self, predicate: int, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        properties = {"predicate": IntegerAttr(predicate, i64), "fastmath": _NONE}
        return self.emit(wide.CmpfOp, i1, lhs, rhs, properties=properties)

    def choose(self, condition: SSAValue, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(wide.SelectOp, element_type(lhs.type), condition, lhs, rhs)

    def bits(self, value: SSAValue) -> SSAValue:
        return self.emit(arith.BitcastOp, i32, value)

    def single(self, bits: SSAValue) -> SSAValue:
        return self.emit(arith.BitcastOp, f32, bits)

    def stored(self, value: SSAValue) -> SSAValue:
        """The bits of 16 that a narrow float is stored as."""
        return self.emit(wide.ExtUIOp, i32, self.emit(arith.BitcastOp, i16, value))

    def narrow(self, bits: SSAValue, element: Attribute) -> SSAValue:
        """The narrow float with these bits, the lower 16 of 32."""
        return self.emit(arith.BitcastOp, element, self.emit(wide.TruncIOp, i16, bits))


def extend_bf16(c: _Code, value: SSAValue) -> SSAValue:
    """The upper half of an f32."""
    return c.single(c.left(c.stored(value), 16))


def truncate_to_bf16(c: _Code, value: SSAValue, element: Attribute) -> SSAValue:
    """The upper half, after what carries the lower one to the nearest, ties to even. NaN keeps a bit that says so."""
    bits = c.bits(value)
    upper = c.right(bits, 16)
    odd = c.both(upper, c.integer(1))
    nearest = c.right(c.add(bits, c.add(odd, c.integer(0x7FFF))), 16)
    quiet = c.either(upper, c.integer(0x40))
    is_nan = c.compare_floats(_UNE, value, value)
    return c.narrow(c.choose(is_nan, quiet, nearest), element)


def extend_f16(c: _Code, value: SSAValue) -> SSAValue:
    """The bits in the places of f32, times what the exponents' biases are apart, which makes subnormals normal."""
    stored = c.stored(value)
    magnitude = c.left(c.both(stored, c.integer(0x7FFF)), 13)
    scaled = c.emit(arith.MulfOp, f32, c.single(magnitude), c.number(2.0**112), properties={"fastmath": _NONE})
    special = c.compare(_UGE, magnitude, c.integer(0x7C00 << 13))
    bits = c.choose(special, c.either(magnitude, c.integer(0x7F800000)), c.bits(scaled))
    return c.single(c.either(bits, c.left(c.both(stored, c.integer(0x8000)), 16)))


def truncate_to_f16(c: _Code, value: SSAValue, element: Attribute) -> SSAValue:
    """Normal numbers as for bf16, subnormal ones by adding 1/2, whose last bit is theirs."""
    bits = c.bits(value)
    magnitude = c.both(bits, c.integer(0x7FFFFFFF))
    odd = c.both(c.right(magnitude, 13), c.integer(1))
    bias = c.integer(((15 - 127) << 23) + 0xFFF)
    normal = c.right(c.add(magnitude, c.add(odd, bias)), 13)
    half = c.number(0.5)
    sum = c.emit(arith.AddfOp, f32, c.single(magnitude), half, properties={"fastmath": _NONE})
    subnormal = c.sub(c.bits(sum), c.bits(half))
    result = c.choose(c.compare(_ULT, magnitude, c.integer(0x38800000)), subnormal, normal)
    result = c.choose(c.compare(_UGE, magnitude, c.integer(0x47800000)), c.integer(0x7C00), result)
    result = c.choose(c.compare(_UGT, magnitude, c.integer(0x7F800000)), c.integer(0x7E00), result)
    sign = c.right(c.both(bits, c.integer(-0x80000000)), 16)
    return c.narrow(c.either(result, sign), element)


def round_to_odd(c: _Code, value: SSAValue) -> SSAValue:
    """f64 as f32 whose last bit is set where it is inexact, so that rounding once more is right."""
    nearest = c.emit(arith.TruncFOp, f32, value)
    back = c.emit(arith.ExtFOp, element_type(value.type), nearest)
    sizes = [
        c.emit(math.AbsFOp, element_type(value.type), each, properties={"fastmath": _NONE}) for each in (back, value)
    ]
    away = c.emit(wide.ExtUIOp, i32, c.compare_floats(_OGT, *sizes))
    inexact = c.emit(wide.ExtUIOp, i32, c.compare_floats(_UNE, back, value))
    return c.single(c.either(c.sub(c.bits(nearest), away), inexact))


def expand_conversions(module: ModuleOp, formats: tuple[type[Attribute], ...]) -> None:
    """Rewrites the conversions from and to floats of some formats, in place."""
    for op in operations_in(module):
        if isinstance(op, arith.ExtFOp | arith.TruncFOp):
            _expand(op, formats)


def _expand(op: arith.ExtFOp | arith.TruncFOp, formats: tuple[type[Attribute], ...]) -> None:
    value, result = op.operands[0], op.results[0]
    source, target = element_type(value.type), element_type(result.type)
    code = _Code(result.type)
    if isinstance(op, arith.ExtFOp) and isinstance(source, formats):
        new = extend_bf16(code, value) if isinstance(source, BFloat16Type) else extend_f16(code, value)
        if isinstance(target, Float64Type):
            new = code.emit(arith.ExtFOp, target, new)
    elif isinstance(op, arith.TruncFOp) and isinstance(target, formats):
        if isinstance(source, Float64Type):
            value = round_to_odd(code, value)
        new = (truncate_to_bf16 if isinstance(target, BFloat16Type) else truncate_to_f16)(code, value, target)
    else:
        return
    block = op.parent
    assert block is not None
    block.insert_ops_before(code.ops, op)
    new.name_hint = result.name_hint
    result.replace_all_uses_with(new)
    block.erase_op(op)


@dataclass(frozen=True)
class ArithExpandPass(ModulePass):
    """Converts between f32 and bf16 in integer arithmetic, and f16 too where the target has no instruction for it. On
    x86, maxima and minima become choices: it has no instruction that propagates NaN.

    Before → after: `arith.extf %x : bf16 to f32` → `arith.bitcast`, `arith.extui`, `arith.shli` by 16, `arith.bitcast`.
    """

    name = "arith-expand"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        expand_conversions(op, formats_to_emulate(op))
        if is_x86(op):
            expand_extrema(op)
