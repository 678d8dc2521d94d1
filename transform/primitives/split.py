"""A primitive that takes a loop apart in two that follow one another: split."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.affine import ApplyOp
from xdsl.dialects.builtin import AffineMapAttr, DenseArrayBase, IndexType, IntegerAttr, StringAttr, i64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    PrefetchOp,
    ReadOp,
    ReduceOp,
    WriteOp,
    blocks_in,
    loop_bounds,
)
from ...dialects.quasi_affine import Lin
from ...dialects.regions import is_staged, scope_loops
from .common import (
    describe,
    first_unproven,
    fresh_name,
    get_forms,
    kernel,
    move_body,
    put_forms,
    refuse,
    require_serial,
    set_forms,
)


def split(loop: ForOp, after: int) -> tuple[ForOp, ForOp]:
    """Makes two loops of one: the first `after` iterations, then the others.

    before                         after `split(i, 6)`
    loop.for %i : 8 {              loop.for %i : 6 {
      … C(v in 8 = i)                … C(v in 6 = i)
    }                              }
                                   loop.for %i_rest : 2 {
                                     … C_rest(v in 2 = i_rest), of v + 6
                                   }

    MLIR calls it index-set splitting, TVM `loop_partition`. Blocks and buffers in the loop come to be there twice, the
    second ones with names of their own, and each copy has its part of the block's domain. The first part of a reduction
    has its init.

    Returns:
        Both loops.

    Raises:
        ScheduleError: if the loop is marked, or `after` leaves no iteration to one of them; if the loop is not the
            outermost part of what it binds, so that neither loop would have a part of the domain that is a box.
    """
    require_serial(loop)
    if not 1 <= after < loop.extent:
        refuse(f"expected to split {describe(loop)} after 1..{loop.extent - 1} iterations, got {after}", loop)
    blocks = blocks_in(loop)
    parts = [_Part(block, loop, after) for block in blocks]
    before = [(block.extents_attr, get_forms(block)) for block in blocks]
    rest = loop.clone()
    rest.extent_attr = IntegerAttr(loop.extent - after, IndexType())
    first = ForOp(after)
    hint = loop.induction_variable.name_hint
    first.induction_variable.name_hint = hint
    rest.induction_variable.name_hint = f"{hint}_rest" if hint else None
    assert loop.parent is not None
    loop.parent.insert_ops_before([first, rest], loop)
    move_body(loop.body.block, first.body.block)
    loop.detach()
    loop.induction_variable.replace_all_uses_with(first.induction_variable)
    copies = blocks_in(rest)
    for part, block, copy in zip(parts, blocks, copies, strict=True):
        part.keep_first(block)
        part.keep_rest(copy, rest.induction_variable)
    _rename(rest)
    if (failure := first_unproven([*blocks, *copies])) is not None:
        assert first.parent is not None
        first.parent.insert_op_before(loop, first)
        move_body(first.body.block, loop.body.block)
        for block, (extents, forms) in zip(blocks, before, strict=True):
            block.extents_attr = extents
            put_forms(block, forms)
        for op in (rest, first):
            op.detach()
            op.erase()
        refuse(f"{failure[1]}, to split {describe(loop)}", loop, ("this block", failure[0]))
    loop.erase()
    return first, rest


class _Part:
    """What becomes of one block: for each iterator, by how much the second copy is shifted, and whether the iterator is
    shifted (else its binding is)."""

    def __init__(self, block: BlockOp, loop: ForOp, after: int) -> None:
        variable = loop.induction_variable
        self.variable, self.after = variable, after
        own = loop in scope_loops(block)
        staged = is_staged(block)
        self.shifts: list[tuple[int, bool]] = []
        for iterator, kind, extent, form in zip(
            block.iterators, block.kinds, block.extents, block.binding_forms(), strict=True
        ):
            shift = form.substitute({variable: Lin.of(variable) + after}, loop_bounds) - form
            shifted = own and (kind is IteratorKind.REDUCE or not staged)
            if not shifted:
                self.shifts.append((0, False))
                continue
            if not shift.is_const or not 0 <= shift.const < extent:
                name = iterator.name_hint or kind.value
                refuse(
                    f"expected the iterations of {describe(loop)} from {after} on to be the later part of iterator "
                    f"%{name} of '{block.block_name}', of extent {extent}",
                    loop,
                    ("the block", block),
                )
            step = form.coefficient(variable)
            within = None if not step else (form - Lin.of(variable) * step).range(loop_bounds)
            if step and within is not None and within[1] - within[0] >= step:
                name = iterator.name_hint or kind.value
                refuse(
                    f"expected {describe(loop)} to be the outermost part of iterator %{name} of "
                    f"'{block.block_name}' to split it, got an inner one",
                    loop,
                    ("the block", block),
                )
            self.shifts.append((shift.const, True))
        self.drops_init = any(
            shift and kind is IteratorKind.REDUCE for (shift, _), kind in zip(self.shifts, block.kinds, strict=True)
        )

    def keep_first(self, block: BlockOp) -> None:
        """Leaves the first part of its domain to a block."""
        extents = [
            min(extent, shift) if shift else extent
            for extent, (shift, _) in zip(block.extents, self.shifts, strict=True)
        ]
        block.extents_attr = DenseArrayBase.from_list(i64, extents)
        set_forms(block, block.binding_forms(), block.predicate_forms())

    def keep_rest(self, block: BlockOp, variable: SSAValue) -> None:
        """Leaves the other part to its copy, whose loop has another variable."""
        moved = {variable: Lin.of(variable) + self.after}
        bindings: list[Lin] = []
        for form, (_, shifted) in zip(block.binding_forms(), self.shifts, strict=True):
            bindings.append(form if shifted else form.substitute(moved, loop_bounds))
        predicates = [(form.substitute(moved, loop_bounds), limit) for form, limit in block.predicate_forms()]
        block.extents_attr = DenseArrayBase.from_list(
            i64, [extent - shift for extent, (shift, _) in zip(block.extents, self.shifts, strict=True)]
        )
        if self.drops_init and block.init is not None:
            init = block.init
            init.detach()
            init.erase()
        shift_iterators(block, [shift for shift, _ in self.shifts])
        set_forms(block, bindings, predicates)


def shift_iterators(block: BlockOp, shifts: Sequence[int]) -> None:
    """Lets the body of a block compute with its iterators plus constants."""
    amount = {v: shift for v, shift in zip(block.iterators, shifts, strict=True) if shift}
    if not amount:
        return
    init = block.init
    bodies = [block.body.block, *([init.body.block] if init is not None else [])]
    for body in bodies:
        _shift_uses(body, amount, init)


def _shift_uses(body: Block, amount: dict[SSAValue, int], init: Operation | None) -> None:
    """Shifts iterators in one straight line of code, and in the branches in it."""
    replaced: dict[SSAValue, SSAValue] = {}
    for top in list(body.ops):
        if top is init:
            continue
        for op in top.walk():
            if isinstance(op, ReadOp | WriteOp | ReduceOp | PrefetchOp):
                op.map = _shifted(op.map, op.indices, amount)
                continue
            if isinstance(op, ApplyOp):
                op.map = _shifted(op.map, op.mapOperands, amount)
                continue
            for place, operand in enumerate(op.operands):
                if operand not in amount:
                    continue
                if operand not in replaced:
                    apply = ApplyOp([operand], AffineMapAttr(_plus(amount[operand])))
                    apply.result.name_hint = operand.name_hint
                    body.insert_op_before(apply, _first_after(body, init))
                    replaced[operand] = apply.result
                op.operands[place] = replaced[operand]


def _first_after(body: Block, init: Operation | None) -> Operation:
    first = body.first_op
    if first is init and first is not None:
        first = first.next_op
    assert first is not None
    return first


def _plus(amount: int) -> AffineMap:
    return AffineMap(1, 0, (AffineExpr.dimension(0) + amount,))


def _shifted(map: AffineMapAttr, operands: Sequence[SSAValue], amount: dict[SSAValue, int]) -> AffineMapAttr:
    """An index map over shifted operands."""
    if not any(operand in amount for operand in operands):
        return map
    source = map.data
    dims = [AffineExpr.dimension(d) for d in range(source.num_dims)]
    dims = [dim + amount.get(operand, 0) for dim, operand in zip(dims, operands, strict=False)]
    symbols = [AffineExpr.symbol(s) + amount.get(v, 0) for s, v in enumerate(operands[source.num_dims :])]
    results = tuple(
        expr.replace_dims_and_symbols(dims, symbols).simplify(source.num_dims, source.num_symbols)
        for expr in source.results
    )
    return AffineMapAttr(AffineMap(source.num_dims, source.num_symbols, results))


def _rename(rest: ForOp) -> None:
    """Gives blocks and buffers of a copy names of their own."""
    func = kernel(rest)
    for op in rest.walk():
        if isinstance(op, BlockOp):
            op.alias = None
            op.sym_name = StringAttr(_name_of_copy(func, op.block_name))
        elif isinstance(op, AllocOp):
            op.sym_name = StringAttr(_name_of_copy(func, op.sym_name.data))


def _name_of_copy(func: FuncOp, name: str) -> str:
    return fresh_name(func, f"{name.removesuffix('_rest')}_rest")


__all__ = ["shift_iterators", "split"]
