"""compute_inline: a producer's body in place of the reads of what it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.affine import ApplyOp
from xdsl.dialects.builtin import AffineMapAttr
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import BlockOp, IteratorKind, ReadOp, WriteOp, loop_bounds
from ...dialects.quasi_affine import Lin, from_affine, to_affine_map
from ...dialects.regions import accesses_of, alloc_of, block_of, iterator_forms, readers_of, writers_of
from .common import buffer_name, erase_empty_loops, is_inside, refuse, require_kind_free
from .location import precedes, require_unchanged


def compute_inline(block: BlockOp) -> None:
    """Computes a producer's elements where they are read, and erases its block and buffer.

    before                            after `compute_inline(P)`
    P: T[i] = exp(A[i])               C: B[i] = exp(A[i + 1]) * 2
    C: B[i] = T[i + 1] * 2

    Raises:
        ScheduleError: unless the block is spatial, writes one element of one buffer inside of the kernel, at distinct
            iterators, and everything that reads it reads at affine indices.
    """
    for kind in (IteratorKind.REDUCE, IteratorKind.ORDERED):
        require_kind_free(block, kind, "to inline it")
    buffers = block.written_buffers()
    writes = block.writes()
    if len(buffers) != 1 or len(writes) != 1 or not isinstance(writes[0], WriteOp):
        refuse(f"expected a block with one write to inline, got {len(writes)} in '{block.block_name}'", block)
    write, buffer = writes[0], buffers[0]
    alloc = alloc_of(buffer)
    if alloc is None:
        refuse(
            f"expected a buffer inside of the kernel to inline, got the output that '{block.block_name}' writes", block
        )
    if writers_of(buffer) != [block]:
        refuse(f"expected '{block.block_name}' alone to write '{buffer_name(buffer)}'", block)
    dimensions = _iterator_of_dimension(block, write)
    reads = [op for op in accesses_of(buffer) if isinstance(op, ReadOp)]
    for read in reads:
        if block_of(read) is block:
            refuse(f"expected '{block.block_name}' not to read what it writes", block)
        if None in iterator_forms(read):
            refuse(
                f"expected affine reads of '{buffer_name(buffer)}' to inline it, got a data-dependent one",
                block,
                ("read here", read),
            )
    _require_stable_inputs(block)
    groups = _equal_reads(reads)
    copies = [_copy_body(block, write, dimensions, equal[0]) for equal in groups]
    for equal, (ops, _) in zip(groups, copies, strict=True):
        if (failure := _bounds_failure(ops)) is not None:
            for inserted, _ in copies:
                _discard(inserted)
            refuse(f"{failure}, to inline '{block.block_name}' there", block, ("read here", equal[0]))
    for equal, (ops, value) in zip(groups, copies, strict=True):
        for read in equal:
            read.result.replace_all_uses_with(value)
            read.detach()
            read.erase()
        _erase_unused(ops)
    parent = block.parent_op()
    block.detach()
    block.erase()
    erase_empty_loops(parent)
    alloc.detach()
    alloc.erase()


def _equal_reads(reads: list[ReadOp]) -> list[list[ReadOp]]:
    """Reads of one element beside each other, the first of them in front: one copy of the producer serves them all, or
    each producer in a chain that squares would double what its own producers are copied to."""
    groups: dict[object, list[ReadOp]] = {}
    for read in reads:
        group = groups.setdefault((read.parent, read.map, tuple(read.operands)), [])
        group.append(read)
        if len(group) > 1 and read.is_before_in_block(group[0]):
            group[0], group[-1] = group[-1], group[0]
    return list(groups.values())


def _iterator_of_dimension(block: BlockOp, write: WriteOp) -> list[tuple[SSAValue | None, int]]:
    """For each dimension of a write, its iterator and the constant added to it; None for an iterator-free dimension."""
    result: list[tuple[SSAValue | None, int]] = []
    seen: set[SSAValue] = set()
    for form in iterator_forms(write):
        terms = [] if form is None else list(form.terms.items())
        if form is not None and not terms:
            result.append((None, form.const))
            continue
        iterator, scale = terms[0] if terms else (None, 0)
        if form is None or len(terms) != 1 or scale != 1 or not isinstance(iterator, SSAValue) or iterator in seen:
            refuse(
                f"expected '{block.block_name}' to write at distinct iterators, each plus a constant, to inline it",
                block,
                ("written here", write),
            )
        seen.add(iterator)
        result.append((iterator, form.const))
    if any(extent > 1 and v not in seen for v, extent in zip(block.iterators, block.extents, strict=True)):
        refuse(f"expected '{block.block_name}' to write at each of its iterators to inline it", block)
    return result


def _require_stable_inputs(block: BlockOp) -> None:
    """What the block reads must still hold the same, and be visible, where its readers stand."""
    readers = readers_of(block.written_buffers()[0])
    for buffer in dict.fromkeys(read.buffer for read in block.reads()):
        alloc = alloc_of(buffer)
        home = None if alloc is None else alloc.parent_op()
        for reader in readers:
            if home is not None and not is_inside(reader, home):
                refuse(
                    f"expected '{buffer_name(buffer)}', which '{block.block_name}' reads, to live where "
                    f"'{reader.block_name}' stands",
                    block,
                    ("this reader", reader),
                )
        for writer in writers_of(buffer):
            if not precedes(writer, block):
                refuse(
                    f"expected '{buffer_name(buffer)}' to be complete before '{block.block_name}'",
                    block,
                    ("written here", writer),
                )
            require_unchanged(block, buffer, writer, readers)


def _copy_body(
    block: BlockOp, write: WriteOp, dimensions: list[tuple[SSAValue | None, int]], read: ReadOp
) -> tuple[list[Operation], SSAValue]:
    """Puts a copy of the block's body in front of one read; gives its ops and the value that replaces the read."""
    target = read.parent
    assert target is not None
    replacement: dict[SSAValue, Lin] = {v: Lin(0) for v in block.iterators}
    for form, (iterator, offset) in zip(iterator_forms(read), dimensions, strict=True):
        assert form is not None
        if iterator is not None:
            replacement[iterator] = form - offset
    ops: list[Operation] = []
    mapper: dict[SSAValue, SSAValue] = {}
    for iterator, form in replacement.items():
        map, operands = to_affine_map([form])
        apply = ApplyOp(operands, AffineMapAttr(map))
        apply.result.name_hint = iterator.name_hint
        ops.append(apply)
        mapper[iterator] = apply.result
    values = {v: replacement[k] for k, v in mapper.items()}
    ops += [op.clone(mapper) for op in block.body.block.ops if op is not write]
    for op in ops:
        target.insert_op_before(op, read)
    for op in ops[len(replacement) :]:
        for inner in op.walk():
            if isinstance(inner, ReadOp):
                compose_read(inner, values)
            elif isinstance(inner, ApplyOp):
                compose_apply(inner, values)
    return ops, mapper.get(write.value, write.value)


def _bounds_failure(ops: list[Operation]) -> str | None:
    """Why a copied read is not proven to be in bounds where it is now, if so."""
    for op in ops:
        for inner in op.walk():
            if isinstance(inner, ReadOp):
                try:
                    inner.verify_()
                except VerifyException as failure:
                    return str(failure)
    return None


def _discard(ops: list[Operation]) -> None:
    for op in reversed(ops):
        op.detach()
        op.erase()


def _erase_unused(ops: list[Operation]) -> None:
    """Erases index computations that turned out not to be needed."""
    for op in ops:
        if isinstance(op, ApplyOp) and op.result.first_use is None:
            op.detach()
            op.erase()


def copied(
    ops: Sequence[Operation], values: Mapping[SSAValue, Lin], mapper: dict[SSAValue, SSAValue] | None = None
) -> list[Operation]:
    """Copies of some ops of a block, not in any block yet, with forms in place of its iterators; index computations
    that they need come first. `mapper` gets the copies
    of results."""
    applies: list[Operation] = []
    mapper = {} if mapper is None else mapper
    places: dict[SSAValue, Lin] = {}
    for iterator, form in values.items():
        map, operands = to_affine_map([form])
        apply = ApplyOp(operands, AffineMapAttr(map))
        apply.result.name_hint = iterator.name_hint
        applies.append(apply)
        mapper[iterator] = apply.result
        places[apply.result] = form
    copies = [op.clone(mapper) for op in ops]
    for copy in copies:
        for op in copy.walk():
            if isinstance(op, ReadOp):
                compose_read(op, places)
            elif isinstance(op, WriteOp):
                compose_write(op, places)
            elif isinstance(op, ApplyOp):
                compose_apply(op, places)
    needed: list[Operation] = []
    for apply in applies:
        if apply.results[0].first_use is None:
            apply.erase()
        else:
            needed.append(apply)
    return [*needed, *copies]


def compose_write(write: WriteOp, values: Mapping[SSAValue, Lin]) -> None:
    """Replaces indices of a write by forms over other values."""
    operands = [values.get(index, Lin.of(index)) for index in write.indices]
    map, indices = to_affine_map(from_affine(expr, operands, loop_bounds) for expr in write.map.data.results)
    write.operands = [write.value, write.buffer, *indices]
    write.map = AffineMapAttr(map)


def compose_read(read: ReadOp, values: Mapping[SSAValue, Lin]) -> None:
    """Replaces indices of a read by forms over other values."""
    if not any(index in values for index in read.indices):
        return
    operands = [values.get(index, Lin.of(index)) for index in read.indices]
    map, indices = to_affine_map(from_affine(expr, operands, loop_bounds) for expr in read.map.data.results)
    read.operands = [read.buffer, *indices]
    read.map = AffineMapAttr(map)


def compose_apply(apply: ApplyOp, values: Mapping[SSAValue, Lin]) -> None:
    """Replaces operands of an index computation by forms over other values."""
    if not any(index in values for index in apply.mapOperands):
        return
    source: AffineMap = apply.map.data
    operands = [values.get(index, Lin.of(index)) for index in apply.mapOperands]
    map, indices = to_affine_map(from_affine(expr, operands, loop_bounds, source.num_dims) for expr in source.results)
    apply.operands = indices
    apply.map = AffineMapAttr(map)


__all__ = ["compose_apply", "compose_read", "compose_write", "compute_inline", "copied"]
