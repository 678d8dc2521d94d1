"""A kernel with one contraction, as rules see it: which of its loops move in which input, and what is around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from xdsl.ir import SSAValue

from ....dialects.loop import BlockOp, ForOp, IteratorKind, ReadOp, ReduceOp, element_type
from ....dialects.quasi_affine import Digit, Lin
from ....dialects.regions import alloc_of, iterator_forms, readers_of, writers_of
from ....errors import ScheduleError
from ....transform.panels import iterators_in
from ....transform.recorder import Handle
from ....transform.structure import (
    contraction_of,
    element_bytes,
    is_constant,
    is_map,
    is_reduction,
    loops_binding,
    stride_in,
)
from ..writer import Writer
from .steps import attempt


@dataclass(frozen=True)
class Product:
    """A contraction in a kernel where nothing else reduces: the names of its blocks, and the roles of its iterators
    when one of its inputs is the panel, whose elements are lanes."""

    name: str
    before: tuple[str, ...]
    """The maps that run before it and are not computed in place, in order."""
    shared: tuple[int, ...]
    rows: tuple[int, ...]
    """Iterators that move in the other input alone, and run more than once."""
    lanes: tuple[int, ...]
    """Iterators that move in the panel alone, and run more than once."""
    sums: tuple[int, ...]
    """Iterators that are summed over."""
    extents: tuple[int, ...]
    panel: int
    """Which of the buffers that the block reads is the panel, and which one is the other input."""
    other: int
    panel_is_constant: bool
    other_is_constant: bool
    near: bool
    """Whether the panel's elements for neighbouring lanes are neighbours."""
    whole: bool
    """Whether the panel moves along lanes in a dimension of its own, so that it can be copied as panels."""
    panel_is_made: bool
    """Whether a map before it makes the panel."""
    lane_is_last: bool
    """Whether neighbours of sums are in neighbouring lanes."""
    alone: bool
    """Whether the sums are results of the kernel."""
    element: int
    """The size of an accumulator, in bytes."""
    group: int = 0
    """How many lanes follow one another for which the other input is the same, where that is not all of them."""

    @property
    def columns(self) -> int:
        """How many lanes there are, those of one group if there are groups."""
        return self.group or self.extents[longest(self.extents, self.lanes)]

    @property
    def points(self) -> int:
        """How many products there are."""
        return prod(self.extents)


def products(blocks: Sequence[BlockOp]) -> list[Product]:
    """The ways to see a kernel as rows times panels: a panel of the right input, and of the left one."""
    reductions = [block for block in blocks if is_reduction(block)]
    if len(reductions) != 1 or not all(block in reductions or is_map(block) for block in blocks):
        return []
    (block,) = reductions
    roles = contraction_of(block)
    if roles is None or roles.left.buffer is roles.right.buffer or None in iterator_forms(roles.left):
        return []
    if None in iterator_forms(roles.right):
        return []
    ways = [Way(roles.right, roles.left, roles.n, roles.m), Way(roles.left, roles.right, roles.m, roles.n)]
    for i in roles.batch:
        for panel, other, rows in ((roles.right, roles.left, roles.m), (roles.left, roles.right, roles.n)):
            size = _group_size(other, block.iterators[i])
            if 1 < size < block.extents[i] and _has_own_dimension(block, panel, i):
                ways.append(Way(panel, other, (i,), rows, size))
    found = [product for way in ways for product in _seen_as(way, blocks, block, roles.k)]
    if not any(product.near or product.whole for product in found):
        # Lanes of one group, which lie in one piece, or along which neighbours are, though there are longer ones.
        ways = [*(replace(way, in_groups=True) for way in ways), *_ways_near(block, ways)]
        found = [product for way in ways for product in _seen_as(way, blocks, block, roles.k)]
        found.sort(key=lambda product: not product.lane_is_last)
    return found


@dataclass(frozen=True)
class Way:
    """A way to see a contraction: which input is the panel, and the iterators that move in one of both alone."""

    panel: ReadOp
    other: ReadOp
    lanes: tuple[int, ...]
    rows: tuple[int, ...]
    group: int = 0
    in_groups: bool = False
    """Whether a dimension along which groups of lanes follow one another counts as one of the lanes' own."""


def _ways_near(block: BlockOp, ways: Sequence[Way]) -> list[Way]:
    """Ways with a single iterator of those that are lanes, along which the panel's elements are neighbours, and with
    rows that share them."""
    found: list[Way] = []
    for way in ways:
        has_rows = any(block.extents[i] > 1 for i in way.rows)
        for lane in way.lanes if has_rows and len(way.lanes) > 1 else ():
            (loop,) = loops_binding(block, [lane])
            if block.extents[lane] > 1 and stride_in(loop, way.panel, way.panel.buffer) == 1:
                found.append(replace(way, lanes=(lane,)))
    return found


def _seen_as(way: Way, blocks: Sequence[BlockOp], block: BlockOp, sums: tuple[int, ...]) -> list[Product]:
    """The product that a contraction is, seen so; none if there are no lanes."""
    moving = [i for i, extent in enumerate(block.extents) if extent > 1]
    lanes, rows = ([i for i in each if i in moving] for each in (way.lanes, way.rows))
    if not lanes:
        return []
    reads = list(dict.fromkeys(read.buffer for read in block.reads()))
    written = next(write for write in block.writes() if isinstance(write, ReduceOp))
    spatial = [i for i, kind in enumerate(block.kinds) if kind is IteratorKind.SPATIAL]
    lane = longest(block.extents, lanes)
    (loop,) = loops_binding(block, [lane])
    product = Product(
        block.block_name,
        tuple(each.block_name for each in blocks[: list(blocks).index(block)]),
        tuple(i for i in spatial if i not in lanes and i not in rows),
        tuple(rows),
        tuple(lanes),
        sums,
        block.extents,
        reads.index(way.panel.buffer),
        reads.index(way.other.buffer),
        is_constant(way.panel.buffer),
        is_constant(way.other.buffer),
        stride_in(loop, way.panel, way.panel.buffer) == 1,
        _has_own_dimension(block, way.panel, lane, way.in_groups),
        alloc_of(way.panel.buffer) is not None,
        stride_in(loop, written, written.buffers[0]) == 1,
        all(reader is block for reader in readers_of(block.written_buffers()[0])),
        element_bytes(element_type(block.written_buffers()[0])),
        way.group,
    )
    return [product]


def longest(extents: Sequence[int], iterators: Sequence[int]) -> int:
    """The iterator with the most iterations, the last of several."""
    return max(reversed(iterators), key=lambda i: extents[i])


def _group_size(read: ReadOp, iterator: SSAValue) -> int:
    """How many values of an iterator follow one another for which a read is at one place, if that is all that it has to
    do with it; else 0."""
    sizes: set[int] = set()
    for form in iterator_forms(read):
        for atom in form.terms if form is not None else ():
            if isinstance(atom, Digit):
                if iterator in atom.inner.values():
                    plain = atom.modulus is None and atom.inner == Lin.of(iterator)
                    sizes.add(atom.divisor if plain else 0)
            elif atom is iterator:
                return 0
    return sizes.pop() if len(sizes) == 1 else 0


def _has_own_dimension(block: BlockOp, read: ReadOp, iterator: int, in_groups: bool = False) -> bool:
    """Whether a read is at an iterator, and nothing else, in one dimension, and moves with it in no other one; or in
    groups, of as many elements as the iterator has, that follow one another."""
    value = block.iterators[iterator]
    forms = [form for form in iterator_forms(read) if form is None or value in form.values()]
    if len(forms) != 1 or forms[0] is None:
        return False
    rest = forms[0] - Lin.of(value)
    if value in rest.values():
        return False
    groups = [step for step in rest.terms.values() if step != block.extents[iterator]]
    return rest == Lin() or (in_groups and rest.const == 0 and len(rest.terms) == 1 and not groups)


def inline_maps(write: Writer) -> None:
    """Computes maps in place where one other map reads them, as often as there are some. What is a result, or cannot be
    computed there, stays."""
    kept: set[str] = set()
    while True:
        for block in write.blocks:
            readers = {reader for buffer in block.written_buffers() for reader in readers_of(buffer)} - {block}
            if block.block_name in kept or not is_map(block) or len(readers) != 1 or not all(map(is_map, readers)):
                continue
            if not attempt(write.compute_inline, write.block(block.block_name)):
                kept.add(block.block_name)
                continue
            break
        else:
            return


def result_of(write: Writer, name: str) -> Handle:
    """The block that makes results of sums: the one map that reads them, else a new one that copies them out."""
    block = write.block_op(write.block(name))
    (buffer,) = block.written_buffers()
    readers = [reader for reader in dict.fromkeys(readers_of(buffer)) if reader is not block]
    if len(readers) == 1 and is_map(readers[0]):
        return write.block(readers[0].block_name)
    return write.cache_write(write.block(name))


def merge_loops(write: Writer, block: Handle, out: Handle) -> None:
    """Makes one loop of those around `out` that go along one iterator of a contraction together, such as lines and
    columns of an image whose points are numbered."""
    sums, results = write.block_op(block), write.block_op(out)
    forms = iterators_in(sums, results)
    for iterator in sums.iterators:
        form = forms.get(iterator)
        values = set(form.values()) if form is not None else set[SSAValue]()
        loops = [loop for loop in write.get_loops(out) if write.loop_op(loop).induction_variable in values]
        if len(loops) > 1:
            write.coalesce(*loops)


def lanes_of_group(write: Writer, product: Product, loop: Handle) -> Handle:
    """The loop along lanes: of one group, if there are groups."""
    if not product.group:
        return loop
    _, each = write.tile(loop, product.group, tail="exact")
    return each


def maker(write: Writer, block: Handle, position: int) -> Handle:
    """The block that makes one of the buffers that a block reads."""
    reads = list(dict.fromkeys(read.buffer for read in write.block_op(block).reads()))
    (found,) = writers_of(reads[position])
    return write.block(found.block_name)


def loops_by_iterator(write: Writer, block: Handle, out: Handle) -> dict[int, Handle]:
    """For each spatial iterator of a contraction that runs more than once, the loop around `out` that goes along it.

    Raises:
        ScheduleError: if there is none, or one goes along several.
    """
    sums, results = write.block_op(block), write.block_op(out)
    handles = {write.loop_op(loop): loop for loop in write.get_loops(out)}
    forms = iterators_in(sums, results)
    found: dict[int, Handle] = {}
    taken: set[ForOp] = set()
    for position, iterator in enumerate(sums.iterators):
        if sums.kinds[position] is not IteratorKind.SPATIAL or sums.extents[position] == 1:
            continue
        form = forms.get(iterator)
        values = [loop for loop in handles if form is not None and loop.induction_variable in form.values()]
        if len(values) != 1 or values[0] in taken:
            raise ScheduleError(
                f"expected a loop of '{results.block_name}' for iterator {position} of '{sums.block_name}'", results
            )
        taken.add(values[0])
        found[position] = handles[values[0]]
    return found


def other_loops(write: Writer, out: Handle, taken: Sequence[Handle]) -> list[Handle]:
    """The loops around a block that are none of some."""
    known = {write.loop_op(loop) for loop in taken}
    return [loop for loop in write.get_loops(out) if write.loop_op(loop) not in known]


def own_loops(write: Writer, block: Handle) -> dict[int, Handle]:
    """The loops of a block that was just moved, by iterator: there is one for each, spatial ones outside."""
    kinds = write.block_op(block).kinds
    order = sorted(range(len(kinds)), key=lambda i: kinds[i] is IteratorKind.REDUCE)
    return dict(zip(order, write.get_loops(block)[-len(kinds) :], strict=True))


def write_stride(write: Writer, block: Handle, loop: Handle) -> int | None:
    """How far apart a block writes in neighbouring iterations of a loop."""
    op = write.block_op(block)
    access = next(each for each in op.writes() if each.parent_op() is op)
    return stride_in(write.loop_op(loop), access, access.buffers[0])


def dimensions_of(block: BlockOp, position: int, iterator: int) -> list[int]:
    """The dimensions in which what a block reads of one of its inputs moves with an iterator."""
    reads = list(dict.fromkeys(read.buffer for read in block.reads()))
    found: set[int] = set()
    for read in block.reads():
        if read.buffer is reads[position]:
            for dimension, form in enumerate(iterator_forms(read)):
                if form is None or block.iterators[iterator] in form.values():
                    found.add(dimension)
    return sorted(found)


__all__ = [
    "Product",
    "dimensions_of",
    "inline_maps",
    "lanes_of_group",
    "longest",
    "loops_by_iterator",
    "maker",
    "merge_loops",
    "other_loops",
    "own_loops",
    "products",
    "result_of",
    "write_stride",
]
