"""The order of the loops of a kernel that nobody has scheduled."""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from ...dialects.loop import BlockOp, ForOp, IteratorKind, ReadOp, memref_type
from ...errors import ScheduleError
from ...transform.primitives import interchange

_LINE = 16
"""From how many elements apart on neighbours are as good as anywhere."""


def order_loops(module: ModuleOp) -> None:
    """Brings, in nests of one reduction, the last loop of the result inside if reads lie along that one rather than
    along the innermost one of the reduction. Each sum keeps its order.

    Before → after: `i, j, k` around `C[i, j] += A[i, k] * B[k, j]` → `i, k, j`.
    """
    for block in [op for op in module.walk() if isinstance(op, BlockOp)]:
        loops = _nest_of(block)
        spatial = block.kinds.count(IteratorKind.SPATIAL)
        reduce = block.kinds.count(IteratorKind.REDUCE)
        in_order = [IteratorKind.SPATIAL] * spatial + [IteratorKind.REDUCE] * reduce
        if not spatial or not reduce or block.kinds != in_order or len(loops) != len(in_order):
            continue
        reads = [op for op in block.walk() if isinstance(op, ReadOp)]
        inside, outside = (sum(_stride(read, block.iterators[at]) for read in reads) for at in (-1, spatial - 1))
        if outside < inside:
            order = [*range(spatial - 1), *range(spatial, len(loops)), spatial - 1]
            try:
                interchange(loops, order)
            except ScheduleError:
                continue


def _nest_of(block: BlockOp) -> list[ForOp]:
    """The loops around a block, as long as nothing else is in them; outermost first."""
    loops: list[ForOp] = []
    parent = block.parent_op()
    while isinstance(parent, ForOp) and parent.body.block.first_op is parent.body.block.last_op:
        loops.insert(0, parent)
        parent = parent.parent_op()
    return loops


def _stride(read: ReadOp, iterator: SSAValue) -> int:
    """How many elements apart neighbours along an iterator are; from some number on that makes no difference."""
    shape = memref_type(read.buffer).get_shape()
    moved = 0
    for dimension, expr in enumerate(read.map.data.results):
        if any(read.indices[used] is iterator for used in expr.used_dims()):
            moved += prod(shape[dimension + 1 :])
    return min(moved, _LINE)
