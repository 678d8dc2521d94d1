"""Which iterations of loops can touch the same element: the one question behind every reordering primitive."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from xdsl.ir import Operation, SSAValue

from ...dialects.loop import BlockOp, ForOp, IteratorKind, ReadOp, ReduceOp, WriteOp, blocks_in, loop_bounds
from ...dialects.regions import Access, alloc_of, block_of, index_forms
from ...dialects.separation import agreeing
from .common import describe, is_inside, refuse


def shared_accesses(root: Operation) -> dict[SSAValue, list[Access]]:
    """The accesses under an op, by buffer, of buffers that live outside of it and that something under it writes."""
    found: dict[SSAValue, list[Access]] = {}
    for block in blocks_in(root):
        for access in block.accesses():
            for buffer in access.buffers:
                found.setdefault(buffer, []).append(access)
    return {
        buffer: accesses
        for buffer, accesses in found.items()
        if any(not isinstance(access, ReadOp) for access in accesses)
        and ((alloc := alloc_of(buffer)) is None or not is_inside(alloc, root))
    }


def separated(accesses: Sequence[Access], loops: Collection[ForOp], fixed: Collection[ForOp]) -> set[ForOp]:
    """Those of `loops` whose iterations must be equal whenever two of the accesses touch the same element, while the
    `fixed` loops around stand still."""
    columns = zip(*(index_forms(access) for access in accesses), strict=True)
    rows = [[form for form in column if form is not None] for column in columns if None not in column]
    equal = agreeing(rows, {loop.induction_variable for loop in fixed}, loop_bounds)
    return {loop for loop in loops if loop.extent == 1 or loop.induction_variable in equal}


def require_independent(loop: ForOp, fixed: Collection[ForOp], kind: str) -> None:
    """Refuses a loop whose iterations may touch an element that another one writes."""
    for block in blocks_in(loop):
        for iterator, form in zip(block.kinds, block.binding_forms(), strict=True):
            if iterator is IteratorKind.SPATIAL or loop.induction_variable not in form.values() or loop.extent == 1:
                continue
            hint = ", split the reduction first" if iterator is IteratorKind.REDUCE else ""
            refuse(
                f"expected a loop over spatial iterators to {kind}, got {describe(loop)} over {iterator} iterators of "
                f"block '{block.block_name}'{hint}",
                loop,
                ("the block", block),
            )
    for accesses in shared_accesses(loop).values():
        if loop not in separated(accesses, [loop], fixed):
            writer = next(access for access in accesses if not isinstance(access, ReadOp))
            refuse(
                f"expected each iteration of {describe(loop)} to write elements of its own to {kind} it",
                loop,
                (f"iterations of '{block_of(writer).block_name}' may overlap at this write", writer),
            )


def require_reorderable(chain: Sequence[ForOp], order: Sequence[ForOp], fixed: Collection[ForOp]) -> None:
    """Refuses a new order of a chain of loops that may change what its blocks compute."""
    innermost = chain[-1]
    moved = _moved_pairs(chain, order)
    if not moved:
        return
    for block in blocks_in(innermost):
        _require_block_order(block, moved)
    for accesses in shared_accesses(innermost).values():
        if _one_place(accesses):
            continue
        equal = separated(accesses, chain, fixed)
        for first, second in moved:
            # Exchanging two loops reverses only dependences between different iterations of both.
            if first not in equal and second not in equal:
                refuse(
                    "expected blocks to share elements only within one iteration of "
                    f"{describe(first)} or {describe(second)} to reorder them",
                    first,
                    *(("accessed here", access) for access in accesses[:2]),
                )


def _moved_pairs(chain: Sequence[ForOp], order: Sequence[ForOp]) -> list[tuple[ForOp, ForOp]]:
    """The pairs of loops, outer first, whose relative order changes; loops that run once do not count."""
    rank = {loop: i for i, loop in enumerate(order)}
    return [
        (outer, inner)
        for i, outer in enumerate(chain)
        for inner in chain[i + 1 :]
        if rank[outer] > rank[inner] and outer.extent > 1 and inner.extent > 1
    ]


def _require_block_order(block: BlockOp, moved: Iterable[tuple[ForOp, ForOp]]) -> None:
    used: dict[SSAValue, IteratorKind] = {}
    for kind, form in zip(block.kinds, block.binding_forms(), strict=True):
        used.update(dict.fromkeys(form.values(), kind))
    for outer, inner in moved:
        kinds = (used.get(outer.induction_variable), used.get(inner.induction_variable))
        if IteratorKind.ORDERED in kinds:
            refuse(
                f"expected loops of ordered iterators to keep their place, got a reorder of {describe(outer)} and "
                f"{describe(inner)} around block '{block.block_name}'",
                block,
            )
        if kinds == (IteratorKind.REDUCE, IteratorKind.REDUCE):
            require_pure_reduction(block, f"to reorder its {describe(outer)} and {describe(inner)}")
            for access in block.writes():
                if isinstance(access, ReduceOp) and not access.may_reorder:
                    refuse(
                        "expected an associative and commutative combiner, with 'reassoc' for floats, to reorder "
                        f"{describe(outer)} and {describe(inner)} of the reduction '{block.block_name}'",
                        block,
                        ("the reduction", access),
                    )


def require_pure_reduction(block: BlockOp, why: str) -> None:
    """Refuses a block that reads what it writes, or writes it outside of its init: only combiners say that the order of
    what they combine does not matter."""
    written = block.written_buffers()
    for access in block.accesses():
        in_init = block.init is not None and block.init.is_ancestor(access)
        if (isinstance(access, ReadOp) and access.buffer in written) or (isinstance(access, WriteOp) and not in_init):
            refuse(
                f"expected '{block.block_name}' to touch what it writes by loop.reduce alone, {why}",
                block,
                ("accessed here", access),
            )


def _one_place(accesses: Sequence[Access]) -> bool:
    """Whether all accesses are one block's, at one and the same element of each of its spatial points."""
    if len({block_of(access) for access in accesses}) != 1:
        return False
    forms = [index_forms(access) for access in accesses]
    return None not in forms[0] and all(form == forms[0] for form in forms)
