"""Primitives on padding: decompose_padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import scf
from xdsl.dialects.arith import AndIOp, CmpiOp, ConstantOp, OrIOp, XOrIOp
from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, IntegerAttr, i64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import (
    BlockOp,
    ForOp,
    IteratorKind,
    WriteOp,
    is_iterator,
    loop_bounds,
    zero_map,
)
from ...dialects.quasi_affine import Lin
from ...dialects.regions import is_staged
from ...dialects.scalar import affine_conjuncts
from .common import first_unproven, fresh_name, kernel, nest, own_loops, refuse, require_kind_free, set_forms
from .inline import copied
from .reduction import Content

_EXACT = ("slt", "sle", "sgt", "sge")
_PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
_OPPOSITE = {"slt": "sge", "sge": "slt", "sle": "sgt", "sgt": "sle", "ne": "eq"}


@dataclass(frozen=True)
class _Padding:
    """What a block writes: a constant, but where all of some comparisons hold (or not) the value of other code."""

    choices: tuple[tuple[scf.IfOp, bool], ...]
    """Each in the branch of the one before that is taken inside, and whether that is its second one."""
    constant: IntegerAttr | FloatAttr
    comparisons: tuple[tuple[CmpiOp, bool], ...]


def decompose_padding(block: BlockOp) -> BlockOp:
    """Makes two blocks of one that pads: one writes the constant everywhere, the other one then what lies inside, where
    nothing is chosen any more.

    before                                         after `decompose_padding(P)`
    loop.for %i : 10 {                             loop.for %i : 10 { P_fill: T[i] = 0 }
      P: T[i] = 1 <= i and i < 9 ? A[i - 1] : 0    loop.for %i : 8 { P: T[i + 1] = A[i] }
    }

    The loops that the block has go on around the fill; the block gets loops of its own behind them.

    Returns:
        The block that writes the constant.

    Raises:
        ScheduleError: unless the block writes one element of a choice between a constant and something else, inside of
            a box of its iterators.
    """
    for kind in (IteratorKind.REDUCE, IteratorKind.ORDERED):
        require_kind_free(block, kind, "to decompose its padding")
    padding, write = _padding(block)
    box = _inside(block, padding)
    fill = _fill(block, write, padding.constant)
    parent, before, around = block.parent, block.prev_op, block.parent_op()
    assert parent is not None
    assert around is not None
    old_forms = block.binding_forms(), block.predicate_forms()
    own = own_loops(block)
    content = Content(block)
    block.detach()
    _put(parent, before, fill)
    _keep_inside(block, box)
    top = _new_nest(block, own, box, *old_forms)
    anchor = own[0] if own else fill
    assert anchor.parent is not None
    anchor.parent.insert_op_after(top, anchor)
    if (failure := _failure([fill, block])) is None:
        return fill
    block.detach()
    for op in dict.fromkeys((top, fill)):
        if op is not block:
            op.detach()
            op.erase()
    content.restore(block)
    _put(parent, before, block)
    refuse(f"{failure}, to decompose the padding of '{block.block_name}'", block)


def _put(parent: Block, before: Operation | None, op: Operation) -> None:
    if before is not None:
        parent.insert_op_after(op, before)
    elif parent.first_op is not None:
        parent.insert_op_before(op, parent.first_op)
    else:
        parent.add_op(op)


def _failure(blocks: Sequence[BlockOp]) -> str | None:
    try:
        for block in blocks:
            for access in block.accesses():
                access.verify_()
    except VerifyException as failure:
        return str(failure)
    unproven = first_unproven(blocks)
    return None if unproven is None else unproven[1]


# What the block pads


def _padding(block: BlockOp) -> tuple[_Padding, WriteOp]:
    """The choice that a block writes."""
    writes = block.writes()
    if len(writes) != 1 or not isinstance(writes[0], WriteOp):
        refuse(f"expected a block with one write to decompose, got {len(writes)} in '{block.block_name}'", block)
    choices: list[tuple[scf.IfOp, bool]] = []
    comparisons: list[tuple[CmpiOp, bool]] = []
    value, constant = writes[0].value, None
    while isinstance(choice := value.owner, scf.IfOp):
        inner, own, negated = _branches(choice, value)
        if own is None or (constant is not None and own != constant):
            break
        leaves = _comparisons(choice.cond, negated)
        if leaves is None:
            refuse(
                f"expected '{block.block_name}' to choose by comparisons of its iterators, all of which hold inside",
                block,
                ("chosen here", choice),
            )
        choices.append((choice, negated))
        comparisons += leaves
        value, constant = inner, own
    if constant is None:
        refuse(
            f"expected '{block.block_name}' to write a choice between a constant and something else, to decompose its "
            "padding",
            block,
            ("written here", writes[0]),
        )
    return _Padding(tuple(choices), constant, tuple(comparisons)), writes[0]


def _branches(choice: scf.IfOp, value: SSAValue) -> tuple[SSAValue, IntegerAttr | FloatAttr | None, bool]:
    """What one branch of a choice gives, the constant that the other one gives, and whether that is the first one."""
    place = list(choice.results).index(value)  # pyright: ignore[reportArgumentType]
    given = [region.block.last_op for region in (choice.true_region, choice.false_region)]
    then, otherwise = (op.operands[place] for op in given if op is not None)
    for inner, other, negated in ((then, otherwise, False), (otherwise, then, True)):
        owner = other.owner
        if isinstance(owner, ConstantOp) and isinstance(owner.value, IntegerAttr | FloatAttr):
            return inner, owner.value, negated
    return then, None, False


def _comparisons(condition: SSAValue, negated: bool) -> list[tuple[CmpiOp, bool]] | None:
    """The comparisons that all hold (or, where that is said, do not) iff a condition does."""
    match condition.owner:
        case AndIOp(lhs=lhs, rhs=rhs) if not negated:
            pair = _comparisons(lhs, False), _comparisons(rhs, False)
        case OrIOp(lhs=lhs, rhs=rhs) if negated:
            pair = _comparisons(lhs, True), _comparisons(rhs, True)
        case XOrIOp(lhs=lhs, rhs=rhs) if isinstance(rhs.owner, ConstantOp):
            value = rhs.owner.value
            return _comparisons(lhs, not negated) if isinstance(value, IntegerAttr) and value.value.data else None
        case CmpiOp() as comparison:
            name = _PREDICATES[comparison.predicate.value.data]
            exact = _OPPOSITE.get(name) in (*_EXACT, "eq") if negated else name in (*_EXACT, "eq")
            return [(comparison, negated)] if exact else None
        case _:
            return None
    return None if pair[0] is None or pair[1] is None else [*pair[0], *pair[1]]


def _inside(block: BlockOp, padding: _Padding) -> list[tuple[int, int]]:
    """For each iterator, the first value inside and how many there are."""
    lows = dict.fromkeys(block.iterators, 0)
    highs = {iterator: extent - 1 for iterator, extent in zip(block.iterators, block.extents, strict=True)}
    for comparison, negated in padding.comparisons:
        facts = affine_conjuncts(comparison.result, is_iterator, loop_bounds, negated=negated)
        for fact in facts:
            terms = list(fact.terms.items())
            iterator, scale = terms[0] if terms else (None, 0)
            if len(terms) != 1 or not isinstance(iterator, SSAValue) or iterator not in lows:
                facts = []
                break
            if scale > 0:
                lows[iterator] = max(lows[iterator], -(fact.const // scale))
            else:
                highs[iterator] = min(highs[iterator], fact.const // -scale)
        if not facts:
            refuse(
                f"expected the inside of '{block.block_name}' to be a box, one iterator a comparison",
                block,
                ("compared here", comparison),
            )
    sizes = [(lows[iterator], highs[iterator] - lows[iterator] + 1) for iterator in block.iterators]
    if any(size < 1 for _, size in sizes):
        refuse(f"expected something inside of the padding of '{block.block_name}', got nothing", block)
    return sizes


# What becomes of it


def _fill(block: BlockOp, write: WriteOp, constant: IntegerAttr | FloatAttr) -> BlockOp:
    """A block that writes the constant wherever another one writes."""
    rank = len(block.kinds)
    region = Region(Block(arg_types=[iterator.type for iterator in block.iterators]))
    mapper = dict(zip(block.iterators, region.block.args, strict=True))
    for iterator, own in mapper.items():
        own.name_hint = iterator.name_hint
    value = ConstantOp(constant)
    indices = [mapper[index] for index in write.indices]  # pyright: ignore[reportArgumentType]
    region.block.add_ops([value, WriteOp(value.result, write.buffer, write.map.data, indices)])
    name = fresh_name(kernel(block), f"{block.block_name}_fill")
    fill = BlockOp(name, block.kinds, block.extents, zero_map(rank), [], region)
    set_forms(fill, block.binding_forms(), block.predicate_forms())
    return fill


def _keep_inside(block: BlockOp, box: Sequence[tuple[int, int]]) -> None:
    """Leaves the branch of a (detached) block's choice that is taken inside, over iterators that start there."""
    body = block.body.block
    padding, _ = _padding(block)
    for choice, negated in padding.choices:
        taken = choice.false_region if negated else choice.true_region
        end = taken.block.last_op
        assert end is not None
        values = list(end.operands)
        end.detach()
        end.erase()
        for op in list(taken.block.ops):
            op.detach()
            body.insert_op_before(op, choice)
        for result, value in zip(choice.results, values, strict=True):
            result.replace_all_uses_with(value)
        choice.detach()
        choice.erase()
    for op in reversed(list(body.ops)):
        if op.results and all(result.first_use is None for result in op.results):
            op.detach()
            op.erase()
    values = {it: Lin.of(it) + low for it, (low, _) in zip(block.iterators, box, strict=True) if low}
    block.extents_attr = DenseArrayBase.from_list(i64, [size for _, size in box])
    if not values:
        return
    old = list(body.ops)
    body.add_ops(copied(old, values))
    for op in reversed(old):
        op.detach()
        op.erase()


def _new_nest(
    block: BlockOp,
    own: Sequence[ForOp],
    box: Sequence[tuple[int, int]],
    forms: Sequence[Lin],
    predicates: Sequence[tuple[Lin, int]],
) -> Operation:
    """Loops around the (detached) block: over what is inside; where others around it bind it too, copies of its own
    ones. Gives the outermost."""
    mine = {loop.induction_variable for loop in own}
    if not is_staged(block) and all(value in mine for form in forms for value in form.values()):
        names = [_loop_name(iterator.name_hint) for iterator in block.iterators]
        loops, top = nest([size for _, size in box], names, block)
        set_forms(block, [Lin.of(loop.induction_variable) for loop in loops], [])
        return top
    loops, top = nest([loop.extent for loop in own], [loop.induction_variable.name_hint for loop in own], block)
    replacement = {old.induction_variable: Lin.of(new.induction_variable) for old, new in zip(own, loops, strict=True)}
    shifted = [form.substitute(replacement, loop_bounds) - low for form, (low, _) in zip(forms, box, strict=True)]
    set_forms(block, shifted, [(form.substitute(replacement, loop_bounds), limit) for form, limit in predicates])
    return top


def _loop_name(iterator: str | None) -> str | None:
    """What the loop of an iterator is called: `%i` for `%vi`."""
    name = iterator.removeprefix("v") if iterator else ""
    return iterator if not name or name[0].isdecimal() else name


__all__ = ["decompose_padding"]
