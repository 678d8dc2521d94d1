"""reindex: a copy of what a block reads, in the order and the dimensions in which the block's iterators go."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import AffineMapAttr, IndexType, MemRefType, NoneAttr, StringAttr
from xdsl.ir import Block, Region, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import (
    AllocOp,
    BlockOp,
    IteratorKind,
    ReadOp,
    WriteOp,
    is_iterator,
    memref_type,
    verify_bounds,
    zero_map,
)
from ...dialects.quasi_affine import Lin
from ...dialects.regions import alloc_of, is_staged, writers_of
from .common import (
    buffer_name,
    child_in,
    first_unproven,
    fresh_name,
    is_inside,
    kernel,
    nest,
    refuse,
    set_forms,
)


def reindex(block: BlockOp, buffer: SSAValue, memory_space: str = "") -> BlockOp:
    """Copies what a block reads of a buffer into one that has a dimension for each iterator that the read depends on.

    before                                    after `reindex(C, X)`
    … C reads X[vc, vy + vr, vx + vs]         … X_reindex[vc, vr, vs, vy, vx] = X[vc, vy + vr, vx + vs]
                                              … C reads X_reindex[vy, vx, vc, vr, vs]

    The dimensions come in the order of the block's iterators. The copy is made of the whole domain, in front of the
    block; `compute_at` brings it into a loop, `transform_layout` lets it lie otherwise. TVM has the same name for it.

    Returns:
        The copying block, named after the buffer.

    Raises:
        ScheduleError: if the block does not read the buffer, or reads it at several places, where data says, or only if
            some condition holds; if something writes it in between.
    """
    name = buffer_name(buffer)
    reads = [read for read in block.reads() if read.buffer is buffer]
    if not reads:
        refuse(f"expected a buffer that block '{block.block_name}' reads, got '{name}'", block)
    _require_one_place(block, reads, name)
    used = set(reads[0].indices)
    iterators = [iterator for iterator in block.iterators if iterator in used]
    if not iterators:
        refuse(f"expected '{name}' to be read at iterators of '{block.block_name}', got one element", reads[0])
    function = kernel(block)
    anchor = child_in(function, block)
    home = alloc_of(buffer)
    if home is not None and is_inside(home, anchor):
        refuse(f"expected '{name}' to live where its copy is made", block, ("it lives here", home))
    writers = writers_of(buffer)
    for writer in writers:
        if writer is block or is_inside(writer, anchor) or anchor is writer:
            refuse(
                f"expected '{name}' not to be written between its copy and its reads in '{block.block_name}'",
                block,
                ("written here", writer),
            )
    if home is None and writers and is_staged(block):
        refuse(f"expected block '{block.block_name}' to read all that its domain says of output '{name}'", block)
    extents = [block.extents[list(block.iterators).index(iterator)] for iterator in iterators]
    own = memref_type(buffer)
    space = StringAttr(memory_space) if memory_space else NoneAttr()
    label = fresh_name(function, f"{name}_reindex")
    alloc = AllocOp(label, MemRefType(own.element_type, extents, memory_space=space))
    alloc.buffer.name_hint = f"{buffer.name_hint}_reindex" if buffer.name_hint else None
    copy = _copying_block(fresh_name(function, f"{label}_read"), reads[0], iterators, extents, alloc.buffer)
    loops, top = nest(extents, [iterator.name_hint for iterator in iterators], copy)
    set_forms(copy, [Lin.of(loop.induction_variable) for loop in loops], [])
    parent = anchor.parent
    assert parent is not None
    parent.insert_op_before(alloc, anchor)
    parent.insert_op_before(top, anchor)
    before = [(read.map, tuple(read.operands)) for read in reads]
    for read in reads:
        read.map = AffineMapAttr(AffineMap.identity(len(iterators)))
        read.operands = [alloc.buffer, *iterators]
    failure = _failure(block, copy)
    if failure is not None:
        for read, (map, operands) in zip(reads, before, strict=True):
            read.map, read.operands = map, operands
        for op in (top, alloc):
            op.detach()
            op.erase()
        refuse(f"{failure}, to copy '{name}' for block '{block.block_name}'", block)
    return copy


def _require_one_place(block: BlockOp, reads: Sequence[ReadOp], name: str) -> None:
    first = reads[0]
    for read in reads:
        if not all(is_iterator(index) for index in read.indices):
            refuse(f"expected affine indices of '{name}', got data in block '{block.block_name}'", read)
        if read.parent_op() is not block:
            refuse(
                f"expected '{name}' to be read wherever block '{block.block_name}' runs, got a read in a branch", read
            )
        if read.map != first.map or tuple(read.indices) != tuple(first.indices):
            refuse(
                f"expected one place where block '{block.block_name}' reads '{name}', got several",
                read,
                ("also read here", first),
            )


def _copying_block(
    name: str, read: ReadOp, iterators: Sequence[SSAValue], extents: Sequence[int], target: SSAValue
) -> BlockOp:
    rank = len(extents)
    body = Region(Block(arg_types=[IndexType()] * rank))
    for argument, iterator in zip(body.block.args, iterators, strict=True):
        argument.name_hint = iterator.name_hint
    own = dict(zip(iterators, body.block.args, strict=True))
    copied = ReadOp(read.buffer, read.map.data, [own[index] for index in read.indices])
    body.block.add_ops([copied, WriteOp(copied.result, target, AffineMap.identity(rank), body.block.args)])
    return BlockOp(name, [IteratorKind.SPATIAL] * rank, extents, zero_map(rank), [], body)


def _failure(block: BlockOp, copy: BlockOp) -> str | None:
    """Why a copy, or what reads it now, is not proven; None if it is."""
    for read in copy.reads():
        try:
            verify_bounds(read)
        except VerifyException as error:
            return str(error)
    unproven = first_unproven([copy, block])
    return None if unproven is None else unproven[1]


__all__ = ["reindex"]
