"""Contractions: rows times panels, in tiles of accumulators that stay in registers.

A panel is what one input holds for the lanes of some vectors; elements of the other input are broadcast. So products of
matrices of all kinds and direct convolutions are alike: which input is the panel, how large the tile is, what is copied
so that it lies in one piece, and how large a block of what stays in which cache are the choices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ....transform.panels import group_loops
from ....transform.recorder import Handle
from ..writer import Number, Writer
from .product import (
    Product,
    inline_maps,
    lanes_of_group,
    longest,
    loops_by_iterator,
    maker,
    merge_loops,
    other_loops,
    own_loops,
    products,
    result_of,
    write_stride,
)
from .sizes import doublings, fitting
from .steps import attempt
from .tile import (
    Tile,
    attempt_threads,
    blocks_of,
    copy_panel,
    copy_rows,
    finish_others,
    is_worth_threads,
    pack_rows,
    share,
    squares,
)
from .vector import vector_sketches

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

MOST_TAPS = 16
"""A dimension of a window with more taps is not unrolled."""


def contraction(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels with one contraction, after and before maps."""
    found = products(subject.blocks)
    for product in found:
        if not _is_panel(product, found):
            continue
        side = ", groups" if product.group else "" if product is found[0] else ", left"
        if not product.rows:
            if len(product.lanes) == 1:
                yield from vector_sketches(subject, product)
            continue
        for order in ("columns inside", "rows inside") if product.lane_is_last else ():
            for layout in _shared_out(subject, product, _layouts(product, order)):
                yield from subject.sketch(f"contraction/tiles{side}, {layout}", partial(write_tiles, product, layout))
                if _has_parts(product):
                    name = f"contraction/parts{side}, {layout}"
                    yield from subject.sketch(name, partial(write_parts, product, layout))
        if not product.alone or len(product.rows) > 1 or not product.lane_is_last:
            for order in ("rows outside", "columns outside"):
                for staged in ("", ", staged") if product.before else ("",):
                    name = f"contraction/blocks{side}, {order}{staged}"
                    yield from subject.sketch(name, partial(write_blocks, product, order, bool(staged)))


def has_products(subject: Subject) -> bool:
    """Whether the kernel is what this rule writes sketches for."""
    found = products(subject.blocks)
    return any(_is_panel(each, found) and (each.rows or len(each.lanes) == 1) for each in found)


def _has_parts(product: Product) -> bool:
    """Whether its sums are results, and so long that it may be better to take some steps of them at once."""
    long = product.extents[longest(product.extents, product.sums)] >= 2 * DEPTHS[0]
    return product.alone and not product.group and long


def _is_panel(product: Product, found: Sequence[Product]) -> bool:
    """Whether the input is worth being the panel: it is a constant, or its lanes are neighbours, or can be made so."""
    if product.panel_is_constant and product.whole:
        return True
    if product is not found[0]:
        # Results would have to be transposed: only if the other way is not there.
        return not found[0].near and product.whole
    return product.near or product.whole


@dataclass(frozen=True)
class Layout:
    """The order of loops around tiles, and how what is read lies."""

    order: str
    panel: str
    rows: str
    staged: bool = False
    """Whether maps before it are computed for each block of columns."""
    threads: str = ""
    """What threads share: blocks of columns, or what goes round in them; nothing if there is one thread."""

    def __str__(self) -> str:
        staged = ", staged" if self.staged else ""
        threads = f", {self.threads} on threads" if self.threads else ""
        return f"{self.order}, panel {self.panel}, rows {self.rows}{staged}{threads}"

    @property
    def columns_inside(self) -> bool:
        """Whether a tile of rows stays while columns pass by."""
        return self.order == "columns inside"


def _shared_out(subject: Subject, product: Product, layouts: Iterator[Layout]) -> Iterator[Layout]:
    """The layouts with what threads may share, if there are several and the work is worth it."""
    for layout in layouts:
        if is_worth_threads(subject.facts, product):
            yield replace(layout, threads="blocks")
            yield replace(layout, threads="tiles")
        else:
            yield layout


def _layouts(product: Product, order: str) -> Iterator[Layout]:
    """What may be copied: of the panel, of the rows; and what is made for a block at a time."""
    if product.panel_is_constant and product.whole:
        panels = ["packed"]
    elif product.panel_is_made:
        panels = [*(["as it lies"] if product.near else []), *(["packed"] if product.whole and product.near else [])]
    else:
        panels = [*(["as it lies"] if product.near else []), *(["copied"] if product.whole else [])]
    for panel in panels:
        rows = ["packed" if product.other_is_constant else "as they lie"]
        if (
            not product.other_is_constant
            and len(product.rows) == 1
            and order == "columns inside"
            and not product.before
        ):
            rows.append("copied")
        for each in rows:
            yield Layout(order, panel, each)
            if product.before:
                yield Layout(order, panel, each, staged=True)


def write_tiles(product: Product, layout: Layout, write: Writer) -> None:
    """Each tile takes all steps of the sum at once; what reads the sums is computed from registers."""
    inline_maps(write)
    c, out = write.block(product.name), result_of(write, product.name)
    reads = write.get_reads(c)
    panel, other = reads[product.panel], reads[product.other]
    split_groups(write, c, out)
    merge_loops(write, c, out)
    loops = loops_by_iterator(write, c, out)
    lane, row = longest(product.extents, product.lanes), product.rows[-1]
    line = product.rows[-2] if len(product.rows) > 1 else None
    n = product.columns
    i, j = loops[row], lanes_of_group(write, product, loops[lane])
    height = 1 if line is None else product.extents[line]
    tile = Tile.choose(write, product, n, product.extents[row], height)
    rest = other_loops(write, out, [i, j] if line is None else [i, j, loops[line]])
    lines: tuple[Handle, ...] = ()
    tops: list[Handle] = []
    if line is not None:
        above, below = write.tile(loops[line], tile.lines)
        lines, tops = (below,), [above]
    panels = choose_panels(write, tile, n, few=layout.threads == "blocks")
    jb, jp = write.tile(j, write.times(tile.width, panels))
    jo, ji = write.tile(jp, tile.width)
    io, ii = write.tile(i, tile.rows)
    inner = (*tops, io, jo) if layout.columns_inside else (jo, *tops, io)
    write.reorder(*rest, jb, *inner, *lines, ii, ji)
    write.compute_at(c, inner[-1])
    if layout.staged:
        compute_before_at(write, product, jb)
    own = own_loops(write, c)
    steps = longest(product.extents, product.sums)
    ko, ki = tile.unroll_steps(write, own[steps])
    taps = [own[k] for k in product.sums if k != steps]
    tiled = [own[each] for each in (line, row) if each is not None]
    others = [own[k] for k in own if k not in (line, row, lane, *product.sums)]
    write.reorder(*others, *taps, ko, ki, *tiled, own[lane])
    write.vectorize(own[lane])
    write.unroll(ki, *tiled)
    write.decompose_reduction(c, [*taps, ko][0])
    write.vectorize(ji)
    write.unroll(*lines, ii)
    if layout.threads and not attempt_threads(write, rest):
        if layout.threads == "blocks":
            share(write, jb, blocks_of(write, n, write.times(tile.width, panels)))
        elif inner[0] is jo:
            share(write, jo, panels)
        else:
            on_rows = inner[0] is io
            extent, size = (product.extents[row], tile.rows) if on_rows else (height, tile.lines)
            share(write, inner[0], blocks_of(write, extent, size))
    peeled = read_layout(write, product, layout, c, panel, other, (jb, io), (own[lane], own[row]), (lane, row), tile)
    write.peel(ko, *peeled, io, jo, jb, *tops)
    finish_others(write, out)


def write_parts(product: Product, layout: Layout, write: Writer) -> None:
    """A tile takes some steps of the sum, and is added to the results, before it takes the next ones: what it reads
    meanwhile is small enough for a cache."""
    c = write.block(product.name)
    reads = write.get_reads(c)
    panel, other = reads[product.panel], reads[product.other]
    own = own_loops(write, c)
    lane, row = longest(product.extents, product.lanes), product.rows[-1]
    steps = longest(product.extents, product.sums)
    n, depth = product.extents[lane], product.extents[steps]
    tile = Tile.choose(write, product, n, product.extents[row])
    panels = choose_panels(write, tile, n, few=layout.threads == "blocks")
    part = write.choose("depth", [size for size in DEPTHS if size < depth])
    jb, jp = write.tile(own[lane], write.times(tile.width, panels))
    jo, jv = write.tile(jp, tile.width)
    io, iv = write.tile(own[row], tile.rows)
    kb, kp = write.tile(own[steps], part)
    ko, ki = tile.unroll_steps(write, kp)
    taps = [own[k] for k in product.sums if k != steps]
    rest = [own[k] for k in own if k not in (row, lane, *product.sums)]
    inner = (io, jo) if layout.columns_inside else (jo, io)
    write.reorder(*rest, jb, kb, *inner, *taps, ko, ki, iv, jv)
    write.vectorize(jv)
    write.unroll(ki, iv)
    added = write.cache_write(c, inner[-1])
    by_stride = {write_stride(write, added, loop): loop for loop in reversed(write.get_loops(added))}
    first, second = write.get_loops(added)[-len(product.extents) + len(product.sums) :][-2:]
    write.vectorize(by_stride.get(1, second))
    write.unroll(first)
    if layout.threads and not attempt_threads(write, rest):
        if layout.threads == "blocks":
            share(write, jb, blocks_of(write, n, write.times(tile.width, panels)))
        elif layout.columns_inside:
            share(write, io, blocks_of(write, product.extents[row], tile.rows))
        else:
            share(write, jo, panels)
    peeled = read_layout(write, product, layout, c, panel, other, (kb, io), (jv, iv), (lane, row), tile)
    write.peel(ko, *peeled, io, jo, jb, kb)
    finish_others(write, c)


DEPTHS = (64, 128, 192, 256, 384, 512)
"""How many steps of a sum are taken at once, where a tile does not take all of them."""


def write_blocks(product: Product, order: str, staged: bool, write: Writer) -> None:
    """Sums of a block of rows and columns lie in a cache while blocks of the reduction pass by; then what reads them is
    computed for the block."""
    inline_maps(write)
    c, out = write.block(product.name), result_of(write, product.name)
    reads = write.get_reads(c)
    panel, other = reads[product.panel], reads[product.other]
    (sums,) = write.get_writes(c)
    size = split_groups(write, c, out)
    merge_loops(write, c, out)
    loops = loops_by_iterator(write, c, out)
    lane, row = longest(product.extents, product.lanes), product.rows[-1]
    line = product.rows[-2] if len(product.rows) > 1 else row
    n, m, height = product.columns, product.extents[row], product.extents[line]
    loops[lane] = lanes_of_group(write, product, loops[lane])
    tile = Tile.choose(write, product, n, m, 1 if line == row else height)
    # A block: lines of rows, or rows if there is but one line, and panels.
    if line == row:
        lines = write.choose("block", [size for size in (32, 64, 128, 256) if size < m] or [m])
        elements = write.times(lines, tile.width)
    else:
        lines = write.choose("block", fitting(height, 8))
        write.divides(tile.lines, lines)
        elements = write.times(write.times(lines, m), tile.width)
    threads = is_worth_threads(write.facts, product)
    panels = choose_panels(write, tile, n, few=threads)
    l2 = write.facts["l2_bytes"]
    write.at_most(
        write.times(write.times(elements, panels), product.element), max(l2 // 2, m * n * product.element // 64)
    )
    yo, yi = write.tile(loops[line], lines)
    ob, op = write.tile(loops[lane], write.times(tile.width, panels))
    x = [] if line == row else [loops[row]]
    rest = other_loops(write, out, [yo, yi, ob, op, *x])
    around = (yo, ob) if order == "rows outside" else (ob, yo)
    write.reorder(*rest, *around, yi, *x, op)
    write.compute_at(c, around[-1])
    if staged:
        compute_before_at(write, product, around[0] if order == "rows outside" else around[-1])
    own = own_loops(write, c)
    if product.whole:
        write.pack(c, sums, own[lane], [tile.width])
    if product.panel_is_constant and product.whole:
        if size > 1:
            attempt(write.pack, c, panel, own[lane], [size])
        write.pack(c, panel, own[lane], [tile.width])
    if product.other_is_constant:
        write.pack(c, other, own[row], [tile.rows])
    steps = longest(product.extents, product.sums)
    depth = product.extents[steps]
    channels = write.choose("channels", [size for size in fitting(depth, 8) if size >= min(depth, 8)])
    co, ci = write.tile(own[steps], channels)
    xo, xi = write.tile(own[row], tile.rows)
    oo, ov = write.tile(own[lane], tile.width)
    tiled, tops = [xi], [xo]
    if line != row:
        y, below = write.tile(own[line], tile.lines)
        tiled, tops = [below, xi], [y, xo]
    taps = [own[k] for k in product.sums if k != steps]
    ended: list[Handle] = []
    if taps and product.extents[product.sums[-1]] <= MOST_TAPS and product.sums[-1] != steps:
        last = taps.pop()
        tap = write.choose("taps", [1, product.extents[product.sums[-1]]])
        write.at_most(write.times(tile.vectors_used, tap), 2 * MOST_TAPS * 8)
        some, each = write.tile(last, tap)
        taps += [some, each]
        ended = [each]
    others = [own[k] for k in own if k not in (line, row, lane, *product.sums)]
    write.reorder(*others, co, oo, *tops, ci, *taps, *tiled, ov)
    write.vectorize(ov)
    write.unroll(*ended, *tiled)
    write.decompose_reduction(c, co)
    peeled = [*tops, oo]
    if not product.near and not product.panel_is_constant and not product.panel_is_made:
        peeled += copy_panel(write, c, panel, co, ov, product, lane, tile)
    peeled += write_results(write, out, op, (x or [yi])[0], tile)
    if threads and not attempt_threads(write, rest):
        in_rows, in_columns = blocks_of(write, height, lines), blocks_of(write, n, write.times(tile.width, panels))
        share(write, around[0], in_rows if order == "rows outside" else in_columns)
    write.peel(*peeled)
    finish_others(write, out)


def write_results(write: Writer, out: Handle, lane: Handle, row: Handle, tile: Tile) -> list[Handle]:
    """Lanes of what reads sums: along theirs, or along rows if neighbours of results are there. Gives loops to peel."""
    if write_stride(write, out, lane) != 1 and write_stride(write, out, row) == 1:
        return squares(write, row, lane, tile.lanes, tile.lanes)
    outer, inner = write.tile(lane, 2 * tile.lanes)
    write.vectorize(inner)
    return [outer]


def compute_before_at(write: Writer, product: Product, loop: Handle) -> None:
    """Lets what runs before a contraction run for each iteration of a loop, the nearest first."""
    names = {block.block_name for block in write.blocks}
    for name in reversed(product.before):
        if name in names:
            write.compute_at(write.block(name), loop)


def choose_panels(write: Writer, tile: Tile, n: int, few: bool = False) -> Number:
    """How many panels a block has: some, or all there are. Sketches are written with all, or with one if they are to be
    `few`."""
    options = doublings(-(-n // tile.lanes))
    return write.choose("panels", options, options[0 if few else -1])


def split_groups(write: Writer, c: Handle, out: Handle) -> int:
    """Takes the loop apart along which results of one group follow those of another one; gives how many a group has."""
    loops, size = group_loops(write.block_op(c), write.block_op(out))
    for handle in write.get_loops(out):
        if write.loop_op(handle) in loops:
            write.tile(handle, size, tail="exact")
            break
    return size


def read_layout(
    write: Writer,
    product: Product,
    layout: Layout,
    c: Handle,
    panel: Handle,
    other: Handle,
    at: tuple[Handle, Handle],
    tiled: tuple[Handle, Handle],
    iterators: tuple[int, int],
    tile: Tile,
) -> list[Handle]:
    """Lets both inputs lie as the layout says. Gives loops to peel."""
    peeled: list[Handle] = []
    if layout.panel == "packed":
        if product.panel_is_made:
            outer, inner = write.tile(write.get_loops(maker(write, c, product.panel))[-1], tile.width)
            write.vectorize(inner)
            peeled.append(outer)
        write.pack(c, panel, tiled[0], [tile.width])
    elif layout.panel == "copied":
        peeled += copy_panel(write, c, panel, at[0], tiled[0], product, iterators[0], tile)
    if layout.rows == "packed" and product.other_is_constant:
        write.pack(c, other, tiled[1], [tile.rows])
    elif layout.rows == "packed":
        peeled += pack_rows(write, c, other, at[0], tiled[1], product, iterators[1], tile)
    elif layout.rows == "copied":
        peeled += copy_rows(write, c, other, at[1], tile)
    return peeled


__all__ = ["contraction", "has_products"]
