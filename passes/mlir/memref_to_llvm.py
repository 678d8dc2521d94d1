"""Patterns from `memref` to `llvm`: static shapes, identity layouts, bare pointers."""

from __future__ import annotations

from math import prod

from xdsl.dialects import llvm as upstream
from xdsl.dialects import memref
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, Region

from ...errors import CompileError
from .affine_to_llvm import alignment, linear_offset, operand_form
from .func_to_llvm import call_properties
from .llvm_conversion import (
    POINTER,
    AnyMemRef,
    LLVMConversion,
    PatternTable,
    byte_size,
    check_memref,
    convert_type,
    integers,
    memory_type,
    memref_of,
)

BUFFER_ALIGNMENT = 64
"""The alignment of what this backend allocates: a cache line, and the widest vector."""


def array_type(type: AnyMemRef) -> upstream.LLVMArrayType:
    """The elements of a memref as one flat array."""
    check_memref(type)
    return upstream.LLVMArrayType(max(1, prod(type.get_shape())), memory_type(convert_type(type.element_type)))


def convert_load(c: LLVMConversion, op: memref.LoadOp) -> None:
    offset = linear_offset(memref_of(op.memref), [operand_form(c, index) for index in op.indices])
    c.map(op.res, c.load(c.address(op.memref, offset), c.type(op.res.type), alignment(op.memref)))


def convert_store(c: LLVMConversion, op: memref.StoreOp) -> None:
    offset = linear_offset(memref_of(op.memref), [operand_form(c, index) for index in op.indices])
    c.store(c.get(op.value), c.address(op.memref, offset), alignment(op.memref))


def convert_alloca(c: LLVMConversion, op: memref.AllocaOp) -> None:
    """Stack memory of the function, wherever the operation stands: it is allocated once."""
    type = memref_of(op.memref)
    given = op.alignment.value.data if op.alignment is not None else 0
    one = c.integer(1)
    alloca = upstream.AllocaOp.create(
        operands=(one,),
        result_types=(POINTER,),
        properties={
            "alignment": IntegerAttr(max(given, BUFFER_ALIGNMENT), i64),
            "elem_type": array_type(type),
        },
    )
    c.at_entry(alloca)
    c.map(op.memref, alloca.res)


def convert_alloc(c: LLVMConversion, op: memref.AllocOp) -> None:
    type = memref_of(op.memref)
    check_memref(type)
    size = max(1, prod(type.get_shape())) * byte_size(type.element_type)
    size += -size % BUFFER_ALIGNMENT
    c.declare("aligned_alloc", (i64, i64), POINTER)
    call = upstream.CallOp.create(
        operands=(c.integer(BUFFER_ALIGNMENT), c.integer(size)),
        result_types=(POINTER,),
        properties=call_properties(SymbolRefAttr("aligned_alloc"), 2),
    )
    c.emit_op(call)
    c.map(op.memref, call.results[0])


def convert_dealloc(c: LLVMConversion, op: memref.DeallocOp) -> None:
    c.declare("free", (POINTER,), None)
    c.emit_op(
        upstream.CallOp.create(operands=(c.get(op.memref),), properties=call_properties(SymbolRefAttr("free"), 1))
    )


def convert_global(c: LLVMConversion, op: memref.GlobalOp) -> None:
    type = op.type
    given = op.alignment.value.data if op.alignment is not None else 0
    properties: dict[str, Attribute] = {
        "global_type": array_type(type),
        "sym_name": op.sym_name,
        "linkage": upstream.LinkageAttr("internal"),
        "addr_space": IntegerAttr(0, i32),
        "alignment": IntegerAttr(max(given, BUFFER_ALIGNMENT), i64),
    }
    if op.constant is not None:
        properties["constant"] = UnitAttr()
    value = op.initial_value
    if isinstance(value, DenseIntOrFPElementsAttr):
        properties["value"] = value
    c.add_to_module(upstream.GlobalOp.create(properties=properties, regions=(Region(),)))


def convert_get_global(c: LLVMConversion, op: memref.GetGlobalOp) -> None:
    name = op.name_.string_value()
    pointer = c.emit(upstream.AddressOfOp, (), POINTER, {"global_name": SymbolRefAttr(StringAttr(name))})
    c.map(op.memref, pointer)


def convert_view(c: LLVMConversion, op: memref.ViewOp) -> None:
    check_memref(memref_of(op.result))
    c.map(op.result, c.address(op.source, operand_form(c, op.byte_shift)))


def convert_reinterpret_cast(c: LLVMConversion, op: memref.ReinterpretCastOp) -> None:
    """Another name for the same elements, from the first one on."""
    type = memref_of(op.result)
    check_memref(type)
    if op.offsets or integers(op.static_offsets) != (0,):
        raise CompileError("expected 'memref.reinterpret_cast' from offset 0, got another one")
    c.map(op.result, c.get(op.source))


def convert_cast(c: LLVMConversion, op: memref.CastOp | memref.MemorySpaceCastOp) -> None:
    c.map(op.results[0], c.get(op.operands[0]))


def convert_copy(c: LLVMConversion, op: memref.CopyOp) -> None:
    type = memref_of(op.source)
    check_memref(type)
    size = c.integer(prod(type.get_shape()) * byte_size(type.element_type))
    operands = (c.get(op.destination), c.get(op.source), size, c.integer(0, i1))
    c.intrinsic_without_result("llvm.memcpy.p0.p0.i64", operands)


MEMREF_TO_LLVM: PatternTable = {
    memref.AllocOp: convert_alloc,
    memref.AllocaOp: convert_alloca,
    memref.CastOp: convert_cast,
    memref.CopyOp: convert_copy,
    memref.DeallocOp: convert_dealloc,
    memref.GetGlobalOp: convert_get_global,
    memref.GlobalOp: convert_global,
    memref.LoadOp: convert_load,
    memref.MemorySpaceCastOp: convert_cast,
    memref.ReinterpretCastOp: convert_reinterpret_cast,
    memref.StoreOp: convert_store,
    memref.ViewOp: convert_view,
}
