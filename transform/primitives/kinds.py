"""Primitives that mark loops: what becomes of them on rung 4a. Rung 3 means the same with and without marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from xdsl.dialects.builtin import IndexType, IntegerAttr, UnitAttr

from ...dialects.lanes import combines_lanes, vectorization_failure
from ...dialects.loop import AllocOp, ForOp, LoopKind, ReadOp, blocks_in, enclosing_loops, nest_ops
from .common import describe, refuse, require_serial
from .dependence import require_independent, require_pure_reduction


def unroll(loop: ForOp) -> None:
    """Marks a loop to be expanded whole: its induction variable becomes constants. The order stays."""
    require_serial(loop)
    loop.kind = LoopKind.UNROLLED


def vectorize(loop: ForOp) -> None:
    """Marks a loop whose iterations become lanes of vectors.

    Lanes along a decomposed reduction are combined pairwise, then with the accumulator.

    Raises:
        ScheduleError: unless each iteration writes elements of its own, or the loop goes along the decomposed reduction
            of the one block in it, whose order may change.
    """
    require_serial(loop)
    if (failure := vectorization_failure(loop)) is not None:
        refuse(f"{failure}, to vectorize {describe(loop)}", loop)
    for op in nest_ops(loop):
        if isinstance(op, AllocOp):
            refuse("expected no buffer to live inside of a vectorized loop", loop, ("the buffer", op))
    blocks = blocks_in(loop)
    if len(blocks) == 1 and all(
        isinstance(access, ReadOp) or combines_lanes(access, loop) for access in blocks[0].accesses()
    ):
        require_pure_reduction(blocks[0], f"to vectorize {describe(loop)}")
    else:
        require_independent(loop, enclosing_loops(loop), "vectorize")
    loop.kind = LoopKind.VECTORIZED


def parallelize(loop: ForOp, grain: int | None = None) -> None:
    """Marks a loop whose iterations run on all threads, at least `grain` on each.

    Raises:
        ScheduleError: unless each iteration writes elements of its own, or if it is inside of a parallel loop.
    """
    require_serial(loop)
    if grain is not None and grain < 1:
        refuse(f"expected a positive grain, got {grain}", loop)
    around = enclosing_loops(loop)
    for other in [*around, *(op for op in nest_ops(loop) if isinstance(op, ForOp))]:
        if other.kind is LoopKind.PARALLEL:
            refuse(f"expected one parallel loop in a nest, got {describe(loop)} with {describe(other)}", other)
    for other in around:
        if other.kind in (LoopKind.VECTORIZED, LoopKind.UNROLLED):
            refuse(f"expected serial loops around a parallel one, got {other.kind} {describe(other)}", other)
    require_independent(loop, around, "parallelize")
    loop.kind = LoopKind.PARALLEL
    if grain is not None:
        loop.grain = IntegerAttr(grain, IndexType())


def bind(loop: ForOp, thread: str) -> NoReturn:
    """Refuses to bind a loop to threads that a processor has by name (TVM's `bind`): there is no rung for GPUs yet.

    Raises:
        ScheduleError: always. It says what a CPU has instead.
    """
    refuse(
        f"expected a target whose threads have names, such as a GPU, to bind {describe(loop)} to '{thread}', got a "
        "CPU: sched.parallelize has a loop run on its threads, sched.vectorize in the lanes of its vectors, and "
        "sched.unroll_and_jam interleaves iterations as virtual threads do",
        loop,
    )


def peel(loops: Sequence[ForOp]) -> None:
    """Marks loops whose last iteration is emitted on its own, so that guards of a tail stay out of the others.

    Put it last in a script: there is one copy to schedule, and several to emit.
    """
    for loop in loops:
        if loop.kind in (LoopKind.VECTORIZED, LoopKind.UNROLLED, LoopKind.PIPELINED):
            refuse(f"expected a loop that stays a loop to peel, got {loop.kind} {describe(loop)}", loop)
        if loop.peel is not None:
            refuse(f"expected a loop that is not peeled yet, got {describe(loop)}", loop)
    if len(set(loops)) != len(loops):
        refuse("expected each loop once", loops[0])
    for loop in loops:
        loop.peel = UnitAttr()


__all__ = ["bind", "parallelize", "peel", "unroll", "vectorize"]
