"""Maps: each element on its own. Chains of functions, broadcasts, copies, transposes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from ....dialects.loop import BlockOp
from ....errors import ScheduleError
from ....transform.recorder import Handle
from ....transform.structure import is_map, stride_in
from ..writer import Writer
from .product import inline_maps
from .sizes import doublings, even_sizes, thinned
from .steps import finish_maps, is_contiguous, lanes_of, moving_loops, parallel

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

MOST_VECTORS = 8
"""The most vectors that are computed in one step."""


def maps(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels of maps only."""
    if not subject.blocks or not all(map(is_map, subject.blocks)):
        return
    yield from subject.sketch("maps/lanes", partial(_lanes, 0))
    for count in range(2, max(len(block.extents) for block in subject.blocks) + 1):
        # Dimensions that lie one after another, as one.
        yield from subject.sketch(f"maps/lanes along {count} dimensions", partial(_lanes, count))
    yield from subject.sketch("maps/transposed in registers", partial(_squares, False))
    yield from subject.sketch("maps/transposed in registers, columns outside", partial(_squares, True))
    yield from subject.sketch("maps/transposed, planes", _planes)


def _maps(write: Writer) -> list[Handle]:
    """The maps that are left when all that can be are computed in place."""
    inline_maps(write)
    return [write.block(block.block_name) for block in write.blocks]


def _most(write: Writer, block: BlockOp, extent: int) -> int:
    """How many vectors a step has at most: not many more than there are elements, and no more lanes than allowed."""
    lanes = lanes_of(write, block)
    return max(1, min(MOST_VECTORS, 256 // lanes, -(-extent // lanes)))


def _lanes(count: int, write: Writer) -> None:
    """Lanes along the last dimension, or along the last few as one; some vectors a step, some steps in a row."""
    done = 0
    blocks = _maps(write)
    loops = {each: moving_loops(write, each) for each in blocks}
    if not any(loops.values()):
        raise ScheduleError("expected elements, got one")
    first = max(blocks, key=lambda each: prod(write.block_op(each).extents))
    extent = 1
    for loop in loops[first][-max(1, count) :]:
        extent *= write.extent(loop)
    most = _most(write, write.block_op(first), extent)
    vectors = write.choose("vectors", doublings(most) if most > 1 else [1], 1)
    steps = write.choose("steps", [1, 2, 4] if extent >= 4 * lanes_of(write, write.block_op(first)) else [1])
    for each in blocks:
        last = loops[each][-max(1, count) :]
        if len(last) < max(1, count):
            continue
        loop = write.coalesce(*last) if count else last[-1]
        if not is_contiguous(write, each, loop):
            if count and each is first:
                raise ScheduleError("expected dimensions that lie one after another")
            continue
        width = write.times(vectors, lanes_of(write, write.block_op(each)))
        outer, inner = write.tile(loop, width)
        some, few = write.tile(outer, steps)
        write.vectorize(inner)
        write.unroll(few)
        write.peel(some)
        parallel(write, each)
        done += 1
    if not done:
        raise ScheduleError("expected neighbours, got none")
    finish_maps(write)


def _squares(columns_outside: bool, write: Writer) -> None:
    """Neighbours are read along one loop and written along another one: tiles are transposed in registers."""
    (block,) = _only(_maps(write))
    i = write.get_crossing_loop(block)
    loops = moving_loops(write, block, [i])
    j, rest = loops[-1], loops[:-1]
    lanes = lanes_of(write, write.block_op(block))
    even = thinned(even_sizes(write.extent(i), min(32, write.extent(i)), 4), 5)
    rows = write.choose("rows", [*even, *(size for size in (8, 16) if size < write.extent(i))])
    width = write.times(write.choose("vectors", [1, 2] if write.extent(j) >= 2 * lanes else [1], 1), lanes)
    # How many tiles in a row, before the next row of them.
    tiles = write.choose("tiles", [size for size in (1, 2, 4, 8, 16) if size * lanes <= write.extent(j)] or [1])
    io, ii = write.tile(i, rows)
    jb, jr = write.tile(j, write.times(width, tiles))
    jo, ji = write.tile(jr, width)
    write.reorder(*rest, *((jb, io) if columns_outside else (io, jb)), jo, ii, ji)
    write.unroll(ii)
    write.vectorize(ji)
    write.peel(io, jb, jo)
    parallel(write, block)


def _planes(write: Writer) -> None:
    """The same where what is read, or written, in one piece are several dimensions, such as all pixels of an image."""
    (block,) = _only(_maps(write))
    crossing = write.get_crossing_loop(block)
    i = write.loop_op(crossing)
    loops = moving_loops(write, block)
    position = next(place for place, loop in enumerate(loops) if write.loop_op(loop) is i)
    lanes = lanes_of(write, write.block_op(block))
    width = write.times(write.choose("vectors", [1, 2], 1), lanes)
    rows = write.choose("rows", [4, 8, 16, 32], 8)
    if position == len(loops) - 2:
        # What is read in one piece ends with the loop that crosses, and begins outside of it.
        if position < 1:
            raise ScheduleError("expected several dimensions that lie one after another, got one")
        plane, j = write.coalesce(loops[position - 1], loops[position]), loops[-1]
        rest = loops[: position - 1]
    else:
        plane, j = loops[position], write.coalesce(*loops[position + 1 :])
        rest = loops[:position]
    if not _is_written_in_order(write, block, j):
        raise ScheduleError("expected neighbours to be written, got others")
    po, pi = write.tile(plane, rows)
    jo, ji = write.tile(j, width)
    write.reorder(*rest, po, jo, pi, ji)
    write.unroll(pi)
    write.vectorize(ji)
    write.peel(po, jo)
    parallel(write, block)


def _is_written_in_order(write: Writer, block: Handle, loop: Handle) -> bool:
    """Whether a block writes neighbours in neighbouring iterations of a loop."""
    op, around = write.block_op(block), write.loop_op(loop)
    return all(stride_in(around, access, buffer) == 1 for access in op.writes() for buffer in access.buffers)


def _only(blocks: list[Handle]) -> list[Handle]:
    """The one block that is left.

    Raises:
        ScheduleError: if there are several.
    """
    if len(blocks) != 1:
        raise ScheduleError(f"expected one map, got {len(blocks)}")
    return blocks


__all__ = ["maps"]
