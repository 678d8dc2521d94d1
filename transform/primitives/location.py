"""Primitives that move blocks into loops: compute_at, reverse_compute_at."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from xdsl.ir import Block, Operation, SSAValue

from ...dialects.iteration import Unproven, prove_coverage, stays_inside, uncovered_read, written_box
from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    ReadOp,
    ReduceOp,
    WriteOp,
    enclosing_loops,
    loop_bounds,
)
from ...dialects.quasi_affine import ZERO, Lin
from ...dialects.regions import (
    Access,
    Interval,
    accesses_of,
    alloc_of,
    block_of,
    inside,
    is_staged,
    iterator_forms,
    readers_of,
    reduce_loops,
    scope_loops,
    writers_of,
)
from .common import (
    buffer_name,
    child_in,
    describe,
    erase_empty_loops,
    first_unproven,
    get_forms,
    has_vector_loop,
    is_inside,
    lift_allocs,
    nest,
    put_forms,
    refuse,
    require_kind_free,
    set_forms,
)
from .dependence import separated
from .staging import bounding_box


def compute_at(block: BlockOp, loop: ForOp) -> None:
    """Moves a producer into a loop of its consumers: each iteration computes what it needs of the producer's buffer.

    before                         after `compute_at(P, i)`
    … P writes T[0:64, 0:64]       loop.for %i : 64 {
    loop.for %i : 64 {               %T = loop.alloc
      … C reads T[i-1:i+2, 0:64]     … P writes T[i-1:i+2, 0:64]
    }                                … C reads T[i-1:i+2, 0:64]
                                   }

    What several iterations need is computed several times. The block's own loops are made anew, one for each iterator:
    schedule it after it has been moved. Its buffer moves into the loop, too.

    Raises:
        ScheduleError: if something outside of the loop reads what the block writes, or its inputs are not there.
    """
    require_kind_free(block, IteratorKind.ORDERED, "to move it")
    if is_inside(block, loop):
        refuse(f"expected a loop that '{block.block_name}' is not in, got {describe(loop)}", loop)
    if has_vector_loop(loop):
        refuse(f"expected no vectorized loop around a staged buffer, got {describe(loop)}", loop)
    buffers = block.written_buffers()
    readers = _readers(block, buffers, loop)
    anchor = min((child_in(loop, reader) for reader in readers), key=_index)
    _require_inputs(block, anchor)
    outer = [*enclosing_loops(loop), loop]
    forms, ends = _producer_forms(block, buffers, outer)
    allocs = [alloc for buffer in buffers if (alloc := alloc_of(buffer)) is not None]
    places = [(op, op.parent, op.next_op) for op in (block, *allocs)]
    old_parent, old_forms = block.parent_op(), get_forms(block)
    block.detach()
    top = _new_nest(block, forms)
    assert anchor.parent is not None
    for alloc in allocs:
        alloc.detach()
        anchor.parent.insert_op_before(alloc, anchor)
    anchor.parent.insert_op_before(top, anchor)
    failure = first_unproven([block])
    if failure is not None:
        # To compute too much is simpler than to stop at a tail, but the inputs may end there.
        _add_predicates(block, ends)
        failure = first_unproven([block])
    if failure is not None:
        _put_back(places)
        if top is not block:
            top.detach()
            top.erase()
        put_forms(block, old_forms)
        refuse(f"{failure[1]}, to move '{block.block_name}' there", block, ("this block", failure[0]))
    erase_empty_loops(old_parent)


def _add_predicates(block: BlockOp, predicates: Sequence[tuple[Lin, int]]) -> None:
    """Gives a block predicates over its iterators (and loops)."""
    bindings = block.binding_forms()
    values = dict(zip(block.iterators, bindings, strict=True))
    set_forms(block, bindings, [(form.substitute(values, loop_bounds), limit) for form, limit in predicates])


def _put_back(places: Sequence[tuple[Operation, Block | None, Operation | None]]) -> None:
    """Moves ops back to where they were: each to a block, in front of an op, which may be one of them."""
    left = {op: (parent, after) for op, parent, after in reversed(places)}
    for op in left:
        op.detach()
    while left:
        op = next(op for op, (_, after) in left.items() if after not in left)
        parent, after = left.pop(op)
        assert parent is not None
        if after is None:
            parent.add_op(op)
        else:
            parent.insert_op_before(op, after)


def _readers(block: BlockOp, buffers: Sequence[SSAValue], loop: ForOp) -> list[BlockOp]:
    readers: list[BlockOp] = []
    for buffer in buffers:
        if alloc_of(buffer) is None:
            refuse(
                f"expected a producer of a buffer inside of the kernel, got '{block.block_name}' of an output",
                block,
            )
        for writer in writers_of(buffer):
            if writer is not block:
                refuse(
                    f"expected '{block.block_name}' alone to write '{buffer_name(buffer)}'",
                    block,
                    ("also written here", writer),
                )
        for reader in readers_of(buffer):
            if reader is block:
                continue
            if not is_inside(reader, loop):
                refuse(
                    f"expected all readers of '{buffer_name(buffer)}' inside of {describe(loop)}, got "
                    f"'{reader.block_name}' outside",
                    loop,
                    ("this reader", reader),
                )
            readers.append(reader)
    if not readers:
        refuse(f"expected a reader of what '{block.block_name}' writes inside of {describe(loop)}", loop)
    return readers


def _require_inputs(block: BlockOp, anchor: Operation) -> None:
    """What the block reads must be visible at `anchor`, and hold there what it holds where the block stands now."""
    own = set(block.written_buffers())
    for buffer in dict.fromkeys(read.buffer for read in block.reads()):
        if buffer in own:
            continue
        alloc = alloc_of(buffer)
        if alloc is not None and not _is_visible(alloc, anchor):
            refuse(
                f"expected '{buffer_name(buffer)}', which '{block.block_name}' reads, to be there at its new place",
                block,
                ("it lives here", alloc),
            )
        for writer in writers_of(buffer):
            if not (precedes(writer, block) and (precedes(writer, anchor))):
                refuse(
                    f"expected '{buffer_name(buffer)}' to be written before both places of '{block.block_name}'",
                    block,
                    ("written here", writer),
                )
            require_unchanged(block, buffer, writer, [anchor])


def _is_visible(alloc: AllocOp, anchor: Operation) -> bool:
    parent = alloc.parent_op()
    return parent is not None and is_inside(anchor, parent)


def precedes(first: Operation, second: Operation) -> bool:
    """Whether one op is over before another starts, in each iteration of the loops around both."""
    above: Operation | None = second.parent_op()
    while above is not None and not is_inside(first, above):
        above = above.parent_op()
    assert above is not None
    a, b = child_in(above, first), child_in(above, second)
    return a is not b and a.is_before_in_block(b)


def require_unchanged(block: BlockOp, buffer: SSAValue, writer: BlockOp, places: Sequence[Operation]) -> None:
    """Refuses a block that reads what a writer before it goes on changing in later iterations of loops around both,
    where the block's new places are not in these loops."""
    alloc = alloc_of(buffer)
    shared = [loop for loop in enclosing_loops(block) if is_inside(writer, loop)]
    fixed = [loop for loop in shared if all(is_inside(place, loop) for place in places)]
    left = [loop for loop in shared if loop not in fixed and (alloc is None or not is_inside(alloc, loop))]
    if not left:
        return
    accesses = [op for op in accesses_of(buffer) if block_of(op) is (block if isinstance(op, ReadOp) else writer)]
    if len(separated(accesses, left, fixed)) < len(left):
        refuse(
            f"expected '{buffer_name(buffer)}', which '{block.block_name}' reads, not to change after that in "
            f"{describe(left[0])}",
            block,
            ("written here", writer),
        )


def _producer_forms(
    block: BlockOp, buffers: Sequence[SSAValue], outer: Collection[ForOp]
) -> tuple[list[tuple[Lin, int]], list[tuple[Lin, int]]]:
    """For each iterator, where its new loop starts and its extent (0 where it needs none): what the readers need, or
    the whole domain. And predicates over iterators that hold where the readers need something."""
    needed: dict[SSAValue, Interval] = {}
    for buffer in buffers:
        reads = [op for op in accesses_of(buffer) if block_of(op) is not block]
        if not reads:
            continue
        box = bounding_box(reads, list(outer))
        for write in (op for op in block.writes() if buffer in op.buffers):
            for form, interval in zip(iterator_forms(write), box, strict=True):
                _need(block, needed, form, interval)
    forms: list[tuple[Lin, int]] = []
    ends: list[tuple[Lin, int]] = []
    around = inside(outer)
    for iterator, kind, extent, form in zip(
        block.iterators, block.kinds, block.extents, block.binding_forms(), strict=True
    ):
        if (
            iterator not in needed
            and kind is not IteratorKind.REDUCE
            and form.terms
            and all(map(around, form.values()))
        ):
            # What the block writes is one thing for each step of a loop around both places.
            forms.append((form, 0))
            continue
        interval = needed.get(iterator, Interval(ZERO, (Lin(extent - 1),)))
        start, size = interval.lower, (interval.uppers[0] - interval.lower).const + 1
        if start.is_const:
            first = max(0, start.const)
            start, size = Lin(first), min(start.const + size, extent) - first
        if size < 1 or (size > extent and start.is_const):
            start, size = ZERO, extent
        forms.append((start, size))
        ends.extend((Lin.of(iterator) - upper, 1) for upper in interval.uppers[1:])
    return forms, ends


def _need(block: BlockOp, needed: dict[SSAValue, Interval], form: Lin | None, interval: Interval) -> None:
    """Notes what one dimension of a write needs of its iterator; what can't be told apart needs the whole domain."""
    if form is None or form.is_const:
        return
    terms = list(form.terms.items())
    iterator, scale = terms[0]
    if len(terms) != 1 or scale != 1 or not isinstance(iterator, SSAValue):
        refuse(
            f"expected '{block.block_name}' to write at one iterator a dimension, each plus a constant, to move it",
            block,
        )
    own = Interval(interval.lower - form.const, tuple(upper - form.const for upper in interval.uppers))
    if needed.setdefault(iterator, own) != own:
        domain = block.extents[list(block.iterators).index(iterator)]
        needed[iterator] = Interval(ZERO, (Lin(domain - 1),))


def _new_nest(block: BlockOp, forms: Sequence[tuple[Lin, int]]) -> Operation:
    """A loop for each iterator around a detached block, spatial ones outside; none where the extent is 0."""
    looping = [i for i, (_, size) in enumerate(forms) if size]
    order = sorted(looping, key=lambda i: block.kinds[i] is IteratorKind.REDUCE)
    hints = [block.iterators[i].name_hint for i in order]
    names = [_loop_hint(hint) for hint in hints]
    loops, top = nest([forms[i][1] for i in order], names, block)
    steps = {i: Lin.of(loop.induction_variable) for i, loop in zip(order, loops, strict=True)}
    set_forms(block, [start + steps.get(i, ZERO) for i, (start, _) in enumerate(forms)], [])
    return top


def _loop_hint(iterator: str | None) -> str | None:
    """What the loop of an iterator is called: `%i` for `%vi`."""
    name = iterator.removeprefix("v") if iterator else ""
    return iterator if not name or name[0].isdecimal() else name


def reverse_compute_at(block: BlockOp, loop: ForOp) -> None:
    """Moves a consumer into a loop of its producer: each iteration consumes what it has just produced.

    before                         after `reverse_compute_at(C, i)`
    loop.for %i : 8 {              loop.for %i : 8 {
      … P writes T[i*8 : i*8+8]      … P writes T[i*8 : i*8+8]
    }                                … C reads T[i*8 : i*8+8]
    … C reads T[0:64]              }

    The block's own loops are made anew, one for each iterator. A buffer that only the loop touches moves into it.

    Raises:
        ScheduleError: if an iteration of the loop does not finish a box of what the block reads, or what the block
            reads is not there yet.
    """
    if is_inside(block, loop):
        refuse(f"expected a loop that '{block.block_name}' is not in, got {describe(loop)}", loop)
    for kind in (IteratorKind.REDUCE, IteratorKind.ORDERED):
        require_kind_free(block, kind, "to move it to its producer")
    if has_vector_loop(loop):
        refuse(f"expected no vectorized loop around the block's new place, got {describe(loop)}", loop)
    outer = [*enclosing_loops(loop), loop]
    sources = _sources(block, loop)
    if not sources:
        refuse(f"expected {describe(loop)} to produce something that '{block.block_name}' reads", loop)
    forms, predicates = _consumer_forms(block, sources, loop, outer)
    anchor = max((child_in(loop, writer) for buffer in sources for writer in _writers_in(buffer, loop)), key=_index)
    _require_consumer_inputs(block, loop, anchor, set(sources))
    _move_after(block, anchor, forms, predicates, [read.buffer for read in block.reads()])
    for buffer in sources:
        sink_alloc(buffer)


def _sources(block: BlockOp, loop: ForOp) -> list[SSAValue]:
    """The buffers that the block reads and the loop writes."""
    return [b for b in dict.fromkeys(read.buffer for read in block.reads()) if _writers_in(b, loop)]


def _writers_in(buffer: SSAValue, loop: ForOp) -> list[BlockOp]:
    return [writer for writer in writers_of(buffer) if is_inside(writer, loop)]


def _consumer_forms(
    block: BlockOp, sources: Sequence[SSAValue], loop: ForOp, outer: Sequence[ForOp]
) -> tuple[list[tuple[Lin, int]], list[tuple[Lin, int]]]:
    """For each iterator, where its new loop starts and its extent; and predicates over iterators' bindings, each
    relative to the loop (resolved in `_new_nest`'s order, so they are given as `binding - upper < 1`)."""
    found: dict[SSAValue, Interval] = {}
    conditions: list[tuple[Lin, int]] = []
    for buffer in sources:
        write = _last_write(block, buffer, loop)
        box = written_box(write, outer)
        if box is None:
            refuse(
                f"expected '{block_of(write).block_name}' to write a box of '{buffer_name(buffer)}' in each iteration "
                f"of {describe(loop)}",
                block,
                ("written here", write),
            )
        for other in (op for op in accesses_of(buffer) if isinstance(op, WriteOp | ReduceOp)):
            # Each iteration has a box of its own, so that nothing changes it later if all writes stay inside.
            if not stays_inside(other, box, outer):
                refuse(
                    f"expected each iteration of {describe(loop)} to write '{buffer_name(buffer)}' only where "
                    f"'{block_of(write).block_name}' does last",
                    block,
                    ("also written here", other),
                )
        conditions.extend(c for c in box.conditions if c not in conditions)
        for read in (op for op in block.reads() if op.buffer is buffer):
            _match_read(block, read, box.intervals, found)
    starts: list[tuple[Lin, int]] = []
    predicates: list[tuple[Lin, int]] = list(conditions)
    for iterator, extent in zip(block.iterators, block.extents, strict=True):
        interval = found.get(iterator)
        if interval is None:
            starts.append((ZERO, extent))
            continue
        width = interval.uppers[0] - interval.lower
        assert width.is_const, "expected a box of constant size"
        starts.append((interval.lower, width.const + 1))
        marker = Lin.of(iterator)
        predicates.extend((marker - upper, 1) for upper in interval.uppers[1:])
    return starts, predicates


def _last_write(block: BlockOp, buffer: SSAValue, loop: ForOp) -> WriteOp | ReduceOp:
    for writer in writers_of(buffer):
        if not is_inside(writer, loop):
            refuse(
                f"expected all writes of '{buffer_name(buffer)}' inside of {describe(loop)}",
                block,
                ("also written here", writer),
            )
        for reduce in reduce_loops(writer):
            if reduce.extent > 1 and (reduce is loop or is_inside(loop, reduce)):
                refuse(
                    f"expected the whole reduction of '{writer.block_name}' inside of one iteration of "
                    f"{describe(loop)}, got its {describe(reduce)} outside",
                    writer,
                )
        require_kind_free(writer, IteratorKind.ORDERED, "to consume it step by step")
    last = writers_of(buffer)[-1]
    return [op for op in last.writes() if buffer in op.buffers][-1]


def _match_read(block: BlockOp, read: Access, box: Sequence[Interval], found: dict[SSAValue, Interval]) -> None:
    """Reads a box of iterator values off a read: each dimension must be one iterator plus a constant, or just that
    constant, which every iteration writes."""
    seen: set[SSAValue] = set()
    for form, interval in zip(iterator_forms(read), box, strict=True):
        if form is not None and form.is_const and interval == Interval(form, (form,)):
            continue
        terms = [] if form is None else list(form.terms.items())
        plain = form is not None and len(terms) == 1 and terms[0][1] == 1 and isinstance(terms[0][0], SSAValue)
        if form is None or not plain or terms[0][0] in seen:
            refuse(
                f"expected '{block.block_name}' to read at one iterator a dimension, each plus a constant, to move it "
                "to its producer",
                block,
                ("read here", read),
            )
        iterator = terms[0][0]
        assert isinstance(iterator, SSAValue)
        seen.add(iterator)
        own = Interval(interval.lower - form.const, tuple(upper - form.const for upper in interval.uppers))
        if found.setdefault(iterator, own) != own:
            refuse(
                f"expected all reads of '{block.block_name}' to need the same of each iterator, to move it to its "
                "producer",
                block,
                ("read here", read),
            )


def _require_consumer_inputs(block: BlockOp, loop: ForOp, anchor: Operation, sources: set[SSAValue]) -> None:
    """All else that the block reads must be complete before its new place; nothing in between may touch its outputs."""
    for buffer in dict.fromkeys(read.buffer for read in block.reads()):
        if buffer in sources:
            continue
        for writer in writers_of(buffer):
            if not precedes(writer, anchor):
                refuse(
                    f"expected '{buffer_name(buffer)}', which '{block.block_name}' also reads, to be written before",
                    block,
                    ("written here", writer),
                )
    for buffer in block.written_buffers():
        for access in accesses_of(buffer):
            other = block_of(access)
            if other is not block and not precedes(block, other):
                refuse(
                    f"expected '{block.block_name}' to come first to touch '{buffer_name(buffer)}'",
                    block,
                    ("touched here", other),
                )
        alloc = alloc_of(buffer)
        if alloc is not None and not _is_visible(alloc, anchor):
            refuse(
                f"expected '{buffer_name(buffer)}', which '{block.block_name}' writes, to be there at its new place",
                block,
                ("it lives here", alloc),
            )


def _move_after(
    block: BlockOp,
    anchor: Operation,
    forms: Sequence[tuple[Lin, int]],
    predicates: Sequence[tuple[Lin, int]],
    inputs: Sequence[SSAValue],
) -> None:
    """Moves the block behind `anchor` under new loops; puts it back and refuses if its coverage is not proven there."""
    parent, before = block.parent, block.next_op
    old_parent, old_forms = block.parent_op(), get_forms(block)
    assert parent is not None
    assert anchor.parent is not None
    block.detach()
    top = _new_nest(block, forms)
    loops = [loop for loop in [top, *top.walk()] if isinstance(loop, ForOp)]
    _add_predicates(block, predicates)
    anchor.parent.insert_op_after(top, anchor)
    failure: str | None = None
    try:
        prove_coverage(block, scope_loops(block), staged=is_staged(block))
    except Unproven as unproven:
        failure = str(unproven)
    for buffer in dict.fromkeys([*inputs, *block.written_buffers()]):
        if failure is None and writers_of(buffer) and (uncovered := uncovered_read(buffer)) is not None:
            failure = uncovered[1]
    if failure is None:
        erase_empty_loops(old_parent)
        lift_allocs(top)
        return
    block.detach()
    if loops:
        top.detach()
        top.erase()
    if before is None:
        parent.add_op(block)
    else:
        parent.insert_op_before(block, before)
    put_forms(block, old_forms)
    refuse(f"{failure}, to move '{block.block_name}' there", block)


def sink_alloc(buffer: SSAValue) -> None:
    """Moves a buffer's `loop.alloc` into the innermost loop that holds all of its accesses, outside of reductions into
    it, if it is then still written before it is read in each iteration."""
    alloc = alloc_of(buffer)
    if alloc is None:
        return
    home = alloc.parent_op()
    blocks = [block_of(op) for op in accesses_of(buffer)]
    if not blocks or home is None:
        return
    shared = enclosing_loops(blocks[0])
    for other in blocks[1:]:
        around = set(enclosing_loops(other))
        shared = [loop for loop in shared if loop in around]
    carried: set[ForOp] = set()
    for writer in writers_of(buffer):
        carried.update(reduce_loops(writer))
    target: ForOp | None = None
    for loop in shared:
        if loop in carried or has_vector_loop(loop):
            break
        target = loop
    if target is None or target is home or not is_inside(target, home):
        return
    parent, before = alloc.parent, alloc.next_op
    assert parent is not None
    assert target.body.block.first_op is not None
    alloc.detach()
    target.body.block.insert_op_before(alloc, target.body.block.first_op)
    if _staged_failure(buffer):
        alloc.detach()
        if before is None:
            parent.add_op(alloc)
        else:
            parent.insert_op_before(alloc, before)


def _staged_failure(buffer: SSAValue) -> bool:
    if uncovered_read(buffer) is not None:
        return True
    for writer in writers_of(buffer):
        try:
            prove_coverage(writer, scope_loops(writer), staged=is_staged(writer))
        except Unproven:
            return True
    return False


def _index(op: Operation) -> int:
    assert op.parent is not None
    return op.parent.get_operation_index(op)


__all__ = ["compute_at", "reverse_compute_at", "sink_alloc"]
