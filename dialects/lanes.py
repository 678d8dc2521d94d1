"""What becomes of accesses when a loop's iterations become vector lanes.

The primitive `vectorize` and the expansion of loops ask the same questions, so that nothing that the one accepts is
refused by the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from .loop import AllocOp, BlockOp, ForOp, LoopKind, ReadOp, ReduceOp, WriteOp, blocks_in, enclosing_loops, nest_ops
from .quasi_affine import Lin
from .regions import block_of, buffer_shape, index_forms, reduce_loops

MAX_LANES = 256
"""The most lanes a loop may have: a few registers' worth, since code is emitted for each register."""


def lane_coefficient(form: Lin, lane: SSAValue) -> int | None:
    """How much a form grows from one lane to the next: 0 where all lanes share it; None where it is no constant."""
    return form.coefficient(lane)


def row_major_strides(shape: Sequence[int]) -> list[int]:
    """How many elements apart neighbours in each dimension are."""
    strides = [1] * len(shape)
    for d in range(len(shape) - 2, -1, -1):
        strides[d] = strides[d + 1] * shape[d + 1]
    return strides


def buffer_strides(buffer: SSAValue) -> list[int]:
    """How many elements apart neighbours in each dimension of a buffer are."""
    shape, owner = buffer_shape(buffer), buffer.owner
    if not isinstance(owner, AllocOp) or owner.layout is None or owner.tiling is not None:
        return row_major_strides(shape)
    strides = [1] * len(shape)
    step = 1
    for d in reversed(owner.order):
        strides[d] = step
        step *= shape[d]
    return strides


def lane_stride(forms: Sequence[Lin], strides: Sequence[int], lane: SSAValue) -> int | None:
    """How many elements apart the accesses of neighbouring lanes are: 0 where all lanes access one element, 1 where
    they are a vector; None where there is no one stride."""
    total = 0
    moves = False
    for form, stride in zip(forms, strides, strict=True):
        coefficient = form.coefficient(lane)
        if coefficient is None:
            # Digits of one number, in dimensions that lie one after another, are that number.
            place = sum((form * stride for form, stride in zip(forms, strides, strict=True)), Lin())
            return place.coefficient(lane) or None
        if coefficient:
            moves = True
            total += coefficient * stride
    return None if moves and not total else total


def vectorization_failure(loop: ForOp) -> str | None:
    """Why a loop cannot become vector lanes, None if it can. Dependences are not looked at."""
    if loop.extent > MAX_LANES:
        return f"expected at most {MAX_LANES} lanes, got {loop.extent}"
    for outer in enclosing_loops(loop):
        if outer.kind is LoopKind.VECTORIZED:
            return "expected one vectorized loop in a nest, got one inside of another"
    for op in nest_ops(loop):
        if isinstance(op, ForOp) and op.kind in (LoopKind.VECTORIZED, LoopKind.PARALLEL):
            return f"expected no {op.kind} loop inside of a vectorized one"
    for block in blocks_in(loop):
        if (failure := _block_failure(block, loop)) is not None:
            return f"block '{block.block_name}': {failure}"
    return None


def _block_failure(block: BlockOp, loop: ForOp) -> str | None:
    for access in block.accesses():
        if isinstance(access, ReadOp):
            continue
        if combines_lanes(access, loop):
            continue
        for buffer in access.buffers:
            if is_lane_private(buffer, loop):
                continue
            forms, shape = index_forms(access), buffer_shape(buffer)
            # In a dimension of extent 1, at most one of the lanes writes.
            moving = [form for form, extent in zip(forms, shape, strict=True) if form is not None and extent > 1]
            if loop.extent > 1 and all(form.coefficient(loop.induction_variable) == 0 for form in moving):
                return "expected the lanes to write different elements, got one element for all of them"
            if None in forms:
                return "expected writes at affine functions of iterators"
    return None


def combines_lanes(access: ReadOp | WriteOp | ReduceOp, loop: ForOp) -> bool:
    """Whether an access combines what the lanes of a loop compute to one value: the loop goes along a reduction whose
    order may change and whose init is elsewhere."""
    if not isinstance(access, ReduceOp) or not access.may_reorder:
        return False
    block = block_of(access)
    return block.init is None and loop in reduce_loops(block)


def is_lane_private(buffer: SSAValue, loop: ForOp) -> bool:
    """Whether every lane of a vectorized loop has a buffer of its own: it is allocated inside of the loop."""
    owner = buffer.owner
    return isinstance(owner, AllocOp) and loop.is_ancestor(owner)
