"""Patterns from `func` and `builtin` to `llvm`: bare pointers for memrefs."""

from __future__ import annotations

from functools import cache

from xdsl.dialects import func
from xdsl.dialects import llvm as upstream
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    IntegerAttr,
    MemRefType,
    SymbolRefAttr,
    UnitAttr,
    UnrealizedConversionCastOp,
    i32,
)
from xdsl.ir import Attribute, Block, Region

from ...errors import CompileError
from .llvm_conversion import LLVMConversion, PatternTable

_UNIT = UnitAttr()
_POINTER_ATTRIBUTES = {"llvm.noalias": _UNIT, "llvm.nonnull": _UNIT, "llvm.noundef": _UNIT}

SIGNATURE = "signature"
"""Attribute of public functions: their type before memrefs became pointers, for who calls them."""


@cache
def _linkage(name: str) -> upstream.LinkageAttr:
    return upstream.LinkageAttr(name)


_CCC = upstream.CallingConventionAttr("ccc")
_NO_VISIBILITY = IntegerAttr(0, 64)
_VOID = upstream.LLVMVoidType()


def function_type(c: LLVMConversion, op: func.FuncOp) -> upstream.LLVMFunctionType:
    """The type of the `llvm.func` that a function becomes."""
    outputs = op.function_type.outputs.data
    if len(outputs) > 1:
        raise CompileError(f"function '{op.sym_name.data}': expected at most one result, got {len(outputs)}")
    for output in outputs:
        if isinstance(output, MemRefType):
            raise CompileError(f"function '{op.sym_name.data}': expected a scalar result, got {output}")
    inputs = [c.type(type) for type in op.function_type.inputs.data]
    return upstream.LLVMFunctionType(inputs, c.type(outputs[0]) if outputs else None)


def argument_attributes(op: func.FuncOp) -> ArrayAttr[DictionaryAttr]:
    """What LLVM may know about each argument."""
    given = op.arg_attrs.data if op.arg_attrs else (DictionaryAttr({}),) * len(op.function_type.inputs)
    attributes: list[DictionaryAttr] = []
    for type, own in zip(op.function_type.inputs.data, given, strict=True):
        kept: dict[str, Attribute] = {k: v for k, v in own.data.items() if k.startswith("llvm.")}
        if isinstance(type, MemRefType):
            kept = {**kept, **_POINTER_ATTRIBUTES}
        attributes.append(DictionaryAttr(kept))
    return ArrayAttr(attributes)


def convert_func(c: LLVMConversion, op: func.FuncOp) -> None:
    type = function_type(c, op)
    private = op.sym_visibility is not None and op.sym_visibility.data == "private"
    region = Region()
    properties: dict[str, Attribute] = {
        "sym_name": op.sym_name,
        "function_type": type,
        "CConv": _CCC,
        "linkage": _linkage("internal" if private and op.body.blocks else "external"),
        "visibility_": _NO_VISIBILITY,
        "arg_attrs": argument_attributes(op),
    }
    attributes: dict[str, Attribute] = {}
    if private and op.body.blocks:
        properties["no_inline"] = _UNIT
    elif op.body.blocks:
        attributes[SIGNATURE] = op.function_type
    new = upstream.FuncOp.create(regions=(region,), properties=properties, attributes=attributes)
    c.add_to_module(new)
    if op.body.blocks:
        convert_body(c, op.body, region)


def convert_body(c: LLVMConversion, old: Region, new: Region) -> None:
    """Converts the blocks of a function into a new region."""
    for block in old.blocks:
        converted = Block(arg_types=[c.type(type) for type in block.arg_types])
        new.add_block(converted)
        c.blocks[block] = converted
        for old_arg, new_arg in zip(block.args, converted.args, strict=True):
            c.map(old_arg, new_arg)
    for i, block in enumerate(old.blocks):
        if i == 0:
            c.enter_function(c.blocks[block])
            c.run_block(block)
        else:
            # Whether an earlier block dominates this one is not known here: nothing computed there is reused.
            c.push(c.blocks[block])
            c.run_block(block)
            c.pop()
    c.leave_function()


def convert_return(c: LLVMConversion, op: func.ReturnOp) -> None:
    c.emit_op(upstream.ReturnOp.create(operands=[c.get(operand) for operand in op.arguments]))


def convert_call(c: LLVMConversion, op: func.CallOp) -> None:
    results = [c.type(result.type) for result in op.res]
    if len(results) > 1:
        raise CompileError(f"call of '{op.callee}': expected at most one result, got {len(results)}")
    operands = [c.get(operand) for operand in op.arguments]
    call = upstream.CallOp.create(
        operands=operands, result_types=results, properties=call_properties(op.callee, len(operands))
    )
    c.emit_op(call)
    for old, new in zip(op.res, call.results, strict=True):
        c.map(old, new)


def call_properties(callee: SymbolRefAttr, operands: int) -> dict[str, Attribute]:
    """The properties of an `llvm.call`."""
    return {
        "callee": callee,
        "fastmathFlags": upstream.FastMathAttr(None),
        "CConv": _CCC,
        "TailCallKind": upstream.TailCallKindAttr(upstream.TailCallKind.NONE),
        "op_bundle_sizes": DenseArrayBase.from_list(i32, ()),
        "operandSegmentSizes": DenseArrayBase.from_list(i32, (operands, 0)),
    }


def convert_cast(c: LLVMConversion, op: UnrealizedConversionCastOp) -> None:
    """Casts whose two sides have become the same type vanish."""
    if len(op.inputs) == len(op.results) == 1:
        new = c.values.get(op.inputs[0])
        if new is not None and new.type == c.type(op.results[0].type):
            c.map(op.results[0], new)
            return
    c.keep(op)


def convert_llvm_func(c: LLVMConversion, op: upstream.FuncOp) -> None:
    """The signature is as it should be, operations inside may not."""
    region = Region()
    new = upstream.FuncOp.create(regions=(region,), properties=op.properties, attributes=op.attributes)
    c.add_to_module(new)
    if op.body.blocks:
        convert_body(c, op.body, region)


FUNC_TO_LLVM: PatternTable = {
    func.CallOp: convert_call,
    func.FuncOp: convert_func,
    func.ReturnOp: convert_return,
}

BUILTIN_TO_LLVM: PatternTable = {
    UnrealizedConversionCastOp: convert_cast,
    upstream.FuncOp: convert_llvm_func,
}
