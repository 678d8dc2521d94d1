"""Any loops: kernels that no other rule has a sketch for. Gathers, interleaved copies, products with vectors, and what
has yet to be thought of.

Each block stays where it is. One of its loops becomes lanes, whether neighbours are there or elements have to be
gathered; if it reduces, the lanes are partial results. Tiles of another loop, and steps of a reduction, are written one
after another. Where no loop may be lanes, tiles and steps are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, cached_property, partial
from math import prod
from typing import TYPE_CHECKING

from ....dialects.loop import IteratorKind, ReduceOp, blocks_in
from ....errors import ScheduleError
from ....transform.recorder import Handle
from ..writer import Number, Writer
from .product import inline_maps
from .steps import lanes_of, moving_loops, parallel

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

PLACES = ("the innermost loop", "the loop around the innermost one", "the third loop from inside")
"""Which loops may become lanes, in order."""
MOST_UNROLLED = 64
"""The most copies of a block that are written one after another."""


def loops(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels with a loop that runs more than once."""
    if all(prod(block.extents) == 1 for block in subject.blocks):
        return
    is_legal = cache(partial(_is_legal, subject))
    for place, what in enumerate(PLACES):
        yield from subject.sketch(f"loops/lanes along {what}", partial(_write, subject, is_legal, place))
    yield from subject.sketch("loops/one by one", partial(_write, subject, is_legal, None))


class _Sizes:
    """The knobs of a sketch, which all its blocks share; each is there once something asks for it."""

    def __init__(self, write: Writer, longest: int, vectors: int) -> None:
        self.write, self.longest, self.most_vectors = write, longest, vectors
        self.product: Number = 1

    def _choose(self, name: str, options: list[int]) -> Number:
        number = self.write.choose(name, options, 1)
        self.product = self.write.times(self.product, number)
        return number

    @cached_property
    def vectors(self) -> Number:
        """How many vectors are computed at once."""
        return self._choose("vectors", [size for size in (1, 2, 4) if size <= max(1, self.most_vectors)])

    @cached_property
    def rows(self) -> Number:
        """How many iterations of another loop are next to one another."""
        return self._choose("rows", [size for size in (1, 2, 4, 8, 16) if size <= self.longest])

    @cached_property
    def steps(self) -> Number:
        """How many steps of the innermost loop that is left are written one after another."""
        return self._choose("steps", [size for size in (1, 2, 4, 8) if size <= self.longest])

    def finish(self) -> None:
        """The constraint that they keep together."""
        self.write.at_most(self.product, MOST_UNROLLED)


def _write(subject: Subject, is_legal: Callable[[str, int | None], bool], place: int | None, write: Writer) -> None:
    """Lanes along the loop at a place, in all blocks where that is legal; in the others along another one, or none."""
    inline_maps(write)
    places = (None,) if place is None else (place, *(other for other in range(len(PLACES)) if other != place), None)
    extents = [extent for block in write.blocks for extent in block.extents]
    vectors = [-(-max(block.extents, default=1) // lanes_of(write, block)) for block in write.blocks]
    sizes = _Sizes(write, max(extents, default=1), max(vectors))
    done = False
    for name in [block.block_name for block in write.blocks]:
        found = next((each for each in places if is_legal(name, each)), -1)
        if found == -1:
            continue
        _schedule(write, name, found, sizes)
        done = done or found == place
        parallel(write, write.block(name))
    if not done:
        raise ScheduleError("expected a block with a loop at this place, got none")
    sizes.finish()


def _is_legal(subject: Subject, name: str, place: int | None) -> bool:
    """Whether a block of the kernel can be scheduled so: what it is part of does not matter."""
    write = Writer(subject.workload)
    inline_maps(write)
    try:
        _schedule(write, name, place, _Sizes(write, 1, 1))
    except ScheduleError:
        return False
    return True


def _schedule(write: Writer, name: str, place: int | None, sizes: _Sizes) -> None:
    """A block with lanes along a loop, or without any.

    Raises:
        ScheduleError: if that is not legal, or there is no such loop.
    """
    block = write.block(name)
    own = _own_loops(write, block)
    if len(own) <= (place or 0):
        raise ScheduleError(f"expected a loop to schedule in '{name}', got none", write.block_op(block))
    spatial = [loop for loop, kind in own if kind is IteratorKind.SPATIAL]
    if place is None:
        _one_by_one(write, block, own, spatial, sizes)
        return
    lane, kind = own[-1 - place]
    if kind is IteratorKind.SPATIAL:
        _along_kept(write, block, own, spatial, lane, sizes)
    elif kind is IteratorKind.REDUCE:
        _along_reduction(write, block, own, lane, sizes)
    else:
        raise ScheduleError(f"expected a loop whose order does not matter in '{name}', got another one")


def _own_loops(write: Writer, handle: Handle) -> list[tuple[Handle, IteratorKind]]:
    """The loops around one block alone that run more than once, and what they are to it."""
    block = write.block_op(handle)
    found: list[tuple[Handle, IteratorKind]] = []
    for loop in moving_loops(write, handle):
        op = write.loop_op(loop)
        kinds = [
            kind
            for kind, form in zip(block.kinds, block.binding_forms(), strict=True)
            if op.induction_variable in form.values()
        ]
        if len(kinds) == 1 and len(blocks_in(op)) == 1:
            found.append((loop, kinds[0]))
    return found


def _sums(own: list[tuple[Handle, IteratorKind]]) -> list[Handle]:
    """The loops of a block that do not go along something that it keeps."""
    return [loop for loop, kind in own if kind is not IteratorKind.SPATIAL]


def _decompose(write: Writer, block: Handle, sums: list[Handle]) -> None:
    """What a reduction begins with is written before its loops."""
    if sums and any(isinstance(each, ReduceOp) for each in write.block_op(block).writes()):
        write.decompose_reduction(block, sums[0])


def _along_kept(
    write: Writer,
    block: Handle,
    own: list[tuple[Handle, IteratorKind]],
    spatial: list[Handle],
    lane: Handle,
    sizes: _Sizes,
) -> None:
    """Lanes along a loop of what the block keeps, rows of another one, steps of the reduction."""
    sums = _sums(own)
    width = write.times(sizes.vectors, lanes_of(write, write.block_op(block)))
    outer, inner = write.tile(lane, width)
    around = [outer if loop is lane else loop for loop in spatial]
    peeled, tiled = [outer], list[Handle]()
    others = [loop for loop in spatial if loop is not lane]
    if others:
        above, row = write.tile(others[-1], sizes.rows)
        around = [above if loop is others[-1] else loop for loop in around]
        peeled.append(above)
        tiled.append(row)
    if sums:
        top, step = write.tile(sums[-1], sizes.steps)
        sums = [*sums[:-1], top]
        peeled.append(top)
        tiled.insert(0, step)
    elif not others:
        outer, step = write.tile(outer, sizes.steps)
        around, peeled = [outer], [outer]
        tiled.append(step)
    write.reorder(*around, *sums, *tiled, inner)
    write.vectorize(inner)
    write.unroll(*tiled)
    _decompose(write, block, sums)
    write.peel(*peeled)


def _along_reduction(
    write: Writer, block: Handle, own: list[tuple[Handle, IteratorKind]], lane: Handle, sizes: _Sizes
) -> None:
    """Partial results in lanes, which are combined in the end."""
    if any(kind is IteratorKind.ORDERED for _, kind in own):
        raise ScheduleError("expected a reduction, got steps in order", write.block_op(block))
    sums = [loop for loop in _sums(own) if loop is not lane]
    outer, inner = write.tile(lane, write.times(sizes.vectors, lanes_of(write, write.block_op(block))))
    combine = write.split_reduction(block, inner)
    write.reorder(*sums, outer, inner)
    write.vectorize(inner)
    write.decompose_reduction(block, [*sums, outer][0])
    write.peel(outer)
    results = write.get_loops(combine)[-1]
    write.decompose_reduction(combine, results)
    write.vectorize(results)


def _one_by_one(
    write: Writer,
    block: Handle,
    own: list[tuple[Handle, IteratorKind]],
    spatial: list[Handle],
    sizes: _Sizes,
) -> None:
    """A few results next to one another, or a few steps."""
    sums = _sums(own)
    last = own[-1][0] if not sums or not spatial or own[-1][0] is spatial[-1] else None
    if last is not None:
        outer, inner = write.tile(last, sizes.steps)
        write.unroll(inner)
        write.peel(outer)
        return
    above, row = write.tile(spatial[-1], sizes.rows)
    top, step = write.tile(sums[-1], sizes.steps)
    write.reorder(*spatial[:-1], above, *sums[:-1], top, step, row)
    write.unroll(step, row)
    _decompose(write, block, [*sums[:-1], top])
    write.peel(above, top)


__all__ = ["loops"]
