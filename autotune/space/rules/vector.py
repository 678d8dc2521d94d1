"""A vector times a matrix: each element of the matrix is needed once, so how it is read is all that matters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ....dialects.lanes import MAX_LANES
from ....transform.primitives.prefetch import LINE_BYTES, MOST_LINES
from ..writer import Writer
from .product import Product, inline_maps, longest, loops_by_iterator, merge_loops, other_loops, own_loops, result_of
from .sizes import doublings
from .tile import MOST_UNROLLED, attempt_threads, blocks_of, finish_others, is_worth_threads, share

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch


def vector_sketches(subject: Subject, product: Product) -> Iterator[Sketch]:
    """Sketches for a product with a single row: the columns of the panel are lanes, or its rows are."""
    packed = product.panel_is_constant and product.whole
    if product.near or packed:
        for order in ("sums in registers", "sums in the cache"):
            for asked in ("", ", asked for") if not packed and not product.panel_is_made else ("",):
                write = partial(write_columns, product, order, packed, bool(asked))
                yield from subject.sketch(f"contraction/vector, {order}{asked}", write)
        if packed and product.near:
            write = partial(write_columns, product, "sums in the cache", False, False)
            yield from subject.sketch("contraction/vector, sums in the cache, as it lies", write)
    if not product.near:
        yield from subject.sketch("contraction/vector, inner products", partial(write_inner_products, product))


def write_columns(product: Product, order: str, packed: bool, asked: bool, write: Writer) -> None:
    """Lanes along columns. Rows of the matrix pass by, a few at a time; sums of a block of columns are in registers, or
    stay in the first cache."""
    inline_maps(write)
    c, out = write.block(product.name), result_of(write, product.name)
    panel = write.get_reads(c)[product.panel]
    merge_loops(write, c, out)
    lane, steps = longest(product.extents, product.lanes), longest(product.extents, product.sums)
    j = loops_by_iterator(write, c, out)[lane]
    rest = other_loops(write, out, [j])
    lanes = max(1, write.facts["vector_bytes"] // product.element)
    n = product.extents[lane]
    needed = -(-n // lanes)
    in_registers = order == "sums in registers"
    most = write.facts["vector_registers"] - 4 if in_registers else 8
    vectors = write.choose(
        "vectors", [size for size in (1, 2, 4, 8, 12, 16, 24) if size <= min(most, needed, MAX_LANES // lanes)]
    )
    threads = is_worth_threads(write.facts, product)
    panels = write.choose("panels", doublings(needed), doublings(needed)[0 if threads else -1])
    # What is asked for is another iteration's.
    depth = product.extents[steps] - int(asked)
    rows = write.choose("step", [size for size in (1, 2, 4, 8, 16, 32) if size <= max(1, depth)])
    write.at_most(write.times(vectors, rows), MOST_UNROLLED)
    width = write.times(vectors, lanes)
    jb, jp = write.tile(j, write.times(width, panels))
    write.reorder(*rest, jb, jp)
    write.compute_at(c, jb)
    own = own_loops(write, c)
    ko, ki = write.tile(own[steps], rows)
    jo, ji = write.tile(own[lane], width)
    taps = [own[k] for k in product.sums if k != steps]
    others = [own[k] for k in own if k not in (lane, *product.sums)]
    write.reorder(*others, *((jo, *taps, ko) if in_registers else (*taps, ko, jo)), ki, ji)
    write.unroll(ki)
    write.vectorize(ji)
    write.decompose_reduction(c, [*taps, ko][0])
    if packed:
        write.pack(c, panel, ji, [width])
    if asked:
        lines = max(1, LINE_BYTES // product.element)
        write.at_most(write.times(write.times(width, panels), rows), MOST_LINES * lines)
        write.prefetch(c, panel, at=ko, ahead=1)
    oo, oi = write.tile(jp, 4 * lanes)
    write.vectorize(oi)
    if threads and not attempt_threads(write, rest):
        share(write, jb, blocks_of(write, n, write.times(width, panels)))
    write.peel(ko, jo, oo, jb)
    finish_others(write, out)


def write_inner_products(product: Product, write: Writer) -> None:
    """Lanes along what is summed, where neighbours are there: a few sums at a time, each in parts that are added up."""
    inline_maps(write)
    c, out = write.block(product.name), result_of(write, product.name)
    merge_loops(write, c, out)
    lane, steps = longest(product.extents, product.lanes), longest(product.extents, product.sums)
    j = loops_by_iterator(write, c, out)[lane]
    rest = other_loops(write, out, [j])
    lanes = max(1, write.facts["vector_bytes"] // product.element)
    depth = product.extents[steps]
    columns = write.choose("columns", [size for size in (1, 2, 4, 6, 8, 12) if size <= product.extents[lane]])
    vectors = write.choose("vectors", [size for size in (1, 2, 4, 8) if size * lanes <= max(depth, lanes)])
    write.at_most(write.plus(write.times(columns, vectors), 4), write.facts["vector_registers"])
    jo, ji = write.tile(j, columns)
    write.reorder(*rest, jo, ji)
    write.compute_at(c, jo)
    own = own_loops(write, c)
    ko, ki = write.tile(own[steps], write.times(vectors, lanes))
    combine = write.split_reduction(c, ki)
    taps = [own[k] for k in product.sums if k != steps]
    others = [own[k] for k in own if k not in (lane, *product.sums)]
    write.reorder(*others, *taps, ko, own[lane], ki)
    write.vectorize(ki)
    write.unroll(own[lane])
    write.decompose_reduction(c, [*taps, ko][0])
    partial_sums = write.get_loops(combine)[-1]
    write.decompose_reduction(combine, partial_sums)
    write.vectorize(partial_sums)
    write.vectorize(ji)
    if is_worth_threads(write.facts, product) and not attempt_threads(write, rest):
        share(write, jo, blocks_of(write, product.extents[lane], columns))
    write.peel(ko, jo)
    finish_others(write, out)


__all__ = ["vector_sketches"]
