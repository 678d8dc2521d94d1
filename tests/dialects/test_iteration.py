"""The coverage proof against enumeration: never a wrong yes, and a yes to what tile, coalesce and interchange make."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stepwell.dialects import iteration
from stepwell.dialects.iteration import Unproven, prove_coverage
from stepwell.dialects.loop import BlockOp, ForOp, InitOp, IteratorKind, loop_bounds
from stepwell.dialects.quasi_affine import Lin, to_affine_map
from xdsl.ir import Block, Region, SSAValue
from xdsl.ir.affine import AffineMap

_MOST_POINTS = 3000
SPATIAL, REDUCE = IteratorKind.SPATIAL, IteratorKind.REDUCE


def _text(form: Lin, names: dict[SSAValue, str]) -> str:
    map, values = to_affine_map([form])
    text = str(map.results[0])
    for position, value in reversed(list(enumerate(values))):
        text = text.replace(f"d{position}", names[value])
    return text


@dataclass(repr=False, eq=False)
class Nest:
    """Loops under construction, outermost first, and what they bind. Loops are real, so that values have bounds."""

    extents: list[int]
    kinds: list[IteratorKind]
    loops: list[ForOp] = field(default_factory=list[ForOp])
    bindings: list[Lin] = field(default_factory=list[Lin])
    predicates: list[tuple[Lin, int]] = field(default_factory=list[tuple[Lin, int]])
    history: list[str] = field(default_factory=list[str])

    @staticmethod
    def naive(extents: Sequence[int], kinds: Sequence[IteratorKind]) -> Nest:
        nest = Nest(list(extents), list(kinds))
        nest.loops = [ForOp(extent) for extent in extents]
        nest.bindings = [Lin.of(loop.induction_variable) for loop in nest.loops]
        return nest

    def __repr__(self) -> str:
        names = {loop.induction_variable: f"i{n}:{loop.extent}" for n, loop in enumerate(self.loops)}
        forms = [
            f"in {extent} = {_text(form, names)}" for extent, form in zip(self.extents, self.bindings, strict=True)
        ]
        where = [f"{_text(form, names)} < {limit}" for form, limit in self.predicates]
        return f"Nest({', '.join(forms)}; where {', '.join(where)}; {'; '.join(self.history)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def points(self) -> int:
        return math.prod(loop.extent for loop in self.loops)

    def substitute(self, replacement: dict[SSAValue, Lin]) -> None:
        self.bindings = [form.substitute(replacement, loop_bounds) for form in self.bindings]
        self.predicates = [(form.substitute(replacement, loop_bounds), limit) for form, limit in self.predicates]

    def tile(self, position: int, size: int, *, guard: bool = True) -> None:
        loop = self.loops[position]
        size = min(size, loop.extent)
        outer, inner = ForOp(-(-loop.extent // size)), ForOp(size)
        form = Lin.of(outer.induction_variable) * size + Lin.of(inner.induction_variable)
        self.substitute({loop.induction_variable: form})
        if loop.extent % size and guard:
            self.predicates.append((form, loop.extent))
        self.loops[position : position + 1] = [outer, inner]
        self.history.append(f"tile {position} by {size}")

    def coalesce(self, position: int) -> None:
        first, second = self.loops[position : position + 2]
        fused = ForOp(first.extent * second.extent)
        form = Lin.of(fused.induction_variable)
        self.substitute(
            {
                first.induction_variable: form.floordiv(second.extent, loop_bounds),
                second.induction_variable: form.mod(second.extent, loop_bounds),
            }
        )
        self.loops[position : position + 2] = [fused]
        self.history.append(f"coalesce {position}")

    def interchange(self, permutation: Sequence[int]) -> None:
        self.loops = [self.loops[p] for p in permutation]
        self.history.append(f"interchange {list(permutation)}")

    def build(self) -> BlockOp:
        """The block inside of its loops."""
        forms = [*self.bindings, *(form for form, _ in self.predicates)]
        map, values = to_affine_map(forms)
        rank = len(self.extents)
        block = BlockOp(
            "map0",
            self.kinds,
            self.extents,
            AffineMap(map.num_dims, 0, map.results[:rank]),
            values,
            predicates=AffineMap(map.num_dims, 0, map.results[rank:]),
            limits=[limit for _, limit in self.predicates],
        )
        inner: ForOp | BlockOp = block
        for loop in reversed(self.loops):
            loop.body.block.add_op(inner)
            inner = loop
        return block


def runs(block: BlockOp, loops: Sequence[ForOp], outer: int) -> list[Counter[tuple[int, ...]]]:
    """For each iteration of the first `outer` loops, how often each point of the domain is reached."""
    positions = [loops.index(loop) for value in block.operands if (loop := _loop(value)) is not None]
    limits = block.limits.get_values() if block.limits is not None else ()
    found: list[Counter[tuple[int, ...]]] = []
    for fixed in itertools.product(*(range(loop.extent) for loop in loops[:outer])):
        counts: Counter[tuple[int, ...]] = Counter()
        for moving in itertools.product(*(range(loop.extent) for loop in loops[outer:])):
            point = (*fixed, *moving)
            operands = [point[p] for p in positions]
            values = tuple(block.bindings.data.eval(operands, []))
            tested = block.predicates.data.eval(operands, []) if block.predicates is not None else ()
            inside = all(0 <= v < extent for v, extent in zip(values, block.extents, strict=True))
            if inside and all(v < limit for v, limit in zip(tested, limits, strict=True)):
                counts[values] += 1
        found.append(counts)
    return found


def _loop(value: SSAValue) -> ForOp | None:
    owner = value.owner
    parent = owner.parent_op() if isinstance(owner, Block) else None
    return parent if isinstance(parent, ForOp) else None


def is_exact(block: BlockOp, loops: Sequence[ForOp]) -> bool:
    (counts,) = runs(block, loops, 0)
    return len(counts) == math.prod(block.extents) and set(counts.values()) == {1}


def proof(block: BlockOp, scope: Sequence[ForOp], *, staged: bool = False) -> str | None:
    """None if proven, else why not."""
    try:
        prove_coverage(block, scope, staged=staged)
    except Unproven as failure:
        return str(failure)
    return None


@st.composite
def naive_nests(draw: st.DrawFn, kinds: Sequence[IteratorKind] = (SPATIAL,)) -> Nest:
    extents = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    assume(math.prod(extents) <= 300)
    return Nest.naive(extents, [draw(st.sampled_from(kinds)) for _ in extents])


@st.composite
def scheduled_nests(draw: st.DrawFn, *, sloppy: bool = False, in_order: bool = False) -> Nest:
    """What a script could make; with `sloppy`, tiles may lack their predicates; `in_order`, loops keep their place."""
    nest = draw(naive_nests())
    # A sum that floordiv takes apart is recognised through one inexact tile, not through several, and not through one
    # of a loop that a tile has made.
    tails = 0
    tiled: list[ForOp] = []
    for _ in range(draw(st.integers(0, 5))):
        position = draw(st.integers(0, len(nest.loops) - 1))
        match draw(st.sampled_from(["tile", "tile", "coalesce", "interchange"])):
            case "tile":
                size = draw(st.integers(1, 8))
                loop = nest.loops[position]
                inexact = loop.extent % min(size, loop.extent) != 0
                more = tails + inexact * (2 if any(loop is each for each in tiled) else 1)
                if inexact and more > 1 and any(step.startswith("coalesce") for step in nest.history):
                    continue
                if nest.points // loop.extent * (loop.extent + size) <= _MOST_POINTS:
                    nest.tile(position, size, guard=not sloppy or draw(st.booleans()))
                    tiled += nest.loops[position : position + 2]
                    tails = more
            case "coalesce" if position + 1 < len(nest.loops) and tails < 2:
                nest.coalesce(position)
            case _ if not in_order:
                nest.interchange(draw(st.permutations(range(len(nest.loops)))))
            case _:
                pass
    return nest


@settings(max_examples=300, deadline=None)
@given(scheduled_nests())
def test_what_schedules_make_is_proven(nest: Nest) -> None:
    block = nest.build()
    assert is_exact(block, nest.loops)
    assert proof(block, nest.loops) is None


@settings(max_examples=300, deadline=None)
@given(scheduled_nests(sloppy=True))
def test_missing_predicates_are_noticed(nest: Nest) -> None:
    block = nest.build()
    if proof(block, nest.loops) is None:
        assert is_exact(block, nest.loops), nest.history


def _random_form(draw: st.DrawFn, nest: Nest) -> Lin:
    form = Lin(draw(st.sampled_from([0, 0, 0, 0, 1, -1])))
    for loop in nest.loops:
        digit = Lin.of(loop.induction_variable)
        if draw(st.integers(0, 3)) == 0:
            digit = digit.floordiv(draw(st.integers(1, 4)), loop_bounds)
        if draw(st.integers(0, 3)) == 0:
            digit = digit.mod(draw(st.integers(1, 6)), loop_bounds)
        form = form + digit * draw(st.sampled_from([0, 0, 1, 1, 2, 3, 4, 6, -1]))
    if draw(st.integers(0, 3)) == 0:
        form = form.floordiv(draw(st.integers(1, 6)), loop_bounds)
    if draw(st.integers(0, 3)) == 0:
        form = form.mod(draw(st.integers(1, 6)), loop_bounds)
    return form


@st.composite
def wild_nests(draw: st.DrawFn) -> Nest:
    """Anything that the assembly can write; mostly wrong."""
    loops = [ForOp(draw(st.integers(1, 6))) for _ in range(draw(st.integers(1, 4)))]
    rank = draw(st.integers(1, 2))
    nest = Nest([draw(st.integers(1, 8)) for _ in range(rank)], [SPATIAL] * rank, loops)
    nest.bindings = [_random_form(draw, nest) for _ in range(rank)]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        nest.predicates.append((_random_form(draw, nest), draw(st.integers(1, 12))))
    return nest


@settings(max_examples=1500, deadline=None)
@given(wild_nests())
def test_wild_bindings_get_no_wrong_yes(nest: Nest) -> None:
    block = nest.build()
    if proof(block, nest.loops) is None:
        assert is_exact(block, nest.loops)


@st.composite
def nudged_nests(draw: st.DrawFn) -> Nest:
    """A legal schedule with one thing changed: close to right, and usually wrong."""
    nest = draw(scheduled_nests())
    which = draw(st.integers(0, len(nest.bindings) - 1))
    change = draw(st.sampled_from(["extent", "limit", "binding", "loop", "domain", "double"]))
    loop = draw(st.sampled_from(nest.loops))
    variable = Lin.of(loop.induction_variable)
    match change:
        case "limit" if nest.predicates:
            position = draw(st.integers(0, len(nest.predicates) - 1))
            form, limit = nest.predicates[position]
            nest.predicates[position] = form, max(1, limit + draw(st.sampled_from([-1, 1])))
        case "binding":
            nest.bindings[which] = nest.bindings[which] + variable * draw(st.sampled_from([-1, 1, 2]))
        case "double":
            nest.bindings[which] = nest.bindings[which] * 2
        case "domain":
            nest.extents[which] = max(1, nest.extents[which] + draw(st.sampled_from([-1, 1])))
        case _:
            extra = ForOp(draw(st.integers(1, 3)))
            nest.loops.append(extra)
            if change == "loop":
                nest.bindings[which] = nest.bindings[which] + Lin.of(extra.induction_variable)
    return nest


@settings(max_examples=600, deadline=None)
@given(nudged_nests())
def test_almost_right_bindings_get_no_wrong_yes(nest: Nest) -> None:
    block = nest.build()
    if proof(block, nest.loops) is None:
        assert is_exact(block, nest.loops), nest.history


@settings(max_examples=600, deadline=None)
@given(st.data(), st.one_of(scheduled_nests(), nudged_nests(), wild_nests()))
def test_staged_blocks_reach_points_at_most_once(data: st.DataObject, nest: Nest) -> None:
    outer = data.draw(st.integers(0, len(nest.loops)))
    block = nest.build()
    if proof(block, nest.loops[outer:], staged=True) is None:
        for counts in runs(block, nest.loops, outer):
            assert not counts or max(counts.values()) == 1, nest.history


@settings(max_examples=300, deadline=None)
@given(st.data(), scheduled_nests(in_order=True))
def test_staged_blocks_of_schedules_are_proven(data: st.DataObject, nest: Nest) -> None:
    # Each binding may mix loops inside and outside as digits of one source only where coalesce made them so.
    outer = data.draw(st.integers(0, len(nest.loops)))
    fixed = {loop.induction_variable for loop in nest.loops[:outer]}
    forms = [*nest.bindings, *(form for form, _ in nest.predicates)]
    assume(all(form.split(lambda value: value not in fixed) is not None for form in forms))
    block = nest.build()
    enumerated = all(not c or max(c.values()) == 1 for c in runs(block, nest.loops, outer))
    assert enumerated
    assert proof(block, nest.loops[outer:], staged=True) is None


def test_a_loop_that_an_outer_tail_bounds_is_proven() -> None:
    """18 points by tiles of 4 and then of 2: `2*x + y < 18` says `x < 9`, and bindings take `x` apart."""
    nest = Nest.naive([3, 6], [SPATIAL, SPATIAL])
    nest.coalesce(0)
    nest.tile(0, 4)
    nest.coalesce(0)
    nest.tile(0, 2)
    block = nest.build()
    assert is_exact(block, nest.loops)
    assert proof(block, nest.loops) is None
    assert proof(block, nest.loops, staged=True) is None


@settings(max_examples=600, deadline=None)
@given(st.data(), st.booleans(), st.one_of(scheduled_nests(), nudged_nests(), wild_nests(), naive_nests()))
def test_plain_sums_need_no_whole_proof(data: st.DataObject, staged: bool, nest: Nest) -> None:
    """What is found quickly for sums of loops is what the whole proof finds."""
    outer = data.draw(st.integers(0, len(nest.loops)))
    block = nest.build()
    found = proof(block, nest.loops[outer:], staged=staged)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(iteration, "_plain_sums", lambda *_: None)
        assert proof(block, nest.loops[outer:], staged=staged) == found, nest.history


# Rules on the kinds of iterators


def _matmul_like(kinds: Sequence[IteratorKind]) -> Nest:
    return Nest.naive([4, 6], kinds)


def test_reduce_loops_bind_no_spatial_iterator() -> None:
    nest = _matmul_like([SPATIAL, REDUCE])
    nest.coalesce(0)
    assert proof(nest.build(), nest.loops) == "expected loops of reduce iterators to bind no other iterator"


def test_reduce_loops_lie_within_the_lifetime() -> None:
    nest = _matmul_like([SPATIAL, REDUCE])
    nest.interchange([1, 0])
    block = nest.build()
    # Each lifetime may hold a part of the sums, unless the block begins them anew.
    assert proof(block, nest.loops[1:], staged=True) is None
    block.body.block.add_op(InitOp())
    message = proof(block, nest.loops[1:], staged=True)
    assert message is not None and message.startswith("expected a reduce binding that starts at 0")


@pytest.mark.parametrize("position", [0, 1])
def test_reduce_loops_may_be_tiled_on_their_own(position: int) -> None:
    nest = _matmul_like([SPATIAL, REDUCE])
    nest.tile(position, 4)
    nest.interchange([2, 0, 1])
    assert proof(nest.build(), nest.loops) is None


def test_regions_are_kept_alive() -> None:
    # A block whose region is given, as the parser makes it.
    block = BlockOp("b", [SPATIAL], [3], AffineMap(0, 0, to_affine_map([Lin(0)])[0].results), [])
    assert isinstance(block.body, Region)
    assert proof(block, []) == "expected a spatial iterator of extent 3 to be covered, got 1 values"
