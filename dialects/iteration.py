"""The coverage proof: a block's bindings reach each point of its domain exactly once.

Each binding must be a *mixed-radix sum* of loop digits: with terms sorted by scale, each scale is the number of values
that the terms before it take together. Then the sum takes every value of `0..extent-1` exactly once. Sources of
digits are loops, sums bounded by a predicate, and sums that `floordiv` and `mod` take apart; the digits taken of
one source must partition it. The method follows TVM's iterator maps (`DetectIterMap`), with predicates as sums
of their own. What is not recognised is not proven.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from xdsl.ir import SSAValue

from .loop import (
    BlockOp,
    ForOp,
    IteratorKind,
    LoopKind,
    ReadOp,
    ReduceOp,
    WriteOp,
    enclosing_loops,
    loop_bounds,
    loop_of,
)
from .quasi_affine import Bounds, Digit, Lin
from .regions import (
    Access,
    Interval,
    accesses_of,
    alloc_of,
    block_of,
    bounded_dimensions,
    buffer_shape,
    covers,
    implied,
    inside,
    is_staged,
    iterator_forms,
    moving_bindings,
    multiple_of,
    position,
    reduce_loops,
    region,
    scope_loops,
    without_units,
)


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
    sums: list[Lin] = field(default_factory=list[Lin])
    """Sums of several loops that bindings take apart; none while the inside of a sum is used."""

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
        terms: Terms = {atom: scale for atom, scale in form.terms.items()}  # noqa: C416 (widens the key type)
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
        if isinstance(atom, Digit):
            atom = self.lifted(atom)
        elif isinstance(atom, SSAValue):
            atom = self.lifted(cast("SSAValue", atom))
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

    def lifted(self, atom: Digit | SSAValue, tried: tuple[Lin, ...] = ()) -> Digit | SSAValue:
        """A digit of a part of a sum as a digit of the sum: of `3*x + y` with `y < 3`, `x` is what is above 3, and `y`
        what is below."""
        digit = atom if isinstance(atom, Digit) else Digit(Lin.of(atom), 1, None)
        for whole in self.sums:
            radix = _radix(digit.inner, whole)
            if radix is None or whole == digit.inner or whole in tried:
                continue
            if radix > 1 and whole.floordiv(radix, self.bounds) == digit.inner:
                return self.lifted(Digit(whole, digit.divisor * radix, digit.modulus), (*tried, digit.inner))
            size = self.size_of(digit)
            if radix == 1 and size is not None and _is_multiple(whole - digit.inner, digit.divisor * size):
                return self.lifted(Digit(whole, digit.divisor, size), (*tried, digit.inner))
        return atom

    def size_of(self, digit: Digit) -> int | None:
        """How many values a digit takes."""
        if digit.modulus is not None:
            return digit.modulus
        spread = digit.inner.range(self.bounds)
        whole = spread is not None and spread[0] == 0 and (spread[1] + 1) % digit.divisor == 0
        return (spread[1] + 1) // digit.divisor if whole and spread is not None else None

    def source(self, form: Lin) -> tuple[Hashable, int]:
        """The source of digits that a form inside of `floordiv` or `mod` is."""
        terms = self.grouped(form)
        if len(terms) == 1 and form.const == 0:
            ((atom, scale),) = terms.items()
            if scale == 1 and not isinstance(atom, Digit):
                return atom, self.extents[atom]
        if form not in self.extents:
            sums, self.sums = self.sums, []
            self.add_source(form, self.sum_extent(terms, form.const))
            self.sums = sums
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
) -> None:
    """Proves that the loops of `scope` bind each point of the block's domain at most once, and, unless `staged`, at
    least once. A staged reduction whose init is a block of its own may go on over loops outside: each lifetime of the
    buffer holds a part of it.

    Raises:
        Unproven: where it cannot.
    """
    plain = _plain_sums(block, scope, bounds)
    if plain is not None and all(
        (reached >= extent and alone) or (staged and (kind is not IteratorKind.REDUCE or block.init is None))
        for (reached, alone), extent, kind in zip(plain, block.extents, block.kinds, strict=True)
    ):
        _check_kinds(block, scope, staged=staged)
        return
    proof, inner = _start(block, scope, bounds)
    for form, extent, kind in zip(moving_bindings(block, bounds), block.extents, block.kinds, strict=True):
        parts = form.split(inner)
        if parts is None:
            raise Unproven("expected floordiv and mod of loops inside or outside of the buffer's lifetime, got both")
        outer, own = parts
        partial = staged and (kind is not IteratorKind.REDUCE or block.init is None)
        if not partial and (not outer.is_const or outer.const):
            raise Unproven(f"expected a {kind} binding that starts at 0 with the loops of the buffer's lifetime")
        reached = proof.sum_extent(proof.grouped(own), 0)
        if reached < extent and not partial:
            raise Unproven(f"expected a {kind} iterator of extent {extent} to be covered, got {reached} values")
    proof.check_partitions()
    _check_kinds(block, scope, staged=staged)


def _plain_sums(block: BlockOp, scope: Collection[ForOp], bounds: Bounds) -> list[tuple[int, bool]] | None:
    """For each binding, how many values the loops of `scope` give it, contiguously and independently of the others, and
    whether it is a sum of these alone that starts at 0. None where that takes a whole proof: predicates may bound sums,
    and digits take them apart."""
    if "predicates" in block.properties:
        return None
    sizes = {id(loop.induction_variable): loop.extent for loop in scope}
    unused = sum(size > 1 for size in sizes.values())
    found: list[tuple[int, bool]] = []
    for form in moving_bindings(block, bounds):
        alone = not form.const
        digits: list[tuple[int, int]] = []
        for atom, scale in form.terms.items():
            if isinstance(atom, Digit):
                return None
            size = sizes.get(id(atom))
            if size is None:
                alone = False
            elif size == 0:
                return None  # used before
            elif size > 1:
                digits.append((scale, size))
                sizes[id(atom)] = 0
        unused -= len(digits)
        reached = 1
        for scale, size in sorted(digits):
            if scale != reached:
                return None
            reached *= size
        found.append((reached, alone))
    return None if unused else found


def _start(block: BlockOp, scope: Collection[ForOp], bounds: Bounds) -> tuple[_Proof, Callable[[SSAValue], bool]]:
    """A proof over the loops of `scope`, with the predicates among them; and what is inside."""
    inner = inside(scope)
    proof = _Proof(bounds)
    for loop in scope:
        proof.add_source(loop.induction_variable, loop.extent)
    for form, limit in sorted(_inner_predicates(block, inner, bounds), key=lambda p: len(p[0].terms)):
        proof.add_predicate(form, limit)
    sums: dict[Lin, None] = {}
    for form in moving_bindings(block, bounds):
        for atom in form.terms:
            if isinstance(atom, Digit):
                _collect_sums(atom.inner, sums, set())
    proof.sums = [form for form in sums if len(form.terms) > 1 and all(inner(value) for value in form.values())]
    return proof, inner


def _inner_predicates(block: BlockOp, inner: Callable[[SSAValue], bool], bounds: Bounds) -> list[tuple[Lin, int]]:
    """The predicates that matter for how often a point is reached: not those that always hold, nor those over loops
    outside, which only keep a block from running."""
    kept: dict[Lin, int] = {}
    bindings = moving_bindings(block, bounds)
    for predicate in block.predicate_forms(bounds):
        form, limit = predicate_on_sum(predicate, bindings, bounds)
        if implied(form, limit, bindings, block.extents, bounds):
            continue
        if all(inner(value) for value in form.values()):
            kept[form] = min(limit, kept.get(form, limit))
    return list(kept.items())


def predicate_on_sum(
    predicate: tuple[Lin, int], bindings: Sequence[Lin], bounds: Bounds = loop_bounds
) -> tuple[Lin, int]:
    """`form < limit`, both divided by a radix that makes the form a part of a binding or of a sum that one takes apart:
    `6*x + y < 9` bounds `2*x + y floordiv 3`, if that is what iterators are made of, and `2*x + y < 18` bounds `x`, if
    they take that apart."""
    predicate = _without_quotient(*without_constant(*predicate))
    form, limit = without_units(predicate[0], bounds), predicate[1]
    sums: dict[Lin, None] = {}
    radices = {1}
    for binding in bindings:
        _collect_sums(without_units(binding, bounds), sums, radices)
    own = {abs(scale) for scale in form.terms.values()} - radices
    for radix in [*sorted(radices), *sorted(own)]:
        if limit % radix == 0:
            quotient = form.floordiv(radix, bounds)
            if any(multiple_of(quotient, whole) is not None for whole in sums):
                return quotient, limit // radix
    return predicate


def _without_quotient(form: Lin, limit: int) -> tuple[Lin, int]:
    """`x floordiv 2 < 8` says `x < 16`."""
    if len(form.terms) == 1 and not form.const:
        ((atom, scale),) = form.terms.items()
        if isinstance(atom, Digit) and atom.modulus is None and scale > 0:
            return _without_quotient(*without_constant(atom.inner, -(-limit // scale) * atom.divisor))
    return form, limit


def without_constant(form: Lin, limit: int) -> tuple[Lin, int]:
    """`form < limit` with what is constant on the right: predicates that say the same are the same."""
    return form - form.const, limit - form.const


def _collect_sums(form: Lin, sums: dict[Lin, None], radices: set[int]) -> None:
    sums[form] = None
    for atom in form.terms:
        if isinstance(atom, Digit):
            radices |= {atom.divisor, atom.modulus or 1, atom.divisor * (atom.modulus or 1)}
            _collect_sums(atom.inner, sums, radices)


def _radix(part: Lin, whole: Lin) -> int | None:
    """How much larger the terms are that a sum shares with another one; None where it shares none."""
    for atom, coefficient in part.terms.items():
        scale, remainder = divmod(whole.terms.get(atom, 0), coefficient)
        if scale > 0 and not remainder:
            return scale
    return None


def _is_multiple(form: Lin, factor: int) -> bool:
    return form.const % factor == 0 and all(coefficient % factor == 0 for coefficient in form.terms.values())


def _check_kinds(block: BlockOp, scope: Collection[ForOp], *, staged: bool) -> None:
    if all(kind is IteratorKind.SPATIAL for kind in block.kinds):
        return
    used: dict[IteratorKind, set[ForOp]] = {kind: set() for kind in IteratorKind}
    for form, kind in zip(block.binding_forms(), block.kinds, strict=True):
        used[kind] |= {loop for value in form.values() if (loop := loop_of(value)) is not None}
    shared = used[IteratorKind.REDUCE] & (used[IteratorKind.SPATIAL] | used[IteratorKind.ORDERED])
    if any(loop.extent > 1 for loop in shared):
        raise Unproven("expected loops of reduce iterators to bind no other iterator")
    partial = staged and block.init is None
    if not partial and any(loop not in scope and loop.extent > 1 for loop in used[IteratorKind.REDUCE]):
        raise Unproven("expected loops of reduce iterators inside of the lifetime of what the block writes")
    for loop in used[IteratorKind.REDUCE]:
        if loop.kind is LoopKind.PARALLEL and loop.extent > 1:
            raise Unproven("expected a loop of a reduce iterator not to be parallel")
    if used[IteratorKind.ORDERED]:
        _check_order(block, used[IteratorKind.ORDERED])


def _check_order(block: BlockOp, ordered: set[ForOp]) -> None:
    """`ordered` iterators grow: their loops are run in order, outside of all others, larger scales outside."""
    loops = [loop for loop in enclosing_loops(block) if loop.extent > 1]
    relevant = [loop for loop in loops if any(loop.induction_variable in f.values() for f in block.binding_forms())]
    if any(loop not in ordered for loop in relevant[: len([loop for loop in relevant if loop in ordered])]):
        raise Unproven("expected loops of ordered iterators outside of the block's other loops")
    in_order = (LoopKind.SERIAL, LoopKind.UNROLLED, LoopKind.OPAQUE)
    if any(loop.extent > 1 and loop.kind not in in_order for loop in ordered):
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


@dataclass(frozen=True)
class WrittenBox:
    """What an access writes, every element of it, while the loops outside stand still: a box, if the conditions hold
    (each `form < limit` over the loops outside)."""

    intervals: tuple[Interval, ...]
    conditions: tuple[tuple[Lin, int], ...]


def written_box(
    access: WriteOp | ReduceOp, outer: Collection[ForOp], bounds: Bounds = loop_bounds
) -> WrittenBox | None:
    """The box that an access provably writes, whole, while the `outer` loops stand still; None if that is not proven:
    each dimension needs a spatial iterator of its own plus a constant, and the iterators loops of their own."""
    block = block_of(access)
    fixed = inside(outer)
    scope = [loop for loop in enclosing_loops(block) if loop not in outer]
    bindings, extents = moving_bindings(block, bounds), block.extents
    try:
        reached = _reach(block, scope, bounds)
    except Unproven:
        return None
    place = {id(iterator): i for i, iterator in enumerate(block.iterators)}
    intervals: list[Interval] = []
    dimensions: list[tuple[Lin, Lin] | None] = []
    used: set[int] = set()
    for form, shape in zip(iterator_forms(access, bounds), buffer_shape(access.buffers[0]), strict=True):
        if form is None or len(form.terms) > 1:
            return None
        if form.is_const:
            intervals.append(Interval(form, (form,)))
            dimensions.append(None)
            continue
        ((iterator, scale),) = form.terms.items()
        if isinstance(iterator, Digit) or scale != 1 or (i := place[id(iterator)]) in used:
            return None
        used.add(i)
        parts = bindings[i].split(lambda v: not fixed(v))
        assert parts is not None, "expected a split binding: the proof went through"
        lower = parts[0] + form.const
        uppers = [lower + (reached[i] - 1)]
        spread = bindings[i].range(bounds)
        if spread is None or (spread[0] < 0 and form.const > 0):
            return None
        if extents[i] + form.const < shape and spread[1] >= extents[i]:
            uppers.append(Lin(extents[i] + form.const - 1))
        intervals.append(Interval(lower, tuple(uppers)))
        dimensions.append((lower, parts[1]))
    conditions: list[tuple[Lin, int]] = []
    for i, (form, kind) in enumerate(zip(bindings, block.kinds, strict=True)):
        if i in used or kind is IteratorKind.REDUCE:
            continue  # reduce iterators are covered whole, by the coverage proof
        leaves = [
            (side, limit)
            for side, limit in ((form, extents[i]), (-form, 1))
            if (spread := side.range(bounds)) is None or spread[1] >= limit
        ]
        if leaves and not all(fixed(value) for value in form.values()):
            return None
        conditions.extend(leaves)
    for predicate, limit in block.predicate_forms(bounds):
        form = without_units(predicate, bounds)
        spread = form.range(bounds)
        if (spread is not None and spread[1] < limit) or not any(fixed(value) for value in form.values()):
            continue  # always true, or accounted for by the proof
        if all(fixed(value) for value in form.values()):
            conditions.append((form, limit))
            continue
        found = bounded_dimensions(form, limit, dimensions, fixed)
        if not found:
            return None
        for d, upper in found:
            intervals[d] = Interval(intervals[d].lower, (*intervals[d].uppers, upper))
    return WrittenBox(tuple(intervals), tuple(conditions))


def _reach(block: BlockOp, scope: Collection[ForOp], bounds: Bounds) -> list[int]:
    """For each iterator, how many values the loops of `scope` give it, contiguously and independently of the others."""
    plain = _plain_sums(block, scope, bounds)
    if plain is not None:
        return [reached for reached, _ in plain]
    proof, inner = _start(block, scope, bounds)
    reached: list[int] = []
    for form in moving_bindings(block, bounds):
        parts = form.split(inner)
        if parts is None:
            raise Unproven("expected floordiv and mod of loops inside or outside of the buffer's lifetime, got both")
        reached.append(proof.sum_extent(proof.grouped(parts[1]), 0))
    proof.check_partitions()
    return reached


def uncovered_read(buffer: SSAValue, bounds: Bounds = loop_bounds) -> tuple[BlockOp, str] | None:
    """A block that may read an element of a buffer before anything wrote it in the buffer's lifetime, and why; None
    if it is proven that there is none."""
    accesses = accesses_of(buffer)
    sources = [op for op in accesses if not isinstance(op, ReadOp)]
    alloc = alloc_of(buffer)
    if any(block_of(op).has_kind(IteratorKind.ORDERED) for op in sources):
        # The rows of a scan's state: written in order, from its initial rows on.
        if alloc is not None and isinstance(alloc.parent_op(), ForOp):
            return block_of(sources[0]), "expected the state of a scan to live outside of loops"
        return None
    known: _Written = {}
    for access in accesses:
        if isinstance(access, WriteOp):
            continue
        block = block_of(access)
        if isinstance(access, ReduceOp) and block.init is not None:
            continue
        others = [source for source in sources if source is not access]
        if not any(_is_covered(access, source, bounds, known) for source in others) and not _is_covered_together(
            access, others, bounds
        ):
            return block, f"expected all that block '{block.block_name}' reads of the buffer to be written before"
    return None


_Written: TypeAlias = "dict[tuple[BlockOp, WriteOp | ReduceOp], tuple[list[ForOp], WrittenBox] | None]"
"""What `_written_before` found for a block and an access of another one."""


def _is_covered(access: ReadOp | ReduceOp, source: WriteOp | ReduceOp, bounds: Bounds, known: _Written) -> bool:
    reader, writer = block_of(access), block_of(source)
    if reader is writer:
        same = access.parent is source.parent and iterator_forms(access) == iterator_forms(source)
        return same and source.is_before_in_block(access)
    if (reader, source) not in known:
        known[reader, source] = _written_before(reader, source, bounds)
    before = known[reader, source]
    return before is not None and stays_inside(access, before[1], before[0], bounds)


def _written_before(
    reader: BlockOp, source: WriteOp | ReduceOp, bounds: Bounds
) -> tuple[list[ForOp], WrittenBox] | None:
    """The box that an access of another block has written, whole, when a reader runs, and the loops around both."""
    writer = block_of(source)
    if position(writer) > position(reader) or (isinstance(source, ReduceOp) and writer.init is None):
        return None
    own = set(enclosing_loops(writer))
    common = [loop for loop in enclosing_loops(reader) if loop in own]
    if any(loop in common for loop in reduce_loops(writer) if loop.extent > 1):
        return None
    written = written_box(source, common, bounds)
    return None if written is None else (common, written)


def _is_covered_together(access: ReadOp | ReduceOp, sources: Sequence[WriteOp | ReduceOp], bounds: Bounds) -> bool:
    """Whether what several blocks write beside one another holds what an access reads."""
    reader = block_of(access)
    boxes: list[tuple[list[ForOp], WrittenBox]] = []
    for source in sources:
        before = None if block_of(source) is reader else _written_before(reader, source, bounds)
        if before is None:
            continue
        found: tuple[list[ForOp], WrittenBox] | None = before
        while found is not None:
            before, found = found, None
            for known in boxes:
                joined = _joined(known, before) or _joined(before, known)
                if joined is not None:
                    boxes.remove(known)
                    found = joined
                    break
        boxes.append(before)
    return any(stays_inside(access, box, common, bounds) for common, box in boxes)


def _joined(
    first: tuple[list[ForOp], WrittenBox], second: tuple[list[ForOp], WrittenBox]
) -> tuple[list[ForOp], WrittenBox] | None:
    """One box of two, if the second one goes on in one dimension where the first one ends."""
    if first[0] != second[0] or first[1].conditions != second[1].conditions:
        return None
    pairs = list(zip(first[1].intervals, second[1].intervals, strict=True))
    different = [d for d, (a, b) in enumerate(pairs) if a != b]
    if len(different) != 1:
        return None
    (d,) = different
    a, b = pairs[d]
    if len(a.uppers) != 1 or b.lower != a.uppers[0] + 1:
        return None
    intervals = (*first[1].intervals[:d], Interval(a.lower, b.uppers), *first[1].intervals[d + 1 :])
    return first[0], WrittenBox(intervals, first[1].conditions)


def stays_inside(access: Access, box: WrittenBox, outer: Collection[ForOp], bounds: Bounds = loop_bounds) -> bool:
    """Whether an access provably touches only what a box holds while the `outer` loops stand still, and only where the
    box is written."""
    block = block_of(access)
    own = [without_constant(without_units(form, bounds), limit) for form, limit in block.predicate_forms(bounds)]
    for form, limit in box.conditions:
        if without_constant(form, limit) not in own and not implied(
            form, limit, block.binding_forms(bounds), block.extents, bounds
        ):
            return False
    return covers(box.intervals, region(access, outer, bounds), buffer_shape(access.buffers[0]), bounds)


def coverage_failure(block: BlockOp) -> str | None:
    """Why the coverage of a block where it stands is not proven, or None if it is."""
    try:
        prove_coverage(block, scope_loops(block), staged=is_staged(block))
    except Unproven as failure:
        return str(failure)
    return None
