"""What a tuner may try on sums that are requantized: how many rows and lanes of them the unit gets at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from stepwell.autotune.space.build import Subject
from stepwell.autotune.space.sketch import Sketch
from stepwell.autotune.space.writer import Writer


def requantized(subject: Subject) -> Iterator[Sketch]:
    """A sketch for kernels with one reduction that maps follow; none if the unit can do nothing for the first, or if
    there is none: other targets' pipelines do not know its instruction."""
    if subject.backend != "toy-cpu":
        return
    names = [block.block_name for block in subject.blocks]
    if len(subject.reductions) == 1 and len(names) > 1 and subject.reductions[0] is subject.blocks[0]:
        yield from subject.sketch("toy-requantized/tiles", partial(tiles, names))


def tiles(names: Sequence[str], write: Writer) -> None:
    """Writes it, by doing it on a copy of the kernel: what is refused is no sketch."""
    sums, *maps = map(write.match_block, names)
    write.op("toy.select", maps[0])
    for each in maps[:-1]:
        write.compute_inline(each)
    *_, i, j = write.get_loops(maps[-1])
    rows, lanes = write.choose("rows", [2, 4, 8]), write.choose("lanes", [16, 32])
    io, jo, ii, ji = write.tile(i, j, sizes=[rows, lanes])
    write.compute_at(sums, jo)
    *_, row, column, k = write.get_loops(sums)
    write.reorder(k, row, column)
    write.vectorize(column)
    write.unroll(row)
    write.decompose_reduction(sums, k)
    write.vectorize(ji)
    write.unroll(ii)
    write.peel(io, jo)
