"""Windows of planes: depthwise convolutions and pools.

Rows of the output are computed in lanes, a few rows at a time, so that what windows share is in registers. Whether rows
follow one another or take their steps together, how many there are, and how what is read is padded are the choices:
lanes beyond an edge can be masked off where they are read; or a part of the input is copied with its border first. That
is in registers if it is the part of one tile, and no lane needs a mask then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from ....dialects.loop import BlockOp, IteratorKind, LoopKind
from ....errors import ScheduleError
from ....transform.recorder import Handle
from ....transform.structure import is_map, is_reduction, is_window
from ..writer import Writer
from .product import inline_maps, own_loops, result_of
from .sizes import even_sizes, thinned
from .steps import (
    attempt,
    compute_maps_at,
    finish_maps,
    inline_pads,
    lanes_of,
    parallel,
    producers,
)

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

MOST_STEPS = 320
"""The most steps of windows, of a vector each, that are written one after another: what is more takes long to compile,
and does not fit the cache of instructions."""
MOST_TAPS = 64
"""Larger windows are not unrolled."""
ORDERS = ("row by row", "rows together", "columns of the window outside")


def windows(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels with one reduction, of windows, after and before maps."""
    if len(subject.reductions) != 1 or not all(map(_is_known, subject.blocks)):
        return
    (block,) = subject.reductions
    if not is_window(block):
        return
    name, taps = block.block_name, _taps(block)
    orders = ORDERS if sum(extent > 1 for extent in taps) > 1 else ORDERS[:2]
    for order in orders:
        yield from subject.sketch(f"windows/masked, {order}", partial(_masked, name, order))
    for order in orders[:2]:
        yield from subject.sketch(f"windows/padded, {order}", partial(_padded, name, order))
    if any(map(is_map, subject.blocks[: subject.blocks.index(block)])):
        for order in orders[:2]:
            yield from subject.sketch(f"windows/staged, {order}", partial(_staged, name, order))
    yield from subject.sketch("windows/masked, planes together", partial(_together, name))


def _is_known(block: BlockOp) -> bool:
    return is_map(block) or is_reduction(block)


def _taps(block: BlockOp) -> list[int]:
    """The extents of the window."""
    return [e for e, kind in zip(block.extents, block.kinds, strict=True) if kind is IteratorKind.REDUCE]


@dataclass(frozen=True)
class Plane:
    """The tiles that the last two dimensions are divided into: the loops over tiles, and those in a tile."""

    y: Handle
    x: Handle
    rows: Handle
    lanes: Handle


def _plane(write: Writer, y: Handle, x: Handle, lanes: int, taps: int, padded: bool = False) -> Plane:
    """Tiles of some rows and vectors: rows that are all full, or nearly so."""
    height, width = write.extent(y), write.extent(x)
    sizes = [lanes] if width <= lanes else [lanes, 2 * lanes]
    if lanes >= 16 and 2 * width <= 3 * lanes and not padded:
        sizes.append(lanes // 2)
    across = write.choose("lanes", sizes, lanes)
    most = max(1, min(height, MOST_STEPS // taps))
    rows = write.choose("rows", thinned(even_sizes(height, most), 10))
    # A vector each.
    write.at_most(write.times(write.times(rows, across), taps), MOST_STEPS * lanes)
    yo, yi = write.tile(y, rows)
    xo, xi = write.tile(x, across)
    return Plane(yo, xo, yi, xi)


def _masked(name: str, order: str, write: Writer) -> None:
    """Lanes and rows beyond an edge are masked off where they are read."""
    inline_maps(write)
    inline_pads(write, name)
    c = write.block(name)
    out = _result(write, name)
    *_, y, x = write.get_loops(out)
    plane = _plane(write, y, x, lanes_of(write, write.block_op(out)), prod(_taps(write.block_op(c))))
    write.reorder(plane.y, plane.x, plane.rows, plane.lanes)
    _compute(write, c, plane, order)
    _finish(write, c, out, plane)


def _together(name: str, write: Writer) -> None:
    """Some planes side by side, where a row is at most half a vector, so that there is something to do while the sums
    of one of them wait for each other."""
    inline_maps(write)
    inline_pads(write, name)
    c = write.block(name)
    out = _result(write, name)
    *rest, y, x = write.get_loops(out)
    planes = [loop for loop in rest if write.extent(loop) > 1]
    lanes, width = lanes_of(write, write.block_op(out)), write.extent(x)
    if not planes or 2 * width > lanes:
        raise ScheduleError("expected several planes of short rows", write.block_op(out))
    count = write.choose("planes", [size for size in (2, 3, 4) if size <= write.extent(planes[-1])])
    taps = prod(_taps(write.block_op(c)))
    rows = write.choose("rows", thinned(even_sizes(write.extent(y), max(1, MOST_STEPS // (2 * taps))), 10))
    write.at_most(write.times(write.times(rows, count), taps), MOST_STEPS)
    groups, each = write.tile(planes[-1], count)
    across = write.choose("lanes", [lanes, lanes // 2], lanes)
    yo, yi = write.tile(y, rows)
    xo, xi = write.tile(x, across)
    write.reorder(groups, yo, xo, each, yi, xi)
    write.compute_at(c, xo)
    own = own_loops(write, c)
    kinds = write.block_op(c).kinds
    window = [own[i] for i, kind in enumerate(kinds) if kind is IteratorKind.REDUCE]
    window.reverse()
    spatial = [own[i] for i, kind in enumerate(kinds) if kind is IteratorKind.SPATIAL]
    write.reorder(*window, *spatial)
    write.vectorize(spatial[-1])
    write.unroll(*window, *(loop for loop in spatial[:-1] if write.loop_op(loop).kind is LoopKind.SERIAL))
    write.vectorize(xi)
    write.unroll(each, yi)
    write.peel(xo, yo, groups)
    finish_maps(write)
    parallel(write, c, 8)


def _staged(name: str, order: str, write: Writer) -> None:
    """Maps before, a border among them, are computed for some channels at a time."""
    inline_maps(write)
    c = write.block(name)
    if not producers(write, name):
        raise ScheduleError("expected something to stage, got nothing")
    out = _result(write, name)
    *rest, y, x = write.get_loops(out)
    planes = [loop for loop in rest if write.extent(loop) > 1]
    at = rest[-1]
    if planes:
        options = [size for size in (1, 2, 4, 8, 16) if size <= write.extent(planes[-1])]
        at, _ = write.tile(planes[-1], write.choose("planes", options))
    plane = _plane(write, y, x, lanes_of(write, write.block_op(out)), prod(_taps(write.block_op(c))))
    write.reorder(plane.y, plane.x, plane.rows, plane.lanes)
    _compute(write, c, plane, order)
    compute_maps_at(write, name, at)
    _finish(write, c, out, plane)


def _padded(name: str, order: str, write: Writer) -> None:
    """All lanes compute: what they read is a part of the input with its border, copied for a tile of rows."""
    inline_maps(write)
    c = write.block(name)
    out = _result(write, name)
    lanes = lanes_of(write, write.block_op(out))
    kinds = write.block_op(c).kinds
    spatial = [i for i, kind in enumerate(kinds) if kind is IteratorKind.SPATIAL]
    multiples = [lanes if i == spatial[-1] else 1 for i in range(len(kinds))]
    copies = write.pad(c, multiples)
    if not copies:
        raise ScheduleError("expected lanes that are left over, got none")
    *reads, written = copies
    write.compute_inline(written)
    for block in producers(write, write.block_op(reads[0]).block_name):
        attempt(write.compute_inline, write.block(block.block_name))
    own = own_loops(write, c)
    y, x = own[spatial[-2]], own[spatial[-1]]
    taps = [own[i] for i in own if i not in spatial]
    plane = _plane(write, y, x, lanes, prod(_taps(write.block_op(c))), padded=True)
    if order == ORDERS[0]:
        write.reorder(plane.y, plane.x, plane.rows, *taps, plane.lanes)
        at = plane.rows
    else:
        write.reorder(plane.y, plane.x, *taps, plane.rows, plane.lanes)
        at = plane.x
    write.vectorize(plane.lanes)
    write.unroll(plane.rows, *taps)
    write.reverse_compute_at(out, at)
    rows, columns = write.get_loops(out)[-2:]
    write.vectorize(columns)
    write.unroll(rows)
    for copy in reads:
        write.compute_at(copy, plane.y)
        lines, line = write.get_loops(copy)[-2:]
        write.vectorize(line)
        write.unroll(lines)
    write.peel(plane.y, plane.x)
    finish_maps(write)
    parallel(write, c, 8)


def _result(write: Writer, name: str) -> Handle:
    """The block that writes results, whose last two dimensions are those of the windows.

    Raises:
        ScheduleError: if they are not, or there is one dimension.
    """
    out = result_of(write, name)
    block, sums = write.block_op(out), write.block_op(write.block(name))
    spatial = [e for e, kind in zip(sums.extents, sums.kinds, strict=True) if kind is IteratorKind.SPATIAL]
    if len(block.extents) < 2 or list(block.extents[-2:]) != spatial[-2:] or spatial[-1] == 1:
        raise ScheduleError(f"expected rows of windows in '{block.block_name}'", block)
    return out


def _compute(write: Writer, c: Handle, plane: Plane, order: str) -> None:
    """The sums of a tile where its results are made."""
    write.compute_at(c, plane.rows if order == ORDERS[0] else plane.x)
    own = own_loops(write, c)
    kinds = write.block_op(c).kinds
    taps = [own[i] for i, kind in enumerate(kinds) if kind is IteratorKind.REDUCE]
    y, x = [own[i] for i, kind in enumerate(kinds) if kind is IteratorKind.SPATIAL][-2:]
    if order == ORDERS[2]:
        taps.reverse()
    write.reorder(*taps, y, x)
    write.vectorize(x)
    write.unroll(y, *taps)


def _finish(write: Writer, c: Handle, out: Handle, plane: Plane) -> None:
    """Lanes for results, and for what is before and after."""
    write.vectorize(plane.lanes)
    write.unroll(plane.rows)
    write.peel(plane.x, plane.y)
    finish_maps(write)
    parallel(write, c, 8)


__all__ = ["windows"]
