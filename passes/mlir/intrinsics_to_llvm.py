"""Patterns for `llvm` ops that stand on rung 4b: calls of intrinsics, from the implementations of tensor intrinsics."""

from __future__ import annotations

from xdsl.dialects import llvm as upstream
from xdsl.dialects.builtin import BFloat16Type

from .llvm_conversion import LLVMConversion, PatternTable, element_type


def convert_call_intrinsic(c: LLVMConversion, op: upstream.CallIntrinsicOp) -> None:
    """An intrinsic sees bf16, which is i16 everywhere else, as what it is."""
    operands = [
        c.emit(upstream.BitcastOp, (c.get(value),), value.type) if _is_bf16(value.type) else c.get(value)
        for value in op.args
    ]
    name, flags = op.intrin.data, op.fastmathFlags
    if op.ress is None:
        c.intrinsic_without_result(name, operands)
        return
    if not _is_bf16(op.ress.type):
        c.map(op.ress, c.intrinsic(name, operands, c.type(op.ress.type), flags))
        return
    value = c.intrinsic(name, operands, op.ress.type, flags)
    c.map(op.ress, c.emit(upstream.BitcastOp, (value,), c.type(op.ress.type)))


def _is_bf16(type: object) -> bool:
    return isinstance(element_type(type), BFloat16Type)  # pyright: ignore[reportArgumentType]


INTRINSICS_TO_LLVM: PatternTable = {upstream.CallIntrinsicOp: convert_call_intrinsic}
