"""Reductions that multiply nothing: sums, means and maxima over rows or columns, softmax, normalisations.

Rows go through all blocks of a kernel before the next ones do, so that what one block makes is in the first cache when
the next one reads it. A reduction is in lanes along itself, with several partial results in flight, or along what it
keeps; where its order may not change, several rows take their steps together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ....dialects.loop import BlockOp, IteratorKind
from ....errors import ScheduleError
from ....transform.recorder import Handle
from ....transform.structure import (
    is_map,
    is_reduction,
    is_sink,
    is_window,
    row_loops,
    stride_in,
)
from ..writer import Number, Writer
from .contraction import has_products
from .product import inline_maps, result_of
from .sizes import doublings, thinned
from .steps import (
    attempt,
    compute_maps_at,
    finish_maps,
    is_contiguous,
    lanes_are_open,
    lanes_of,
    moving_loops,
    parallel,
    producers,
)
from .tile import finish_others

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

MOST_WHOLE = 4
"""The most vectors whose lanes are all elements of a dimension."""
MOST_COLUMNS = 4
"""The most vectors that the accumulators of a tile of columns have."""


def reductions(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels with reductions that are neither contractions nor windows, and with maps."""
    found = subject.reductions
    if not found or not all(is_map(block) or is_reduction(block) for block in subject.blocks):
        return
    if len(found) == 1 and (has_products(subject) or is_window(found[0])):
        return
    yield from subject.sketch("reductions/rows", _rows)
    yield from subject.sketch("reductions/columns", _columns)
    if len(found) == 1:
        yield from subject.sketch("reductions/columns, rows outside", partial(_columns_alone, found[0].block_name))
    yield from subject.sketch("reductions/steps together", _steps)
    if len(found) == 1:
        yield from subject.sketch("reductions/rows, results apart", partial(_rows_apart, found[0].block_name))


def sums_of(write: Writer) -> list[Handle]:
    """The blocks that reduce."""
    return [write.block(block.block_name) for block in write.blocks if is_reduction(block)]


def _last(write: Writer) -> Handle:
    """The one block that nothing else reads.

    Raises:
        ScheduleError: if there are several.
    """
    sinks = [block for block in write.blocks if is_sink(block)]
    if len(sinks) != 1:
        raise ScheduleError(f"expected one block that is read by none, got {len(sinks)}")
    return write.block(sinks[0].block_name)


def _kept_loops(write: Writer, last: Handle) -> tuple[list[Handle], list[Handle]]:
    """The loops around the last block along what the reductions keep, and along what they reduce."""
    handles = {write.loop_op(loop): loop for loop in write.get_loops(last)}
    sums = [write.block_op(each) for each in sums_of(write)]
    block = write.block_op(last)
    if is_reduction(block):
        kinds = dict(zip(handles, block.kinds, strict=True))
        kept = [loop for loop, kind in kinds.items() if kind is IteratorKind.SPATIAL]
        reduced = [loop for loop, kind in kinds.items() if kind is IteratorKind.REDUCE]
    else:
        kept, reduced = row_loops(sums[0], block)
    moving = [handles[loop] for loop in kept if loop.extent > 1]
    if not moving:
        raise ScheduleError(f"expected several rows in '{block.block_name}', got one", block)
    return moving, [handles[loop] for loop in reduced]


def _compute_all_at(write: Writer, last: Handle, loop: Handle) -> None:
    """Everything that a block depends on is computed in a loop of it, the nearest first.

    Raises:
        ScheduleError: if something cannot be.
    """
    name = write.block_op(last).block_name
    moved, pending = [name], [name]
    while pending:
        for block in reversed(producers(write, pending.pop(0))):
            if block.block_name in moved or not set(_readers(write, block.block_name)) <= set(moved):
                continue
            write.compute_at(write.block(block.block_name), loop)
            moved.append(block.block_name)
            pending.append(block.block_name)


def _readers(write: Writer, name: str) -> list[str]:
    block = write.block_op(write.block(name))
    written = set(block.written_buffers())
    return [
        each.block_name for each in write.blocks if each is not block and written & {r.buffer for r in each.reads()}
    ]


def _tile_rows(write: Writer, options: Sequence[int]) -> Handle:
    """All blocks, some rows at a time; gives the last one."""
    inline_maps(write)
    last = _last(write)
    kept, reduced = _kept_loops(write, last)
    write.reorder(*kept, *reduced)
    rows = write.choose("rows", [size for size in options if size <= write.extent(kept[-1])] or [1])
    outer, _ = write.tile(kept[-1], rows)
    _compute_all_at(write, last, outer)
    return last


def inner_loops(write: Writer, sums: Handle) -> tuple[list[Handle], list[Handle]]:
    """The loops of a reduction that bind spatial iterators and are its own, and those that reduce."""
    block = write.block_op(sums)
    loops = write.get_loops(sums)
    count = len(block.kinds)
    own = loops[-count:] if len(loops) >= count else loops
    spatial = sum(kind is IteratorKind.SPATIAL for kind in block.kinds)
    return list(own[:spatial]), list(own[spatial:])


def _row(write: Writer, sums: Handle) -> list[Handle]:
    """The loop of a reduction over the rows of a group, if it keeps more than one element."""
    block = write.block_op(sums)
    spatial = inner_loops(write, sums)[0]
    extents = [e for e, kind in zip(block.extents, block.kinds, strict=True) if kind is IteratorKind.SPATIAL]
    return [loop for loop, extent in zip(spatial, extents, strict=True) if extent > 1][-1:]


def _kept_extents(block: BlockOp) -> list[int]:
    """How many results a reduction has along each dimension that it keeps, if not one."""
    return [e for e, kind in zip(block.extents, block.kinds, strict=True) if kind is IteratorKind.SPATIAL and e > 1]


def in_lanes(write: Writer, sums: Handle, width: Number, rows: Sequence[Handle]) -> None:
    """A reduction in lanes along its innermost dimension: partial results, then one of them all.

    Raises:
        ScheduleError: if it does not read neighbours, or its order may not change.
    """
    loops = [loop for loop in inner_loops(write, sums)[1] if write.extent(loop) > 1]
    if not loops:
        raise ScheduleError("expected a loop to reduce along, got none")
    k = loops[-1]
    if not reads_neighbours(write, sums, k):
        raise ScheduleError("expected to reduce neighbours", write.block_op(sums))
    ko, ki = write.tile(k, width)
    combine = write.split_reduction(sums, ki)
    steps = [*loops[:-1], ko]
    write.reorder(*steps, *rows, ki)
    write.vectorize(ki)
    if rows:
        write.unroll(*rows)
    write.decompose_reduction(sums, steps[0])
    write.peel(ko)
    partial_loop = write.get_loops(combine)[-1]
    write.decompose_reduction(combine, partial_loop)
    write.vectorize(partial_loop)


def reads_neighbours(write: Writer, block: Handle, loop: Handle) -> bool:
    """Whether all that a block reads is a neighbour, or the same, in neighbouring iterations of a loop."""
    around = write.loop_op(loop)
    return all(stride_in(around, read, read.buffer) in (0, 1) for read in write.block_op(block).reads())


def widths(write: Writer, sums: Sequence[Handle]) -> Number:
    """How many lanes partial results have: those of some registers, but not many more than there are elements."""
    blocks = [write.block_op(each) for each in sums]
    lanes = max(lanes_of(write, block) for block in blocks)
    longest = max(_depth(block) for block in blocks)
    return write.times(write.choose("vectors", [v for v in (1, 2, 4, 8) if v == 1 or v * lanes <= longest]), lanes)


def _depth(block: BlockOp) -> int:
    """How many elements a block reduces along its innermost dimension."""
    extents = [e for e, kind in zip(block.extents, block.kinds, strict=True) if kind is IteratorKind.REDUCE and e > 1]
    return extents[-1] if extents else 1


def _rows(write: Writer) -> None:
    """Rows go through all blocks; reductions in lanes along themselves."""
    last = _tile_rows(write, (1, 2, 4, 8))
    sums = sums_of(write)
    width = widths(write, sums)
    for each in sums:
        in_lanes(write, each, width, _row(write, each))
    _finish(write, last)


def _rows_apart(name: str, write: Writer) -> None:
    """Some rows at a time are reduced in lanes, down to one element each, before they are stored side by side."""
    inline_maps(write)
    sums = write.block(name)
    if len(write.block_op(sums).written_buffers()) != 1:
        raise ScheduleError("expected one result for each row, got several", write.block_op(sums))
    out = result_of(write, name)
    loops = moving_loops(write, out)
    if not loops or [write.extent(loop) for loop in loops] != _kept_extents(write.block_op(sums)):
        raise ScheduleError("expected several results, one for each row", write.block_op(out))
    depth, lanes = _depth(write.block_op(sums)), lanes_of(write, write.block_op(sums))
    # Lanes that are all elements need no tail.
    whole = {depth} if depth <= MOST_WHOLE * lanes else set[int]()
    width = write.choose("lanes", [*whole, *(v * lanes for v in (1, 2, 4, 8) if v * lanes <= depth)])
    rows = write.choose("rows", [size for size in (1, 2, 4, 8, 16) if size <= write.extent(loops[-1])])
    outer, inner = write.tile(loops[-1], rows)
    write.compute_at(sums, outer)
    in_lanes(write, sums, width, _row(write, sums))
    write.vectorize(inner)
    write.peel(outer)
    compute_maps_at(write, name, outer)
    finish_others(write, out)
    parallel(write, out)


def _finish(write: Writer, last: Handle) -> None:
    """Lanes for maps, and threads for groups of rows."""
    finish_maps_in_steps(write)
    parallel(write, last)


def finish_maps_in_steps(write: Writer) -> None:
    """Lanes for the maps that have none yet, if there are any."""
    if any(is_map(block) and lanes_are_open(block) for block in write.blocks):
        finish_maps(write, write.choose("map vectors", [1, 2, 4], 2))


def _columns(write: Writer) -> None:
    """Some columns go through all blocks; lanes along what reductions keep."""
    inline_maps(write)
    last = _last(write)
    kept, reduced = _kept_loops(write, last)
    if not _moves_together(write, last, kept[-1]):
        raise ScheduleError("expected neighbours along what is kept", write.block_op(last))
    lanes = lanes_of(write, write.block_op(last))
    most = max(1, min(MOST_COLUMNS, -(-write.extent(kept[-1]) // lanes)))
    width = write.times(write.choose("vectors", doublings(most), 1), lanes)
    write.reorder(*kept, *reduced)
    outer, inner = write.tile(kept[-1], width)
    if is_reduction(write.block_op(last)):
        copy = write.cache_write(last, outer)
        write.vectorize(write.get_loops(copy)[-1])
        _accumulate(write, last, reduced, inner)
    else:
        _compute_all_at(write, last, outer)
        if reduced:
            write.reorder(*reduced, inner)
        write.vectorize(inner)
        for each in sums_of(write):
            (lane,) = _row(write, each) or [inner]
            _accumulate(write, each, inner_loops(write, each)[1], lane)
        for block in write.blocks:
            if is_map(block) and lanes_are_open(block):
                loops = moving_loops(write, write.block(block.block_name))
                if loops and is_contiguous(write, write.block(block.block_name), loops[-1]):
                    attempt(write.vectorize, loops[-1])
    write.peel(outer)
    parallel(write, last)


def _moves_together(write: Writer, block: Handle, loop: Handle) -> bool:
    """Whether all that a block accesses moves by at most one element along a loop."""
    around = write.loop_op(loop)
    return all(
        stride_in(around, access, buffer) in (0, 1)
        for access in write.block_op(block).accesses()
        for buffer in access.buffers
    )


def _accumulate(write: Writer, sums: Handle, steps: Sequence[Handle], lane: Handle) -> None:
    """A reduction with lanes along what it keeps, some steps at a time."""
    moving = [loop for loop in steps if write.extent(loop) > 1]
    if not moving:
        raise ScheduleError("expected a loop to reduce along, got none", write.block_op(sums))
    ko, ki = write.tile(moving[-1], 4)
    write.reorder(*moving[:-1], ko, ki, lane)
    write.vectorize(lane)
    write.unroll(ki)
    write.decompose_reduction(sums, moving[0] if len(moving) > 1 else ko)
    write.peel(ko)


def _columns_alone(name: str, write: Writer) -> None:
    """Rows pass by as they lie; what they are added to stays in the first cache."""
    inline_maps(write)
    sums = write.block(name)
    spatial, steps = inner_loops(write, sums)
    columns = [loop for loop in spatial if write.extent(loop) > 1]
    moving = [loop for loop in steps if write.extent(loop) > 1]
    if not columns or not moving or not _moves_together(write, sums, columns[-1]):
        raise ScheduleError("expected columns to reduce", write.block_op(sums))
    lanes = lanes_of(write, write.block_op(sums))
    room = write.facts["l1_bytes"] // 2 * lanes // write.facts["vector_bytes"]
    extent = write.extent(columns[-1])
    blocks = [size for size in doublings(min(room, extent), 4 * lanes) if size <= max(room, 4 * lanes)]
    block = write.choose("columns", thinned(blocks, 6))
    width = write.times(write.choose("vectors", [1, 2, 4]), lanes)
    step = write.choose("step", [1, 2, 4, 8])
    jb, jr = write.tile(columns[-1], block)
    jo, ji = write.tile(jr, width)
    ko, ki = write.tile(moving[-1], step)
    write.reorder(*columns[:-1], jb, *moving[:-1], ko, jo, ki, ji)
    copy = write.cache_write(sums, jb)
    write.vectorize(ji)
    write.unroll(ki)
    line = write.get_loops(copy)[-1]
    outer, inner = write.tile(line, 2 * lanes)
    write.vectorize(inner)
    write.decompose_reduction(sums, moving[0] if len(moving) > 1 else ko)
    write.peel(jo, ko, jb, outer)
    compute_maps_at(write, name, jb)
    finish_maps(write)
    parallel(write, sums)


def _steps(write: Writer) -> None:
    """Rows that are reduced step by step, a few of them side by side, so that one does not wait for itself."""
    last = _tile_rows(write, (2, 4, 8, 16))
    for each in sums_of(write):
        moving = [loop for loop in inner_loops(write, each)[1] if write.extent(loop) > 1]
        rows = _row(write, each)
        if not moving or not rows:
            raise ScheduleError("expected steps of several rows", write.block_op(each))
        write.reorder(*moving, *rows)
        write.unroll(*rows)
        write.decompose_reduction(each, moving[0])
    _finish(write, last)


__all__ = ["finish_maps_in_steps", "in_lanes", "inner_loops", "reads_neighbours", "reductions", "sums_of", "widths"]
