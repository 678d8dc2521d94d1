"""Primitives that stage what blocks write: cache_write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, FloatAttr, IndexType, IntegerAttr, i64
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from ...dialects.iteration import WrittenBox, stays_inside, written_box
from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    InitOp,
    IteratorKind,
    IteratorKindAttr,
    ReadOp,
    ReduceOp,
    WriteOp,
    enclosing_loops,
)
from ...dialects.quasi_affine import ZERO, Lin
from ...dialects.regions import Access, accesses_of, alloc_of, block_of, iterator_forms, reduce_loops, writers_of
from .common import (
    buffer_name,
    child_in,
    describe,
    first_unproven,
    is_inside,
    kernel,
    refuse,
    require_kind_free,
    set_forms,
)
from .dependence import require_pure_reduction
from .inline import copied
from .reduction import Content, move_init
from .staging import copy_nest, discard, redirect, staged_buffer, staging_parent

_INDEX = IndexType()


def cache_write(block: BlockOp, at: ForOp | None, memory_space: str = "local") -> BlockOp:
    """Lets a block write into a staged buffer that is copied out at the end of each iteration of a loop.

    before                         after `cache_write(C, at = j)`
    loop.for %j : 8 {              loop.for %j : 8 {
      … C writes C[i, j*64 + ji]     %C_local = loop.alloc "C_local"
    }                                … C writes C_local[i, j*64 + ji]
                                     … copy C_local to C
                                   }

    Below an outer loop of its reduction, the block sums up one part after the other, so that the tile stays small for
    any length of the sum (its combiner must let the order change):

    before                         after `cache_write(C, at = j)`
    loop.for %ko : 4 {             loop.for %ko : 4 {
      loop.for %j : 8 {              loop.for %j : 8 {
        loop.for %ki : 64 {            %C_local = loop.alloc "C_local"
          C: init C[j] = 0             C_init: C_local[j] = 0
             C[j] += …                 loop.for %ki : 64 {
        }                                C: C_local[j] += …
      }                                }
    }                                  C_local_write: init C[j] = 0
                                          C[j] += C_local[j]

    All blocks inside of the loop that touch the buffer (a decomposed init, a consumer moved there) use the staged one.

    Returns:
        The block that copies out, named after the buffer.

    Raises:
        ScheduleError: if the block writes several buffers, or what it writes in the loop is not a box, or if its
            reduction goes on beyond the loop's iteration and its order may not change.
    """
    require_kind_free(block, IteratorKind.ORDERED, "to stage what it writes")
    buffers = block.written_buffers()
    if len(buffers) != 1:
        refuse(f"expected a block that writes one buffer, got {len(buffers)} by '{block.block_name}'", block)
    buffer = buffers[0]
    parent = staging_parent(block, at)
    outer = [*enclosing_loops(parent), *([parent] if isinstance(parent, ForOp) else [])]
    home = alloc_of(buffer)
    carried: list[ForOp] = []
    for writer in writers_of(buffer):
        if not is_inside(writer, parent):
            continue
        reducing = reduce_loops(writer)
        beyond = [loop for loop in outer if loop in reducing and loop.extent > 1 and _lives_around(home, loop)]
        if beyond and writer is not block:
            refuse(
                f"expected the whole reduction of '{writer.block_name}' inside of one iteration, got its "
                f"{describe(beyond[0])} outside",
                writer,
            )
        carried += beyond
    reduce = _reorderable(block, carried[0]) if carried else None
    if home is not None and is_inside(home, parent) and home.parent_op() is not parent:
        refuse(f"expected '{buffer_name(buffer)}' to live where it is copied to", block, ("it lives here", home))
    write = next(op for op in block.writes() if buffer in op.buffers)
    box = written_box(write, outer)
    if box is None:
        refuse(
            f"expected block '{block.block_name}' to write a box of '{buffer_name(buffer)}', one iterator a dimension",
            block,
        )
    moved = [op for op in accesses_of(buffer) if is_inside(op, parent)]
    for other in moved:
        if not isinstance(other, ReadOp) and not stays_inside(other, box, outer):
            refuse(
                f"expected '{buffer_name(buffer)}' to be written only where '{block.block_name}' writes, to stage it",
                block,
                ("also written here", other),
            )
    if reduce is not None and at is not None:
        for other in moved:
            if block_of(other) is not block:
                refuse(
                    f"expected '{block.block_name}' alone to touch '{buffer_name(buffer)}' below its "
                    f"{describe(carried[0])}",
                    block,
                    ("also touched here", other),
                )
        return _sum_in_parts(block, reduce, at, carried, box, memory_space)
    staged = list(dict.fromkeys(block_of(op) for op in moved))
    alloc = staged_buffer(parent, buffer, memory_space)
    copy = copy_nest(f"{alloc.sym_name.data}_write", alloc.buffer, buffer, box.intervals, kernel(block), box.conditions)
    first = min((child_in(parent, b) for b in staged), key=_index)
    last = max((child_in(parent, b) for b in staged), key=_index)
    body = parent.regions[0].block
    body.insert_op_before(alloc, first)
    body.insert_op_after(copy[0], last)
    redirect(moved, buffer, alloc.buffer)
    failure = first_unproven([copy[1], *staged])
    if failure is not None:
        redirect(moved, alloc.buffer, buffer)
        note = [] if failure[0] is copy[1] else [("this block", failure[0])]
        discard(copy[0], alloc)
        refuse(f"{failure[1]}, to stage '{buffer_name(buffer)}' there", block, *note)
    return copy[1]


def _lives_around(home: AllocOp | None, loop: ForOp) -> bool:
    """Whether a buffer outlives the iterations of a loop."""
    parent = None if home is None else home.parent_op()
    return parent is None or is_inside(loop, parent)


def _reorderable(block: BlockOp, loop: ForOp) -> ReduceOp:
    """The reduction of a block that does nothing else, and that may sum up part by part."""
    own = [op for op in block.writes() if op.parent_op() is block]
    if len(own) != 1 or not isinstance(own[0], ReduceOp):
        refuse(
            f"expected '{block.block_name}' to do nothing but reduce, to stage it below its {describe(loop)}",
            block,
        )
    if not own[0].may_reorder:
        refuse(
            "expected an associative and commutative combiner, with 'reassoc' for floats, to stage "
            f"'{block.block_name}' below its {describe(loop)}",
            block,
            ("the reduction", own[0]),
        )
    require_pure_reduction(block, f"to stage it below its {describe(loop)}")
    return own[0]


def _sum_in_parts(
    block: BlockOp, reduce: ReduceOp, at: ForOp, carried: Sequence[ForOp], box: WrittenBox, memory_space: str
) -> BlockOp:
    """Lets a block reduce into a staged buffer, from the identity on, in each iteration of a loop inside of others of
    its reduction, and adds a block that combines this with the buffer. Gives that block."""
    (buffer,) = reduce.buffers
    content = Content(block)
    reduce = next(op for op in block.body.block.ops if isinstance(op, ReduceOp))
    anchor = child_in(at, block)
    alloc = staged_buffer(at, buffer, memory_space)
    name = f"{alloc.sym_name.data}_write"
    top, combine = copy_nest(name, alloc.buffer, buffer, box.intervals, kernel(block), box.conditions)
    at.body.block.insert_op_before(alloc, anchor)
    at.body.block.insert_op_after(top, anchor)
    _combine_parts(combine, reduce, carried)
    failure = _move_own_init(block, reduce, combine)
    redirect([reduce], buffer, alloc.buffer)
    identity = ConstantOp(cast("IntegerAttr | FloatAttr", reduce.identity.data[0]))
    init = InitOp()
    init.body.block.add_ops([identity, WriteOp(identity.result, alloc.buffer, reduce.map.data, reduce.indices)])
    first = block.body.block.first_op
    assert first is not None, "expected a block that reduces"
    block.body.block.insert_op_before(init, first)
    reducing = reduce_loops(block)
    inner = [loop for loop in enclosing_loops(block) if is_inside(loop, at) and loop not in reducing]
    spatial = [loop for loop in inner if loop.induction_variable in block.operands]
    init_top, start = move_init(block, anchor, spatial, reducing)
    if failure is None and (unproven := first_unproven([start, block, combine])) is not None:
        failure = unproven[1]
    if failure is None:
        return combine
    content.restore(block)
    init_top.detach()
    init_top.erase()
    discard(top, alloc)
    refuse(f"{failure}, to stage '{buffer_name(buffer)}' there", block)


def _combine_parts(combine: BlockOp, reduce: ReduceOp, carried: Sequence[ForOp]) -> None:
    """Makes of a block that copies one that combines, over the loops whose iterations each give a part."""
    bindings, predicates = combine.binding_forms(), combine.predicate_forms()
    body = combine.body.block
    for loop in carried:
        hint = loop.induction_variable.name_hint
        body.insert_arg(_INDEX, len(body.args)).name_hint = f"v{hint}" if hint else None
    kinds = [*combine.kinds, *(IteratorKind.REDUCE for _ in carried)]
    combine.iterator_kinds = ArrayAttr(IteratorKindAttr(kind) for kind in kinds)
    combine.extents_attr = DenseArrayBase.from_list(i64, [*combine.extents, *(loop.extent for loop in carried)])
    set_forms(combine, [*bindings, *(Lin.of(loop.induction_variable) for loop in carried)], predicates)
    read, write = list(body.ops)
    assert isinstance(read, ReadOp)
    assert isinstance(write, WriteOp)
    new = ReduceOp(
        [read.result],
        [write.buffer],
        write.map.data,
        write.indices,
        reduce.combiner.clone(),
        list(reduce.identity.data),
        associative=True,
        commutative=True,
        fastmath=reduce.fastmath,
    )
    body.add_op(new)
    write.detach()
    write.erase()


def _move_own_init(block: BlockOp, reduce: ReduceOp, combine: BlockOp) -> str | None:
    """Moves a block's init to the block that combines its parts, if it has one; gives why that does not work, if so."""
    init = block.init
    if init is None:
        return None
    values: dict[SSAValue, Lin] = dict.fromkeys(block.iterators, ZERO)
    for form, iterator in zip(iterator_forms(reduce), combine.iterators, strict=False):
        assert form is not None, "expected writes at affine functions of iterators"
        for atom in form.terms:
            if isinstance(atom, SSAValue):
                values[atom] = Lin.of(iterator) - form.const
    new = InitOp()
    first = combine.body.block.first_op
    assert first is not None
    combine.body.block.insert_op_before(new, first)
    ops = copied(list(init.body.block.ops), values)
    new.body.block.add_ops(ops)
    init.detach()
    init.erase()
    try:
        for op in ops:
            for access in op.walk():
                if isinstance(access, Access):
                    access.verify_()
    except VerifyException as failure:
        return str(failure)
    return None


def _index(op: Operation) -> int:
    assert op.parent is not None
    return op.parent.get_operation_index(op)


__all__ = ["cache_write"]
