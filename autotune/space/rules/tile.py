"""Tiles of accumulators, and copies of what goes into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....dialects.lanes import MAX_LANES
from ....dialects.loop import LoopKind, blocks_in
from ....transform.recorder import Handle
from ....transform.structure import is_map
from ..writer import Number, Writer
from .product import Product, dimensions_of
from .sizes import covering, even_sizes, fitting
from .steps import attempt, is_contiguous, lanes_are_open, lanes_of, moving_loops, parallel, vectorize_map

MOST_UNROLLED = 160
"""The most multiplications of vectors that are written one after another: what is more takes long to compile, and does
not fit the cache of instructions."""
STEPS = (1, 2, 4, 8)
"""How many steps of the reduction are written one after another."""


PARALLEL_POINTS = 1 << 18
"""Fewer products than that are not worth waking threads."""


@dataclass(frozen=True)
class Tile:
    """Accumulators in registers: vectors side by side, rows of them, perhaps on several lines."""

    lanes: int
    vectors: Number
    rows: Number
    lines: Number
    width: Number
    """How many elements the vectors have."""
    vectors_used: Number
    """How many vectors of accumulators there are."""

    @staticmethod
    def choose(write: Writer, product: Product, n: int, rows: int, lines: int = 1) -> Tile:
        """Knobs for a tile that fits the registers, beside a row of the panel and one element that is broadcast."""
        registers = write.facts["vector_registers"]
        lanes = max(1, write.facts["vector_bytes"] // product.element)
        options = covering(-(-n // lanes), min(registers // 4, MAX_LANES // lanes))
        if product.group:
            # A tile is part of one group.
            options = [size for size in options if n % (size * lanes) == 0 or size * lanes >= n] or [1]
        vectors = write.choose("vectors", options)
        # Each tail is code of its own: of two dimensions one may have it.
        sizes = even_sizes(rows, registers - 2) if lines == 1 else fitting(rows, 8, registers - 2)
        high = write.choose("rows", sizes)
        deep = write.choose("lines", fitting(lines, 6, registers // 4)) if lines > 1 else 1
        used = write.times(vectors, write.times(high, deep))
        write.at_most(write.plus(write.plus(used, vectors), 1), registers)
        return Tile(lanes, vectors, high, deep, write.times(vectors, lanes), used)

    def unroll_steps(self, write: Writer, loop: Handle) -> tuple[Handle, Handle]:
        """Some steps of the reduction at a time: the loops over groups of them, and over one group."""
        step = write.choose("step", STEPS)
        write.at_most(write.times(self.vectors_used, step), MOST_UNROLLED)
        outer, inner = write.tile(loop, step)
        return outer, inner


def copy_panel(
    write: Writer, c: Handle, panel: Handle, at: Handle, lane_loop: Handle, product: Product, lane: int, tile: Tile
) -> list[Handle]:
    """Copies what a block of columns reads of the panel, each panel of it in one piece. Gives loops to peel."""
    (column,) = dimensions_of(write.block_op(c), product.panel, lane)
    return _copy_packed(write, c, panel, at, lane_loop, column, tile.width, (tile.lanes, tile.lanes))


def pack_rows(
    write: Writer, c: Handle, rows: Handle, at: Handle, row_loop: Handle, product: Product, row: int, tile: Tile
) -> list[Handle]:
    """Copies rows such that what a tile takes of them in one step lies side by side. Gives loops to peel."""
    (dimension,) = dimensions_of(write.block_op(c), product.other, row)
    return _copy_packed(write, c, rows, at, row_loop, dimension, tile.rows, (tile.rows, tile.lanes))


def _copy_packed(
    write: Writer,
    c: Handle,
    source: Handle,
    at: Handle,
    loop: Handle,
    dimension: int,
    size: Number,
    square: tuple[Number, Number],
) -> list[Handle]:
    """Copies what a block reads in a loop, such that so many elements along a dimension lie side by side: whole, or in
    squares that are transposed in registers where they lie along another one. Gives loops to peel."""
    copied = write.cache_read(c, source, at)
    (staged,) = write.get_writes(copied)
    loops = write.get_loops(copied)[-len(write.block_op(copied).iterators) :]
    if dimension == len(loops) - 1:
        outer, inner = write.tile(loops[dimension], size)
        write.vectorize(inner)
        peeled = [outer]
    else:
        peeled = squares(write, loops[dimension], loops[-1], *square)
    write.pack(c, staged, loop, [size])
    return peeled


def copy_rows(write: Writer, c: Handle, rows: Handle, at: Handle, tile: Tile) -> list[Handle]:
    """Copies the rows of a tile, such that they are no power of two apart, which would let them fight for the same
    places in the cache. Gives loops to peel."""
    copied = write.cache_read(c, rows, at)
    (staged,) = write.get_writes(copied)
    outer, inner = write.tile(write.get_loops(copied)[-1], 2 * tile.lanes)
    write.vectorize(inner)
    write.storage_align(staged, 0, 2 * tile.lanes, tile.lanes)
    return [outer]


def squares(write: Writer, lane: Handle, step: Handle, width: Number, height: Number) -> list[Handle]:
    """Lanes along a loop in which a block writes neighbours where it reads them along another one: what is read is
    transposed in registers. Gives the loops over squares."""
    lane_outer, lanes = write.tile(lane, width)
    step_outer, steps = write.tile(step, height)
    write.reorder(lane_outer, step_outer, steps, lanes)
    write.unroll(steps)
    write.vectorize(lanes)
    return [lane_outer, step_outer]


def is_worth_threads(facts: Mapping[str, int], product: Product) -> bool:
    """Whether there are several threads, and work for them."""
    return facts.get("threads", 1) > 1 and product.points >= PARALLEL_POINTS


def attempt_threads(write: Writer, loops: Sequence[Handle]) -> bool:
    """Whether one of some loops, whose extents no knob changes, has an iteration for each thread, and runs on all."""
    threads = write.facts["threads"]
    return any(write.extent(loop) >= threads and attempt(write.parallelize, loop) for loop in loops)


def blocks_of(write: Writer, extent: int, size: Number) -> Number:
    """How many blocks of a size an extent has."""
    return -(-extent // size) if isinstance(size, int) else write.param(extent, size, kind="ceildiv")


def share(write: Writer, loop: Handle, count: Number) -> None:
    """Runs a loop on all threads; it has as many iterations as there are threads, or more."""
    write.at_least(count, write.facts["threads"])
    write.parallelize(loop)


def finish_others(write: Writer, out: Handle) -> None:
    """Lanes for the maps that the kernel came with and that are not part of the tiles, such as what pads."""
    names = {block.block_name for block in blocks_in(write.workload.kernel)} - {write.block_op(out).block_name}
    for block in write.blocks:
        if block.block_name in names and is_map(block):
            handle = write.block(block.block_name)
            loops = moving_loops(write, handle)
            serial = bool(loops) and write.loop_op(loops[-1]).kind is LoopKind.SERIAL
            if serial and lanes_are_open(block) and is_contiguous(write, handle, loops[-1]):
                vectorize_map(write, handle, loops[-1], 2 * lanes_of(write, block))
                parallel(write, handle)


__all__ = [
    "MOST_UNROLLED",
    "STEPS",
    "Tile",
    "attempt_threads",
    "blocks_of",
    "copy_panel",
    "copy_rows",
    "finish_others",
    "is_worth_threads",
    "pack_rows",
    "share",
    "squares",
]
