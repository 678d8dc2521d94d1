"""Random schedules: primitives with random arguments, chosen by looking at a kernel. Many are illegal, on purpose.

A step names its blocks, and loops by their place around a block, so that it can be called as a Python function or be
written as a transform script, and can still be tried when steps before it are dropped.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

from ...dialects.loop import AllocOp, BlockOp, ForOp, IteratorKind, blocks_in, enclosing_loops
from ...dialects.regions import reduce_loops
from ...errors import ScheduleError
from ...transform import primitives


@dataclass(frozen=True)
class Step:
    """One call of a primitive.

    `loops` are places around `block`, 0 the outermost, and so is `along`; `at` is a place around the block `around`.
    """

    primitive: str
    block: str
    loops: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    tail: str = "guard"
    buffer: int = 0
    memory_space: str = "local"
    around: str = ""
    at: int | None = None
    grain: int | None = None
    along: int | None = None

    def __str__(self) -> str:
        parts = [f"{self.primitive} '{self.block}'"]
        if self.loops:
            parts.append(f"loops {list(self.loops)}")
        if self.sizes:
            parts.append(f"{'permutation' if self.primitive == 'interchange' else 'sizes'} {list(self.sizes)}")
        if self.primitive == "tile":
            parts.append(self.tail)
        if self.primitive == "cache_read":
            parts.append(f"buffer {self.buffer}")
        if self.around:
            parts.append(f"at {self.at} around '{self.around}'")
        if self.grain is not None:
            parts.append(f"grain {self.grain}")
        if self.along is not None:
            parts.append(f"along {self.along}")
        return " ".join(parts)


class Missing(ScheduleError):
    """A step names a block, a loop or a buffer that is not there (any more)."""


def block_called(kernel: FuncOp, name: str) -> BlockOp:
    """The block of a kernel that has a name."""
    for block in blocks_in(kernel):
        if block.block_name == name:
            return block
    raise Missing(f"expected a block '{name}', got none", kernel)


def loops_of(kernel: FuncOp, step: Step) -> list[ForOp]:
    """The loops that a step is about."""
    around = enclosing_loops(block_called(kernel, step.block))
    return [_pick(around, place, step) for place in step.loops]


def place_of(kernel: FuncOp, step: Step) -> ForOp | None:
    """The loop that a step moves or copies something to."""
    if step.at is None:
        return None
    return _pick(enclosing_loops(block_called(kernel, step.around)), step.at, step)


def _pick(loops: Sequence[ForOp], place: int, step: Step) -> ForOp:
    if place >= len(loops):
        raise Missing(f"expected {place + 1} loops around '{step.block}', got {len(loops)}")
    return loops[place]


def read_buffers(block: BlockOp) -> list[SSAValue]:
    """The buffers that a block reads, each once, in program order."""
    return list(dict.fromkeys(read.buffer for read in block.reads()))


def buffer_of(kernel: FuncOp, step: Step) -> SSAValue:
    """The buffer that a step is about."""
    buffers = read_buffers(block_called(kernel, step.block))
    if step.buffer >= len(buffers):
        raise Missing(f"expected {step.buffer + 1} buffers read by '{step.block}', got {len(buffers)}")
    return buffers[step.buffer]


def apply_step(kernel: FuncOp, step: Step) -> list[Operation]:
    """Calls a step's primitive; gives the loops and blocks it made, in the order of the transform op's results.

    Raises:
        ScheduleError: if the primitive refuses.
    """
    block = block_called(kernel, step.block)
    loops = loops_of(kernel, step)
    at = place_of(kernel, step)
    match step.primitive:
        case "tile":
            return [*primitives.tile(loops, step.sizes, step.tail)]
        case "interchange":
            return [*primitives.interchange(loops, step.sizes)]
        case "coalesce":
            return [primitives.coalesce(loops)]
        case "unroll":
            primitives.unroll(loops[0])
        case "vectorize":
            primitives.vectorize(loops[0])
        case "parallelize":
            primitives.parallelize(loops[0], step.grain)
        case "peel":
            primitives.peel(loops)
        case "cache_read":
            along = None if step.along is None else _pick(enclosing_loops(block), step.along, step)
            return [primitives.cache_read(block, buffer_of(kernel, step), at, step.memory_space, along)]
        case "cache_write":
            return [primitives.cache_write(block, at, step.memory_space)]
        case "compute_inline":
            primitives.compute_inline(block)
        case _:
            assert at is not None, f"expected a place for {step.primitive}"
            if step.primitive == "decompose_reduction":
                return [primitives.decompose_reduction(block, at)]
            if step.primitive == "split_reduction":
                return [primitives.split_reduction(block, at)]
            move = primitives.compute_at if step.primitive == "compute_at" else primitives.reverse_compute_at
            move(block, at)
    return []


# Choosing steps

Chooser = Callable[[random.Random, FuncOp], Step | None]

_TILE_SIZES = (1, 2, 2, 3, 4, 4, 5, 6, 8, 16)
_MOST_UNROLLED = 16


def _block(rng: random.Random, kernel: FuncOp) -> BlockOp:
    return rng.choice(blocks_in(kernel))


def _band(rng: random.Random, loops: Sequence[ForOp], least: int, most: int) -> tuple[int, ...] | None:
    """The places of some loops that follow one another."""
    length = rng.randint(least, most)
    if length > len(loops):
        return None
    first = rng.randrange(len(loops) - length + 1)
    return tuple(range(first, first + length))


def _tile(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = _block(rng, kernel)
    loops = enclosing_loops(block)
    places = _band(rng, loops, 1, rng.choice((1, 1, 2, 3)))
    if places is None:
        return None
    tail = "guard" if rng.random() < 0.7 else "exact"
    sizes: list[int] = []
    for place in places:
        extent = loops[place].extent
        divisors = [size for size in range(1, extent + 1) if extent % size == 0]
        sizes.append(rng.choice(divisors if tail == "exact" and rng.random() < 0.9 else _TILE_SIZES))
    return Step("tile", block.block_name, places, tuple(sizes), tail)


def _interchange(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = _block(rng, kernel)
    loops = enclosing_loops(block)
    places = _band(rng, loops, 2, 4)
    if places is None:
        return None
    if len(places) > 2 and rng.random() < 0.3:
        places = tuple(sorted(rng.sample(places, 2)))
    permutation = list(range(len(places)))
    rng.shuffle(permutation)
    return Step("interchange", block.block_name, places, tuple(permutation))


def _coalesce(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = _block(rng, kernel)
    places = _band(rng, enclosing_loops(block), 2, rng.choice((2, 2, 3)))
    return None if places is None else Step("coalesce", block.block_name, places)


def _mark(primitive: str) -> Chooser:
    def choose(rng: random.Random, kernel: FuncOp) -> Step | None:
        block = _block(rng, kernel)
        loops = enclosing_loops(block)
        if not loops:
            return None
        place = rng.randrange(len(loops))
        if primitive == "vectorize" and rng.random() < 0.7:
            place = len(loops) - 1
        if primitive == "parallelize" and rng.random() < 0.6:
            place = 0
        if primitive == "unroll" and loops[place].extent > _MOST_UNROLLED:
            return None
        grain = rng.choice((None, None, 1, 2)) if primitive == "parallelize" else None
        return Step(primitive, block.block_name, (place,), grain=grain)

    return choose


def _peel(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = _block(rng, kernel)
    loops = enclosing_loops(block)
    if not loops:
        return None
    count = min(len(loops), rng.choice((1, 1, 2)))
    return Step("peel", block.block_name, tuple(sorted(rng.sample(range(len(loops)), count))))


def _depth(rng: random.Random, block: BlockOp) -> int | None:
    loops = enclosing_loops(block)
    return rng.randrange(len(loops)) if loops and rng.random() < 0.8 else None


def _cache_read(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = _block(rng, kernel)
    buffers = read_buffers(block)
    if not buffers:
        return None
    name, space = block.block_name, rng.choice(("local", "local", ""))
    depth = _depth(rng, block)
    loops = enclosing_loops(block)
    along = rng.randrange(len(loops)) if loops and rng.random() < 0.3 else None
    buffer = rng.randrange(len(buffers))
    return Step("cache_read", name, buffer=buffer, memory_space=space, around=name, at=depth, along=along)


def _cache_write(rng: random.Random, kernel: FuncOp) -> Step | None:
    block = _block(rng, kernel)
    name, space = block.block_name, rng.choice(("local", "local", ""))
    return Step("cache_write", name, memory_space=space, around=name, at=_depth(rng, block))


def _pairs(kernel: FuncOp) -> list[tuple[BlockOp, BlockOp]]:
    """Producers and consumers."""
    blocks = blocks_in(kernel)
    written = {block: set(block.written_buffers()) for block in blocks}
    return [(p, c) for p in blocks for c in blocks if p is not c and written[p] & set(read_buffers(c))]


def _compute_at(rng: random.Random, kernel: FuncOp) -> Step | None:
    return _move(rng, kernel, "compute_at", reverse=False)


def _reverse_compute_at(rng: random.Random, kernel: FuncOp) -> Step | None:
    return _move(rng, kernel, "reverse_compute_at", reverse=True)


def _move(rng: random.Random, kernel: FuncOp, primitive: str, *, reverse: bool) -> Step | None:
    pairs = _pairs(kernel)
    if rng.random() < 0.1:
        pairs = [(a, b) for a in blocks_in(kernel) for b in blocks_in(kernel)]
    if not pairs:
        return None
    plain = [pair for pair in pairs if not reverse or not pair[1].has_kind(IteratorKind.REDUCE)]
    producer, consumer = rng.choice(plain if plain and rng.random() < 0.9 else pairs)
    moved, fixed = (consumer, producer) if reverse else (producer, consumer)
    loops = enclosing_loops(fixed)
    places = list(range(len(loops)))
    if rng.random() < 0.9:
        around = enclosing_loops(moved)
        places = [place for place in places if loops[place] not in around]
    if reverse and rng.random() < 0.8:
        first = min((place for place in places if loops[place] in reduce_loops(fixed)), default=len(loops))
        places = [place for place in places if place < first]
    if not places:
        return None
    return Step(primitive, moved.block_name, around=fixed.block_name, at=rng.choice(places))


def _compute_inline(rng: random.Random, kernel: FuncOp) -> Step | None:
    blocks = [b for b in blocks_in(kernel) if any(isinstance(v.owner, AllocOp) for v in b.written_buffers())]
    plain = [block for block in blocks if not block.has_kind(IteratorKind.REDUCE)]
    if not plain or rng.random() < 0.1:
        plain = blocks or blocks_in(kernel)
    blocks = plain
    return Step("compute_inline", rng.choice(blocks).block_name)


def _on_reduction(primitive: str) -> Chooser:
    return lambda rng, kernel: _reduction_step(rng, kernel, primitive)


def _reduction_step(rng: random.Random, kernel: FuncOp, primitive: str) -> Step | None:
    blocks = [block for block in blocks_in(kernel) if block.init is not None]
    if rng.random() < 0.05:
        blocks = blocks_in(kernel)
    if not blocks:
        return None
    block = rng.choice(blocks)
    loops = enclosing_loops(block)
    if not loops:
        return None
    reducing = reduce_loops(block)
    places = [place for place, loop in enumerate(loops) if loop in reducing]
    first = places[0] if primitive == "decompose_reduction" and places else rng.choice(places or [0])
    place = first if places and rng.random() < 0.6 else rng.randrange(len(loops))
    return Step(primitive, block.block_name, around=block.block_name, at=place)


CHOOSERS: Mapping[str, tuple[Chooser, int]] = {
    "tile": (_tile, 24),
    "interchange": (_interchange, 16),
    "coalesce": (_coalesce, 8),
    "unroll": (_mark("unroll"), 6),
    "vectorize": (_mark("vectorize"), 10),
    "parallelize": (_mark("parallelize"), 8),
    "peel": (_peel, 4),
    "cache_read": (_cache_read, 8),
    "cache_write": (_cache_write, 8),
    "compute_at": (_compute_at, 10),
    "reverse_compute_at": (_reverse_compute_at, 10),
    "compute_inline": (_compute_inline, 6),
    "decompose_reduction": (_on_reduction("decompose_reduction"), 8),
    "split_reduction": (_on_reduction("split_reduction"), 8),
}
"""How a step of each primitive is chosen, and how often."""


def random_step(rng: random.Random, kernel: FuncOp) -> Step:
    """A step on a kernel as it is now; it may well be refused."""
    names = list(CHOOSERS)
    weights = [weight for _, weight in CHOOSERS.values()]
    while True:
        (name,) = rng.choices(names, weights)
        step = CHOOSERS[name][0](rng, kernel)
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
