"""Winograd's algorithm: products of transformed tiles and transformed weights, for each point of a tile.

An image goes through all steps in groups of rows of tiles: copied so that channels are neighbours, transformed,
multiplied, transformed back, and copied back. How large a group is, the tile of accumulators, the order of panels and
tiles, and what lies where in the cache are the choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ....dialects.loop import BlockOp
from ....dialects.regions import readers_of
from ....transform.recorder import Handle
from ....transform.structure import contraction_of, is_map, is_reduction
from ..writer import Number, Writer
from .sizes import divisors, thinned
from .steps import attempt, finish_maps, lanes_of, producers

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

LINE = 64
"""Bytes of a cache line, which what is spread over a cache is an odd number of."""


@dataclass(frozen=True)
class Steps:
    """The names of blocks, in order: `image` has channels as neighbours, `rows` and `tiles` are transformed along one
    dimension and along both, `products` are summed over channels, `lines` and `pixels` are transformed back."""

    image: str
    rows: str
    tiles: str
    products: str
    lines: str
    pixels: str
    points: int
    """How many elements a transformed tile has in each dimension."""
    channels: int
    outputs: int
    element: int


def winograd(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels that graphs have made of convolutions."""
    steps = _steps(subject)
    if steps is None:
        return
    weights = steps.points**2 * steps.channels * steps.outputs * steps.element
    aheads = (0, 32) if weights > subject.facts["l2_bytes"] // 2 else (0,)
    for spread in (True, False):
        for inside in ("tiles inside", "panels inside"):
            for ahead in aheads:
                what = [inside, *(["spread"] if spread else []), *([f"{ahead} ahead"] if ahead else [])]
                write = partial(_write, steps, spread, inside == "tiles inside", ahead)
                yield from subject.sketch(f"winograd/{', '.join(what)}", write)


def _steps(subject: Subject) -> Steps | None:
    """The steps of a kernel that has them."""
    if len(subject.reductions) != 1 or not all(is_map(b) or is_reduction(b) for b in subject.blocks):
        return None
    (products,) = subject.reductions
    roles = contraction_of(products)
    if roles is None or len(roles.batch) != 2 or len(roles.k) != 1 or len(products.extents) != 5:
        return None
    first, second, points_m, outputs, channels = products.extents
    if first != second or first > 8 or points_m < 1:
        return None
    write = Writer(subject.workload)
    before: list[str] = []
    name = products.block_name
    for _ in range(3):
        found = producers(write, name)
        if len(found) != 1 or not is_map(found[0]):
            return None
        name = found[0].block_name
        before.append(name)
    lines = _reader(products)
    pixels = _reader(lines) if lines is not None else None
    if lines is None or pixels is None or _reader(pixels) is None or len(pixels.extents) != 4:
        return None
    tiles, rows, image = before
    element = lanes_of(write, products)
    size = write.facts["vector_bytes"] // element
    return Steps(
        image, rows, tiles, products.block_name, lines.block_name, pixels.block_name, first, channels, outputs, size
    )


def _reader(block: BlockOp) -> BlockOp | None:
    """The one block that reads what a block writes, if it is a map."""
    found = {reader for buffer in block.written_buffers() for reader in readers_of(buffer)} - {block}
    return next(iter(found)) if len(found) == 1 and all(map(is_map, found)) else None


def _write(steps: Steps, spread: bool, tiles_inside: bool, ahead: int, write: Writer) -> None:
    """Writes a sketch."""
    sums = write.block(steps.products)
    pixels, lines = write.block(steps.pixels), write.block(steps.lines)
    out = _inline_after(write, steps.pixels)
    lanes = lanes_of(write, write.block_op(sums))
    tile = steps.points - 2
    n, c, h, w = write.get_loops(out)
    # Groups that leave no rest: what is beyond the end would be asked in every row of every step.
    images = write.choose("images", thinned(divisors(write.extent(n)), 4))
    down = -(-write.extent(h) // tile)
    tall = write.times(write.choose("lines", thinned(divisors(down), 10)), tile)
    columns = write.choose("columns", [max(1, lanes // 2), lanes])
    no, ni = write.tile(n, images)
    ho, hi = write.tile(h, tall)
    # What is transformed back goes to its place while it is near: a row of tiles, of as many channels as lanes.
    cg, cr = write.tile(c, lanes)
    hr, hi = write.tile(hi, tile)
    wo, wi = write.tile(w, lanes)
    co, ci = write.tile(cr, columns)
    write.reorder(no, ho, ni, cg, hr, hi, co, wo, ci, wi)
    _transform_back(write, pixels, lines, hr, tile, lanes)
    write.compute_at(sums, ho)
    _multiply(steps, write, sums, lanes, spread, tiles_inside, ahead)
    _copy(write, steps, _transform(write, steps, ho, lanes), lanes, columns)
    write.unroll(ci)
    write.vectorize(wi)
    finish_maps(write)
    if (threads := write.facts.get("threads", 1)) > 1:
        for loop in (no, ho):
            if write.extent(loop) >= threads:
                attempt(write.parallelize, loop)
        for block in (steps.tiles, steps.products, write.block_op(out).block_name):
            for loop in write.get_loops(write.block(block)):
                if write.extent(loop) >= threads and attempt(write.parallelize, loop):
                    break


def _inline_after(write: Writer, pixels: str) -> Handle:
    """The block that copies pixels to where they belong, with all maps after it in place."""
    while True:
        (buffer,) = write.block_op(write.block(pixels)).written_buffers()
        (reader,) = [each for each in dict.fromkeys(readers_of(buffer)) if each.block_name != pixels]
        if _reader(reader) is None or not attempt(write.compute_inline, write.block(reader.block_name)):
            return write.block(reader.block_name)


def _transform_back(write: Writer, pixels: Handle, lines: Handle, at: Handle, tile: int, lanes: int) -> None:
    """Results of tiles, along both dimensions at once."""
    write.compute_at(pixels, at)
    *_, h, w, c = write.get_loops(pixels)
    ho, wo, co, hi, wi, ci = write.tile(h, w, c, sizes=[tile, tile, lanes])
    write.compute_at(lines, co)
    *_, lh, ly, lw, lc = write.get_loops(lines)
    write.unroll(hi, wi, lh, ly)
    write.vectorize(ci, lc)
    write.peel(ho, wo)
    del lw


def _transform(write: Writer, steps: Steps, at: Handle, lanes: int) -> Handle:
    """Tiles, along both dimensions at once; gives the loop over groups of channels."""
    tiles, rows = write.block(steps.tiles), write.block(steps.rows)
    write.compute_at(tiles, at)
    *_, x, y, p, c = write.get_loops(tiles)
    co, ci = write.tile(c, lanes)
    write.reorder(co, p, x, y, ci)
    write.compute_at(rows, p)
    *_, rx, rw, rc = write.get_loops(rows)
    write.unroll(x, y, rx, rw)
    write.vectorize(ci, rc)
    return co


def _copy(write: Writer, steps: Steps, at: Handle, lanes: int, columns: Number) -> None:
    """A group of the image's channels, with these and columns changing places; what is copied is padded, or computed,
    first."""
    image = write.block(steps.image)
    write.compute_at(image, at)
    for block in producers(write, steps.image):
        own = block.block_name
        for before in reversed(producers(write, own)):
            if is_map(before):
                attempt(write.compute_inline, write.block(before.block_name))
        if attempt(write.compute_at, write.block(own), at):
            *_, last = write.get_loops(write.block(own))
            outer, inner = write.tile(last, 2 * lanes)
            if attempt(write.vectorize, inner):
                write.peel(outer)
    *_, w, c = write.get_loops(image)
    wo, co, wi, ci = write.tile(w, c, sizes=[columns, lanes])
    write.unroll(wi)
    write.vectorize(ci)
    write.peel(wo)
    del co


def _multiply(
    steps: Steps, write: Writer, sums: Handle, lanes: int, spread: bool, tiles_inside: bool, ahead: int
) -> None:
    """A tile of accumulators at a time, of a panel of weights."""
    registers = write.facts["vector_registers"]
    *_, p, m, k = write.get_loops(sums)
    panel = 32  # what graphs pack weights in
    vectors = write.choose("vectors", [count for count in (1, 2) if count * lanes <= panel])
    rows = write.choose("rows", thinned(list(range(4, registers - 2)), 14), 4)
    write.at_most(write.plus(write.plus(write.times(vectors, rows), vectors), 1), registers)
    step = write.choose("step", [1, 2, 4])
    if spread:
        _spread(write, write.block(steps.tiles), p, k)
        _spread(write, sums, p, m)
    mp, mr = write.tile(m, panel)
    mo, mi = write.tile(mr, write.times(vectors, lanes))
    po, pi = write.tile(p, rows)
    ko, ki = write.tile(k, step)
    write.reorder(*((mp, mo, po) if tiles_inside else (po, mp, mo)), ko, ki, pi, mi)
    at = po if tiles_inside else mo
    copy = write.cache_write(sums, at)
    i, j = write.get_loops(copy)[-2:]
    write.vectorize(j, mi)
    write.unroll(i, pi, ki)
    write.decompose_reduction(sums, ko)
    if ahead:
        weights = write.get_reads(sums)[1]
        write.prefetch(sums, weights, ko, ahead=ahead)
    write.peel(po, mp, ko)


def _spread(write: Writer, block: Handle, tiles: Handle, channels: Handle) -> None:
    """Elements of all products are an odd number of cache lines apart: they do not fight for the same places."""
    written = write.get_writes(block)[0]
    element = write.facts["vector_bytes"] // lanes_of(write, write.block_op(block))
    lines = -(-write.extent(channels) * element // LINE)
    row = (lines // 2 * 2 + 1) * LINE // element
    half = write.param(write.get_extent(tiles), 2, kind="floordiv")
    rows = write.plus(write.times(half, 2), 1)
    write.transform_layout(written, inner_dims_pos=[2, 3], sizes=[rows, row])


__all__ = ["winograd"]
