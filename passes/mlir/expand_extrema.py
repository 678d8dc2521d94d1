"""Larger and smaller floats where the machine has no instruction that propagates NaN: x86.

What LLVM makes of `llvm.maximum` there takes six instructions of a vector; two are enough beside a constant, four else.
Where either zero will do (`nsz`) it is one beside a constant, three else.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import copysign, isnan

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    Float32Type,
    Float64Type,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
    i1,
    i32,
    i64,
)
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Operation, SSAValue

from ...dialects import arith as wide
from ...dialects.walk import operations_in
from .emulate_unsupported_floats import with_element
from .llvm_conversion import element_type

_NONE = arith.FastMathFlagsAttr("none")
_OEQ, _OGT, _OLT, _ORD, _UGT, _UGE, _ULT, _ULE = 1, 2, 4, 7, 9, 10, 11, 12


class _Code:
    """Operations in front of another one."""

    def __init__(self, before: Operation) -> None:
        self.before = before
        self.block = before.parent

    def emit(
        self, kind: type[Operation], type: Attribute, *operands: SSAValue, properties: Mapping[str, Attribute] = {}
    ) -> SSAValue:
        op = kind.create(operands=operands, result_types=(type,), properties=properties)
        assert self.block is not None
        self.block.insert_op_before(op, self.before)
        return op.results[0]

    def compare(self, predicate: int, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        properties = {"predicate": IntegerAttr(predicate, i64), "fastmath": _NONE}
        return self.emit(wide.CmpfOp, with_element(lhs.type, i1), lhs, rhs, properties=properties)

    def choose(self, condition: SSAValue, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(wide.SelectOp, lhs.type, condition, lhs, rhs)


def expand_extrema(module: ModuleOp) -> None:
    """Rewrites `arith.maximumf` and `arith.minimumf` of f32 and f64 as comparisons and choices, in place.

    Results are the same: NaN if an operand is, and +0 is larger than -0, unless zeros are the same.
    """
    for op in operations_in(module):
        if isinstance(op, arith.MaximumfOp | arith.MinimumfOp) and isinstance(
            element_type(op.result.type), Float32Type | Float64Type
        ):
            new = _beside_constant(op) or _of_any(op)
            new.name_hint = op.result.name_hint
            op.result.replace_all_uses_with(new)
            op.detach()
            op.erase()


def _beside_constant(op: arith.MaximumfOp | arith.MinimumfOp) -> SSAValue | None:
    """The other operand where it is beyond a constant or is no number, else the constant; None if there is no constant
    that this is right for: another zero would have to be told from it."""
    largest = isinstance(op, arith.MaximumfOp)
    any_zero = _any_zero(op)
    for constant, other in ((op.rhs, op.lhs), (op.lhs, op.rhs)):
        value = _number(constant)
        if value is None or isnan(value):
            continue
        if value == 0 and not any_zero and (copysign(1.0, value) > 0) != largest:
            continue
        # Of equal ones an instruction of x86 gives the second, which is the other operand, since NaN must be, too.
        beyond, as_far = (_UGT, _UGE) if largest else (_ULT, _ULE)
        code = _Code(op)
        return code.choose(code.compare(as_far if any_zero else beyond, other, constant), other, constant)
    return None


def _any_zero(op: arith.MaximumfOp | arith.MinimumfOp) -> bool:
    return FastMathFlag.NO_SIGNED_ZEROS in op.fastmath.data


def _number(value: SSAValue) -> float | None:
    """The constant that a value is, in all lanes."""
    if not isinstance(value.owner, arith.ConstantOp):
        return None
    attribute = value.owner.value
    if isinstance(attribute, FloatAttr):
        return attribute.value.data
    if isinstance(attribute, DenseIntOrFPElementsAttr) and attribute.is_splat():
        first = attribute.get_values()[0]
        return first if isinstance(first, float) else None
    return None


def _of_any(op: arith.MaximumfOp | arith.MinimumfOp) -> SSAValue:
    """One of two: of equal ones the bits that both have, or either has, which is the right zero; NaN before numbers."""
    largest = isinstance(op, arith.MaximumfOp)
    code = _Code(op)
    lhs, rhs = op.lhs, op.rhs
    integer = with_element(lhs.type, i64 if isinstance(element_type(lhs.type), Float64Type) else i32)
    # Of numbers, and where the left one is none, this is one instruction.
    beyond = code.choose(code.compare(_OGT if largest else _OLT, rhs, lhs), rhs, lhs)
    if _any_zero(op):
        return code.choose(code.compare(_ORD, rhs, rhs), beyond, rhs)
    bits = [code.emit(arith.BitcastOp, integer, each) for each in (lhs, rhs)]
    shared = code.emit(arith.AndIOp if largest else arith.OrIOp, integer, *bits)
    equal = code.choose(code.compare(_OEQ, lhs, rhs), code.emit(arith.BitcastOp, lhs.type, shared), beyond)
    return code.choose(code.compare(_ORD, rhs, rhs), equal, rhs)
