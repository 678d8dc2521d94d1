"""Patterns from `math` to `llvm`: intrinsics by their mangled names, and the C library's functions for the rest."""

from __future__ import annotations

from typing import Any

from xdsl.dialects import llvm as upstream
from xdsl.dialects import math
from xdsl.dialects.builtin import (
    Float16Type,
    Float32Type,
    Float64Type,
    SymbolRefAttr,
    VectorType,
    f32,
    i1,
)
from xdsl.ir import SSAValue

from ...dialects import llvm
from ...errors import CompileError
from .arith_to_llvm import fastmath, float_constant, fused_multiply_add, without_bf16
from .func_to_llvm import call_properties
from .llvm_conversion import LLVMConversion, Pattern, PatternTable, as_vector, mangle


def _intrinsic(name: str) -> Pattern:
    def convert(c: LLVMConversion, op: Any) -> None:
        operands = [c.get(operand) for operand in op.operands]
        type = operands[0].type
        c.map(op.results[0], c.intrinsic(f"llvm.{name}.{mangle(type)}", operands, type, fastmath(op)))

    return convert


def _integer_intrinsic(name: str, *flags: bool) -> Pattern:
    def convert(c: LLVMConversion, op: Any) -> None:
        value = c.get(op.operands[0])
        extra = [c.integer(int(flag), i1) for flag in flags]
        c.map(op.results[0], c.intrinsic(f"llvm.{name}.{mangle(value.type)}", (value, *extra), value.type))

    return convert


def _library(name: str) -> Pattern:
    """A function of the C library, lane by lane: what has no intrinsic is not worth more."""

    def convert(c: LLVMConversion, op: Any) -> None:
        operands = [c.get(operand) for operand in op.operands]
        type = operands[0].type
        vector = as_vector(type)
        if vector is None:
            c.map(op.results[0], _call(c, name, operands))
            return
        result = c.poison(vector)
        for lane in range(vector.get_shape()[0]):
            position = c.integer(lane)
            parts = [c.emit(llvm.ExtractElementOp, (value, position), vector.element_type) for value in operands]
            result = c.emit(upstream.InsertElementOp, (result, _call(c, name, parts), position), vector)
        c.map(op.results[0], result)

    return convert


def _call(c: LLVMConversion, name: str, operands: list[SSAValue]) -> SSAValue:
    type = operands[0].type
    if isinstance(type, Float16Type):
        wide = [c.emit(upstream.FPExtOp, (operand,), f32) for operand in operands]
        return c.emit(upstream.FPTruncOp, (_call(c, name, wide),), type)
    if not isinstance(type, Float32Type | Float64Type):
        raise CompileError(f"expected f16, f32 or f64, got {type}")
    symbol = f"{name}f" if isinstance(type, Float32Type) else name
    c.declare(symbol, [type] * len(operands), type)
    call = upstream.CallOp.create(
        operands=operands,
        result_types=(type,),
        properties=call_properties(SymbolRefAttr(symbol), len(operands)),
    )
    c.emit_op(call)
    return call.results[0]


def convert_rsqrt(c: LLVMConversion, op: math.RsqrtOp) -> None:
    value = c.get(op.operand)
    flags = fastmath(op)
    root = c.intrinsic(f"llvm.sqrt.{mangle(value.type)}", (value,), value.type, flags)
    one = float_constant(c, 1.0, value.type)
    c.map(op.result, c.emit(upstream.FDivOp, (one, root), value.type, {"fastmathFlags": flags}))


def convert_fpowi(c: LLVMConversion, op: math.FPowIOp) -> None:
    base, exponent = c.get(op.lhs), c.get(op.rhs)
    if isinstance(exponent.type, VectorType):
        raise CompileError("'math.fpowi': expected a scalar exponent")
    name = f"llvm.powi.{mangle(base.type)}.{mangle(exponent.type)}"
    c.map(op.result, c.intrinsic(name, (base, exponent), base.type, fastmath(op)))


def convert_fma(c: LLVMConversion, op: math.FmaOp) -> None:
    c.map(op.result, fused_multiply_add(c, [c.get(operand) for operand in op.operands], fastmath(op)))


_PATTERNS: PatternTable = {
    math.AbsFOp: _intrinsic("fabs"),
    math.AbsIOp: _integer_intrinsic("abs", False),
    math.AcosOp: _intrinsic("acos"),
    math.AcoshOp: _library("acosh"),
    math.AsinOp: _intrinsic("asin"),
    math.AsinhOp: _library("asinh"),
    math.Atan2Op: _intrinsic("atan2"),
    math.AtanOp: _intrinsic("atan"),
    math.AtanhOp: _library("atanh"),
    math.CbrtOp: _library("cbrt"),
    math.CeilOp: _intrinsic("ceil"),
    math.CopySignOp: _intrinsic("copysign"),
    math.CosOp: _intrinsic("cos"),
    math.CoshOp: _intrinsic("cosh"),
    math.CountLeadingZerosOp: _integer_intrinsic("ctlz", False),
    math.CountTrailingZerosOp: _integer_intrinsic("cttz", False),
    math.CtPopOp: _integer_intrinsic("ctpop"),
    math.ErfOp: _library("erf"),
    math.Exp2Op: _intrinsic("exp2"),
    math.ExpM1Op: _library("expm1"),
    math.ExpOp: _intrinsic("exp"),
    math.FPowIOp: convert_fpowi,
    math.FloorOp: _intrinsic("floor"),
    math.FmaOp: convert_fma,
    math.Log10Op: _intrinsic("log10"),
    math.Log1pOp: _library("log1p"),
    math.Log2Op: _intrinsic("log2"),
    math.LogOp: _intrinsic("log"),
    math.PowFOp: _intrinsic("pow"),
    math.RoundEvenOp: _intrinsic("roundeven"),
    math.RoundOp: _intrinsic("round"),
    math.RsqrtOp: convert_rsqrt,
    math.SinOp: _intrinsic("sin"),
    math.SinhOp: _intrinsic("sinh"),
    math.SqrtOp: _intrinsic("sqrt"),
    math.TanOp: _intrinsic("tan"),
    math.TanhOp: _intrinsic("tanh"),
    math.TruncOp: _intrinsic("trunc"),
}

MATH_TO_LLVM = without_bf16(_PATTERNS)
