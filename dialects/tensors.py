"""Where the elements lie in memory that nests access: what tensor intrinsics ask for.

The primitive `tensorize` and the expansion of loops ask the same question, so that the one accepts what the other emits.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.dialects.builtin import MemRefType, VectorType
from xdsl.ir import Attribute, SSAValue

from .lanes import row_major_strides
from .layout import packed_shape
from .loop import AllocOp, ReadOp, ReduceOp, WriteOp, loop_bounds
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


__all__ = ["memory_forms", "rows_of"]
