"""Staged copies of buffers, and cache_read. Buffers keep logical coordinates, so bodies never change."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IndexType, MemRefType, NoneAttr, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineMap

from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    ReadOp,
    WriteOp,
    enclosing_loops,
    memref_type,
    zero_map,
)
from ...dialects.quasi_affine import ZERO, Lin
from ...dialects.regions import (
    Access,
    Interval,
    alloc_of,
    at_most,
    buffer_shape,
    index_forms,
    region,
    writers_of,
)
from .common import (
    buffer_name,
    child_in,
    describe,
    first_unproven,
    fresh_name,
    has_vector_loop,
    is_inside,
    kernel,
    nest,
    refuse,
    set_forms,
)

_INDEX = IndexType()


def cache_read(
    block: BlockOp,
    buffer: SSAValue,
    at: ForOp | None,
    memory_space: str = "local",
    along: ForOp | None = None,
) -> BlockOp:
    """Copies what a block reads of a buffer into a staged buffer, once for each iteration of a loop.

    before                         after `cache_read(C, B, at = j)`
    loop.for %j : 8 {              loop.for %j : 8 {
      … C reads B[k, j*64 + ji]      %B_local = loop.alloc "B_local"
    }                                … copy B[0:512, j*64 : j*64+64] to B_local
                                     … C reads B_local[k, j*64 + ji]
                                   }

    Args:
        block: the reader; other readers keep reading the buffer.
        at: the loop whose iteration the copy lives for; None for the whole kernel.
        memory_space: `"local"`, or `""` for global memory.
        along: a loop around the block: what its iterations read lies side by side in the copy.

    Returns:
        The copying block, named after the buffer.

    Raises:
        ScheduleError: if the block does not read the buffer in the loop, or something there writes it in between; if a
            loop is given that does not move all reads in one and the same dimension.
    """
    reads = [op for op in block.reads() if op.buffer is buffer]
    if not reads:
        refuse(f"expected a buffer that block '{block.block_name}' reads, got '{buffer_name(buffer)}'", block)
    if at is not None:
        require_complete(block, buffer, at)
    layout = None if along is None else _layout_along(block, reads, along)
    parent = staging_parent(block, at)
    anchor = child_in(parent, block)
    home = alloc_of(buffer)
    if home is not None and is_inside(home, anchor):
        refuse(f"expected '{buffer_name(buffer)}' to live where its copy is made", block, ("it lives here", home))
    for writer in writers_of(buffer):
        if writer is block or is_inside(writer, anchor) or anchor is writer:
            refuse(
                f"expected '{buffer_name(buffer)}' not to be written between its copy and its reads in "
                f"'{block.block_name}'",
                block,
                ("written here", writer),
            )
    if isinstance(parent, ForOp):
        intervals = bounding_box(reads, [*enclosing_loops(parent), parent])
    else:  # what lives at function level is copied whole
        intervals = [Interval(ZERO, (Lin(extent - 1),)) for extent in buffer_shape(buffer)]
    alloc = staged_buffer(parent, buffer, memory_space, layout)
    _insert(parent, anchor, [alloc])
    for read in reads:
        read.operands[0] = alloc.buffer
    # To copy too much is simpler than to stop at a tail, but there may be nothing to copy beyond it.
    exact = tuple(intervals)
    whole = tuple(Interval(interval.lower, interval.uppers[:1]) for interval in intervals)
    is_output = home is None and bool(writers_of(buffer))
    failure: tuple[BlockOp, str] | None = None
    for box in dict.fromkeys((exact,) if is_output else (whole, exact)):
        top, copy = copy_nest(f"{alloc.sym_name.data}_read", buffer, alloc.buffer, box, kernel(block))
        _insert(parent, anchor, [top])
        if (failure := first_unproven([copy])) is None:
            return copy
        top.detach()
        top.erase()
    assert failure is not None
    for read in reads:
        read.operands[0] = buffer
    alloc.detach()
    alloc.erase()
    refuse(f"{failure[1]}, to copy '{buffer_name(buffer)}' there", block, ("this block", block))


def require_complete(block: BlockOp, buffer: SSAValue, place: ForOp) -> None:
    """Refuses a copy of a buffer that `ordered` iterators go on with in the loops around the copy: nothing says which
    of its rows are there yet."""
    for writer in writers_of(buffer):
        if writer.has_kind(IteratorKind.ORDERED) and any(
            is_inside(writer, loop) for loop in (*enclosing_loops(place), place)
        ):
            refuse(
                f"expected '{buffer_name(buffer)}' to be complete, to copy it, got rows that '{writer.block_name}' "
                "goes on with",
                block,
                ("written here", writer),
            )


def staging_parent(block: BlockOp, at: ForOp | None) -> Operation:
    """What a staged buffer is put into: a loop around the block, or its kernel."""
    if at is None:
        return kernel(block)
    if not is_inside(block, at):
        refuse(f"expected a loop around block '{block.block_name}', got {describe(at)}", at, ("the block", block))
    if has_vector_loop(at):
        refuse(f"expected no vectorized loop around a staged buffer, got {describe(at)}", at)
    return at


def bounding_box(reads: Sequence[Access], outer: Sequence[ForOp]) -> list[Interval]:
    """The smallest common box of several reads; a dimension without a common base is the whole one. Each interval's
    first upper bound gives it a constant size; others are where no read goes on.

    Raises:
        ScheduleError: if it is empty: conditions around the reads never hold there.
    """
    buffer = reads[0].buffers[0]
    shape = buffer_shape(buffer)
    boxes = [region(read, outer) for read in reads]
    result: list[Interval] = []
    for d, extent in enumerate(shape):
        intervals = [box[d] for box in boxes]
        lower = _least([interval.lower for interval in intervals], least=True)
        upper = _least([interval.uppers[0] for interval in intervals], least=False)
        if lower is None or upper is None or not (upper - lower).is_const:
            result.append(Interval(ZERO, (Lin(extent - 1),)))
        elif _is_empty(lower, upper, extent):
            refuse(f"expected '{buffer_name(buffer)}' to be read in some iteration there, got none", reads[0])
        else:
            result.append(Interval(lower, (upper, *_common_ends(intervals))))
    return result


def _is_empty(lower: Lin, upper: Lin, extent: int) -> bool:
    """Whether nothing of a dimension of the extent is between two bounds, whose distance is constant."""
    if lower.is_const:
        return max(0, lower.const) > min(upper.const, extent - 1)
    return (upper - lower).const < 0


def _common_ends(intervals: Sequence[Interval]) -> list[Lin]:
    """The upper bounds that hold for all intervals."""
    ends = dict.fromkeys(upper for interval in intervals for upper in interval.uppers[1:])
    return [end for end in ends if all(any(at_most(u, end) for u in interval.uppers) for interval in intervals)]


def _least(forms: Sequence[Lin], *, least: bool) -> Lin | None:
    best = forms[0]
    for form in forms[1:]:
        difference = form - best
        if not difference.is_const:
            return None
        if (difference.const < 0) == least and difference.const:
            best = form
    return best


def _layout_along(block: BlockOp, reads: Sequence[ReadOp], loop: ForOp) -> list[int]:
    """The order of dimensions in which the one that a loop moves reads in comes last."""
    moving: set[int] = set()
    for read in reads:
        for d, form in enumerate(index_forms(read)):
            if form is None or loop.induction_variable in form.values():
                moving.add(d)
    if len(moving) != 1:
        refuse(
            f"expected {describe(loop)} to move the reads of '{block.block_name}' in one dimension, got {len(moving)}",
            block,
        )
    (last,) = moving
    return [*(d for d in range(len(buffer_shape(reads[0].buffer))) if d != last), last]


def staged_buffer(
    parent: Operation, buffer: SSAValue, memory_space: str, layout: Sequence[int] | None = None
) -> AllocOp:
    """A buffer like another one, to be put into a loop or a kernel."""
    base = buffer_name(buffer).removesuffix("_local")
    hint = buffer.name_hint
    name = fresh_name(kernel(parent), f"{base}_{memory_space or 'global'}")
    own = memref_type(buffer)
    space = StringAttr(memory_space) if memory_space else NoneAttr()
    type = MemRefType(own.element_type, own.shape, memory_space=space)
    alloc = AllocOp(name, type, layout)
    alloc.buffer.name_hint = f"{hint}_{memory_space or 'global'}" if hint else None
    return alloc


def copy_nest(
    name: str,
    source: SSAValue,
    target: SSAValue,
    intervals: Sequence[Interval],
    func: FuncOp,
    conditions: Sequence[tuple[Lin, int]] = (),
) -> tuple[Operation, BlockOp]:
    """A nest that copies a box; gives its outermost op and its block."""
    shape = buffer_shape(source)
    lowers: list[Lin] = []
    extents: list[int] = []
    for interval, extent in zip(intervals, shape, strict=True):
        lower, upper = interval.lower, interval.uppers[0]
        if lower.is_const:
            lower = Lin(max(0, lower.const))
            upper = Lin(min(upper.const, extent - 1))
        width = upper - lower
        assert width.is_const, "expected a box of constant size"
        lowers.append(lower)
        extents.append(width.const + 1)
    names = [f"c{d}" for d in range(len(shape))]
    body = Region(Block(arg_types=[_INDEX] * len(shape)))
    block = BlockOp(
        fresh_name(func, name),
        [IteratorKind.SPATIAL] * len(shape),
        shape,
        zero_map(len(shape)),
        [],
        body,
    )
    identity = AffineMap.identity(len(shape))
    for d, iterator in enumerate(body.block.args):
        iterator.name_hint = f"v{d}"
    read = ReadOp(source, identity, body.block.args)
    body.block.add_ops([read, WriteOp(read.result, target, identity, body.block.args)])
    loops, top = nest(extents, names, block)
    bindings: list[Lin] = []
    predicates = list(conditions)
    for loop, lower, interval, extent in zip(loops, lowers, intervals, shape, strict=True):
        form = lower + Lin.of(loop.induction_variable)
        bindings.append(form)
        for upper in interval.uppers[1:]:
            if not at_most(Lin(extent - 1), upper):
                predicates.append((form - upper, 1))
    set_forms(block, bindings, predicates)
    return top, block


def _insert(parent: Operation, anchor: Operation, ops: Sequence[Operation]) -> None:
    block = anchor.parent
    assert block is not None
    assert block is parent.regions[0].block
    for op in ops:
        block.insert_op_before(op, anchor)


def redirect(accesses: Sequence[Access], old: SSAValue, new: SSAValue) -> None:
    """Lets accesses of one buffer be accesses of another one."""
    for access in accesses:
        for i, operand in enumerate(access.operands):
            if operand is old:
                access.operands[i] = new


def discard(nest: Operation, alloc: AllocOp) -> None:
    """Erases a nest and the buffer that it alone uses."""
    nest.detach()
    nest.erase()
    alloc.detach()
    alloc.erase()


__all__ = [
    "bounding_box",
    "cache_read",
    "copy_nest",
    "discard",
    "redirect",
    "require_complete",
    "staged_buffer",
    "staging_parent",
]
