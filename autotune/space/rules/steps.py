"""Steps that several rules take: maps in place or beside what reads them, loops in lanes, loops on all threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from ....dialects.loop import BlockOp, IteratorKind, LoopKind, element_type, enclosing_loops
from ....dialects.regions import writers_of
from ....errors import ScheduleError
from ....transform.recorder import Handle
from ....transform.structure import element_bytes, is_map, is_pad, stride_in
from ..writer import Number, Writer

PARALLEL_POINTS = 1 << 15
"""Blocks with fewer points are not worth waking threads; sums of products count as an eighth."""


def attempt(step: Callable[..., Any], *args: Any) -> bool:
    """Whether a step is legal; if not, nothing has changed, and it is not in the script."""
    try:
        step(*args)
    except ScheduleError:
        return False
    return True


def lanes_of(write: Writer, block: BlockOp) -> int:
    """How many of the elements that a block writes a vector register holds; of bytes as many as of numbers of 32 bits,
    since what is computed is wider."""
    return max(1, write.facts["vector_bytes"] // max(4, element_bytes(element_type(block.written_buffers()[0]))))


def producers(write: Writer, name: str) -> list[BlockOp]:
    """The blocks that write what a block reads, nearest last."""
    block = write.block_op(write.block(name))
    buffers = dict.fromkeys(read.buffer for read in block.reads())
    found = {writer for buffer in buffers for writer in writers_of(buffer) if writer is not block}
    return [each for each in write.blocks if each in found]


def inline_pads(write: Writer, name: str) -> None:
    """Lets a block choose between an element and a constant where it reads, instead of reading what was padded."""
    for block in producers(write, name):
        if is_pad(block):
            attempt(write.compute_inline, write.block(block.block_name))


def compute_maps_at(write: Writer, name: str, loop: Handle) -> list[str]:
    """Moves the maps that a block depends on into a loop around it, the nearest first, as far as that is legal."""
    moved: list[str] = []
    pending = [name]
    while pending:
        for block in reversed(producers(write, pending.pop(0))):
            own = block.block_name
            if own not in moved and is_map(block) and attempt(write.compute_at, write.block(own), loop):
                moved.append(own)
                pending.append(own)
    return moved


def moving_loops(write: Writer, block: Handle, inside: Sequence[Handle] = ()) -> list[Handle]:
    """The loops around a block that run more than once and that are none of some."""
    known = {write.loop_op(loop) for loop in inside}
    return [loop for loop in write.get_loops(block) if write.extent(loop) > 1 and write.loop_op(loop) not in known]


def is_contiguous(write: Writer, block: Handle, loop: Handle) -> bool:
    """Whether a block writes neighbours in neighbouring iterations of a loop, and reads neighbours or one element."""
    op, around = write.block_op(block), write.loop_op(loop)
    for access in op.accesses():
        for buffer in access.buffers:
            stride = stride_in(around, access, buffer)
            if stride != 1 and (stride != 0 or buffer in op.written_buffers()):
                return False
    return True


def vectorize_map(write: Writer, block: Handle, loop: Handle, width: Number) -> bool:
    """Lanes along a loop of a map; whether that is legal."""
    outer, inner = write.tile(loop, width)
    if not attempt(write.vectorize, inner):
        return False
    write.peel(outer)
    return True


def lanes_are_open(block: BlockOp) -> bool:
    """Whether a block writes, and the loops around it are neither of lanes nor part of an intrinsic."""
    open_kinds = (LoopKind.SERIAL, LoopKind.UNROLLED, LoopKind.PARALLEL)
    return bool(block.written_buffers()) and all(loop.kind in open_kinds for loop in enclosing_loops(block))


def finish_maps(write: Writer, vectors: Number = 2) -> None:
    """Lanes along the last dimension of all maps that have none yet."""
    for block in write.blocks:
        if not is_map(block) or not lanes_are_open(block):
            continue
        handle = write.block(block.block_name)
        loops = moving_loops(write, handle)
        serial = bool(loops) and write.loop_op(loops[-1]).kind is LoopKind.SERIAL
        if serial and is_contiguous(write, handle, loops[-1]):
            vectorize_map(write, handle, loops[-1], write.times(vectors, lanes_of(write, block)))
            parallel(write, handle)


def parallel(write: Writer, block: Handle, share: int = 1) -> None:
    """All threads on the outermost loop of a block that gives each of them something, if the work is worth it. `share`:
    how many of the block's points are as much work as one of a map."""
    threads = write.facts.get("threads", 1)
    op = write.block_op(block)
    if threads < 2 or prod(op.extents) < PARALLEL_POINTS * share or IteratorKind.ORDERED in op.kinds:
        return
    for loop in write.get_loops(block):
        if write.extent(loop) >= threads and attempt(write.parallelize, loop):
            return


__all__ = [
    "attempt",
    "compute_maps_at",
    "finish_maps",
    "inline_pads",
    "is_contiguous",
    "lanes_are_open",
    "lanes_of",
    "moving_loops",
    "parallel",
    "producers",
    "vectorize_map",
]
