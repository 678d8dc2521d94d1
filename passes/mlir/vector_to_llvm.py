"""Patterns from `vector` to `llvm`, on one-dimensional vectors."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from xdsl.dialects import llvm as upstream
from xdsl.dialects import vector
from xdsl.dialects.builtin import (
    AnyFloat,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue

from ...dialects import llvm
from ...errors import CompileError
from .affine_to_llvm import alignment, linear_offset, operand_form
from .arith_to_llvm import fastmath, fused_multiply_add, without_bf16
from .llvm_conversion import (
    AnyVector,
    LLVMConversion,
    PatternTable,
    as_vector,
    dense,
    integer_attr,
    integers,
    mangle,
    memory_type,
    memref_of,
    vector_of,
    vector_type,
)

_SLT = integer_attr(2, i64)


def splat(c: LLVMConversion, value: SSAValue, type: AnyVector) -> SSAValue:
    """A vector with the same scalar in each lane."""
    owner = value.owner
    if isinstance(owner, upstream.ConstantOp) and isinstance(owner.value, IntegerAttr | FloatAttr):
        return c.constant(dense(type, [owner.value.value.data]), type)
    poison = c.poison(type)
    single = c.emit(upstream.InsertElementOp, (poison, value, c.integer(0)), type)
    return c.emit(upstream.ShuffleVectorOp, (single, poison), type, {"mask": _zeros(type.get_shape()[0])})


@cache
def _zeros(count: int) -> DenseArrayBase[Any]:
    return DenseArrayBase.from_list(i32, (0,) * count)


@lru_cache(maxsize=1024)
def _mask(*lanes: int) -> DenseArrayBase[Any]:
    """Which lanes a shuffle takes: the same few again and again."""
    return DenseArrayBase.from_list(i32, lanes)


def convert_broadcast(c: LLVMConversion, op: vector.BroadcastOp) -> None:
    source, type = c.get(op.source), as_vector(c.type(op.vector.type))
    assert type is not None
    given = as_vector(source.type)
    if given is not None:
        if given.get_shape() == type.get_shape():
            c.map(op.vector, source)
            return
        if given.get_shape() != (1,):
            raise CompileError(f"expected a broadcast of a scalar or a single lane, got {source.type} to {type}")
        source = c.emit(llvm.ExtractElementOp, (source, c.integer(0)), type.element_type)
    c.map(op.vector, splat(c, source, type))


def convert_fma(c: LLVMConversion, op: vector.FMAOp) -> None:
    c.map(op.res, fused_multiply_add(c, [c.get(operand) for operand in op.operands]))


def _address(c: LLVMConversion, base: SSAValue, indices: tuple[SSAValue, ...]) -> SSAValue:
    return c.address(base, linear_offset(memref_of(base), [operand_form(c, index) for index in indices]))


def convert_load(c: LLVMConversion, op: vector.LoadOp) -> None:
    pointer = _address(c, op.base, tuple(op.indices))
    c.map(op.result, c.load(pointer, c.type(op.result.type), alignment(op.base)))


def convert_store(c: LLVMConversion, op: vector.StoreOp) -> None:
    c.store(c.get(op.vector), _address(c, op.base, tuple(op.indices)), alignment(op.base))


def convert_masked_load(c: LLVMConversion, op: vector.MaskedLoadOp) -> None:
    pointer, mask, pass_thru = _address(c, op.base, tuple(op.indices)), c.get(op.mask), c.get(op.pass_thru)
    type = pass_thru.type
    stored = memory_type(type)
    if stored != type:
        pass_thru = c.emit(upstream.ZExtOp, (pass_thru,), stored)
    properties = {"alignment": integer_attr(alignment(op.base), i32)}
    value = c.emit(llvm.MaskedLoadOp, (pointer, mask, pass_thru), stored, properties)
    c.map(op.result, value if stored == type else c.to_boolean(value, type))


def convert_masked_store(c: LLVMConversion, op: vector.MaskedStoreOp) -> None:
    pointer, mask, value = _address(c, op.base, tuple(op.indices)), c.get(op.mask), c.get(op.value_to_store)
    stored = memory_type(value.type)
    if stored != value.type:
        value = c.emit(upstream.ZExtOp, (value,), stored)
    properties = {"alignment": integer_attr(alignment(op.base), i32)}
    c.emit_op(llvm.MaskedStoreOp.create(operands=(value, pointer, mask), properties=properties))


def convert_create_mask(c: LLVMConversion, op: vector.CreateMaskOp) -> None:
    type = as_vector(c.type(op.mask_vector.type))
    assert type is not None
    count = type.get_shape()[0]
    size = op.mask_dim_sizes[0]
    known = c.integers.get(size)
    if known is not None:
        bits = [lane < known for lane in range(count)]
        c.map(op.mask_vector, c.constant(dense(type, bits), type))
        return
    # Lanes are compared as i32: the size is brought into 0..count first.
    bounded = c.intrinsic("llvm.smax.i64", (c.get(size), c.integer(0)), i64)
    bounded = c.intrinsic("llvm.smin.i64", (bounded, c.integer(count)), i64)
    narrow = c.emit(upstream.TruncOp, (bounded,), i32)
    wide = vector_type(count, i32)
    steps = c.constant(dense(wide, list(range(count))), wide)
    mask = c.emit(upstream.ICmpOp, (steps, splat(c, narrow, wide)), type, {"predicate": _SLT})
    c.map(op.mask_vector, mask)


def _position(c: LLVMConversion, static: DenseArrayBase[Any], dynamic: tuple[SSAValue, ...]) -> SSAValue:
    if dynamic:
        return c.get(dynamic[0])
    (position,) = integers(static)
    return c.integer(position)


def convert_extract(c: LLVMConversion, op: vector.ExtractOp) -> None:
    source = c.get(op.vector)
    if len(op.static_position) == 0:
        c.map(op.result, source)
        return
    position = _position(c, op.static_position, tuple(op.dynamic_position))
    c.map(op.result, c.emit(llvm.ExtractElementOp, (source, position), c.type(op.result.type)))


def convert_insert(c: LLVMConversion, op: vector.InsertOp) -> None:
    value, target = c.get(op.source), c.get(op.dest)
    if len(op.static_position) == 0:
        c.map(op.result, value)
        return
    position = _position(c, op.static_position, tuple(op.dynamic_position))
    c.map(op.result, c.emit(upstream.InsertElementOp, (target, value, position), target.type))


def convert_shuffle(c: LLVMConversion, op: vector.ShuffleOp) -> None:
    left, right = c.get(op.v1), c.get(op.v2)
    mask = integers(op.mask)
    type = c.type(op.result.type)
    if left.type == right.type:
        properties = {"mask": _mask(*mask)}
        c.map(op.result, c.emit(upstream.ShuffleVectorOp, (left, right), type, properties))
        return
    # LLVM shuffles two vectors of one type: the shorter is padded first.
    n1, n2 = vector_of(left).get_shape()[0], vector_of(right).get_shape()[0]
    count = max(n1, n2)
    left, right = _padded(c, left, n1, count), _padded(c, right, n2, count)
    moved = [lane if lane < n1 else lane - n1 + count for lane in mask]
    properties = {"mask": _mask(*moved)}
    c.map(op.result, c.emit(upstream.ShuffleVectorOp, (left, right), type, properties))


def _padded(c: LLVMConversion, value: SSAValue, count: int, wanted: int) -> SSAValue:
    if count == wanted:
        return value
    mask = [lane if lane < count else -1 for lane in range(wanted)]
    type = vector_type(wanted, vector_of(value).element_type)
    properties = {"mask": _mask(*mask)}
    return c.emit(upstream.ShuffleVectorOp, (value, c.poison(value.type)), type, properties)


def convert_bitcast(c: LLVMConversion, op: vector.BitcastOp) -> None:
    c.map(op.result, c.emit(upstream.BitcastOp, (c.get(op.source),), c.type(op.result.type)))


_REDUCTIONS = {
    "and": ("and", upstream.AndOp),
    "or": ("or", upstream.OrOp),
    "xor": ("xor", upstream.XOrOp),
    "minsi": ("smin", None),
    "minui": ("umin", None),
    "maxsi": ("smax", None),
    "maxui": ("umax", None),
    "maximumf": ("fmaximum", "maximum"),
    "minimumf": ("fminimum", "minimum"),
    "maxnumf": ("fmax", "maxnum"),
    "minnumf": ("fmin", "minnum"),
}


def convert_reduction(c: LLVMConversion, op: vector.ReductionOp) -> None:
    source = c.get(op.vector)
    element = vector_of(source).element_type
    acc = None if op.acc is None else c.get(op.acc)
    kind = str(op.kind.data)
    flags = fastmath(op)
    if kind in ("add", "mul"):
        value = _sum_or_product(c, kind, source, acc, element, flags)
    else:
        name, combine = _REDUCTIONS[kind]
        is_float = kind.endswith("f")
        used = flags if is_float else None
        value = c.intrinsic(f"llvm.vector.reduce.{name}.{mangle(source.type)}", (source,), element, used)
        if acc is not None and isinstance(combine, type):
            value = c.emit(combine, (value, acc), element)
        elif acc is not None:
            scalar = combine or name
            value = c.intrinsic(f"llvm.{scalar}.{mangle(element)}", (value, acc), element, used)
    c.map(op.dest, value)


def _sum_or_product(
    c: LLVMConversion,
    kind: str,
    source: SSAValue,
    acc: SSAValue | None,
    element: Attribute,
    flags: upstream.FastMathAttr,
) -> SSAValue:
    if not isinstance(element, AnyFloat):
        value = c.intrinsic(f"llvm.vector.reduce.{kind}.{mangle(source.type)}", (source,), element)
        if acc is None:
            return value
        return c.emit(upstream.AddOp if kind == "add" else upstream.MulOp, (value, acc), element)
    # -0.0 is the sum of nothing: 0.0 + -0.0 would lose its sign
    start = acc or c.constant(FloatAttr(-0.0 if kind == "add" else 1.0, element), element)
    target = upstream.VectorReduceFAddOp if kind == "add" else upstream.VectorReduceFMulOp
    return c.emit(target, (start, source), element, {"fastmathFlags": flags})


VECTOR_TO_LLVM: PatternTable = {
    vector.BitcastOp: convert_bitcast,
    vector.BroadcastOp: convert_broadcast,
    vector.CreateMaskOp: convert_create_mask,
    vector.ExtractOp: convert_extract,
    **without_bf16({vector.FMAOp: convert_fma, vector.ReductionOp: convert_reduction}),
    vector.InsertOp: convert_insert,
    vector.LoadOp: convert_load,
    vector.MaskedLoadOp: convert_masked_load,
    vector.MaskedStoreOp: convert_masked_store,
    vector.ShuffleOp: convert_shuffle,
    vector.StoreOp: convert_store,
}
