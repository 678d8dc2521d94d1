"""rolling_buffer: rows that a later iteration needs again are kept, in a buffer that goes round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import AffineMapAttr, ArrayAttr, DenseArrayBase, IndexType, IntegerAttr, MemRefType, i64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineMap
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    IteratorKindAttr,
    LoopKind,
    WriteOp,
    loop_bounds,
    loop_of,
    memref_type,
    zero_map,
)
from ...dialects.quasi_affine import Lin
from ...dialects.regions import (
    Access,
    accesses_of,
    alloc_of,
    block_of,
    buffer_shape,
    iterator_forms,
    writers_of,
)
from .common import (
    buffer_name,
    describe,
    first_unproven,
    fresh_name,
    is_inside,
    kernel,
    nest,
    own_loops,
    refuse,
    set_forms,
)
from .inline import copied
from .reduction import Content

_INDEX = IndexType()


@dataclass(frozen=True)
class _Window:
    """What a producer computes in each iteration: `size` rows, `step` on from those of the iteration before."""

    loop: ForOp
    position: int
    """Which of the producer's iterators counts the rows."""
    row: ForOp
    """The loop over the rows of one iteration."""
    dimension: int
    """Which dimension of the buffer they are."""
    step: int
    start: int
    size: int

    @property
    def first_new(self) -> int:
        """The first row that the first iteration adds to what was there before it."""
        return self.start + self.size - self.step


def rolling_buffer(block: BlockOp) -> BlockOp | None:
    """Lets a producer that was moved to its consumer's loop compute only the rows that the loop's iteration before did
    not, and keep the others: the buffer outlives the iterations, and its rows go round.

    before                                    after `rolling_buffer(P)`
    loop.for %i : 8 {                         %T_rolling = loop.alloc        // 4 rows
      %T = loop.alloc                         P_first: T_rolling[0:2, :] = …
      P: T[i : i+3, :] = …                    loop.for %i : 8 {
      C: D[i, :] = T[i : i+3, :] …              P: T_rolling[(i+2) mod 4, :] = …
    }                                           C: D[i, :] = T_rolling[i mod 4 : (i+3) mod 4, :] …

    How many rows there are is a power of 2, so that going round is cheap. The rows are an `ordered` iterator then: the
    loop stays serial and in its place.

    Returns:
        The block that computes the first rows, in front of the loop; None if there are none.

    Raises:
        ScheduleError: unless the producer's rows of neighbouring iterations overlap, step by step, nothing else changes
            from one iteration to the next, and the loop is outside of all others.
    """
    buffer, write, alloc = _product(block)
    window = _window(block, write, alloc)
    _require_stable_inputs(block, window.loop)
    moved = [op for op in accesses_of(buffer) if block_of(op) is not block]
    for read in moved:
        if iterator_forms(read)[window.dimension] is None:
            refuse(
                f"expected rows of '{buffer_name(buffer)}' that are known, got data-dependent ones",
                block,
                ("read here", read),
            )
    rows = block.extents[window.position]
    extent = min(window.loop.extent * window.step, rows - window.first_new)
    before = max(0, window.start)
    if window.first_new < 0 or extent < 1:
        refuse(f"expected rows of '{block.block_name}' in each iteration, from the first one on", block)
    content = Content(block)
    height = buffer_shape(buffer)[window.dimension]
    rolling = _rolling_alloc(block, buffer, window, min(height, _power_of_two(window.size)))
    first = _first_rows(block, window, before) if window.first_new > before else None
    _compute_new_rows(block, window, extent)
    blocks = [block] if first is None else [block, first[1]]
    old = [(op, tuple(op.operands), op.map) for op in moved]
    for access in (*moved, *(op for each in blocks for op in each.writes())):
        _go_round(access, buffer, rolling.buffer, window.dimension)
    assert window.loop.parent is not None
    new: list[Operation] = [rolling] if first is None else [rolling, first[0]]
    window.loop.parent.insert_ops_before(new, window.loop)
    failure = _failure([*blocks, *dict.fromkeys(block_of(op) for op in moved)])
    if failure is None:
        alloc.detach()
        alloc.erase()
        return first[1] if first is not None else None
    for access, operands, map in old:
        access.operands = operands
        access.map = map
    content.restore(block)
    window.row.extent_attr = IntegerAttr(window.size, _INDEX)
    for op in reversed(new):
        op.detach()
        op.erase()
    refuse(f"{failure}, to keep rows of '{buffer_name(buffer)}'", block)


def _product(block: BlockOp) -> tuple[SSAValue, WriteOp, AllocOp]:
    """The buffer of a loop that a block alone writes, at spatial iterators."""
    writes = block.writes()
    spatial = all(kind is IteratorKind.SPATIAL for kind in block.kinds)
    if not spatial or len(writes) != 1 or block.predicates is not None:
        refuse(f"expected a block over spatial iterators with one write, to keep rows, got '{block.block_name}'", block)
    (write,) = writes
    assert isinstance(write, WriteOp), "expected a block without reductions"
    alloc = alloc_of(write.buffer)
    if alloc is None or not isinstance(alloc.parent_op(), ForOp) or writers_of(write.buffer) != [block]:
        refuse(
            f"expected a buffer of a loop that '{block.block_name}' alone writes, to keep rows: move it there by "
            "compute_at",
            block,
        )
    if alloc.layout is not None:
        refuse(f"expected rows of '{buffer_name(write.buffer)}' to lie one after another, got a layout", block)
    return write.buffer, write, alloc


def _window(block: BlockOp, write: WriteOp, alloc: AllocOp) -> _Window:
    """The rows that a block computes in each iteration of the loop that its buffer lives in."""
    loop = alloc.parent_op()
    assert isinstance(loop, ForOp)
    if loop.kind not in (LoopKind.SERIAL, LoopKind.UNROLLED):
        refuse(f"expected a serial loop to keep rows from one iteration to the next, got {describe(loop)}", loop)
    own = own_loops(block)
    if (own[0].parent_op() if own else block.parent_op()) is not loop:
        refuse(f"expected '{block.block_name}' in loops of its own inside of {describe(loop)}, to keep rows", block)
    forms = block.binding_forms()
    moving = [p for p, form in enumerate(forms) if loop.induction_variable in form.values()]
    if len(moving) != 1:
        refuse(
            f"expected {describe(loop)} to move '{block.block_name}' in one iterator, to keep rows, got {len(moving)}",
            block,
        )
    (position,) = moving
    form = forms[position]
    step = form.coefficient(loop.induction_variable)
    rest = [value for value in form.values() if value is not loop.induction_variable]
    row = loop_of(rest[0]) if len(rest) == 1 else None
    used = [other for other in forms if row is not None and row.induction_variable in other.values()]
    plain = row in own and len(used) == 1 and len(form.terms) == 2 and form.coefficient(rest[0]) == 1 if rest else False
    if row is None or step is None or not plain or row.kind is not LoopKind.SERIAL or row.peel is not None:
        refuse(
            f"expected '{block.block_name}' to go through its rows by one serial loop, to keep them: keep rows before "
            "you tile",
            block,
        )
    if not 0 < step < row.extent:
        refuse(
            f"expected iterations of {describe(loop)} whose rows overlap, got {row.extent} rows and a step of {step}",
            block,
        )
    dimensions = [
        d
        for d, index in enumerate(iterator_forms(write))
        if index is not None and block.iterators[position] in index.values()
    ]
    index = iterator_forms(write)[dimensions[0]] if dimensions else None
    if len(dimensions) != 1 or index is None or len(index.terms) != 1:
        refuse(f"expected '{block.block_name}' to write its rows in one dimension, to keep them", block)
    return _Window(loop, position, row, dimensions[0], step, form.const, row.extent)


def _require_stable_inputs(block: BlockOp, loop: ForOp) -> None:
    """What rows are computed from is there before the loop, and stays."""
    for buffer in dict.fromkeys(read.buffer for read in block.reads()):
        alloc = alloc_of(buffer)
        if (alloc is not None and is_inside(alloc, loop)) or any(is_inside(w, loop) for w in writers_of(buffer)):
            refuse(
                f"expected '{buffer_name(buffer)}', which '{block.block_name}' reads, not to change in "
                f"{describe(loop)}, to keep rows",
                block,
            )


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()


def _rolling_alloc(block: BlockOp, buffer: SSAValue, window: _Window, rows: int) -> AllocOp:
    type = memref_type(buffer)
    shape = list(type.get_shape())
    shape[window.dimension] = rows
    name = fresh_name(kernel(block), f"{buffer_name(buffer)}_rolling")
    rolling = AllocOp(name, MemRefType(type.element_type, shape, memory_space=type.memory_space))
    rolling.buffer.name_hint = f"{buffer.name_hint}_rolling" if buffer.name_hint else None
    return rolling


def _first_rows(block: BlockOp, window: _Window, before: int) -> tuple[Operation, BlockOp]:
    """A nest that computes what is needed in front of the loop; its outermost op, and its block."""
    extents = list(block.extents)
    extents[window.position] = window.first_new - before
    region = Region(Block(arg_types=[_INDEX] * len(extents)))
    values: dict[SSAValue, Lin] = {}
    for place, (iterator, own) in enumerate(zip(block.iterators, region.block.args, strict=True)):
        own.name_hint = iterator.name_hint
        values[iterator] = Lin.of(own) + (before if place == window.position else 0)
    region.block.add_ops(copied(list(block.body.block.ops), values))
    name = fresh_name(kernel(block), f"{block.block_name}_first")
    first = BlockOp(name, block.kinds, extents, zero_map(len(extents)), [], region)
    own = own_loops(block)
    sizes = [extents[window.position] if loop is window.row else loop.extent for loop in own]
    loops, top = nest(sizes, [loop.induction_variable.name_hint for loop in own], first)
    replacement: dict[SSAValue, Lin] = {}
    for old, new in zip(own, loops, strict=True):
        replacement[old.induction_variable] = Lin.of(new.induction_variable)
    forms = [form.substitute(replacement, loop_bounds) for form in block.binding_forms()]
    forms[window.position] = replacement[window.row.induction_variable]
    set_forms(first, forms, [])
    return top, first


def _compute_new_rows(block: BlockOp, window: _Window, extent: int) -> None:
    """Leaves a block those rows of each iteration that no iteration before has."""
    iterator = block.iterators[window.position]
    body = block.body.block
    old = list(body.ops)
    if window.first_new:
        body.add_ops(copied(old, {iterator: Lin.of(iterator) + window.first_new}))
        for op in reversed(old):
            op.detach()
            op.erase()
    window.row.extent_attr = IntegerAttr(window.step, _INDEX)
    extents = list(block.extents)
    extents[window.position] = extent
    block.extents_attr = DenseArrayBase.from_list(i64, extents)
    kinds = list(block.kinds)
    kinds[window.position] = IteratorKind.ORDERED
    block.iterator_kinds = ArrayAttr(IteratorKindAttr(kind) for kind in kinds)
    forms = block.binding_forms()
    forms = [form - (window.start if place == window.position else 0) for place, form in enumerate(forms)]
    set_forms(block, forms, [])


def _go_round(access: Access, old: SSAValue, new: SSAValue, dimension: int) -> None:
    """Lets an access of a buffer be one of the rolling buffer."""
    for place, operand in enumerate(access.operands):
        if operand is old:
            access.operands[place] = new
    rows = buffer_shape(new)[dimension]
    form = iterator_forms(access)[dimension]
    spread = None if form is None else form.range(loop_bounds)
    if rows == buffer_shape(old)[dimension] or (spread is not None and spread[0] >= 0 and spread[1] < rows):
        return
    map = access.map.data
    results = list(map.results)
    results[dimension] = results[dimension] % AffineConstantExpr(rows)
    access.map = AffineMapAttr(AffineMap(map.num_dims, map.num_symbols, tuple(results)))


def _failure(blocks: Sequence[BlockOp]) -> str | None:
    try:
        for block in blocks:
            for access in block.accesses():
                access.verify_()
            block.verify_()
    except VerifyException as failure:
        return str(failure)
    unproven = first_unproven(blocks)
    return None if unproven is None else unproven[1]


__all__ = ["rolling_buffer"]
