"""reverse_compute_inline: a consumer's body where its producer writes."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from ...dialects.lanes import vectorization_failure
from ...dialects.loop import (
    BlockOp,
    ForOp,
    IteratorKind,
    LoopKind,
    ReadOp,
    WriteOp,
    enclosing_loops,
    loop_bounds,
)
from ...dialects.quasi_affine import ZERO, Lin
from ...dialects.regions import Access, accesses_of, alloc_of, block_of, iterator_forms, position, writers_of
from .common import (
    Parked,
    buffer_name,
    describe,
    erase_empty_loops,
    first_unproven,
    is_inside,
    lift_allocs,
    refuse,
    require_kind_free,
)
from .dependence import separated
from .inline import copied
from .location import precedes


def reverse_compute_inline(block: BlockOp) -> None:
    """Computes a consumer's elements where its last producer computes what it reads, and erases its block and the
    buffer between them.

    before                            after `reverse_compute_inline(C)`
    P: T[i, j] = exp(A[i, j])         P: B[j, i] = exp(A[i, j]) * 2
    C: B[j, i] = T[i, j] * 2

    Raises:
        ScheduleError: unless the consumer is spatial and reads, of one buffer inside of the kernel, all that one
            spatial block writes there, at a distinct iterator in each dimension; or if something else that it reads is
            not there yet.
    """
    for kind in (IteratorKind.REDUCE, IteratorKind.ORDERED):
        require_kind_free(block, kind, "to inline it into its producer")
    buffer, reads = last_source(block)
    producer = writers_of(buffer)[0]
    for kind in (IteratorKind.REDUCE, IteratorKind.ORDERED):
        require_kind_free(producer, kind, f"to inline '{block.block_name}' into it")
    writes = [op for op in producer.writes() if op.buffers == (buffer,)]
    if len(writes) != 1 or not isinstance(writes[0], WriteOp):
        refuse(f"expected '{producer.block_name}' to write '{buffer_name(buffer)}' once, got {len(writes)}", block)
    write = writes[0]
    values = iterators_at(block, producer, write, reads)
    sources = [b for b in dict.fromkeys(read.buffer for read in block.reads()) if b is not buffer]
    require_way_free(block, producer, sources)
    ops = _copy_body(block, write, values)
    parent = block.parent_op()
    parked = [Parked(write), Parked(block)]
    if (failure := _failure(producer, ops, sources, parked[1].around)) is not None:
        for op in reversed(ops):
            op.detach()
            op.erase()
        for each in reversed(parked):
            each.put_back()
        refuse(f"{failure}, to inline '{block.block_name}' into '{producer.block_name}'", block)
    for each in parked:
        each.op.erase()
    erase_empty_loops(parent)
    lift_allocs(producer)
    alloc = alloc_of(buffer)
    assert alloc is not None
    alloc.detach()
    alloc.erase()


def last_source(block: BlockOp) -> tuple[SSAValue, list[ReadOp]]:
    """The buffer between the block and its producer, the last one of several, and the block's reads of it."""
    found: list[SSAValue] = []
    for buffer in dict.fromkeys(read.buffer for read in block.reads()):
        if alloc_of(buffer) is None or len(writers_of(buffer)) != 1 or writers_of(buffer) == [block]:
            continue
        if {block_of(op) for op in accesses_of(buffer) if isinstance(op, ReadOp)} == {block}:
            found.append(buffer)
    if not found:
        refuse(
            f"expected a buffer of the kernel that '{block.block_name}' alone reads and one other block writes, got "
            "none",
            block,
        )
    last = max(found, key=lambda buffer: position(writers_of(buffer)[0]))
    return last, [read for read in block.reads() if read.buffer is last]


def iterators_at(block: BlockOp, producer: BlockOp, write: Access, reads: list[ReadOp]) -> dict[SSAValue, Lin]:
    """The consumer's iterators over those of its producer, where the element is that the producer writes."""
    name = buffer_name(reads[0].buffer)
    forms = iterator_forms(reads[0])
    for read in reads[1:]:
        if iterator_forms(read) != forms:
            refuse(f"expected '{block.block_name}' to read one element of '{name}', got several", block, ("here", read))
    values: dict[SSAValue, Lin] = {}
    extents = dict(zip(block.iterators, block.extents, strict=True))
    for form, place in zip(forms, iterator_forms(write), strict=True):
        terms = [] if form is None else list(form.terms.items())
        iterator = terms[0][0] if len(terms) == 1 and terms[0][1] == 1 else None
        constant = form is not None and not terms and place is not None and place == form
        if constant:
            continue
        if form is None or place is None or not isinstance(iterator, SSAValue) or iterator in values:
            refuse(
                f"expected '{block.block_name}' to read '{name}' at distinct iterators, each plus a constant, to "
                "inline it into its producer",
                block,
                ("read here", reads[0]),
            )
        value = place - form.const
        spread = value.range(loop_bounds)
        if spread is None or spread[0] < 0 or spread[1] >= extents[iterator]:
            refuse(
                f"expected '{block.block_name}' to read all that '{producer.block_name}' writes of '{name}'",
                block,
                ("read here", reads[0]),
            )
        if spread != (0, extents[iterator] - 1):  # a read in a branch: what the other one gives would be missing
            refuse(
                f"expected '{producer.block_name}' to write '{name}' for each value of the iterators of "
                f"'{block.block_name}', got {spread[1] - spread[0] + 1} of {extents[iterator]}",
                block,
                ("read here", reads[0]),
            )
        values[iterator] = value
    for iterator, extent in extents.items():
        if iterator not in values and extent > 1:
            refuse(
                f"expected '{block.block_name}' to read each element of '{name}' once, got an iterator of extent "
                f"{extent} that its read does not depend on",
                block,
                ("read here", reads[0]),
            )
        values.setdefault(iterator, ZERO)
    return values


def require_way_free(block: BlockOp, producer: BlockOp, sources: list[SSAValue]) -> None:
    """What else the block reads has to be complete where its producer stands, and what it writes to be there and
    touched later only."""
    for buffer in (*sources, *block.written_buffers()):
        home = None if (alloc := alloc_of(buffer)) is None else alloc.parent_op()
        if home is not None and not is_inside(producer, home):
            assert alloc is not None
            refuse(
                f"expected '{buffer_name(buffer)}' to live where '{producer.block_name}' stands",
                block,
                ("it lives here", alloc),
            )
    for buffer in sources:
        for writer in writers_of(buffer):
            if writer is producer or not precedes(writer, producer):
                refuse(
                    f"expected '{buffer_name(buffer)}', which '{block.block_name}' reads, to be complete before "
                    f"'{producer.block_name}'",
                    block,
                    ("written here", writer),
                )
    for buffer in block.written_buffers():
        for access in accesses_of(buffer):
            other = block_of(access)
            if other is not block and not (precedes(block, other) and precedes(producer, other)):
                refuse(
                    f"expected '{block.block_name}' to come first to touch '{buffer_name(buffer)}'",
                    block,
                    ("touched here", access),
                )


def _copy_body(block: BlockOp, write: WriteOp, values: dict[SSAValue, Lin]) -> list[Operation]:
    """Puts a copy of the consumer's body behind its producer's write; gives its ops."""
    ops = copied(list(block.body.block.ops), values)
    parent = write.parent
    assert parent is not None
    parent.insert_ops_after(ops, write)
    hint = write.value.name_hint
    kept: list[Operation] = []
    for top in ops:
        own = [op for op in top.walk() if isinstance(op, ReadOp) and op.buffer is write.buffer]
        if top not in own:
            kept.append(top)
        for read in own:
            read.result.replace_all_uses_with(write.value)
            read.detach()
            read.erase()
    write.value.name_hint = hint
    return kept


def _failure(producer: BlockOp, ops: list[Operation], sources: list[SSAValue], around: list[ForOp]) -> str | None:
    """Why the producer is not proven to do what the consumer did, if so."""
    accesses = [op for top in ops for op in top.walk() if isinstance(op, Access)]
    try:
        for access in accesses:
            access.verify_()
    except VerifyException as failure:
        return str(failure)
    return unproven_at(producer, sources, around)


def unproven_at(producer: BlockOp, sources: list[SSAValue], around: list[ForOp]) -> str | None:
    """Why a block is not proven to do, where it stands, what a consumer of its elements did inside of other loops; None
    if it is. `sources` are what else the consumer reads."""
    if (unproven := first_unproven([producer])) is not None:
        return unproven[1]
    for loop in enclosing_loops(producer):
        if loop.kind is LoopKind.VECTORIZED and (failure := vectorization_failure(loop)) is not None:
            return failure
    for buffer in sources:
        for writer in writers_of(buffer):
            if (loop := _changing_loop(producer, buffer, writer, around)) is not None:
                return f"expected '{buffer_name(buffer)}' to be complete in each iteration of {describe(loop)}"
    return None


def _changing_loop(producer: BlockOp, buffer: SSAValue, writer: BlockOp, around: list[ForOp]) -> ForOp | None:
    """A loop around both that the consumer was not in, whose later iterations may change what the producer reads."""
    alloc = alloc_of(buffer)
    shared = [loop for loop in enclosing_loops(producer) if is_inside(writer, loop)]
    fixed = [loop for loop in shared if loop in around]
    left = [loop for loop in shared if loop not in around and (alloc is None or not is_inside(alloc, loop))]
    if not left:
        return None
    accesses = [op for op in accesses_of(buffer) if block_of(op) is (producer if isinstance(op, ReadOp) else writer)]
    apart = separated(accesses, left, fixed)
    return next((loop for loop in left if loop not in apart), None)


__all__ = [
    "iterators_at",
    "last_source",
    "require_way_free",
    "reverse_compute_inline",
    "unproven_at",
]
