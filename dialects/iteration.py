"""The coverage proof: a block's bindings reach each point of its domain exactly once.

Each binding must be a *mixed-radix sum* of loop digits: with terms sorted by scale, each scale is the number of values
that the terms before it take together. Then the sum takes every value of `0..extent-1` exactly once. Sources of
digits are loops, sums bounded by a predicate, and sums that `floordiv` and `mod` take apart; the digits taken of
one source must partition it. The method follows TVM's iterator maps (`DetectIterMap`), with predicates as sums
of their own. What is not recognised is not proven.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from .loop import BlockOp, ForOp, IteratorKind, LoopKind, enclosing_loops, loop_bounds, loop_of
from .quasi_affine import Bounds, Digit, Lin
from .regions import inside, is_staged, scope_loops


class Unproven(Exception):
    """The coverage of a block is not proven; the message says why."""


@dataclass(frozen=True, eq=False)
class _Bounded:
    """A sum of digits that a predicate bounds: takes each value of `0..extent-1` once."""

    extent: int


Terms = dict[Hashable, int]


@dataclass
class _Proof:
    """Collects which digits of which sources are used."""

    bounds: Bounds
    groups: list[tuple[Terms, _Bounded]] = field(default_factory=list[tuple[Terms, _Bounded]])
    extents: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    digits: dict[Hashable, list[tuple[int, int]]] = field(default_factory=dict[Hashable, list[tuple[int, int]]])

    def add_source(self, source: Hashable, extent: int) -> None:
        self.extents[source] = extent
        self.digits.setdefault(source, [])

    def add_predicate(self, form: Lin, limit: int) -> None:
        terms = self.grouped(form)
        extent = self.sum_extent(terms, form.const)
        group = _Bounded(min(extent, limit))
        self.groups.append((terms, group))
        self.add_source(group, group.extent)

    def grouped(self, form: Lin) -> Terms:
        """The terms of a form, with bounded sums in place of their terms."""
        terms: Terms = dict(form.terms)
        for members, group in self.groups:
            scales = {divmod(terms.get(atom, 0), coefficient) for atom, coefficient in members.items()}
            if len(scales) != 1:
                continue
            scale, remainder = scales.pop()
            if scale <= 0 or remainder:
                continue
            for atom in members:
                del terms[atom]
            terms[group] = terms.get(group, 0) + scale
        return terms

    def sum_extent(self, terms: Terms, const: int) -> int:
        """Uses the digits of a sum; gives how many values it takes, `0..extent-1`, each once."""
        if const:
            raise Unproven(f"expected a sum that starts at 0, got {const}")
        extent = 1
        for scale, size in sorted((scale, self.use(atom)) for atom, scale in terms.items()):
            if size == 1:
                continue
            if scale != extent:
                raise Unproven(f"expected a digit of scale {extent}, got {scale}")
            extent *= size
        return extent

    def use(self, atom: Hashable) -> int:
        """Uses one atom as a digit; gives how many values it takes."""
        if not isinstance(atom, Digit):
            size = self.extents[atom]
            if size > 1:
                self.digits[atom].append((1, size))
            return size
        source, extent = self.source(atom.inner)
        step = atom.divisor * (atom.modulus or 1)
        if extent % step:
            raise Unproven(f"expected an extent divisible by {step}, got {extent}")
        size = atom.modulus if atom.modulus is not None else extent // atom.divisor
        if size > 1:
            self.digits[source].append((atom.divisor, size))
        return size

    def source(self, form: Lin) -> tuple[Hashable, int]:
        """The source of digits that a form inside of `floordiv` or `mod` is."""
        terms = self.grouped(form)
        if len(terms) == 1 and form.const == 0:
            ((atom, scale),) = terms.items()
            if scale == 1 and not isinstance(atom, Digit):
                return atom, self.extents[atom]
        if form not in self.extents:
            self.add_source(form, self.sum_extent(terms, form.const))
        return form, self.extents[form]

    def check_partitions(self) -> None:
        """Each source's digits must take it apart exactly."""
        for source, extent in self.extents.items():
            covered = 1
            for lower, size in sorted(self.digits[source]):
                if lower != covered:
                    raise Unproven("expected each part of a loop to bind one iterator, got one used twice or skipped")
                covered *= size
            if covered != extent:
                if isinstance(source, SSAValue):
                    raise Unproven(f"expected the loop of extent {extent} to bind an iterator of the block")
                raise Unproven(f"expected a sum of {extent} values to be used whole, got {covered}")


def prove_coverage(
    block: BlockOp,
    scope: Collection[ForOp],
    *,
    staged: bool,
    bounds: Bounds = loop_bounds,
    extents: Mapping[SSAValue, int] | None = None,
) -> None:
    """Proves that the loops of `scope` bind each point of the block's domain at most once, and, unless `staged`, at
    least once.

    Raises:
        Unproven: where it cannot.
    """
    inner = inside(scope)
    proof = _Proof(bounds)
    for loop in scope:
        extent = loop.extent if extents is None else extents.get(loop.induction_variable, loop.extent)
        proof.add_source(loop.induction_variable, extent)
    for form, limit in sorted(_inner_predicates(block, inner, bounds), key=lambda p: len(p[0].terms)):
        proof.add_predicate(form, limit)
    for form, extent, kind in zip(block.binding_forms(bounds), block.extents, block.kinds, strict=True):
        parts = form.split(inner)
        if parts is None:
            raise Unproven("expected floordiv and mod of loops inside or outside of the buffer's lifetime, got both")
        outer, own = parts
        if not staged or kind is IteratorKind.REDUCE:
            if not outer.is_const or outer.const:
                raise Unproven(f"expected a {kind} binding that starts at 0 with the loops of the buffer's lifetime")
        reached = proof.sum_extent(proof.grouped(own), 0)
        if reached < extent and (not staged or kind is IteratorKind.REDUCE):
            raise Unproven(f"expected a {kind} iterator of extent {extent} to be covered, got {reached} values")
    proof.check_partitions()
    _check_kinds(block, scope)


def _inner_predicates(block: BlockOp, inner: object, bounds: Bounds) -> list[tuple[Lin, int]]:
    """The predicates that matter for how often a point is reached: not those that always hold, nor those over loops
    outside, which only keep a block from running."""
    assert callable(inner)
    kept: list[tuple[Lin, int]] = []
    for form, limit in block.predicate_forms(bounds):
        spread = form.range(bounds)
        if spread is not None and spread[1] < limit:
            continue
        if all(inner(value) for value in form.values()):
            kept.append((form, limit))
    return kept


def _check_kinds(block: BlockOp, scope: Collection[ForOp]) -> None:
    used: dict[IteratorKind, set[ForOp]] = {kind: set() for kind in IteratorKind}
    for form, kind in zip(block.binding_forms(), block.kinds, strict=True):
        used[kind] |= {loop for value in form.values() if (loop := loop_of(value)) is not None}
    shared = used[IteratorKind.REDUCE] & (used[IteratorKind.SPATIAL] | used[IteratorKind.ORDERED])
    if any(loop.extent > 1 for loop in shared):
        raise Unproven("expected loops of reduce iterators to bind no other iterator")
    if any(loop not in scope for loop in used[IteratorKind.REDUCE]):
        raise Unproven("expected loops of reduce iterators inside of the lifetime of what the block writes")
    for loop in used[IteratorKind.REDUCE]:
        if loop.kind is LoopKind.PARALLEL:
            raise Unproven("expected a loop of a reduce iterator not to be parallel")
    if used[IteratorKind.ORDERED]:
        _check_order(block, used[IteratorKind.ORDERED])


def _check_order(block: BlockOp, ordered: set[ForOp]) -> None:
    """`ordered` iterators grow: their loops are serial or unrolled, outside of all others, with larger scales outside."""
    loops = [loop for loop in enclosing_loops(block) if loop.extent > 1]
    relevant = [loop for loop in loops if any(loop.induction_variable in f.values() for f in block.binding_forms())]
    if any(loop not in ordered for loop in relevant[: len([loop for loop in relevant if loop in ordered])]):
        raise Unproven("expected loops of ordered iterators outside of the block's other loops")
    if any(loop.kind not in (LoopKind.SERIAL, LoopKind.UNROLLED) for loop in ordered):
        raise Unproven("expected loops of ordered iterators to be serial or unrolled")
    for form, kind in zip(block.binding_forms(), block.kinds, strict=True):
        if kind is not IteratorKind.ORDERED:
            continue
        if any(isinstance(atom, Digit) for atom in form.terms):
            raise Unproven("expected a sum of loops for an ordered iterator")
        scales = [form.terms.get(loop.induction_variable, 0) for loop in relevant if loop in ordered]
        nonzero = [scale for scale in scales if scale]
        if nonzero != sorted(nonzero, reverse=True):
            raise Unproven("expected an ordered iterator to grow with its loops")


def coverage_failure(block: BlockOp) -> str | None:
    """Why the coverage of a block where it stands is not proven, or None if it is."""
    try:
        prove_coverage(block, scope_loops(block), staged=is_staged(block))
    except Unproven as failure:
        return str(failure)
    return None


__all__ = ["Unproven", "coverage_failure", "prove_coverage"]
