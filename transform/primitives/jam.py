"""A primitive that interleaves iterations of a loop: unroll_and_jam."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from xdsl.ir import Block, Operation

from ...dialects.loop import AllocOp, BlockOp, ForOp, LoopKind, ReadOp, blocks_in, enclosing_loops
from ...dialects.quasi_affine import Lin
from ...dialects.regions import accesses_of
from .common import (
    BlockForms,
    buffer_name,
    describe,
    first_unproven,
    get_forms,
    put_forms,
    rebind,
    refuse,
    require_serial,
)
from .dependence import require_independent, require_reorderable, separated
from .loops import needs_guard


def unroll_and_jam(loop: ForOp, factor: int) -> ForOp:
    """Lets some iterations of a loop take their steps together: each block runs `factor` times, for that many
    iterations, before the next one does, or the next iteration of a loop inside.

    before                         after `unroll_and_jam(i, 4)`
    loop.for %i : 8 {              loop.for %io : 2 {
      … init S[i]                    loop.for %ii : 4 unrolled { … init S[io*4 + ii] }
      loop.for %k : 64 {             loop.for %k : 64 {
        … S[i] += A[i, k] * B[k]       loop.for %ii : 4 unrolled { … S[io*4 + ii] += A[io*4 + ii, k] * B[k] }
      }                              }
    }                              }

    What the iterations have in common, such as `B[k]` here, is loaded once. Where the factor does not divide the
    extent, blocks skip the iterations beyond it. Loops inside that are parallel or vectorized stay whole.

    Returns:
        The loop around.

    Raises:
        ScheduleError: if the loop is marked; unless each iteration writes elements of its own, or everything is in one
            perfect nest whose loops may change their order.
    """
    require_serial(loop)
    if factor < 2:
        refuse(f"expected a factor of at least 2 to unroll and jam {describe(loop)}, got {factor}", loop)
    factor = min(factor, loop.extent)
    around = enclosing_loops(loop)
    chain = _chain(loop)
    if chain is not None:
        require_reorderable(chain, [*chain[1:], loop], around)
    else:
        require_independent(loop, around, "unroll and jam")
        _require_own_elements(loop)
    blocks = blocks_in(loop)
    before = [(block, get_forms(block)) for block in blocks]
    bodies = [(each.body.block, list(each.body.block.ops)) for each in (loop, *_entered(loop))]
    inexact = loop.extent % factor != 0
    guarded = {block for block in blocks if inexact and needs_guard(block, loop)}
    hint = loop.induction_variable.name_hint
    outer = ForOp(-(-loop.extent // factor))
    outer.induction_variable.name_hint = f"{hint}o" if hint else None
    assert loop.parent is not None
    loop.parent.insert_op_before(outer, loop)
    jammed: list[ForOp] = []
    for body, ops in bodies:
        home = outer.body.block if body is loop.body.block else body
        for op in ops:
            op.detach()
        for whole, group in groupby(ops, _stays_whole):
            if not whole:
                home.add_ops(group)
                continue
            inner = ForOp(factor, kind=LoopKind.UNROLLED)
            inner.induction_variable.name_hint = f"{hint}i" if hint else None
            inner.body.block.add_ops(group)
            home.add_op(inner)
            jammed.append(inner)
    for inner in jammed:
        form = Lin.of(outer.induction_variable) * factor + Lin.of(inner.induction_variable)
        for block in blocks_in(inner):
            if loop.induction_variable in block.operands or block in guarded:
                guards = [(form, loop.extent)] if block in guarded else []
                rebind(block, {loop.induction_variable: form}, guards)
    if (failure := first_unproven(blocks)) is not None:
        _undo(before, bodies, [outer, *jammed])
        refuse(f"{failure[1]}, to unroll and jam {describe(loop)}", loop, ("this block", failure[0]))
    loop.detach()
    loop.erase()
    return outer


def _stays_whole(op: Operation) -> bool:
    """Whether an op is run for one iteration after the other, and not entered."""
    return not isinstance(op, AllocOp) and not _is_entered(op)


def _is_entered(op: Operation) -> bool:
    return isinstance(op, ForOp) and op.kind in (LoopKind.SERIAL, LoopKind.UNROLLED)


def _entered(loop: ForOp) -> Iterator[ForOp]:
    """The loops inside that iterations are interleaved in."""
    for op in loop.body.block.ops:
        if isinstance(op, ForOp) and _is_entered(op):
            yield op
            yield from _entered(op)


def _chain(loop: ForOp) -> list[ForOp] | None:
    """The loops of a perfect nest down to what stays whole, or None if there is more in it."""
    chain = [loop]
    while True:
        ops = list(chain[-1].body.block.ops)
        if all(map(_stays_whole, ops)):
            return chain
        if len(ops) != 1 or not isinstance(ops[0], ForOp):
            return None
        chain.append(ops[0])


def _require_own_elements(loop: ForOp) -> None:
    """Buffers that live in an iteration are shared by some of them: each needs elements of its own there, too."""
    for alloc in [op for op in loop.walk() if isinstance(op, AllocOp)]:
        accesses = accesses_of(alloc.buffer)
        written = any(not isinstance(access, ReadOp) for access in accesses)
        if written and loop not in separated(accesses, [loop], enclosing_loops(loop)):
            refuse(
                f"expected each iteration of {describe(loop)} to have elements of '{buffer_name(alloc.buffer)}' of its "
                "own to unroll and jam it",
                loop,
                ("the buffer", alloc),
            )


def _undo(
    before: Iterable[tuple[BlockOp, BlockForms]], bodies: Iterable[tuple[Block, list[Operation]]], made: list[ForOp]
) -> None:
    for block, forms in before:
        put_forms(block, forms)
    bodies = list(bodies)
    for _, ops in bodies:
        for op in ops:
            op.detach()
    for inner in reversed(made):
        inner.detach()
        inner.erase()
    for body, ops in bodies:
        body.add_ops(ops)


__all__ = ["unroll_and_jam"]
