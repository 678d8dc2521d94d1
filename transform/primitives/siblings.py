"""A primitive on loops beside one another: fuse_sibling."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from xdsl.ir import Block, Operation, SSAValue

from ...dialects.loop import ForOp, ReadOp, blocks_in, enclosing_loops, loop_bounds
from ...dialects.quasi_affine import Atom, Lin
from ...dialects.regions import Access, alloc_of, index_forms
from ...dialects.separation import agreeing
from .common import buffer_name, describe, first_unproven, lift_allocs, move_body, refuse, require_serial
from .location import sink_alloc


def fuse_sibling(loop: ForOp, into: ForOp) -> ForOp:
    """Makes one loop of two of the same extent beside one another: each iteration runs the earlier one's body, then the
    later one's. The fused loop stands where `into` does.

    before                         after `fuse_sibling(i, into = k)`
    loop.for %i : 64 {             loop.for %k : 64 {
      … writes T[i, 0:32]            … writes T[k, 0:32]
    }                                … reads T[k, 0:32]
    loop.for %k : 64 {             }
      … reads T[k, 0:32]
    }

    TVM calls it `merge`. Buffers that only the fused loop touches move into it.

    Returns:
        The fused loop, which is `into`.

    Raises:
        ScheduleError: if the loops are marked, differ in extent or are not in the same place; if one touches in a later
            iteration what the other one, which came after all of it, touches in an earlier one, and one of them writes
            it; if something between them is in the way.
    """
    if loop is into:
        refuse(f"expected two loops to fuse, got {describe(loop)} twice", loop)
    for each in (loop, into):
        require_serial(each)
    if loop.parent is not into.parent or loop.parent is None:
        refuse(
            f"expected loops beside one another, got {describe(loop)} and {describe(into)}", loop, ("the other", into)
        )
    if loop.extent != into.extent:
        refuse(f"expected loops of the same extent, got {describe(loop)} and {describe(into)}", loop, ("into", into))
    first, second = (loop, into) if loop.is_before_in_block(into) else (into, loop)
    _require_free_way(loop, into, _between(first, second))
    _require_no_later(first, second)
    home = loop.parent
    moved = list(loop.body.block.ops)
    before = list(home.ops), moved, list(into.body.block.ops)
    blocks = blocks_in(loop)
    others = _touched(second)
    shared = [buffer for buffer in _touched(first) if buffer in others]
    if first is loop:
        own = before[2]
        for op in own:
            op.detach()
        move_body(loop.body.block, into.body.block)
        into.body.block.add_ops(own)
    else:
        move_body(loop.body.block, into.body.block)
    operands = {block: tuple(block.operands) for block in blocks}
    loop.induction_variable.replace_all_uses_with(into.induction_variable)
    loop.detach()
    lift_allocs(into)
    if (failure := first_unproven(blocks_in(into))) is not None:
        for block, values in operands.items():
            block.operands = values
        _put_back((home, loop.body.block, into.body.block), before)
        refuse(f"{failure[1]}, to fuse {describe(first)} and {describe(second)}", loop, ("this block", failure[0]))
    loop.erase()
    for buffer in shared:
        sink_alloc(buffer)
    return into


def _put_back(homes: Iterable[Block], before: Iterable[list[Operation]]) -> None:
    """Gives blocks the ops back that they had."""
    pairs = list(zip(homes, before, strict=True))
    for _, ops in pairs:
        for op in ops:
            if op.parent is not None:
                op.detach()
    for block, ops in pairs:
        block.add_ops(ops)


def _between(first: Operation, second: Operation) -> Iterator[Operation]:
    op = first.next_op
    while op is not None and op is not second:
        yield op
        op = op.next_op


def _touched(op: Operation) -> dict[SSAValue, list[Access]]:
    """The accesses under an op, by buffer."""
    found: dict[SSAValue, list[Access]] = {}
    for block in blocks_in(op):
        for access in block.accesses():
            for buffer in access.buffers:
                found.setdefault(buffer, []).append(access)
    return found


def _conflicts(first: Operation, second: Operation) -> Iterator[tuple[SSAValue, Access, Access]]:
    """The pairs of accesses, one under each op, of the same buffer, of which one writes it."""
    others = _touched(second)
    for buffer, accesses in _touched(first).items():
        for a in accesses:
            for b in others.get(buffer, ()):
                if not (isinstance(a, ReadOp) and isinstance(b, ReadOp)):
                    yield buffer, a, b


def _require_free_way(loop: ForOp, into: ForOp, between: Iterable[Operation]) -> None:
    """The loop moves to where the other one is: nothing on its way may touch what it writes, or write what it reads."""
    for op in between:
        for buffer, _, access in _conflicts(loop, op):
            refuse(
                f"expected nothing between {describe(loop)} and {describe(into)} to touch '{buffer_name(buffer)}', "
                "which the former touches, too",
                loop,
                ("touched here", access),
            )


def _require_no_later(first: ForOp, second: ForOp) -> None:
    """What an iteration of the first loop and one of the second touch, one of them writing, must be in that order when
    iterations of both alternate."""
    outer = {loop.induction_variable for loop in enclosing_loops(first)}
    rename = {second.induction_variable: Lin.of(first.induction_variable)}
    for buffer, a, b in _conflicts(first, second):
        alloc = alloc_of(buffer)
        assert alloc is None or alloc.parent is not first.body.block
        forms = [
            (x, y.substitute(rename, loop_bounds))
            for x, y in zip(index_forms(a), index_forms(b), strict=True)
            if x is not None and y is not None
        ]
        if not _never_later(forms, first.induction_variable, outer):
            refuse(
                f"expected {describe(first)} to touch elements of '{buffer_name(buffer)}' no later than "
                f"{describe(second)} to fuse them",
                first,
                ("touched here", a),
                ("and here", b),
            )


def _never_later(rows: list[tuple[Lin, Lin]], variable: SSAValue, outer: Collection[SSAValue]) -> bool:
    """Whether two accesses meet only where the first one's iteration is not after the second one's."""
    if variable in agreeing(rows, outer, loop_bounds):
        return True
    for x, y in rows:
        step = x.terms.get(variable, 0)
        if not step or y.terms.get(variable, 0) != step or any(x.terms.get(v, 0) != y.terms.get(v, 0) for v in outer):
            continue
        shared: dict[Atom, int] = {variable: step}
        shared.update((v, x.terms[v]) for v in outer if v in x.terms)
        rests = [(form - Lin(0, shared)).range(loop_bounds) for form in (x, y)]
        if rests[0] is None or rests[1] is None:
            continue
        # step * (i - i') = rest' - rest, so i > i' takes a difference of at least one step.
        if step > 0 and rests[1][1] - rests[0][0] < step:
            return True
        if step < 0 and rests[1][0] - rests[0][1] > step:
            return True
    return False


__all__ = ["fuse_sibling"]
