"""Random schedules: primitives with random arguments, chosen by looking at a kernel. Some are illegal, on purpose.

This is a table: each transform operation has an entry, a function that looks at a kernel and says what to try.

    @entry("unroll", weight=6)
    def _unroll(rng: random.Random, kernel: FuncOp) -> Step | None:
        loop = a_loop(rng, kernel)
        return None if loop is None else Step("unroll", (loop,), f"{loop}")

It gives a step that is likely to be legal, and now and then one that isn't, or None if there is nothing to try. A step
says the same twice, as arguments of the function in `transform.primitives` and as a line of a script.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import AffineMapAttr, FixedBitwidthType
from xdsl.dialects.func import FuncOp
from xdsl.dialects.scf import IfOp
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.ir.affine import AffineMap

from ...dialects.layout import packed_shape, tiled_layout
from ...dialects.loop import (
    CONSTANT,
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    LoopKind,
    ReadOp,
    ReduceOp,
    WriteOp,
    blocks_in,
    element_type,
    enclosing_loops,
    loop_bounds,
)
from ...dialects.quasi_affine import Lin
from ...dialects.regions import buffer_shape, index_forms, readers_of, reduce_loops, writers_of
from ...transform.panels import dimensions_moved
from .random_step import Block, Buffer, IntrinsicText, Loop, Size, Step, brackets, commas, read_buffers, written_buffers

Chooser = Callable[[random.Random, FuncOp], Step | None]


@dataclass(frozen=True)
class Entry:
    """How a step of a primitive is chosen, and how often."""

    choose: Chooser
    weight: int
    focus: int = 1
    """How often a script is about it: more for what needs other steps first."""


ENTRIES: dict[str, Entry] = {}
"""The table, by names of operations."""

DO_NOT_TRANSFORM: dict[str, str] = {"bind": "there is no rung for GPUs: it always refuses"}
"""Operations among the primitives that change no kernel, and so need no entry, with the reason."""


def entry(name: str, *, weight: int, focus: int = 1) -> Callable[[Chooser], Chooser]:
    """Puts a function in the table."""

    def add(choose: Chooser) -> Chooser:
        assert name not in ENTRIES, f"expected one entry of {name}, got two"
        ENTRIES[name] = Entry(choose, weight, focus)
        return choose

    return add


# What entries choose from


def a_block(rng: random.Random, kernel: FuncOp, *, of: Callable[[BlockOp], bool] | None = None) -> BlockOp | None:
    """Some block of a kernel, one of those that `of` likes if there is one."""
    blocks = blocks_in(kernel)
    if of is not None and rng.random() < 0.95:
        blocks = [block for block in blocks if of(block)]
    return rng.choice(blocks) if blocks else None


def is_serial(loop: ForOp) -> bool:
    """Whether a loop has no marks yet, and is in no nest that is one statement."""
    kinds = (outer.kind for outer in enclosing_loops(loop))
    statements = (LoopKind.OPAQUE, LoopKind.TENSORIZED)
    return loop.kind is LoopKind.SERIAL and loop.peel is None and all(kind not in statements for kind in kinds)


def places(block: BlockOp, of: Callable[[ForOp], bool] = is_serial) -> list[int]:
    """The places of the loops around a block that `of` likes."""
    return [place for place, loop in enumerate(enclosing_loops(block)) if of(loop)]


def a_loop(rng: random.Random, kernel: FuncOp, *, of: Callable[[ForOp], bool] = is_serial) -> Loop | None:
    """Some loop, nearly always one that `of` likes."""
    block = a_block(rng, kernel)
    if block is None:
        return None
    found = places(block, of) if rng.random() < 0.95 else places(block, lambda loop: True)
    return Loop(block.block_name, rng.choice(found)) if found else None


def a_band(rng: random.Random, kernel: FuncOp, least: int, most: int) -> tuple[Loop, ...] | None:
    """Some loops that follow one another around a block: nearly always serial ones with nothing else in between."""
    block = a_block(rng, kernel)
    if block is None:
        return None
    loops = enclosing_loops(block)
    length = rng.randint(least, most)
    starts = range(len(loops) - length + 1)
    if rng.random() < 0.95:
        starts = [start for start in starts if is_band(loops[start : start + length])]
    if not starts:
        return None
    start = rng.choice(starts)
    return tuple(Loop(block.block_name, place) for place in range(start, start + length))


def is_band(loops: Sequence[ForOp]) -> bool:
    """Whether serial loops follow one another with nothing else in between."""
    perfect = all(len(loop.body.block.ops) == 1 for loop in loops[:-1])
    return perfect and all(is_serial(loop) for loop in loops)


def a_place(rng: random.Random, block: BlockOp) -> Loop | None:
    """A loop around a block to copy something to, or None for the top of the kernel."""
    loops = enclosing_loops(block)
    lanes = [place for place, loop in enumerate(loops) if loop.kind is LoopKind.VECTORIZED]
    count = min(lanes, default=len(loops)) if rng.random() < 0.95 else len(loops)
    return Loop(block.block_name, rng.randrange(count)) if count and rng.random() < 0.8 else None


def a_memory_space(rng: random.Random) -> str:
    """Where a copy lives."""
    return rng.choice(("local", "local", ""))


def at(place: Loop | None) -> str:
    """The place of a copy as text."""
    return "" if place is None else f" at {place}"


def in_space(space: str) -> str:
    """The memory space of a copy as text."""
    return "" if space == "local" else f' {{memory_space = "{space}"}}'


def producers(kernel: FuncOp) -> list[tuple[BlockOp, BlockOp]]:
    """Producers and consumers."""
    blocks = blocks_in(kernel)
    written = {block: set(block.written_buffers()) for block in blocks}
    return [(p, c) for p in blocks for c in blocks if p is not c and written[p] & set(read_buffers(c))]


def written_alone(kernel: FuncOp) -> set[BlockOp]:
    """The blocks that alone write what they write."""
    blocks = blocks_in(kernel)
    written = Counter(buffer for block in blocks for buffer in written_buffers(block))
    return {block for block in blocks if all(written[buffer] == 1 for buffer in written_buffers(block))}


def is_temporary(block: BlockOp) -> bool:
    """Whether what a block writes is all inside of the kernel."""
    return all(isinstance(buffer.owner, AllocOp) for buffer in block.written_buffers())


# Loops

_TILE_SIZES = (1, 2, 2, 3, 4, 4, 5, 6, 8, 16)
_MOST_UNROLLED = 16
_MOST_BLOCKS = 12
"""In a kernel with more blocks, none are copied any more."""


@entry("tile", weight=24)
def _tile(rng: random.Random, kernel: FuncOp) -> Step | None:
    loops = a_band(rng, kernel, 1, rng.choice((1, 1, 2, 3)))
    if loops is None:
        return None
    tail = "guard" if rng.random() < 0.7 else "exact"
    sizes: list[int] = []
    for loop in loops:
        extent = loop.find(kernel).extent
        divisors = [size for size in range(1, extent + 1) if extent % size == 0]
        sizes.append(rng.choice(divisors if tail == "exact" and rng.random() < 0.9 else _TILE_SIZES))
    attributes = "" if tail == "guard" else f' {{tail = "{tail}"}}'
    text = f"{commas(loops)} tile_sizes {brackets([Size(size) for size in sizes])}{attributes}"
    return Step("tile", (loops, tuple(sizes), tail), text, results=2 * len(loops))


@entry("interchange", weight=12)
def _interchange(rng: random.Random, kernel: FuncOp) -> Step | None:
    loops = a_band(rng, kernel, 2, 4)
    if loops is None:
        return None
    if len(loops) > 2 and rng.random() < 0.3:
        loops = tuple(loops[place] for place in sorted(rng.sample(range(len(loops)), 2)))
    permutation = tuple(rng.sample(range(len(loops)), len(loops)))
    text = f"{commas(loops)} permutation = {brackets(permutation)}"
    results = rng.choice((0, len(loops)))
    return Step("interchange", (loops, permutation), text, results=results, functional=True)


@entry("reorder", weight=8)
def _reorder(rng: random.Random, kernel: FuncOp) -> Step | None:
    loops = a_band(rng, kernel, 2, 4)
    if loops is None:
        return None
    permutation = tuple(rng.sample(range(len(loops)), len(loops)))
    if permutation == tuple(range(len(loops))):  # nothing to do, and nothing to refuse
        return None
    text = commas([loops[place] for place in permutation])
    return Step("reorder", (loops, permutation), text, function="interchange")


@entry("coalesce", weight=10)
def _coalesce(rng: random.Random, kernel: FuncOp) -> Step | None:
    for _ in range(3):
        loops = a_band(rng, kernel, 2, rng.choice((2, 2, 3)))
        if loops is None:
            return None
        reducing = reduce_loops(Block(loops[0].block).find(kernel))
        if len({loop.find(kernel) in reducing for loop in loops}) == 1 or rng.random() < 0.1:
            break
    else:
        return None
    return Step("coalesce", (loops,), commas(loops), results=1)


@entry("fuse_sibling", weight=10)
def _fuse_sibling(rng: random.Random, kernel: FuncOp) -> Step | None:
    pairs: list[tuple[Loop, Loop]] = []
    blocks = blocks_in(kernel)
    for first, second in itertools.pairwise(blocks):
        for place, (a, b) in enumerate(zip(enclosing_loops(first), enclosing_loops(second), strict=False)):
            if a is b:
                continue
            if (a.extent == b.extent and is_serial(a) and is_serial(b)) or rng.random() < 0.03:
                pairs.append((Loop(first.block_name, place), Loop(second.block_name, place)))
            break
    if not pairs:
        return None
    loop, into = rng.choice(pairs)
    if rng.random() < 0.3:
        loop, into = into, loop
    return Step("fuse_sibling", (loop, into), f"{loop} into {into}", results=1)


@entry("split", weight=8)
def _split(rng: random.Random, kernel: FuncOp) -> Step | None:
    loop = a_loop(rng, kernel, of=lambda loop: is_serial(loop) and loop.extent > 1)
    if loop is None or len(blocks_in(kernel)) > _MOST_BLOCKS:
        return None
    after = rng.randrange(1, max(2, loop.find(kernel).extent))
    return Step("split", (loop, after), f"{loop} after {Size(after)}", results=2)


@entry("unroll_and_jam", weight=8)
def _unroll_and_jam(rng: random.Random, kernel: FuncOp) -> Step | None:
    loop = a_loop(rng, kernel, of=lambda loop: is_serial(loop) and loop.extent > 1)
    if loop is None:
        return None
    factor = rng.choice((1, 2, 2, 2, 3, 4) if rng.random() < 0.1 else (2, 2, 3, 4))
    return Step("unroll_and_jam", (loop, factor), f"{loop} factor = {Size(factor)}", results=1)


@entry("multibuffer", weight=4)
def _multibuffer(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=lambda block: any(map(_lives_in_a_loop, read_buffers(block))))
    if block is None:
        return None
    buffers = read_buffers(block)
    found = [place for place, buffer in enumerate(buffers) if _lives_in_a_loop(buffer) or rng.random() < 0.05]
    if not found:
        return None
    buffer, factor = Buffer(block.block_name, rng.choice(found)), rng.choice((2, 2, 3))
    return Step("multibuffer", (buffer, factor), f"{buffer} {{factor = {factor} : i64}}")


def _lives_in_a_loop(buffer: SSAValue) -> bool:
    return isinstance(buffer.owner, AllocOp) and isinstance(buffer.owner.parent_op(), ForOp)


def _is_a_copy(alloc: AllocOp) -> bool:
    writes = [use.operation for use in alloc.buffer.uses if isinstance(use.operation, WriteOp)]
    return any(isinstance(write.value.owner, ReadOp) for write in writes)


@entry("pipeline", weight=20, focus=3)
def _pipeline(rng: random.Random, kernel: FuncOp) -> Step | None:
    def stages(loop: ForOp) -> bool:
        allocs = [op for op in loop.body.block.ops if isinstance(op, AllocOp)]
        return is_serial(loop) and loop.extent > 1 and any(alloc.copies > 1 or _is_a_copy(alloc) for alloc in allocs)

    if rng.random() < 0.95 and not any(stages(op) for op in kernel.walk() if isinstance(op, ForOp)):
        return None
    loop = a_loop(rng, kernel, of=stages)
    if loop is None:
        return None
    depth = rng.choice((1, 1, 2))
    return Step("pipeline", (loop, depth), f"{loop} {{depth = {depth} : i64}}")


@entry("prefetch", weight=4)
def _prefetch(rng: random.Random, kernel: FuncOp) -> Step | None:
    def is_argument(buffer: SSAValue) -> bool:
        return isinstance(buffer, BlockArgument)

    block = a_block(rng, kernel, of=lambda block: any(map(is_argument, read_buffers(block))))
    found = [] if block is None else places(block)
    if block is None or not found or not read_buffers(block):
        return None
    buffers = read_buffers(block)
    likely = [place for place, buffer in enumerate(buffers) if is_argument(buffer) or rng.random() < 0.05]
    if not likely:
        return None
    name, at, ahead = Block(block.block_name), Loop(block.block_name, rng.choice(found)), rng.choice((1, 1, 2, 5))
    buffer = Buffer(block.block_name, rng.choice(likely))
    return Step("prefetch", (name, buffer, at, ahead), f"{name}, {buffer} at {at} {{ahead = {ahead} : i64}}", results=1)


@entry("add_unit_loop", weight=3)
def _add_unit_loop(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel)
    if block is None:
        return None
    loop = a_loop(rng, kernel)
    target = Block(block.block_name) if loop is None or rng.random() < 0.5 else loop
    return Step("add_unit_loop", (target,), f"{target}", results=1)


@entry("reorder_iterators", weight=3)
def _reorder_iterators(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=lambda block: len(block.kinds) > 1)
    if block is None or len(block.kinds) < 2:
        return None
    permutation = tuple(rng.sample(range(len(block.kinds)), len(block.kinds)))
    name = Block(block.block_name)
    return Step("reorder_iterators", (name, permutation), f"{name} permutation = {brackets(permutation)}")


# Kinds of loops


@entry("unroll", weight=6)
def _unroll(rng: random.Random, kernel: FuncOp) -> Step | None:
    loop = a_loop(rng, kernel)
    if loop is None or loop.find(kernel).extent > _MOST_UNROLLED:
        return None
    return Step("unroll", (loop,), f"{loop}")


@entry("vectorize", weight=10)
def _vectorize(rng: random.Random, kernel: FuncOp) -> Step | None:
    blocks = [block for block in blocks_in(kernel) if enclosing_loops(block)]
    free = [b for b in blocks if all(loop.kind is not LoopKind.VECTORIZED for loop in enclosing_loops(b))]
    if not blocks or (not free and rng.random() < 0.95):
        return None
    block = rng.choice(free or blocks)
    count = len(enclosing_loops(block))
    reducing = reduce_loops(block)
    inner = [place for place, loop in enumerate(enclosing_loops(block)) if loop not in reducing and is_serial(loop)]
    draw = rng.random()
    if draw < 0.5 and (is_serial(enclosing_loops(block)[-1]) or draw < 0.02):
        place = count - 1
    elif inner and draw < 0.9:
        place = inner[-1]
    else:
        place = rng.randrange(count)
    loop = Loop(block.block_name, place)
    return Step("vectorize", (loop,), f"{loop}")


@entry("parallelize", weight=8)
def _parallelize(rng: random.Random, kernel: FuncOp) -> Step | None:
    loop = a_loop(rng, kernel)
    if loop is None:
        return None
    around = enclosing_loops(Block(loop.block).find(kernel))
    if any(each.kind is LoopKind.PARALLEL for each in around) and rng.random() < 0.9:
        return None
    if rng.random() < 0.6 and is_serial(around[0]):
        loop = Loop(loop.block, 0)
    grain = rng.choice((None, None, 1, 2))
    return Step("parallelize", (loop, grain), f"{loop}" if grain is None else f"{loop} grain = {Size(grain)}")


@entry("peel", weight=4)
def _peel(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=lambda block: bool(places(block)))
    if block is None:
        return None
    found = places(block) if rng.random() < 0.9 else places(block, lambda loop: True)
    count = min(len(found), rng.choice((1, 1, 2)))
    if not count:
        return None
    loops = tuple(Loop(block.block_name, place) for place in sorted(rng.sample(found, count)))
    return Step("peel", (loops,), commas(loops))


# Copies


@entry("cache_read", weight=8)
def _cache_read(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=lambda block: bool(read_buffers(block)))
    if block is None or not read_buffers(block):
        return None
    name, space, place = Block(block.block_name), a_memory_space(rng), a_place(rng, block)
    buffer = Buffer(name.name, rng.randrange(len(read_buffers(block))))
    loops = enclosing_loops(block)
    along = Loop(name.name, rng.randrange(len(loops))) if loops and rng.random() < 0.3 else None
    text = f"{name}, {buffer}{at(place)}{'' if along is None else f' along {along}'}{in_space(space)}"
    return Step("cache_read", (name, buffer, place, space, along), text, results=1)


@entry("cache_write", weight=8)
def _cache_write(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=lambda block: len(written_buffers(block)) == 1)
    if block is None:
        return None
    name, space, place = Block(block.block_name), a_memory_space(rng), a_place(rng, block)
    return Step("cache_write", (name, place, space), f"{name}{at(place)}{in_space(space)}", results=1)


# Memory scopes and layouts


@entry("set_memory_space", weight=6)
def _set_memory_space(rng: random.Random, kernel: FuncOp) -> Step | None:
    own = [
        (block, place)
        for block in blocks_in(kernel)
        for place, buffer in enumerate(read_buffers(block))
        if isinstance(buffer.owner, AllocOp) or rng.random() < 0.02
    ]
    if not own:
        return None
    block, place = rng.choice(own)
    buffer, scope = Buffer(block.block_name, place), rng.choice(("local", "registers", "l1", "l2", ""))
    return Step("set_memory_space", (buffer, scope), f'{buffer} "{scope}"')


def _dimensions(buffer: SSAValue) -> Sequence[int]:
    """The dimensions in which a buffer lies, the outermost first."""
    owner = buffer.owner
    if isinstance(owner, AllocOp):
        return owner.order if owner.tiling is None else range(len(owner.tiling.results))
    return range(len(buffer_shape(buffer)))


@entry("storage_align", weight=6)
def _storage_align(rng: random.Random, kernel: FuncOp) -> Step | None:
    own = [
        (block, place, _dimensions(buffer))
        for block in blocks_in(kernel)
        for place, buffer in enumerate(read_buffers(block))
        if isinstance(buffer.owner, AllocOp) or rng.random() < 0.02
    ]
    outer = [each for each in own if len(each[2]) > 1]
    if not own or (not outer and rng.random() < 0.95):
        return None
    block, place, dimensions = rng.choice(outer if outer and rng.random() < 0.95 else own)
    buffer = Buffer(block.block_name, place)
    dimension = rng.choice(dimensions[:-1] or [0]) if rng.random() < 0.95 else rng.randrange(len(dimensions) + 1)
    factor = rng.choice((2, 3, 4, 8, 16))
    offset = rng.choice((0, 1, factor // 2, factor - 1)) if rng.random() < 0.95 else factor
    sizes = (Size(dimension), Size(factor), Size(offset))
    text = f"{buffer} dimension = {sizes[0]} factor = {sizes[1]} offset = {sizes[2]}"
    return Step("storage_align", (buffer, dimension, factor, offset), text)


@entry("reindex", weight=6)
def _reindex(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=lambda block: bool(read_buffers(block)))
    if block is None or not (buffers := read_buffers(block)):
        return None
    always = {read.buffer for read in block.reads() if read.parent_op() is block}
    likely = [place for place, buffer in enumerate(buffers) if buffer in always or rng.random() < 0.05]
    if not likely:
        return None
    name, space = Block(block.block_name), rng.choice(("", "", "local"))
    buffer = Buffer(block.block_name, rng.choice(likely))
    text = f"{name}, {buffer}" + (f' {{memory_space = "{space}"}}' if space else "")
    return Step("reindex", (name, buffer, space), text, results=1)


def is_packable(buffer: SSAValue) -> bool:
    """Whether a kernel may say how a buffer lies: one of its own, or a constant."""
    function = buffer.owner.parent_op() if isinstance(buffer, BlockArgument) else None
    if not isinstance(function, FuncOp) or not isinstance(buffer, BlockArgument):
        return isinstance(buffer.owner, AllocOp)
    return function.arg_attrs is not None and CONSTANT in function.arg_attrs.data[buffer.index].data


@entry("transform_layout", weight=8)
def _transform_layout(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=lambda block: any(map(is_packable, read_buffers(block))))
    if block is None or not (buffers := read_buffers(block)):
        return None
    found = [place for place, buffer in enumerate(buffers) if is_packable(buffer)]
    place = rng.choice(found) if found and rng.random() < 0.95 else rng.randrange(len(buffers))
    rank = len(buffer_shape(buffers[place]))
    buffer = Buffer(block.block_name, place)
    outer = tuple(rng.sample(range(rank), rank)) if rng.random() < 0.6 else tuple(range(rank))
    positions = tuple(rng.sample(range(rank), rng.randint(0, min(rank, 2))))
    sizes = tuple(rng.choice(_TILE_SIZES) for _ in positions)
    layout = tiled_layout(rank, outer, positions, sizes)
    if rng.random() < 0.4:
        if rank > 1 and rng.random() < 0.3:  # dimensions in one, with a gap or an overlap now and then
            first, second = layout.results[:2]
            extent = packed_shape(layout, buffer_shape(buffers[place]))[1] + rng.choice((0, 0, 0, 1, -1))
            layout = AffineMap(rank, 0, (first * extent + second, *layout.results[2:]))
        return Step("transform_layout", (buffer, layout), f"{buffer} {AffineMapAttr(layout)}")
    text = f"{buffer}{'' if outer == tuple(range(rank)) and positions else f' outer_dims_perm = {brackets(outer)}'}"
    if positions:
        tiles = brackets([Size(size) for size in sizes])
        text += f" inner_dims_pos = {brackets(positions)} inner_tiles = {tiles}"
    return Step("transform_layout", (buffer, layout), text)


@entry("pack", weight=6)
def _pack(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=lambda block: any(map(is_packable, read_buffers(block))))
    if block is None or not (buffers := read_buffers(block)):
        return None
    found = [place for place, buffer in enumerate(buffers) if is_packable(buffer)]
    place = rng.choice(found) if found and rng.random() < 0.95 else rng.randrange(len(buffers))
    loops = list(enclosing_loops(block))
    moving = [loop for loop in loops if len(dimensions_moved(block, buffers[place], [loop])) == 1]
    if not loops or (not moving and rng.random() < 0.9):
        return None
    loop = rng.choice(moving if moving and rng.random() < 0.95 else loops)
    at, size = Loop(block.block_name, loops.index(loop)), rng.choice(_TILE_SIZES)
    buffer = Buffer(block.block_name, place)
    text = f"{Block(block.block_name)}, {buffer} along {at} panel_size {brackets([Size(size)])}"
    return Step("pack", (Block(block.block_name), buffer, at, size), text)


# Places of blocks


@entry("compute_at", weight=10)
def _compute_at(rng: random.Random, kernel: FuncOp) -> Step | None:
    pairs = producers(kernel)
    alone = written_alone(kernel)
    temporary = [pair for pair in pairs if is_temporary(pair[0]) and pair[0] in alone]
    if not temporary and rng.random() < 0.9:
        return None
    if not pairs or rng.random() < 0.05:
        pairs = [(a, b) for a in blocks_in(kernel) for b in blocks_in(kernel)]
    producer, consumer = rng.choice(temporary if temporary and rng.random() < 0.95 else pairs)
    found = _outside(rng, producer, consumer)
    if not found:
        return None
    moved, place = Block(producer.block_name), Loop(consumer.block_name, rng.choice(found))
    return Step("compute_at", (moved, place), f"{moved} into {place}")


@entry("reverse_compute_at", weight=10)
def _reverse_compute_at(rng: random.Random, kernel: FuncOp) -> Step | None:
    pairs = producers(kernel)
    if not pairs or rng.random() < 0.05:
        pairs = [(a, b) for a in blocks_in(kernel) for b in blocks_in(kernel)]
    plain = [pair for pair in pairs if is_plain(pair[1])]
    if not plain and rng.random() < 0.9:
        return None
    producer, consumer = rng.choice(plain if plain and rng.random() < 0.95 else pairs)
    found = _outside(rng, consumer, producer)
    if rng.random() < 0.8:
        loops = enclosing_loops(producer)
        first = min((place for place in found if loops[place] in reduce_loops(producer)), default=len(loops))
        found = [place for place in found if place < first]
    if not found:
        return None
    moved, place = Block(consumer.block_name), Loop(producer.block_name, rng.choice(found))
    return Step("reverse_compute_at", (moved, place), f"{moved} into {place}")


def _outside(rng: random.Random, moved: BlockOp, fixed: BlockOp) -> list[int]:
    """The places around a block to move another one to: mostly where it isn't already."""
    if rng.random() < 0.05:
        return places(fixed, lambda loop: True)
    around, loops = enclosing_loops(moved), enclosing_loops(fixed)
    lanes = [place for place, loop in enumerate(loops) if loop.kind is LoopKind.VECTORIZED]
    return [place for place, loop in enumerate(loops) if loop not in around and place < min(lanes, default=len(loops))]


@entry("compute_inline", weight=6)
def _compute_inline(rng: random.Random, kernel: FuncOp) -> Step | None:
    alone = written_alone(kernel)
    block = a_block(rng, kernel, of=lambda block: is_temporary(block) and is_plain(block) and block in alone)
    if block is None:
        return None
    name = Block(block.block_name)
    return Step("compute_inline", (name,), f"{name}")


@entry("reverse_compute_inline", weight=10)
def _reverse_compute_inline(rng: random.Random, kernel: FuncOp) -> Step | None:
    pairs = producers(kernel)
    readers = {producer: {c for p, c in pairs if p is producer} for producer, _ in pairs}
    plain = [c for p, c in pairs if is_temporary(p) and is_plain(p) and is_plain(c) and readers[p] == {c}]
    if not plain and rng.random() < 0.95:
        return None
    name = Block(rng.choice(plain or blocks_in(kernel)).block_name)
    return Step("reverse_compute_inline", (name,), f"{name}")


def is_plain(block: BlockOp) -> bool:
    """Whether a block has spatial iterators only."""
    return not (block.has_kind(IteratorKind.REDUCE) or block.has_kind(IteratorKind.ORDERED))


def _between(kernel: FuncOp) -> list[tuple[BlockOp, BlockOp]]:
    """Producers of buffers inside of the kernel, and who alone reads them."""
    return [
        (p, c)
        for p, c in producers(kernel)
        if is_temporary(p)
        and any(readers_of(buffer) == [c] and writers_of(buffer) == [p] for buffer in p.written_buffers())
    ]


def _combines_alike(reduction: BlockOp, block: BlockOp) -> bool:
    """Whether a block writes an element of a reduction, combined with something else as the reduction does."""
    if not block.writes():
        return False
    value = block.writes()[-1].operands[0]
    own = [op for op in reduction.writes() if isinstance(op, ReduceOp) and len(op.buffers) == 1]
    if len(own) != 1 or not isinstance(value.owner, Operation):
        return False
    combiner = [op.name for op in own[0].combiner.block.ops if op.results]
    reads = [operand.owner for operand in value.owner.operands if isinstance(operand.owner, ReadOp)]
    flags = str(value.owner.properties.get("fastmath"))
    exact = "f" not in str(value.type) or "imum" in value.owner.name or "reassoc" in flags
    return combiner == [value.owner.name] and exact and any(read.buffer is own[0].buffers[0] for read in reads)


@entry("decompose_padding", weight=16)
def _decompose_padding(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=_pads)
    if block is None or (not _pads(block) and rng.random() < 0.8):
        return None
    name = Block(block.block_name)
    return Step("decompose_padding", (name,), f"{name}", results=1)


@entry("pad", weight=6)
def _pad(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = a_block(rng, kernel, of=_is_untouched)
    if block is None or not block.kinds:
        return None
    chosen = [kind is IteratorKind.SPATIAL or rng.random() < 0.5 for kind in block.kinds]
    multiples = tuple(rng.choice((1, 1, 2, 3, 4, 8)) if grows else 1 for grows in chosen)
    if all(extent % multiple == 0 for extent, multiple in zip(block.extents, multiples, strict=True)):
        return None
    name, space = Block(block.block_name), rng.choice(("", "", "local"))
    sizes = brackets([Size(multiple) for multiple in multiples])
    text = f"{name} to_multiples {sizes}" + (f' {{memory_space = "{space}"}}' if space else "")
    return Step("pad", (name, multiples, space), text, functional=True)


def _is_untouched(block: BlockOp) -> bool:
    """Whether a loop binds each iterator, and all of it."""
    loops = {loop.induction_variable: loop.extent for loop in enclosing_loops(block) if is_serial(loop)}
    plain = [list(form.terms) for form in block.binding_forms()]
    return all(len(terms) == 1 and terms[0] in loops for terms in plain) and not block.has_kind(IteratorKind.ORDERED)


def _pads(block: BlockOp) -> bool:
    writes = block.writes()
    if len(writes) != 1 or not is_plain(block) or not isinstance(choice := writes[0].operands[0].owner, IfOp):
        return False
    branches = [region.block.last_op for region in choice.regions if region.blocks]
    return any(last is not None and isinstance(last.operands[0].owner, ConstantOp) for last in branches)


@entry("rolling_buffer", weight=24, focus=5)
def _rolling_buffer(rng: random.Random, kernel: FuncOp) -> Step | None:
    found = [block for block in blocks_in(kernel) if _has_window(block)]
    if not found:
        return _window(rng, kernel) if rng.random() < 0.5 else None
    name = Block(rng.choice(found).block_name)
    return Step("rolling_buffer", (name,), f"{name}", functional=True)


def _window(rng: random.Random, kernel: FuncOp) -> Step | None:
    """A step that stages, or computes, in each iteration of an outermost loop what overlaps with that of the next."""
    found: list[tuple[BlockOp, SSAValue]] = []
    for block in blocks_in(kernel):
        loops = enclosing_loops(block)
        if loops and loops[0].extent > 1 and is_serial(loops[0]):
            found += [(block, read.buffer) for read in block.reads() if _overlaps(read, loops[0])]
    if not found:
        return None
    block, buffer = rng.choice(found)
    place = Loop(block.block_name, 0)
    alone = written_alone(kernel)
    moved = [p for p in alone if is_plain(p) and is_temporary(p) and p.written_buffers() == [buffer]]
    if moved and enclosing_loops(moved[0])[:1] != enclosing_loops(block)[:1] and rng.random() < 0.7:
        producer = Block(moved[0].block_name)
        return Step("compute_at", (producer, place), f"{producer} into {place}")
    name, read, space = Block(block.block_name), Buffer(block.block_name, read_buffers(block).index(buffer)), "local"
    return Step("cache_read", (name, read, place, space, None), f"{name}, {read}{at(place)}", results=1)


def _overlaps(read: ReadOp, loop: ForOp) -> bool:
    """Whether neighbouring iterations of a loop read some of the same elements, and others."""
    for form in index_forms(read):
        step = None if form is None else form.coefficient(loop.induction_variable)
        if form is not None and step and step > 0:
            width = (form - Lin.of(loop.induction_variable) * step).range(loop_bounds)
            if width is not None and width[1] - width[0] >= step:
                return True
    return False


def _has_window(block: BlockOp) -> bool:
    """Whether a block computes what overlaps in each iteration of a loop that its buffer lives in."""
    home = next((buffer.owner for buffer in block.written_buffers()), None)
    loop = home.parent_op() if isinstance(home, AllocOp) else None
    if not isinstance(loop, ForOp) or not is_plain(block):
        return False
    moving = [form for form in block.binding_forms() if loop.induction_variable in form.values()]
    rows = [each.extent for each in enclosing_loops(block) if moving and each.induction_variable in moving[0].terms]
    step = moving[0].coefficient(loop.induction_variable) if moving else None
    return len(moving) == 1 and len(rows) == 2 and step is not None and 0 < step < rows[1]


# Reductions


@entry("fuse_reduction_epilogue", weight=16, focus=3)
def _fuse_reduction_epilogue(rng: random.Random, kernel: FuncOp) -> Step | None:
    pairs = [(p, c) for p, c in _between(kernel) if p.init is not None and not c.has_kind(IteratorKind.REDUCE)]
    alike = [c for p, c in pairs if _combines_alike(p, c)]
    found = alike or [c for _, c in pairs if rng.random() < 0.1]
    if not found:
        return None
    name = Block(rng.choice(found).block_name)
    return Step("fuse_reduction_epilogue", (name,), f"{name}")


@entry("decompose_reduction", weight=8)
def _decompose_reduction(rng: random.Random, kernel: FuncOp) -> Step | None:
    return _at_reduction(rng, kernel, "decompose_reduction", outermost=True)


@entry("split_reduction", weight=8)
def _split_reduction(rng: random.Random, kernel: FuncOp) -> Step | None:
    return _at_reduction(rng, kernel, "split_reduction", outermost=False)


def _at_reduction(rng: random.Random, kernel: FuncOp, primitive: str, *, outermost: bool) -> Step | None:
    """A reduction that has its init, and one of the loops that it reduces, or the outermost one."""
    block = a_block(rng, kernel, of=lambda block: block.init is not None and (outermost or _may_split(block)))
    if block is None or not (loops := enclosing_loops(block)):
        return None
    reducing = reduce_loops(block)
    found = [place for place, loop in enumerate(loops) if loop in reducing]
    if not found and rng.random() < 0.9:
        return None
    chosen = rng.randrange(len(loops))
    if found and rng.random() < 0.9:
        chosen = found[0] if outermost else rng.choice(found)
    name, place = Block(block.block_name), Loop(block.block_name, chosen)
    return Step(primitive, (name, place), f"{name} at {place}", results=1)


def _may_split(block: BlockOp) -> bool:
    reductions = [op for op in block.writes() if isinstance(op, ReduceOp)]
    return len(reductions) == 1 and reductions[0].may_reorder


# Statements of nests


@entry("blockize", weight=3)
def _blockize(rng: random.Random, kernel: FuncOp) -> Step | None:
    loop = a_loop(rng, kernel, of=_may_be_statement)
    return None if loop is None else Step("blockize", (loop,), f"{loop}")


def _may_be_statement(loop: ForOp) -> bool:
    plain = (LoopKind.SERIAL, LoopKind.UNROLLED)
    return is_serial(loop) and not any(
        isinstance(op, AllocOp) or (isinstance(op, ForOp) and op.kind not in plain) for op in loop.walk()
    )


@entry("tensorize", weight=12)
def _tensorize(rng: random.Random, kernel: FuncOp) -> Step | None:
    """The innermost loop of a copy by a copy of vectors."""
    block = a_block(rng, kernel, of=_is_copy)
    if block is None or not written_buffers(block) or not (loops := enclosing_loops(block)):
        return None
    loop = loops[-1]
    written = element_type(written_buffers(block)[0])
    if loop.extent > 64 or not isinstance(written, FixedBitwidthType):
        return None
    intrinsic = copy_intrinsic(written, loop.extent + (rng.random() < 0.03))
    place = Loop(block.block_name, len(loops) - 1)
    return Step("tensorize", (place, intrinsic), f"{place} with @{intrinsic.name}", prelude=intrinsic.text)


def _is_copy(block: BlockOp) -> bool:
    if [type(op) for op in block.body.block.ops] != [ReadOp, WriteOp] or not enclosing_loops(block):
        return False
    innermost = enclosing_loops(block)[-1]
    moving = (form.values() for access in block.accesses() for form in index_forms(access) if form is not None)
    return is_serial(innermost) and any(innermost.induction_variable in values for values in moving)


def copy_intrinsic(type: Attribute, count: int) -> IntrinsicText:
    """An intrinsic that copies some elements which lie side by side."""
    name = f"copy_{type}_{count}"
    buffer, vector = f"memref<{count}x{type}>", f"vector<{count}x{type}>"
    return IntrinsicText(
        name,
        f"""  func.func @{name}(%a: {buffer}, %b: {buffer} {{loop.output}})
      attributes {{sched.implementation = @{name}_vector}} {{
    loop.for %j : {count} {{
      loop.block "copy" spatial(%vj in {count} = %j) {{
        %x = loop.read %a[%vj] : {buffer}
        loop.write %x, %b[%vj] : {buffer}
      }}
    }}
    func.return
  }}
  func.func @{name}_vector(%a: {vector}) -> {vector} {{
    func.return %a : {vector}
  }}
""",
    )


# Choosing steps


def random_step(rng: random.Random, kernel: FuncOp) -> Step:
    """A step on a kernel as it is now; it may well be refused."""
    names = list(ENTRIES)
    weights = [each.weight for each in ENTRIES.values()]
    while True:
        (name,) = rng.choices(names, weights)
        step = ENTRIES[name].choose(rng, kernel)
        if step is not None:
            return step


def iterations(kernel: FuncOp) -> int:
    """How many times the blocks of a kernel are reached: what an oracle's time is made of."""
    total = 0
    for block in blocks_in(kernel):
        count = 1
        for loop in enclosing_loops(block):
            count *= loop.extent
        total += count
    return total
