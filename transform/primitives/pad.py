"""pad: the iteration domain of a contraction, rounded up, with neutral elements beyond its end."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import scf
from xdsl.dialects.arith import AndIOp, CmpiOp, ConstantOp
from xdsl.dialects.builtin import (
    DenseArrayBase,
    FloatAttr,
    IndexType,
    IntegerAttr,
    MemRefType,
    NoneAttr,
    StringAttr,
    i64,
)
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    ReadOp,
    ReduceOp,
    WriteOp,
    is_float,
    memref_type,
    zero_map,
)
from ...dialects.quasi_affine import Lin
from ...dialects.regions import Access, buffer_shape, iterator_forms, writers_of
from .common import (
    buffer_name,
    first_unproven,
    fresh_name,
    kernel,
    nest,
    own_loops,
    refuse,
    require_kind_free,
    require_serial,
    set_forms,
)
from .location import precedes
from .reduction import Content
from .staging import require_complete

_INDEX = IndexType()
_CASTS = ("arith.extf", "arith.extsi", "arith.extui", "arith.truncf", "arith.trunci", "arith.sitofp", "arith.uitofp")
_PRODUCTS = ("arith.muli", "arith.mulf")
_SUMS = ("arith.addi", "arith.addf", "arith.subi", "arith.subf")


def pad(block: BlockOp, multiples: Sequence[int], memory_space: str = "") -> list[BlockOp]:
    """Rounds the extents of a block's iterators up, so that tiles divide them. What it reads beyond the end is neutral,
    from copies that are longer; what it writes there goes to a longer buffer, and is left behind.

    before                                   after `pad(C, [8, 1, 4])`
    C[i, j] += A[i, k] * B[k, j]             copy A[i, k] to A_padded, 0 beyond
      i < 30, j < 64, k < 9                  copy B[k, j] to B_padded, 0 beyond
                                             C_padded[i, j] += A_padded[i, k] * B_padded[k, j]
                                               i < 32, j < 64, k < 12
                                             copy C_padded[i, j] to C, i < 30

    The copies choose between an element and the constant: `decompose_padding` makes a fill and a plain copy of one. TVM
    calls it `pad_einsum`, MLIR `structured.pad`.

    Args:
        multiples: a positive number for each iterator of the block; 1 leaves an extent as it is.
        memory_space: of the copies, `""` for global memory.

    Returns:
        The blocks that copy: what is read, then what is written.

    Raises:
        ScheduleError: if an iterator that grows is not bound by a loop of the block's own, or if sums would not stay
            what they are.
    """
    require_kind_free(block, IteratorKind.ORDERED, "to pad it")
    if not block.written_buffers():
        refuse(f"expected a block that writes something to pad, got '{block.block_name}'", block)
    if len(multiples) != len(block.kinds) or any(multiple < 1 for multiple in multiples):
        refuse(
            f"expected {len(block.kinds)} positive multiples, one for each iterator of '{block.block_name}', got "
            f"{list(multiples)}",
            block,
        )
    extents = [-(-extent // multiple) * multiple for extent, multiple in zip(block.extents, multiples, strict=True)]
    own = own_loops(block)
    loops = _growing_loops(block, own, extents)
    shapes = _longer_shapes(block, extents)
    constant = _neutral_constant(block, extents)
    _require_inputs(block, own[0], [buffer for buffer in shapes if buffer not in block.written_buffers()])
    outputs = set(block.written_buffers())
    content = Content(block)
    old = [(loop, loop.extent) for loop in loops]
    made: list[Operation] = []
    copies: dict[bool, list[BlockOp]] = {False: [], True: []}
    for buffer, shape in shapes.items():
        alloc = _alloc(block, buffer, shape, memory_space)
        is_output = buffer in outputs
        for access in block.accesses():
            # Where an index that is data is out of range depends on the extent: what needs no more stays where it is.
            if is_output or _goes_beyond(block, access, buffer, extents):
                for place, operand in enumerate(access.operands):
                    if operand is buffer:
                        access.operands[place] = alloc.buffer
        top, copy = _copy_out(block, alloc, buffer) if is_output else _copy_in(block, buffer, alloc, constant)
        _insert(alloc, own[0])
        _insert(top, own[0], behind=is_output)
        made += [top, alloc]
        copies[is_output].append(copy)
    for loop, position in loops.items():
        loop.extent_attr = IntegerAttr(extents[position], _INDEX)
    block.extents_attr = DenseArrayBase.from_list(i64, extents)
    failure = _failure([block, *copies[False], *copies[True]])
    if failure is None:
        return [*copies[False], *copies[True]]
    for loop, extent in old:
        loop.extent_attr = IntegerAttr(extent, _INDEX)
    content.restore(block)
    for op in made:
        op.detach()
        op.erase()
    refuse(f"{failure}, to pad '{block.block_name}'", block)


# What grows


def _growing_loops(block: BlockOp, own: Sequence[ForOp], extents: Sequence[int]) -> dict[ForOp, int]:
    """The loops that have to grow, with the places of the iterators that they bind."""
    loops: dict[ForOp, int] = {}
    forms = block.binding_forms()
    for position, (form, extent, new) in enumerate(zip(forms, block.extents, extents, strict=True)):
        if new == extent:
            continue
        loop = next((loop for loop in own if form == Lin.of(loop.induction_variable)), None)
        used = [other for other in forms if loop is not None and loop.induction_variable in other.values()]
        if loop is None or loop.extent != extent or len(used) != 1 or block.predicates is not None:
            refuse(
                f"expected a loop of its own for the iterator of extent {extent} of '{block.block_name}', to pad it: "
                "pad before you tile",
                block,
            )
        require_serial(loop)
        loops[loop] = position
    if not loops:
        refuse(f"expected multiples that do not divide {list(block.extents)}, to pad '{block.block_name}'", block)
    return loops


def _longer_shapes(block: BlockOp, extents: Sequence[int]) -> dict[SSAValue, tuple[int, ...]]:
    """The buffers in which accesses go beyond the end, with the shapes that they need."""
    bounds = dict(zip(block.iterators, ((0, extent - 1) for extent in extents), strict=True))
    shapes: dict[SSAValue, list[int]] = {}
    for access in block.accesses():
        if isinstance(access.parent_op(), scf.IfOp):
            refuse(f"expected '{block.block_name}' to read at each of its points, to pad it", block, ("here", access))
        for buffer in access.buffers:
            shape = shapes.setdefault(buffer, list(buffer_shape(buffer)))
            for d, form in enumerate(iterator_forms(access)):
                spread = None if form is None else form.range(bounds.get)
                if form is not None and (spread is None or spread[0] < 0):
                    refuse(f"expected indices from 0 on, to pad '{block.block_name}'", block, ("here", access))
                if spread is not None:
                    shape[d] = max(shape[d], spread[1] + 1)
    growing = {
        iterator for iterator, old, new in zip(block.iterators, block.extents, extents, strict=True) if old != new
    }
    for write in block.writes():
        for buffer in write.buffers:
            # Beyond the end of its own part, it would write over what others have written.
            moved = [form for form in iterator_forms(write) if form is not None and growing & set(form.values())]
            if moved and not _writes_all(block, write, buffer):
                refuse(
                    f"expected '{block.block_name}' to write all of '{buffer_name(buffer)}', an iterator a dimension, "
                    "to pad it",
                    block,
                    ("written here", write),
                )
    for read in block.reads():
        if read.buffer in block.written_buffers():
            refuse(f"expected '{block.block_name}' not to read what it writes, to pad it", block, ("read here", read))
    longer = {buffer: tuple(shape) for buffer, shape in shapes.items() if tuple(shape) != buffer_shape(buffer)}
    for read in block.reads():
        if (shape := longer.get(read.buffer)) is not None and _goes_beyond(block, read, read.buffer, extents):
            for form, old, new in zip(iterator_forms(read), buffer_shape(read.buffer), shape, strict=True):
                if form is None and old != new:
                    refuse(
                        f"expected indices that are data only where '{buffer_name(read.buffer)}' keeps its extent "
                        f"{old}, to pad it",
                        block,
                        ("read here", read),
                    )
    return longer


def _goes_beyond(block: BlockOp, access: Access, buffer: SSAValue, extents: Sequence[int]) -> bool:
    """Whether one of a block's accesses leaves a buffer where the block's iterators have these extents."""
    bounds = dict(zip(block.iterators, ((0, extent - 1) for extent in extents), strict=True))
    spreads = (None if form is None else form.range(bounds.get) for form in iterator_forms(access))
    return buffer in access.buffers and any(
        spread is not None and spread[1] >= extent for spread, extent in zip(spreads, buffer_shape(buffer), strict=True)
    )


def _writes_all(block: BlockOp, write: WriteOp | ReduceOp, buffer: SSAValue) -> bool:
    """Whether a block's domain is all of a buffer."""
    extents = dict(zip(block.iterators, block.extents, strict=True))
    for form, extent in zip(iterator_forms(write), buffer_shape(buffer), strict=True):
        iterator = next(iter(form.terms), None) if form is not None else None
        if form is None or (form != Lin.of(iterator) if isinstance(iterator, SSAValue) else extent != 1):
            return False
        if isinstance(iterator, SSAValue) and extents[iterator] != extent:
            return False
    return True


def _neutral_constant(block: BlockOp, extents: Sequence[int]) -> float | None:
    """What copies hold beyond the end: 0, or what else leaves sums as they are; None where nobody minds."""
    growing = [
        iterator
        for iterator, kind, old, new in zip(block.iterators, block.kinds, block.extents, extents, strict=True)
        if kind is IteratorKind.REDUCE and old != new
    ]
    if not growing:
        return None
    reduces = [op for op in block.writes() if op.parent_op() is block]
    reduce = reduces[0]
    if len(reduces) != 1 or not isinstance(reduce, ReduceOp) or len(reduce.values) != 1:
        refuse(f"expected '{block.block_name}' to be one reduction, to pad what it reduces over", block)
    (identity,) = reduce.identity.data
    assert isinstance(identity, IntegerAttr | FloatAttr)
    neutral = identity.value.data
    for candidate in dict.fromkeys((0, neutral)):
        if all(_value_beyond(block, reduce, iterator, extents, candidate) == neutral for iterator in growing):
            return candidate
    refuse(
        f"expected products with 0 or the like, so that '{block.block_name}' stays what it is when it goes on",
        block,
        ("the reduction", reduce),
    )


def _value_beyond(
    block: BlockOp, reduce: ReduceOp, iterator: SSAValue, extents: Sequence[int], constant: float
) -> float | None:
    """What a block reduces where an iterator is beyond its end and copies hold a constant there; None if unknown."""
    bounds = {each: (0, extent - 1) for each, extent in zip(block.iterators, extents, strict=True)}
    bounds[iterator] = (block.extents[list(block.iterators).index(iterator)], bounds[iterator][1])
    known: dict[SSAValue, float] = {}
    for op in block.body.block.ops:
        if isinstance(op, ReadOp):
            for form, extent in zip(iterator_forms(op), buffer_shape(op.buffer), strict=True):
                spread = None if form is None else form.range(bounds.get)
                if spread is not None and spread[0] >= extent:
                    known[op.result] = constant
        elif isinstance(op, ConstantOp) and isinstance(op.value, IntegerAttr | FloatAttr):
            known[op.result] = op.value.value.data
        elif len(op.results) == 1:
            value = _evaluate(op, [known.get(operand) for operand in op.operands])
            if value is not None:
                known[op.results[0]] = value
    return known.get(reduce.values[0])


def _evaluate(op: Operation, operands: Sequence[float | None]) -> float | None:
    """The value of an op, where that is known and small."""
    if op.name in _CASTS and operands[0] == 0:
        return 0
    if op.name == "arith.muli" and 0 in operands:
        return 0
    if op.name == "arith.mulf" and operands[0] == 0 and operands[1] == 0:
        return 0
    if op.name in _SUMS and operands[0] == 0 and operands[1] == 0:
        return 0
    return None


def _require_inputs(block: BlockOp, top: ForOp, buffers: Sequence[SSAValue]) -> None:
    for buffer in buffers:
        require_complete(block, buffer, top)
        for writer in writers_of(buffer):
            if not precedes(writer, top):
                refuse(
                    f"expected '{buffer_name(buffer)}' to be written before '{block.block_name}', to copy it",
                    block,
                    ("written here", writer),
                )


# Copies


def _alloc(block: BlockOp, buffer: SSAValue, shape: Sequence[int], memory_space: str) -> AllocOp:
    space = StringAttr(memory_space) if memory_space else NoneAttr()
    type = MemRefType(memref_type(buffer).element_type, shape, memory_space=space)
    alloc = AllocOp(fresh_name(kernel(block), f"{buffer_name(buffer)}_padded"), type)
    alloc.buffer.name_hint = f"{buffer.name_hint}_padded" if buffer.name_hint else None
    return alloc


def _copy_block(block: BlockOp, name: str, shape: Sequence[int]) -> tuple[Operation, BlockOp]:
    """Loops around a block without a body yet, with an iterator for each dimension."""
    body = Region(Block(arg_types=[_INDEX] * len(shape)))
    kinds = [IteratorKind.SPATIAL] * len(shape)
    copy = BlockOp(fresh_name(kernel(block), name), kinds, shape, zero_map(len(shape)), [], body)
    loops, top = nest(shape, [f"c{d}" for d in range(len(shape))], copy)
    for d, iterator in enumerate(body.block.args):
        iterator.name_hint = f"v{d}"
    set_forms(copy, [Lin.of(loop.induction_variable) for loop in loops], [])
    return top, copy


def _copy_out(block: BlockOp, alloc: AllocOp, buffer: SSAValue) -> tuple[Operation, BlockOp]:
    top, copy = _copy_block(block, f"{alloc.sym_name.data}_write", buffer_shape(buffer))
    identity = AffineMap.identity(len(buffer_shape(buffer)))
    read = ReadOp(alloc.buffer, identity, copy.iterators)
    copy.body.block.add_ops([read, WriteOp(read.result, buffer, identity, copy.iterators)])
    return top, copy


def _copy_in(block: BlockOp, buffer: SSAValue, alloc: AllocOp, constant: float | None) -> tuple[Operation, BlockOp]:
    own, shape = buffer_shape(buffer), buffer_shape(alloc.buffer)
    top, copy = _copy_block(block, f"{alloc.sym_name.data}_read", shape)
    identity = AffineMap.identity(len(shape))
    body = copy.body.block
    condition: SSAValue | None = None
    for iterator, extent, longer in zip(copy.iterators, own, shape, strict=True):
        if extent == longer:
            continue
        limit = ConstantOp(IntegerAttr(extent, _INDEX))
        compare = CmpiOp(iterator, limit.result, "slt")
        body.add_ops([limit, compare])
        if condition is not None:
            both = AndIOp(condition, compare.result)
            body.add_op(both)
            condition = both.result
        else:
            condition = compare.result
    assert condition is not None
    read = ReadOp(buffer, identity, copy.iterators)
    type = memref_type(buffer).element_type
    beyond = FloatAttr(constant or 0, type) if is_float(type) else IntegerAttr(int(constant or 0), type)  # pyright: ignore
    value = ConstantOp(beyond)
    choice = scf.IfOp(
        condition,
        [type],
        [Block([read, scf.YieldOp(read.result)])],
        [Block([value, scf.YieldOp(value.result)])],
    )
    body.add_ops([choice, WriteOp(choice.results[0], alloc.buffer, identity, copy.iterators)])
    return top, copy


def _insert(op: Operation, anchor: Operation, *, behind: bool = False) -> None:
    assert anchor.parent is not None
    if behind:
        anchor.parent.insert_op_after(op, anchor)
    else:
        anchor.parent.insert_op_before(op, anchor)


def _failure(blocks: Sequence[BlockOp]) -> str | None:
    try:
        for block in blocks:
            for access in block.accesses():
                access.verify_()
    except VerifyException as failure:
        return str(failure)
    unproven = first_unproven(blocks)
    return None if unproven is None else unproven[1]


__all__ = ["pad"]
