"""Contractions: rows times panels, in tiles of accumulators that stay in registers.

A panel is what one input holds for the lanes of some vectors; elements of the other input are broadcast. So products of
matrices of all kinds and direct convolutions are alike: which input is the panel, which loops are lanes, how large the
tile is, what is copied so that it lies in one piece, and which block of what stays in which cache are the choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ....transform.recorder import Handle
from ..writer import Number, Writer
from .product import (
    Product,
    dimensions_of,
    inline_maps,
    loops_by_iterator,
    other_loops,
    own_loops,
    products,
    result_of,
    write_stride,
)
from .sizes import doublings, even_sizes

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

MOST_UNROLLED = 160
"""The most multiplications of vectors that are written one after another: what is more takes long to compile, and does
not fit the cache of instructions."""
PARALLEL_POINTS = 1 << 18
"""Fewer products than that are not worth waking threads."""


def contraction(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels with one contraction, after and before maps."""
    for product in products(subject.blocks):
        side = "panels" if product == products(subject.blocks)[0] else "left panels"
        if product.rows:
            for variant in _tiles(product):
                yield from subject.sketch(f"contraction/{side}, {variant}", partial(variant.write, product))


@dataclass(frozen=True)
class Tiles:
    """Tiles of accumulators for the whole sum; `order`: which of rows and columns goes round inside of a block."""

    columns_inside: bool
    panel: str
    rows: str

    def __str__(self) -> str:
        inside = "columns inside" if self.columns_inside else "rows inside"
        return ", ".join([inside, f"panel {self.panel}", f"rows {self.rows}"])

    def write(self, product: Product, write: Writer) -> None:
        """Writes the sketch."""
        inline_maps(write)
        c = write.block(product.name)
        out = result_of(write, product.name)
        reads = write.get_reads(c)
        panel, other = reads[product.panel], reads[product.other]
        loops = loops_by_iterator(write, c, out)
        lane = max(reversed(product.lanes), key=lambda i: product.extents[i])
        row = product.rows[-1]
        i, j = loops[row], loops[lane]
        rest = other_loops(write, out, [i, j])
        tile = Shape.choose(write, product, product.extents[row], product.extents[lane])
        n = product.extents[lane]
        across = write_stride(write, out, j) != 1
        panels = write.choose("panels", doublings(-(-n // tile.lanes)), doublings(-(-n // tile.lanes))[-1])
        block = write.times(tile.width, panels)
        jb, jp = write.tile(j, block)
        jo, ji = write.tile(jp, tile.width)
        io, ii = write.tile(i, tile.rows)
        inner = (io, jo) if self.columns_inside else (jo, io)
        write.reorder(*rest, jb, *inner, *((ji, ii) if across else (ii, ji)))
        write.compute_at(c, inner[-1])
        own = own_loops(write, c)
        sums = list(product.sums)
        longest = max(reversed(sums), key=lambda k: product.extents[k])
        step = write.choose("step", [1, 2, 4, 8])
        write.at_most(write.times(tile.products, step), MOST_UNROLLED)
        ko, ki = write.tile(own[longest], step)
        others = [own[k] for k in own if k not in (row, lane, longest)]
        write.reorder(*others, ko, ki, own[row], own[lane])
        write.vectorize(own[lane])
        write.unroll(ki, own[row])
        reduced = [own[k] for k in sums if k != longest]
        write.decompose_reduction(c, reduced[0] if reduced else ko)
        if across:
            write.vectorize(ii)
            write.unroll(ji)
        else:
            write.vectorize(ji)
            write.unroll(ii)
        if product.points >= PARALLEL_POINTS and write.facts.get("threads", 1) > 1:
            write.parallelize(jb)
        peeled = [ko]
        if self.panel == "packed":
            write.pack(c, panel, own[lane], [tile.width])
        elif self.panel == "copied":
            peeled += copy(write, c, panel, jb, own[lane], product.panel, lane, longest, tile, product)

        if self.rows == "copied":
            copy_rows(write, c, other, io, own[row], product, row, longest)
        write.peel(*peeled, io, jo, jb)


@dataclass(frozen=True)
class Shape:
    """A tile of accumulators."""

    lanes: int
    vectors: Number
    rows: Number
    width: Number
    products: Number

    @staticmethod
    def choose(write: Writer, product: Product, m: int, n: int) -> Shape:
        """Knobs for a tile that fits the registers, with a row of the panel and one broadcast element."""
        registers = write.facts["vector_registers"]
        lanes = write.facts["vector_bytes"] // product.element
        needed = -(-n // lanes)
        vectors = write.choose("vectors", range(1, min(needed, registers // 4) + 1))
        rows = write.choose("rows", even_sizes(m, registers - 2))
        accumulators = write.times(vectors, rows)
        write.at_most(write.plus(write.plus(accumulators, vectors), 1), registers)
        return Shape(lanes, vectors, rows, write.times(vectors, lanes), accumulators)


def copy(
    write: Writer,
    c: Handle,
    buffer: Handle,
    at: Handle,
    along: Handle,
    position: int,
    lane: int,
    k: int,
    tile: Shape,
    product: Product,
) -> list[Handle]:
    """Copies what a block of columns reads of the panel, each panel of it in one piece. Gives loops to peel."""
    block = write.block_op(c)
    (column,) = dimensions_of(block, position, lane)
    (depth,) = dimensions_of(block, position, k)
    copied = write.cache_read(c, buffer, at, along)
    staged = write.get_writes(copied)[0]
    rank = len(write.block_op(copied).iterators)
    loops = write.get_loops(copied)[-rank:]
    if column == rank - 1:
        outer, inner = write.tile(loops[column], tile.width)
        write.vectorize(inner)
        peeled = [outer]
    else:
        jo, ji = write.tile(loops[column], tile.lanes)
        ko, ki = write.tile(loops[depth], tile.lanes)
        write.reorder(jo, ko, ki, ji)
        write.unroll(ki)
        write.vectorize(ji)
        peeled = [ko, jo]
    write.pack(c, staged, along, [tile.width])
    return peeled


def copy_rows(
    write: Writer, c: Handle, buffer: Handle, at: Handle, along: Handle, product: Product, row: int, k: int
) -> None:
    """Copies the rows of a tile, such that they are no power of two apart."""
    copied = write.cache_read(c, buffer, at)
    staged = write.get_writes(copied)[0]
    rank = len(write.block_op(copied).iterators)
    loops = write.get_loops(copied)[-rank:]
    outer, inner = write.tile(loops[-1], 32)
    write.vectorize(inner)
    write.peel(outer)
    write.storage_align(staged, 0, 32, 16)


def _tiles(product: Product) -> Iterator[Tiles]:
    panels = ("packed",) if product.panel_is_constant else ("as it lies", "copied")
    for columns_inside in (True, False):
        for panel in panels:
            for rows in ("as they lie", "copied") if columns_inside else ("as they lie",):
                yield Tiles(columns_inside, panel, rows)


__all__ = ["contraction"]
