"""decompose_reduction: a reduction's init as a block of its own."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Block, Region, SSAValue

from ...dialects.loop import BlockOp, ForOp, InitOp, IteratorKind, ReadOp, enclosing_loops, loop_bounds, zero_map
from ...dialects.quasi_affine import Lin
from ...dialects.regions import accesses_of, alloc_of, block_of, reduce_loops, writers_of
from .common import buffer_name, describe, first_unproven, fresh_name, is_inside, kernel, nest, refuse, set_forms
from .dependence import separated
from .location import precedes


def decompose_reduction(block: BlockOp, loop: ForOp) -> BlockOp:
    """Moves a reduction's init into a block of its own in front of a loop.

    before                          after `decompose_reduction(C, k)`
    loop.for %i : 8 {               loop.for %i : 8 {
      loop.for %k : 64 {              C_init: T[i] = 0
        C: init T[i] = 0              loop.for %k : 64 {
           T[i] += A[i, k]              C: T[i] += A[i, k]

    The spatial loops inside of `loop` are copied around the init, with their marks.

    Returns:
        The init's block.

    Raises:
        ScheduleError: if the block has no init, or one of its reduce loops is outside of the loop.
    """
    if block.init is None:
        refuse(f"expected a block with an init to decompose, got '{block.block_name}'", block)
    if not is_inside(block, loop):
        refuse(f"expected a loop around block '{block.block_name}', got {describe(loop)}", loop, ("the block", block))
    reducing = reduce_loops(block)
    for reduce in reducing:
        if reduce.extent > 1 and is_inside(loop, reduce):
            refuse(
                f"expected all reduce loops of '{block.block_name}' at or inside of {describe(loop)}, got "
                f"{describe(reduce)} outside",
                loop,
                ("the outer reduce loop", reduce),
            )
    for buffer in block.written_buffers():
        home = alloc_of(buffer)
        if home is not None and is_inside(home, loop):
            refuse(
                f"expected '{buffer_name(buffer)}' to live outside of {describe(loop)}", loop, ("it lives here", home)
            )
    _require_free_way(block, loop, reducing)
    inner = [each for each in enclosing_loops(block) if each is loop or is_inside(each, loop)]
    spatial = [each for each in inner if each not in reducing and _binds(block, each)]
    return _split_init(block, loop, spatial, reducing)


def _require_free_way(block: BlockOp, loop: ForOp, reducing: set[ForOp]) -> None:
    """Nothing that the init moves over may see that it comes earlier, or change what it reads."""
    assert block.init is not None
    for read in (op for op in block.init.walk() if isinstance(op, ReadOp)):
        for writer in writers_of(read.buffer):
            if is_inside(writer, loop):
                refuse(
                    f"expected '{buffer_name(read.buffer)}', which the init of '{block.block_name}' reads, to be "
                    f"written outside of {describe(loop)}",
                    block,
                    ("written here", writer),
                )
    for buffer in block.written_buffers():
        for access in accesses_of(buffer):
            other = block_of(access)
            if not is_inside(other, loop) or (other is block and not isinstance(access, ReadOp)):
                continue
            shared = [each for each in enclosing_loops(block) if is_inside(other, each)]
            inner = [each for each in shared if (each is loop or is_inside(each, loop)) and each not in reducing]
            touching = [op for op in accesses_of(buffer) if block_of(op) in (block, other)]
            alike = separated(touching, inner, enclosing_loops(loop))
            if not (other is block or precedes(block, other)) or len(alike) < len(inner):
                refuse(
                    f"expected '{other.block_name}' to touch '{buffer_name(buffer)}' only after '{block.block_name}' "
                    f"in each iteration of {describe(loop)}",
                    block,
                    ("touched here", access),
                )


def _binds(block: BlockOp, loop: ForOp) -> bool:
    return loop.induction_variable in block.operands


def _split_init(block: BlockOp, loop: ForOp, spatial: list[ForOp], reducing: set[ForOp]) -> BlockOp:
    init = block.init
    assert init is not None
    kept = [i for i, kind in enumerate(block.kinds) if kind is not IteratorKind.REDUCE]
    region = Region(Block(arg_types=[block.iterators[i].type for i in kept]))
    mapper: dict[SSAValue, SSAValue] = {}
    for i, arg in zip(kept, region.block.args, strict=True):
        arg.name_hint = block.iterators[i].name_hint
        mapper[block.iterators[i]] = arg
    for op in init.body.block.ops:
        region.block.add_op(op.clone(mapper))
    new = BlockOp(
        fresh_name(kernel(block), f"{block.block_name}_init"),
        [block.kinds[i] for i in kept],
        [block.extents[i] for i in kept],
        zero_map(len(kept)),
        [],
        region,
    )
    loops, top = nest([each.extent for each in spatial], [each.induction_variable.name_hint for each in spatial], new)
    replacement: dict[SSAValue, Lin] = {}
    for old, copy in zip(spatial, loops, strict=True):
        copy.properties.update(old.properties)
        replacement[old.induction_variable] = Lin.of(copy.induction_variable)
    forms = block.binding_forms()
    reduced = {each.induction_variable for each in reducing}
    set_forms(
        new,
        [forms[i].substitute(replacement, loop_bounds) for i in kept],
        [
            (form.substitute(replacement, loop_bounds), limit)
            for form, limit in block.predicate_forms()
            if not any(value in reduced for value in form.values())
        ],
    )
    assert loop.parent is not None
    loop.parent.insert_op_before(top, loop)
    init.detach()
    init.erase()
    if (failure := first_unproven([new, block])) is not None:
        _take_back(block, new, kept)
        top.detach()
        top.erase()
        refuse(f"{failure[1]}, to decompose '{block.block_name}' there", block)
    return new


def _take_back(block: BlockOp, new: BlockOp, kept: Sequence[int]) -> None:
    """Gives a block the init back that was made a block of its own."""
    mapper: dict[SSAValue, SSAValue] = {
        arg: block.iterators[i] for i, arg in zip(kept, new.body.block.args, strict=True)
    }
    init = InitOp()
    for op in new.body.block.ops:
        init.body.block.add_op(op.clone(mapper))
    first = block.body.block.first_op
    assert first is not None, "expected a block that reduces"
    block.body.block.insert_op_before(init, first)


__all__ = ["decompose_reduction"]
