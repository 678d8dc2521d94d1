"""Primitives on reductions: decompose_reduction, split_reduction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

from xdsl.dialects import scf
from xdsl.dialects.affine import ApplyOp
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IndexType,
    IntegerAttr,
    MemRefType,
    StringAttr,
    i64,
)
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from ...dialects.arith import CmpiOp
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
    blocks_in,
    enclosing_loops,
    loop_bounds,
    memref_type,
    zero_map,
)
from ...dialects.quasi_affine import Lin
from ...dialects.regions import accesses_of, alloc_of, block_of, reduce_loops, writers_of
from .common import (
    buffer_name,
    child_in,
    describe,
    first_unproven,
    fresh_name,
    get_forms,
    is_inside,
    kernel,
    nest,
    put_forms,
    refuse,
    set_forms,
)
from .dependence import require_pure_reduction, separated
from .inline import compose_apply, compose_read
from .location import precedes

_INDEX = IndexType()
_D0, _D1 = AffineExpr.dimension(0), AffineExpr.dimension(1)


def decompose_reduction(block: BlockOp, loop: ForOp) -> BlockOp:
    """Moves a reduction's init into a block of its own in front of a loop.

    before                          after `decompose_reduction(C, k)`
    loop.for %i : 8 {               loop.for %i : 8 {
      loop.for %k : 64 {              C_init: T[i] = 0
        C: init T[i] = 0              loop.for %k : 64 {
           T[i] += A[i, k]              C: T[i] += A[i, k]

    The spatial loops inside of `loop` are copied around the init, with their marks. Where the init stands in front of
    the loop already, as `cache_write` leaves it below an outer reduce loop, nothing is left to do.

    Returns:
        The init's block.

    Raises:
        ScheduleError: if the block has no init, or one of its reduce loops is outside of the loop.
    """
    if not is_inside(block, loop):
        refuse(f"expected a loop around block '{block.block_name}', got {describe(loop)}", loop, ("the block", block))
    if block.init is None:
        if (own := _init_in_front(block, loop)) is not None:
            return own
        refuse(f"expected a block with an init to decompose, got '{block.block_name}'", block)
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


def _init_in_front(block: BlockOp, loop: ForOp) -> BlockOp | None:
    """The block directly in front of a loop that writes all that a block without an init reduces into."""
    before = [] if loop.prev_op is None else blocks_in(loop.prev_op)
    if len(before) != 1 or any(before[0].has_kind(kind) for kind in (IteratorKind.REDUCE, IteratorKind.ORDERED)):
        return None
    (init,) = before
    own = all(isinstance(access, WriteOp) for access in init.accesses())
    return init if own and init.written_buffers() == block.written_buffers() else None


def _require_free_way(block: BlockOp, loop: ForOp, reducing: Collection[ForOp]) -> None:
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


def _split_init(block: BlockOp, loop: ForOp, spatial: list[ForOp], reducing: Collection[ForOp]) -> BlockOp:
    kept = [i for i, kind in enumerate(block.kinds) if kind is not IteratorKind.REDUCE]
    top, new = move_init(block, loop, spatial, reducing)
    # What the block reads of other buffers stays as it is, and where it is: only what the init reads or writes moved.
    moved = [*block.written_buffers(), *(buffer for access in new.accesses() for buffer in access.buffers)]
    if (failure := first_unproven([new, block], moved)) is not None:
        _take_back(block, new, kept)
        top.detach()
        top.erase()
        refuse(f"{failure[1]}, to decompose '{block.block_name}' there", block)
    return new


def move_init(
    block: BlockOp, anchor: Operation, spatial: Sequence[ForOp], reducing: Collection[ForOp]
) -> tuple[Operation, BlockOp]:
    """Makes a block of a reduction's init, in front of an op around it, under copies of the spatial loops; gives the
    outermost of them, and the block. Proves nothing."""
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
    assert anchor.parent is not None
    anchor.parent.insert_op_before(top, anchor)
    init.detach()
    init.erase()
    return top, new


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


def split_reduction(block: BlockOp, loop: ForOp) -> BlockOp:
    """Lets a reduction keep a partial result for each iteration of one of its loops, and adds a block that combines
    them at the end.

    before                             after `split_reduction(C, ki)`
    loop.for %i : 8 {                  %P = loop.alloc
      loop.for %ko : 4 {               loop.for %i : 8 { loop.for %ko : 4 { loop.for %ki : 16 {
        loop.for %ki : 16 {              C: init P[i, ki] = 0
          C: init T[i] = 0                  P[i, ki] += A[i, ko * 16 + ki]
             T[i] += A[i, ko*16 + ki]  loop.for %i : 8 { loop.for %ki : 16 {
                                         C_combine: init T[i] = 0
                                            T[i] += P[i, ki]

    The loop becomes one over a spatial iterator of the block, which may be vectorized. Where its extent does not divide
    the reduction's, the block combines the identity beyond the end. TVM calls it `rfactor`.

    Returns:
        The block that combines. Its loops are made anew.

    Raises:
        ScheduleError: if the combiner is not associative and commutative (with `reassoc` for floats), or the loop is
            not the innermost part of one reduce iterator.
    """
    reduce = _only_reduction(block)
    position, extent = _split_position(block, loop)
    rest = _outer_part(block, loop, position)
    _require_no_predicate_on(block, loop, position)
    total = block.extents[position]
    size = min(extent, total)
    homes = {None if (home := alloc_of(buffer)) is None else home.parent_op() for buffer in reduce.buffers}
    parent = homes.pop() or kernel(block)
    if homes or not is_inside(block, parent):
        refuse(f"expected what '{block.block_name}' reduces into to live in one place, to split it", block)
    if isinstance(parent, ForOp) and (parent is loop or is_inside(parent, loop)):
        refuse(f"expected what '{block.block_name}' reduces into to live outside of {describe(loop)}", block)
    anchor = child_in(parent, block)
    _require_nobody_between(block, reduce, anchor)
    inner = [each for each in enclosing_loops(block) if each is anchor or is_inside(each, anchor)]
    top, combine = _combining_nest(block, reduce, inner, loop, size)
    allocs = [_partial_buffer(buffer, size, kernel(block)) for buffer in reduce.buffers]
    _fill_combine(block, reduce, combine, allocs)
    old = Content(block)
    assert anchor.parent is not None
    anchor.parent.insert_ops_before(allocs, anchor)
    anchor.parent.insert_op_after(top, anchor)
    _reduce_partially(block, allocs, position, rest, loop, size)
    if (failure := first_unproven([block, combine])) is not None:
        old.restore(block)
        for op in (top, *allocs):
            op.detach()
            op.erase()
        refuse(f"{failure[1]}, to split the reduction of '{block.block_name}'", block, ("this block", failure[0]))
    return combine


def _require_nobody_between(block: BlockOp, reduce: ReduceOp, anchor: Operation) -> None:
    """What a block reduces into is complete behind the nest only: nothing inside may read or write it. The init runs
    there, too, and has to find what it reads."""
    for buffer in reduce.buffers:
        for other in map(block_of, accesses_of(buffer)):
            if other is not block and is_inside(other, anchor):
                refuse(
                    f"expected '{block.block_name}' alone to use '{buffer_name(buffer)}' inside of its loops, to split "
                    f"its reduction, got '{other.block_name}'",
                    block,
                    ("it uses the buffer here", other),
                )
    assert block.init is not None
    for read in (op for op in block.init.walk() if isinstance(op, ReadOp)):
        home = alloc_of(read.buffer)
        changing = [writer for writer in writers_of(read.buffer) if is_inside(writer, anchor)]
        if changing or (home is not None and is_inside(home, anchor)):
            refuse(
                f"expected '{buffer_name(read.buffer)}', which the init of '{block.block_name}' reads, to be written "
                "and to live outside of its loops, to split its reduction",
                block,
                ("read here", read),
            )


def _only_reduction(block: BlockOp) -> ReduceOp:
    """The reduction of a block that does nothing else, and whose order may change."""
    own = [op for op in block.writes() if op.parent_op() is block]
    if len(own) != 1 or not isinstance(own[0], ReduceOp) or block.init is None:
        refuse(f"expected a block with an init and one loop.reduce to split, got '{block.block_name}'", block)
    reduce = own[0]
    if not reduce.may_reorder:
        refuse(
            "expected an associative and commutative combiner, with 'reassoc' for floats, to split the reduction "
            f"'{block.block_name}'",
            block,
            ("the reduction", reduce),
        )
    require_pure_reduction(block, "to split its reduction")
    return reduce


def _split_position(block: BlockOp, loop: ForOp) -> tuple[int, int]:
    """The reduce iterator that a loop binds a part of, and the loop's extent."""
    variable = loop.induction_variable
    for position, (kind, form) in enumerate(zip(block.kinds, block.binding_forms(), strict=True)):
        if kind is IteratorKind.REDUCE and variable in form.values():
            return position, loop.extent
    refuse(f"expected a loop of a reduce iterator of '{block.block_name}', got {describe(loop)}", loop)


def _outer_part(block: BlockOp, loop: ForOp, position: int) -> Lin:
    """The binding of a reduce iterator without a loop's part, divided by the loop's extent."""
    form = block.binding_forms()[position]
    rest = form - Lin.of(loop.induction_variable)
    quotient = rest.floordiv(loop.extent, loop_bounds)
    if rest != quotient * loop.extent or loop.induction_variable in rest.values():
        refuse(
            f"expected {describe(loop)} to be the innermost part of a reduce iterator of '{block.block_name}', to "
            "split the reduction there",
            loop,
        )
    return quotient


def _require_no_predicate_on(block: BlockOp, loop: ForOp, position: int) -> None:
    values = set(block.binding_forms()[position].values())
    for form, _ in block.predicate_forms():
        if any(value in values for value in form.values()):
            refuse(
                f"expected no predicate of '{block.block_name}' over the loops of its reduction, to split it at "
                f"{describe(loop)}",
                block,
            )


def _partial_buffer(buffer: SSAValue, size: int, func: Operation) -> AllocOp:
    type = memref_type(buffer)
    name = fresh_name(kernel(func), f"{buffer_name(buffer)}_partial")
    alloc = AllocOp(name, MemRefType(type.element_type, (*type.get_shape(), size), memory_space=StringAttr("local")))
    alloc.buffer.name_hint = f"{buffer.name_hint}_partial" if buffer.name_hint else None
    return alloc


def _combining_nest(
    block: BlockOp, reduce: ReduceOp, inner: Sequence[ForOp], loop: ForOp, size: int
) -> tuple[Operation, BlockOp]:
    """Loops around a block without a body yet: over the spatial iterators of a block, and over what to combine."""
    reducing = reduce_loops(block)
    spatial = [each for each in inner if each not in reducing and _binds(block, each)]
    kept = [i for i, kind in enumerate(block.kinds) if kind is not IteratorKind.REDUCE]
    combine = BlockOp(
        fresh_name(kernel(block), f"{block.block_name}_combine"),
        [*(block.kinds[i] for i in kept), IteratorKind.REDUCE],
        [*(block.extents[i] for i in kept), size],
        zero_map(len(kept) + 1),
        [],
    )
    hints = [each.induction_variable.name_hint for each in (*spatial, loop)]
    loops, top = nest([*(each.extent for each in spatial), size], hints, combine)
    replacement = {
        old.induction_variable: Lin.of(copy.induction_variable) for old, copy in zip(spatial, loops[:-1], strict=True)
    }
    forms = block.binding_forms()
    reduced = {each.induction_variable for each in reducing}
    set_forms(
        combine,
        [*(forms[i].substitute(replacement, loop_bounds) for i in kept), Lin.of(loops[-1].induction_variable)],
        [
            (form.substitute(replacement, loop_bounds), limit)
            for form, limit in block.predicate_forms()
            if not any(value in reduced for value in form.values())
        ],
    )
    return top, combine


def _fill_combine(block: BlockOp, reduce: ReduceOp, combine: BlockOp, partial: Sequence[AllocOp]) -> None:
    """The body of the block that combines: the init that the reduction had, and its combiner on partial results."""
    kept = [i for i, kind in enumerate(block.kinds) if kind is not IteratorKind.REDUCE]
    mapper: dict[SSAValue, SSAValue] = {}
    for i, argument in zip(kept, combine.iterators, strict=False):
        argument.name_hint = block.iterators[i].name_hint
        mapper[block.iterators[i]] = argument
    combine.iterators[-1].name_hint = "vp"
    assert block.init is not None
    target = combine.body.block
    target.add_op(block.init.clone(mapper))
    indices = [mapper[index] for index in reduce.indices]
    read_map = _with_last(reduce.map.data)
    reads = [ReadOp(alloc.buffer, read_map, [*indices, combine.iterators[-1]]) for alloc in partial]
    target.add_ops(reads)
    new = reduce.clone(mapper | dict(zip(reduce.values, (read.result for read in reads), strict=True)))
    target.add_op(new)


def _with_last(map: AffineMap) -> AffineMap:
    """A map with one more dimension, which is its last result, too."""
    return AffineMap(map.num_dims + 1, 0, (*map.results, AffineExpr.dimension(map.num_dims)))


class Content:
    """What a block was, for the way back. While it is kept here, it uses nothing."""

    def __init__(self, block: BlockOp) -> None:
        """Takes the block's content away and leaves it a copy."""
        self.properties = dict(block.properties)
        self.forms = get_forms(block)
        copy = block.body.clone()
        self.region = block.detach_region(block.body)
        self.operands = [(op, tuple(op.operands)) for op in self.region.walk()]
        for op, _ in self.operands:
            op.operands = ()
        block.add_region(copy)

    def restore(self, block: BlockOp) -> None:
        """Gives the block its content back."""
        block.detach_region(block.body).erase()
        for op, operands in self.operands:
            op.operands = operands
        block.add_region(self.region)
        block.properties = self.properties
        put_forms(block, self.forms)


def _reduce_partially(
    block: BlockOp, partial: Sequence[AllocOp], position: int, rest: Lin, loop: ForOp, size: int
) -> None:
    """Makes one reduce iterator of a block two: a reduce one over the outer part, and a spatial one over the loop, last
    of the spatial ones, which says which of the partial results to reduce into."""
    total = block.extents[position]
    body, kinds, extents = block.body.block, block.kinds, block.extents
    forms, predicates = block.binding_forms(), block.predicate_forms()
    place = max((i for i, kind in enumerate(kinds) if kind is not IteratorKind.REDUCE), default=-1) + 1
    place = min(place, position)
    old = body.args[position]
    name = old.name_hint
    outer = body.insert_arg(_INDEX, position)
    own = body.insert_arg(_INDEX, place)
    outer.name_hint, own.name_hint = name, f"{name}p" if name else None
    first = body.first_op
    assert isinstance(first, InitOp)
    whole = ApplyOp([outer, own], AffineMapAttr(AffineMap(2, 0, (_D0 * size + _D1,))))
    whole.result.name_hint = name
    body.insert_op_after(whole, first)
    old.replace_all_uses_with(whole.result)
    body.erase_arg(old)
    count = -(-total // size)
    block.iterator_kinds = ArrayAttr(
        IteratorKindAttr(kind) for kind in (*kinds[:place], IteratorKind.SPATIAL, *kinds[place:])
    )
    widened = [*extents[:position], count, *extents[position + 1 :]]
    block.extents_attr = DenseArrayBase.from_list(i64, [*widened[:place], size, *widened[place:]])
    bindings = [*forms[:position], rest, *forms[position + 1 :]]
    set_forms(block, [*bindings[:place], Lin.of(loop.induction_variable), *bindings[place:]], predicates)
    values: dict[SSAValue, Lin] = {whole.result: Lin.of(outer) * size + Lin.of(own)}
    for op in body.walk():
        if isinstance(op, ReadOp):
            compose_read(op, values)
        elif isinstance(op, ApplyOp):
            compose_apply(op, values)
    reduce = next(op for op in body.ops if isinstance(op, ReduceOp))
    if total % size:
        _combine_identity_beyond(reduce, whole, total)
    elif whole.result.first_use is None:
        whole.detach()
        whole.erase()
    _redirect_to_partial(block, reduce, partial, own)


def _combine_identity_beyond(reduce: ReduceOp, whole: ApplyOp, total: int) -> None:
    """Lets a reduction combine its identity where the iterator that a part of it was goes beyond its end."""
    body = reduce.parent
    assert body is not None
    moved = [op for op in body.ops if op is not reduce and op is not whole and not isinstance(op, InitOp)]
    limit = ConstantOp(IntegerAttr(total, _INDEX))
    inside = CmpiOp(whole.result, limit.result, "slt")
    then, otherwise = Block(), Block()
    for op in moved:
        op.detach()
        then.add_op(op)
    then.add_op(scf.YieldOp(*reduce.values))
    constants = [ConstantOp(cast("IntegerAttr | FloatAttr", identity)) for identity in reduce.identity.data]
    otherwise.add_ops([*constants, scf.YieldOp(*(constant.result for constant in constants))])
    choice = scf.IfOp(inside.result, [value.type for value in reduce.values], [then], [otherwise])
    for op in (limit, inside, choice):
        body.insert_op_before(op, reduce)
    for i, result in enumerate(choice.results):
        reduce.operands[i] = result


def _redirect_to_partial(block: BlockOp, reduce: ReduceOp, partial: Sequence[AllocOp], own: SSAValue) -> None:
    """Lets a block's reduction and its init write the partial results."""
    init = block.init
    assert init is not None
    indices = [*reduce.indices, own]
    map = _with_last(reduce.map.data)
    new_init = InitOp()
    for alloc, identity in zip(partial, reduce.identity.data, strict=True):
        constant = ConstantOp(cast("IntegerAttr | FloatAttr", identity))
        new_init.body.block.add_ops([constant, WriteOp(constant.result, alloc.buffer, map, indices)])
    body = block.body.block
    body.insert_op_before(new_init, init)
    init.detach()
    init.erase()
    new = ReduceOp(
        reduce.values,
        [alloc.buffer for alloc in partial],
        map,
        indices,
        reduce.detach_region(reduce.combiner),
        list(reduce.identity.data),
        associative=True,
        commutative=True,
        fastmath=reduce.fastmath,
    )
    body.insert_op_before(new, reduce)
    reduce.detach()
    reduce.erase()


__all__ = ["Content", "decompose_reduction", "move_init", "split_reduction"]
