"""Random schedules of kernels on the loop rung, out of the schedule primitives."""

from __future__ import annotations

import random
from collections.abc import Callable

from stepwell.dialects.loop import BlockOp, ForOp, LoopKind, blocks_in, enclosing_loops
from stepwell.errors import ScheduleError
from stepwell.transform import primitives
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

_SIZES = (2, 3, 4, 5, 7, 8, 16)


def random_schedule(module: ModuleOp, rng: random.Random, steps: int = 8) -> list[str]:
    """Applies random primitives, then random marks; gives what was done."""
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
    done: list[str] = []
    for _ in range(rng.randrange(steps + 1)):
        _try(rng.choice(_SHAPING), kernel, rng, done)
    for _ in range(rng.randrange(steps + 1)):
        _try(rng.choice(_MARKING), kernel, rng, done)
    return done


def _try(step: Callable[[FuncOp, random.Random], object], kernel: FuncOp, rng: random.Random, done: list[str]) -> None:
    if not blocks_in(kernel):
        return
    try:
        step(kernel, rng)
    except ScheduleError:
        return
    done.append(step.__name__)


def _block(kernel: FuncOp, rng: random.Random) -> BlockOp:
    return rng.choice(blocks_in(kernel))


def _loop(kernel: FuncOp, rng: random.Random) -> ForOp:
    loops = [op for op in kernel.walk() if isinstance(op, ForOp)]
    if not loops:
        raise ScheduleError("expected a loop")
    return rng.choice(loops)


def _tile(kernel: FuncOp, rng: random.Random) -> object:
    return primitives.tile([_loop(kernel, rng)], [rng.choice(_SIZES)])


def _tile_nest(kernel: FuncOp, rng: random.Random) -> object:
    loops = enclosing_loops(_block(kernel, rng))[:3]
    return primitives.tile(loops, [rng.choice(_SIZES) for _ in loops])


def _interchange(kernel: FuncOp, rng: random.Random) -> object:
    loops = enclosing_loops(_block(kernel, rng))
    first = rng.randrange(len(loops)) if loops else 0
    chosen = loops[first : first + rng.choice((2, 3))]
    order = list(range(len(chosen)))
    rng.shuffle(order)
    return primitives.interchange(chosen, order) if len(chosen) > 1 else None


def _coalesce(kernel: FuncOp, rng: random.Random) -> object:
    loops = enclosing_loops(_block(kernel, rng))
    first = rng.randrange(len(loops)) if loops else 0
    return primitives.coalesce(loops[first : first + 2]) if len(loops[first : first + 2]) == 2 else None


def _decompose(kernel: FuncOp, rng: random.Random) -> object:
    block = _block(kernel, rng)
    return primitives.decompose_reduction(block, rng.choice(enclosing_loops(block) or [_loop(kernel, rng)]))


def _cache_read(kernel: FuncOp, rng: random.Random) -> object:
    block = _block(kernel, rng)
    reads = block.reads()
    if not reads:
        return None
    return primitives.cache_read(block, rng.choice(reads).buffer, rng.choice([None, *enclosing_loops(block)]))


def _cache_write(kernel: FuncOp, rng: random.Random) -> object:
    block = _block(kernel, rng)
    return primitives.cache_write(block, rng.choice([None, *enclosing_loops(block)]))


def _compute_at(kernel: FuncOp, rng: random.Random) -> object:
    return primitives.compute_at(_block(kernel, rng), _loop(kernel, rng))


def _reverse_compute_at(kernel: FuncOp, rng: random.Random) -> object:
    return primitives.reverse_compute_at(_block(kernel, rng), _loop(kernel, rng))


def _inline(kernel: FuncOp, rng: random.Random) -> object:
    return primitives.compute_inline(_block(kernel, rng))


def _vectorize(kernel: FuncOp, rng: random.Random) -> object:
    return primitives.vectorize(_loop(kernel, rng))


def _unroll(kernel: FuncOp, rng: random.Random) -> object:
    loop = _loop(kernel, rng)
    if loop.extent > 8:
        raise ScheduleError("expected a short loop")
    return primitives.unroll(loop)


def _parallelize(kernel: FuncOp, rng: random.Random) -> object:
    return primitives.parallelize(_loop(kernel, rng))


def _peel(kernel: FuncOp, rng: random.Random) -> object:
    loops = [op for op in kernel.walk() if isinstance(op, ForOp) and op.kind in (LoopKind.SERIAL, LoopKind.PARALLEL)]
    return primitives.peel([rng.choice(loops)]) if loops else None


_SHAPING = (
    _tile,
    _tile,
    _tile_nest,
    _interchange,
    _coalesce,
    _decompose,
    _decompose,
    _cache_read,
    _cache_write,
    _compute_at,
    _reverse_compute_at,
    _inline,
)
_MARKING = (_vectorize, _vectorize, _vectorize, _unroll, _unroll, _parallelize, _peel, _peel)
