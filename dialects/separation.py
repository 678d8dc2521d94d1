"""Which values must agree where accesses meet: what tells the iterations of loops, and the points of blocks, apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from xdsl.ir import SSAValue

from .loop import BlockOp, ForOp, IteratorKind, ReduceOp, WriteOp, enclosing_loops, loop_bounds
from .quasi_affine import Atom, Bounds, Digit, Lin, atom_range
from .regions import alloc_of, iterator_forms


def agreeing(rows: Sequence[Sequence[Lin]], standing: Collection[SSAValue], bounds: Bounds) -> set[Atom]:
    """The values and digits that are equal on both sides whenever two accesses touch the same element, while the
    `standing` values are equal anyway. A row has one dimension of all accesses.

    A row says `c * x + rest` for each access. If two accesses are equal there and `rest` spreads by less than `|c|`,
    their `x` are equal. Found atoms drop out of `rest`, and sums all of whose digits are found become rows, until
    nothing new is found.
    """
    rows = list(rows)
    equal: set[Atom] = set()
    changed = True
    while changed:
        changed = False
        for row in rows:
            atom = _agreeing_atom(row, standing, equal, bounds)
            if atom is not None:
                equal.add(atom)
                changed = True
        changed |= _close_digits(rows, equal, bounds)
    return equal


def _agreeing_atom(row: Sequence[Lin], standing: Collection[SSAValue], equal: set[Atom], bounds: Bounds) -> Atom | None:
    rests: list[Lin] = []
    reference: dict[Atom, int] | None = None
    for form in row:
        known = {a: c for a, c in form.terms.items() if a in equal or _stands(a, standing)}
        if reference is None:
            reference = known
        if known != reference:
            return None
        rests.append(Lin(form.const, {a: c for a, c in form.terms.items() if a not in known}))
    for atom, coefficient in rests[0].terms.items():
        if any(rest.terms.get(atom) != coefficient for rest in rests):
            continue
        others = [Lin(rest.const, {a: c for a, c in rest.terms.items() if a != atom}) for rest in rests]
        spreads = [spread for other in others if (spread := other.range(bounds)) is not None]
        if len(spreads) < len(others):
            return None
        if max(high for _, high in spreads) - min(low for low, _ in spreads) < abs(coefficient):
            return atom
    return None


def _stands(atom: Atom, standing: Collection[SSAValue]) -> bool:
    if isinstance(atom, Digit):
        return all(value in standing for value in atom.inner.values())
    return atom in standing


def _close_digits(rows: list[Sequence[Lin]], equal: set[Atom], bounds: Bounds) -> bool:
    """Where every digit of a sum is equal, so is the sum: it becomes a dimension of its own."""
    changed = False
    digits: dict[Lin, list[tuple[int, int]]] = {}
    for atom in equal:
        if isinstance(atom, Digit):
            spread = atom_range(atom, bounds)
            if spread is not None:
                digits.setdefault(atom.inner, []).append((atom.divisor, spread[1] + 1))
    for inner, parts in digits.items():
        spread = inner.range(bounds)
        covered = 1
        for divisor, size in sorted(parts):
            if divisor == covered:
                covered *= size
        if spread is None or spread[0] < 0 or covered <= spread[1]:
            continue
        row = [inner, inner]
        if row not in rows:
            rows.append(row)
            changed = True
    return changed


def shared_iterator(block: BlockOp) -> SSAValue | None:
    """A spatial iterator whose distinct values are not proven to write distinct elements in the lifetime of a buffer;
    None if there is none."""
    writes: dict[SSAValue, dict[tuple[Lin, ...], None]] = {}
    for write in block.writes():
        forms = tuple(form for form in iterator_forms(write) if form is not None)
        for buffer in write.buffers:
            writes.setdefault(buffer, {})[forms] = None
    for buffer, places in writes.items():
        standing = _iterators_outside(block, buffer)
        equal = agreeing(list(zip(*places, strict=True)), standing, loop_bounds)
        for iterator, kind, extent in zip(block.iterators, block.kinds, block.extents, strict=True):
            if kind is IteratorKind.SPATIAL and extent > 1 and iterator not in equal and iterator not in standing:
                return iterator
    return None


def _iterators_outside(block: BlockOp, buffer: SSAValue) -> set[SSAValue]:
    """The iterators that stand still in the lifetime of a buffer."""
    alloc = alloc_of(buffer)
    if alloc is None or not isinstance(alloc.parent_op(), ForOp):
        return set()
    outside = {loop.induction_variable for loop in enclosing_loops(alloc)}
    forms = zip(block.iterators, block.binding_forms(), strict=True)
    return {iterator for iterator, form in forms if all(value in outside for value in form.values())}


def inits_what_it_reduces(block: BlockOp) -> bool:
    """Whether the init of a block writes each element that the block then reduces into."""
    assert block.init is not None, "expected a block with an init"
    writes = [op for op in block.init.body.block.ops if isinstance(op, WriteOp)]
    written = [(write.buffer, iterator_forms(write)) for write in writes]
    reduces = [op for op in block.body.block.ops if isinstance(op, ReduceOp)]
    return all((buffer, iterator_forms(op)) in written for op in reduces for buffer in op.buffers)


__all__ = ["agreeing", "inits_what_it_reduces", "shared_iterator"]
