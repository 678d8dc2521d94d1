"""Where the elements lie in memory that nests access: what tensor intrinsics ask for.

The primitive `tensorize` and the expansion of loops ask the same question, so that one accepts what the other emits.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from xdsl.dialects.builtin import MemRefType, VectorType
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineDimExpr

from .lanes import row_major_strides
from .layout import packed_shape
from .loop import AllocOp, BlockOp, ForOp, ReadOp, ReduceOp, WriteOp, YieldOp, element_type, loop_bounds
from .quasi_affine import Lin, from_affine
from .regions import buffer_shape, footprint, index_forms


def memory_forms(access: ReadOp | WriteOp | ReduceOp, buffer: SSAValue) -> Lin | None:
    """The place in memory of what an access touches, in elements from where its buffer begins, as a form over loops;
    None if data decides."""
    forms: list[Lin] = []
    for form in index_forms(access):
        if form is None:
            return None
        forms.append(form)
    shape: Sequence[int] = buffer_shape(buffer)
    owner = buffer.owner
    order: Sequence[int] = range(len(shape))
    if isinstance(owner, AllocOp):
        found = footprint(owner)
        forms = [form - base for form, base in zip(forms, found.base, strict=True)]
        shape, order = found.shape, owner.order
        if owner.tiling is not None:
            shape = packed_shape(owner.tiling, found.shape)
            forms = [from_affine(expr, forms, loop_bounds) for expr in owner.tiling.results]
            order = range(len(shape))
    strides = row_major_strides([shape[d] for d in order])
    total = Lin()
    for d, stride in zip(order, strides, strict=True):
        total = total + forms[d] * stride
    return total


def rows_of(
    type: MemRefType[Attribute], vectors: Sequence[VectorType[Attribute]]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The dimensions that tell the vectors apart that hold a small buffer, and those that each vector holds."""
    shape, count = type.get_shape(), vectors[0].get_shape()[0]
    split = next(d for d in range(len(shape)) if prod(shape[d:]) == count)
    return shape[:split], shape[split:]


def nest_of(loop: ForOp) -> tuple[list[ForOp], BlockOp] | None:
    """The loops from one on, each with nothing else in it, and the block in the last one."""
    loops = [loop]
    while True:
        ops = list(loops[-1].body.block.ops)
        match ops:
            case [ForOp() as inner]:
                loops.append(inner)
            case [BlockOp() as block]:
                return loops, block
            case _:
                return None


def tensors_failure(loop: ForOp) -> str | None:
    """Why a tensorized loop has no implementation of its nest; None if it has. What that computes is not looked at."""
    nest = nest_of(loop)
    if nest is None:
        return "expected one block in a tensorized loop, in loops with nothing else"
    loops, block = nest
    accesses = list(block.accesses())
    assert loop.tensors is not None and loop.implementation is not None
    last = loop.implementation.block.last_op
    if not isinstance(last, YieldOp):
        return "expected the implementation of a tensorized loop to end with loop.yield"
    inputs: list[Attribute] = [argument.type for argument in loop.implementation.block.args]
    outputs: list[Attribute] = [value.type for value in last.values]
    if sorted(tensor.access.data for tensor in loop.tensors) != list(range(len(accesses))):
        return f"expected tensors of the {len(accesses)} accesses of a tensorized nest"
    for tensor in loop.tensors:
        access = accesses[tensor.access.data]
        type = memref_type_of(tensor.type)
        if len(access.buffers) != 1 or element_type(access.buffers[0]) != type.element_type:
            return f"expected tensors of elements of one buffer, got {type}"
        if tensor.map.data.num_dims != len(loops):
            return f"expected indices of {type} over {len(loops)} loops, got {tensor.map.data}"
        operands = [Lin.of(each.induction_variable) for each in loops]
        for expr, extent in zip(tensor.map.data.results, type.get_shape(), strict=True):
            if from_affine(expr, operands, loop_bounds).range(loop_bounds) != (0, extent - 1):
                return f"expected a nest that accesses all of {type}, got {tensor.map.data}"
        for each in (
            outputs if isinstance(access, WriteOp) else inputs,
            outputs if isinstance(access, ReduceOp) else None,
        ):
            if each is None:
                continue
            count = vector_count(type, each[0] if each else None)
            if count is None or any(other != each[0] for other in each[:count]) or len(each) < count:
                return f"expected vectors of the elements of {type}, got {each[0] if each else 'nothing'}"
            split = len(type.get_shape()) - len(rows_of(type, [cast("VectorType[Attribute]", each[0])])[1])
            if any(not isinstance(expr, AffineDimExpr) for expr in tensor.map.data.results[:split]):
                return f"expected rows of {type} at loops of their own, got {tensor.map.data}"
            del each[:count]
    if inputs or outputs:
        return f"expected vectors of the elements of tensors, got {len(inputs) + len(outputs)} more"
    return None


def memref_type_of(type: Attribute) -> MemRefType[Attribute]:
    """A memref type, as one."""
    assert isinstance(type, MemRefType)
    return cast("MemRefType[Attribute]", type)


def vector_count(type: MemRefType[Attribute], vector: Attribute | None) -> int | None:
    """How many vectors of a type hold the elements of a small buffer, if rows of it are such vectors."""
    if not isinstance(vector, VectorType):
        return None
    own = cast("VectorType[Attribute]", vector)
    shape = type.get_shape()
    if own.get_num_dims() != 1 or own.element_type != type.element_type:
        return None
    size = own.get_shape()[0]
    return prod(shape) // size if any(prod(shape[d:]) == size for d in range(len(shape))) else None


__all__ = ["memory_forms", "nest_of", "rows_of", "tensors_failure", "vector_count"]
