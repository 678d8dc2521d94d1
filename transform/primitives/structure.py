"""Primitives that change how loops and iterators are arranged, and nothing about what runs when: add_unit_loop,
reorder_iterators."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import AffineMapAttr, ArrayAttr, DenseArrayBase, i64
from xdsl.ir.affine import AffineMap

from ...dialects.loop import BlockOp, ForOp, IteratorKind, ReduceOp
from .common import describe, has_vector_loop, refuse


def add_unit_loop(op: BlockOp | ForOp) -> ForOp:
    """Puts a loop that runs once around a loop or a block: a place to compute or to stage something at.

    before                         after `add_unit_loop(C)`
    loop.for %i : 8 {              loop.for %i : 8 {
      … C                            loop.for %u : 1 {
    }                                  … C

    Raises:
        ScheduleError: inside of a vectorized loop, where nothing can be staged.
    """
    if has_vector_loop(op):
        named = describe(op) if isinstance(op, ForOp) else f"block '{op.block_name}'"
        refuse(f"expected no vectorized loop at or around the new one, got one of {named}", op)
    unit = ForOp(1)
    unit.induction_variable.name_hint = "u"
    assert op.parent is not None
    op.parent.insert_op_before(unit, op)
    op.detach()
    unit.body.block.add_op(op)
    return unit


def reorder_iterators(block: BlockOp, permutation: Sequence[int]) -> None:
    """Gives a block's iterators another order: place `p` gets the iterator `permutation[p]`. Loops that are made for
    the block later on, such as by `compute_at`, are nested in that order.

    before                                             after `reorder_iterators(C, [1, 0])`
    loop.block "C" spatial(%vi in 8 = …, %vj in 4 = …)  loop.block "C" spatial(%vj in 4 = …, %vi in 8 = …)

    TVM calls it `reorder_block_iter_var`.

    Raises:
        ScheduleError: if the new order is no permutation, or changes the order of ordered iterators, or that of reduce
            iterators of a reduction whose order matters.
    """
    rank = len(block.kinds)
    if sorted(permutation) != list(range(rank)):
        refuse(f"expected a permutation of 0..{rank - 1}, got {list(permutation)}", block)
    kinds = block.kinds
    for kind in (IteratorKind.ORDERED, IteratorKind.REDUCE):
        places = [p for p in permutation if kinds[p] is kind]
        if places != sorted(places) and not (kind is IteratorKind.REDUCE and _may_reorder(block)):
            hint = ", or a combiner that may be reordered" if kind is IteratorKind.REDUCE else ""
            refuse(
                f"expected {kind} iterators of '{block.block_name}' to keep their order{hint}, got {list(permutation)}",
                block,
            )
    body = block.body.block
    old = list(body.args)
    for p in permutation:
        new = body.insert_arg(old[p].type, len(body.args))
        new.name_hint = old[p].name_hint
        old[p].replace_all_uses_with(new)
    for argument in old:
        body.erase_arg(argument)
    map = block.bindings.data
    block.iterator_kinds = ArrayAttr(block.iterator_kinds.data[p] for p in permutation)
    block.extents_attr = DenseArrayBase.from_list(i64, [block.extents[p] for p in permutation])
    block.bindings = AffineMapAttr(AffineMap(map.num_dims, 0, tuple(map.results[p] for p in permutation)))


def _may_reorder(block: BlockOp) -> bool:
    reductions = [op for op in block.body.block.ops if isinstance(op, ReduceOp)]
    return bool(reductions) and all(op.may_reorder for op in reductions)


__all__ = ["add_unit_loop", "reorder_iterators"]
