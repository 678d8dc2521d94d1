"""A primitive that asks for what will be read: prefetch."""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, BlockArgument, Region, SSAValue
from xdsl.ir.affine import AffineMap

from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    LoopKind,
    PrefetchOp,
    byte_size,
    element_type,
    enclosing_loops,
    loop_bounds,
    zero_map,
)
from ...dialects.quasi_affine import Lin
from ...dialects.regions import buffer_shape, index_forms
from .common import buffer_name, describe, fresh_name, has_vector_loop, is_inside, kernel, nest, refuse, set_forms
from .staging import bounding_box

LINE_BYTES = 64
"""What a prefetch brings: a cache line."""
MOST_LINES = 4096
"""The most lines to ask for in an iteration: more would push out one another."""


def prefetch(block: BlockOp, buffer: SSAValue, at: ForOp, ahead: int = 1) -> BlockOp:
    """Asks, in each iteration of a loop, for the cache lines of what a block reads of an argument in a later one.

    before                         after `prefetch(C, B, at = k, ahead = 2)`
    loop.for %k : 64 {             loop.for %k : 64 {
      … C reads B[k, j]              … prefetch B[k + 2, 0:48:16]
    }                                … C reads B[k, j]
                                   }

    Nothing is computed by it, and a line that does not exist is not asked for.

    Returns:
        The block that asks, named after the buffer.

    Raises:
        ScheduleError: if the block does not read the buffer in the loop, or at data; if the buffer lives inside of the
            kernel; if what is read does not move with the loop, or is more than caches hold.
    """
    if not is_inside(block, at):
        refuse(f"expected a loop around block '{block.block_name}', got {describe(at)}", at, ("the block", block))
    if at.kind not in (LoopKind.SERIAL, LoopKind.UNROLLED, LoopKind.PIPELINED) or has_vector_loop(at):
        refuse(f"expected a loop whose iterations follow one another to prefetch in, got {at.kind} {describe(at)}", at)
    if ahead < 1:
        refuse(f"expected to prefetch at least 1 iteration ahead, got {ahead}", at)
    if not isinstance(buffer, BlockArgument):
        refuse(f"expected an argument of the kernel to prefetch, got '{buffer_name(buffer)}'", block)
    reads = [op for op in block.reads() if op.buffer is buffer]
    if not reads:
        refuse(f"expected a buffer that block '{block.block_name}' reads, got '{buffer_name(buffer)}'", block)
    forms = [form for read in reads for form in index_forms(read)]
    if None in forms:
        refuse(f"expected reads of '{buffer_name(buffer)}' at affine indices to prefetch, got data", block)
    shape = buffer_shape(buffer)
    box = bounding_box(reads, [*enclosing_loops(at), at])
    variable = at.induction_variable
    if not any(variable in interval.lower.values() for interval in box):
        refuse(
            f"expected what '{block.block_name}' reads of '{buffer_name(buffer)}' to move with {describe(at)}",
            block,
        )
    step = max(1, LINE_BYTES // byte_size(element_type(buffer)))
    sizes = [
        min((interval.uppers[0] - interval.lower).const + 1, extent)
        for interval, extent in zip(box, shape, strict=True)
    ]
    sizes[-1] = -(-sizes[-1] // step)
    if prod(sizes) > MOST_LINES:
        refuse(
            f"expected at most {MOST_LINES} cache lines of '{buffer_name(buffer)}' in an iteration of {describe(at)}, "
            f"got {prod(sizes)}",
            block,
        )
    rank = len(shape)
    body = Region(Block(arg_types=[IndexType()] * rank))
    for d, iterator in enumerate(body.block.args):
        iterator.name_hint = f"v{d}"
    body.block.add_op(PrefetchOp(buffer, AffineMap.identity(rank), body.block.args))
    name = fresh_name(kernel(at), f"{buffer_name(buffer)}_prefetch")
    asking = BlockOp(name, [IteratorKind.SPATIAL] * rank, shape, zero_map(rank), [], body)
    looping = [d for d, size in enumerate(sizes) if size > 1]
    loops, top = nest([sizes[d] for d in looping], [f"p{d}" for d in looping], asking)
    steps = {d: Lin.of(loop.induction_variable) for d, loop in zip(looping, loops, strict=True)}
    later = {variable: Lin.of(variable) + ahead}
    bindings: list[Lin] = []
    for d, interval in enumerate(box):
        lower = interval.lower.substitute(later, loop_bounds)
        bindings.append(lower + steps.get(d, Lin()) * (step if d == rank - 1 else 1))
    first = next(op for op in at.body.block.ops if not isinstance(op, AllocOp))
    at.body.block.insert_op_before(top, first)
    set_forms(asking, bindings, [])
    return asking


__all__ = ["prefetch"]
