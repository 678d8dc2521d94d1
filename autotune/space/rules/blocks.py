"""Kernels with several reductions, or with steps in order: each block by what fits it, where it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ....dialects.loop import BlockOp, IteratorKind, ReduceOp
from ....errors import ScheduleError
from ....transform.recorder import Handle
from ....transform.structure import is_window
from ..writer import Number, Writer
from .contraction import has_products
from .product import inline_maps
from .reductions import finish_maps_in_steps, in_lanes, inner_loops, reads_neighbours, sums_of, widths
from .steps import is_contiguous, lanes_of, moving_loops, parallel, vectorize_map

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch


def blocks(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels that reduce, but are neither one contraction nor one reduction of windows."""
    steps = any(map(_has_steps, subject.blocks))
    found = subject.reductions
    if not found and not steps:
        return
    if len(found) == 1 and not steps and (has_products(subject) or is_window(found[0])):
        return
    yield from subject.sketch("blocks/along reductions", partial(_write, False))
    yield from subject.sketch("blocks/along what is kept", partial(_write, True))


def _has_steps(block: BlockOp) -> bool:
    return block.has_kind(IteratorKind.ORDERED)


def _write(kept_first: bool, write: Writer) -> None:
    """Lanes along what a reduction reduces, or along what it keeps; along the other one if it has no neighbours."""
    inline_maps(write)
    sums = sums_of(write)
    width: Number = widths(write, sums) if sums else 1
    done = 0
    for each in sums:
        if kept_first:
            done += _along_kept(write, each) or _along_reduction(write, each, width)
        else:
            done += _along_reduction(write, each, width) or _along_kept(write, each)
        parallel(write, each)
    for block in write.blocks:
        if _has_steps(block):
            done += _steps_in_lanes(write, write.block(block.block_name))
    if not done:
        raise ScheduleError("expected a block with lanes, got none")
    finish_maps_in_steps(write)


def _along_reduction(write: Writer, sums: Handle, width: Number) -> bool:
    """Partial results in lanes, if the order may change and neighbours are reduced."""
    block = write.block_op(sums)
    loops = [loop for loop in inner_loops(write, sums)[1] if write.extent(loop) > 1]
    reduces = [op for op in block.writes() if isinstance(op, ReduceOp) and op.parent_op() is block]
    if not loops or not reads_neighbours(write, sums, loops[-1]) or not all(op.may_reorder for op in reduces):
        return False
    in_lanes(write, sums, width, [])
    return True


def _along_kept(write: Writer, sums: Handle) -> bool:
    """Lanes along the last dimension that a reduction keeps, if that is where neighbours are."""
    spatial, reduced = inner_loops(write, sums)
    loops = [loop for loop in spatial if write.extent(loop) > 1]
    if not loops or not reduced or not is_contiguous(write, sums, loops[-1]):
        return False
    outer, inner = write.tile(loops[-1], lanes_of(write, write.block_op(sums)))
    write.reorder(outer, *reduced, inner)
    write.vectorize(inner)
    write.decompose_reduction(sums, reduced[0])
    write.peel(outer)
    return True


def _steps_in_lanes(write: Writer, block: Handle) -> bool:
    """What a step computes, in lanes along its last dimension."""
    loops = moving_loops(write, block)
    if not loops or not is_contiguous(write, block, loops[-1]):
        return False
    return vectorize_map(write, block, loops[-1], lanes_of(write, write.block_op(block)))


__all__ = ["blocks"]
