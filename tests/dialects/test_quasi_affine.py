"""Every simplification of `dialects/quasi_affine.py` against evaluation at every point of small ranges."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepwell.dialects.quasi_affine import (
    ZERO,
    Bounds,
    Digit,
    Interval,
    Lin,
    atom_range,
    from_affine,
    to_affine_map,
)
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, SSAValue
from xdsl.ir.affine import AffineBinaryOpExpr, AffineBinaryOpKind, AffineDimExpr, AffineExpr

_RANK = 3
_BLOCK = Block(arg_types=[IndexType()] * (2 * _RANK))
VALUES: tuple[SSAValue, ...] = tuple(_BLOCK.args[:_RANK])
"""The values that random forms are over."""
FRESH: tuple[SSAValue, ...] = tuple(_BLOCK.args[_RANK:])
"""Values that replace them."""

Point = Mapping[SSAValue, int]


@dataclass(frozen=True)
class Expr:
    """A random expression: how it is evaluated, and how it is built as a form."""

    text: str
    evaluate: Callable[[Point], int]
    build: Callable[[Bounds], Lin]
    affine: AffineExpr

    def __repr__(self) -> str:
        return self.text


def evaluate(form: Lin, point: Point) -> int:
    """The value of a form at a point."""
    total = form.const
    for atom, coefficient in form.terms.items():
        if isinstance(atom, Digit):
            value = evaluate(atom.inner, point) // atom.divisor
            if atom.modulus is not None:
                value %= atom.modulus
        else:
            value = point[atom]
        total += coefficient * value
    return total


def points(intervals: Mapping[SSAValue, Interval]) -> Iterator[Point]:
    """Every point of a box."""
    axes = [range(lo, hi + 1) for lo, hi in intervals.values()]
    for values in itertools.product(*axes):
        yield dict(zip(intervals, values, strict=True))


def _variable(position: int) -> Expr:
    value = VALUES[position]
    return Expr(f"v{position}", lambda p: p[value], lambda _: Lin.of(value), AffineDimExpr(position))


def _constant(value: int) -> Expr:
    return Expr(str(value), lambda _: value, lambda _: Lin(value), AffineExpr.constant(value))


def _sum(a: Expr, b: Expr) -> Expr:
    return Expr(
        f"({a} + {b})", lambda p: a.evaluate(p) + b.evaluate(p), lambda s: a.build(s) + b.build(s), a.affine + b.affine
    )


def _difference(a: Expr, b: Expr) -> Expr:
    return Expr(
        f"({a} - {b})", lambda p: a.evaluate(p) - b.evaluate(p), lambda s: a.build(s) - b.build(s), a.affine - b.affine
    )


def _product(a: Expr, factor: int) -> Expr:
    return Expr(f"({a} * {factor})", lambda p: a.evaluate(p) * factor, lambda s: a.build(s) * factor, a.affine * factor)


def _floordiv(a: Expr, divisor: int) -> Expr:
    return Expr(
        f"({a} // {divisor})",
        lambda p: a.evaluate(p) // divisor,
        lambda s: a.build(s).floordiv(divisor, s),
        a.affine // divisor,
    )


def _mod(a: Expr, modulus: int) -> Expr:
    return Expr(
        f"({a} % {modulus})",
        lambda p: a.evaluate(p) % modulus,
        lambda s: a.build(s).mod(modulus, s),
        a.affine % modulus,
    )


_DIVISORS = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 12])
_FACTORS = st.sampled_from([-6, -4, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12])
_LEAVES = st.one_of(
    st.integers(0, _RANK - 1).map(_variable),
    st.integers(0, _RANK - 1).map(_variable),
    st.integers(-9, 9).map(_constant),
)


def _extend(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(_sum, inner, inner),
        st.builds(_difference, inner, inner),
        st.builds(_product, inner, _FACTORS),
        st.builds(_floordiv, inner, _DIVISORS),
        st.builds(_mod, inner, _DIVISORS),
    )


EXPRS = st.recursive(_LEAVES, _extend, max_leaves=7)


@st.composite
def _boxes(draw: st.DrawFn, values: tuple[SSAValue, ...] = VALUES) -> dict[SSAValue, Interval]:
    box: dict[SSAValue, Interval] = {}
    for value in values:
        lo = draw(st.sampled_from([0, 0, 0, 1, -3]))
        box[value] = (lo, lo + draw(st.integers(0, 6)))
    return box


@st.composite
def _partial(draw: st.DrawFn, box: dict[SSAValue, Interval]) -> Bounds:
    """Bounds that know some of the values only."""
    known = {value: interval for value, interval in box.items() if draw(st.integers(0, 4))}
    return known.get


@settings(max_examples=600, deadline=None)
@given(st.data(), EXPRS, _boxes())
def test_forms_mean_what_they_were_built_from(data: st.DataObject, expr: Expr, box: dict[SSAValue, Interval]) -> None:
    bounds = data.draw(_partial(box))
    form = expr.build(bounds)
    assert 0 not in form.terms.values()
    for point in points(box):
        assert evaluate(form, point) == expr.evaluate(point), (form, point)


@settings(max_examples=600, deadline=None)
@given(st.data(), EXPRS, _boxes())
def test_ranges_hold(data: st.DataObject, expr: Expr, box: dict[SSAValue, Interval]) -> None:
    bounds = data.draw(_partial(box))
    form = expr.build(bounds)
    interval = form.range(bounds)
    if interval is None:
        return
    for point in points(box):
        assert interval[0] <= evaluate(form, point) <= interval[1], (form, point)
    for atom in form.terms:
        part = atom_range(atom, bounds)
        assert part is not None
        for point in points(box):
            assert part[0] <= evaluate(Lin(0, {atom: 1}), point) <= part[1], (atom, point)


@settings(max_examples=600, deadline=None)
@given(st.data(), EXPRS, _boxes())
def test_affine_maps_round_trip(data: st.DataObject, expr: Expr, box: dict[SSAValue, Interval]) -> None:
    bounds = data.draw(_partial(box))
    form = from_affine(expr.affine, [Lin.of(value) for value in VALUES], bounds)
    map, values = to_affine_map([form, form + 1])
    assert values == form.values()
    assert from_affine(map.results[0], [Lin.of(value) for value in values], bounds) == form
    for point in points(box):
        expected = expr.evaluate(point)
        assert evaluate(form, point) == expected, (form, point)
        assert list(map.eval([point[value] for value in values], [])) == [expected, expected + 1]


@settings(max_examples=600, deadline=None)
@given(st.data(), EXPRS, _boxes(), _boxes(FRESH))
def test_substitution_commutes_with_evaluation(
    data: st.DataObject, expr: Expr, box: dict[SSAValue, Interval], fresh: dict[SSAValue, Interval]
) -> None:
    # Replace values by sums of fresh ones whose range lies inside of the replaced value's.
    replacement: dict[SSAValue, Lin] = {}
    for value in VALUES:
        if not data.draw(st.booleans()):
            continue
        form = Lin(data.draw(st.integers(-2, 2)))
        for other in FRESH:
            form = form + Lin.of(other) * data.draw(st.sampled_from([0, 1, 2, 6]))
        interval = form.range(fresh.get)
        assert interval is not None
        box[value] = interval
        replacement[value] = form
    bounds = {**box, **fresh}.get
    form = expr.build(bounds)
    result = form.substitute(replacement, bounds)
    rest = {value: box[value] for value in VALUES if value not in replacement}
    for point in itertools.islice(points({**fresh, **rest}), 0, 40000, data.draw(st.sampled_from([7, 11]))):
        before = {**point, **{value: evaluate(form, point) for value, form in replacement.items()}}
        assert evaluate(result, point) == evaluate(form, before), (form, replacement, point)


@settings(max_examples=200, deadline=None)
@given(EXPRS, _boxes(), st.integers(0, _RANK - 1))
def test_split_parts_add_up(expr: Expr, box: dict[SSAValue, Interval], position: int) -> None:
    form = expr.build(box.get)
    parts = form.split(lambda value: value is VALUES[position])
    if parts is None:
        assert any(isinstance(atom, Digit) for atom in form.terms)
        return
    outer, inner = parts
    assert outer + inner == form and inner.const == 0
    assert VALUES[position] not in outer.values()
    assert set(inner.values()) <= {VALUES[position]}


@settings(max_examples=200, deadline=None)
@given(EXPRS, EXPRS, _boxes())
def test_equal_forms_are_equal_functions(a: Expr, b: Expr, box: dict[SSAValue, Interval]) -> None:
    left, right = a.build(box.get), b.build(box.get)
    assert (left - right) + right == left
    if left == right:
        assert hash(left) == hash(right)
        assert all(evaluate(left, point) == evaluate(right, point) for point in points(box))


@settings(max_examples=200, deadline=None)
@given(EXPRS, _boxes(), st.integers(0, _RANK - 1))
def test_a_coefficient_is_the_growth(expr: Expr, box: dict[SSAValue, Interval], position: int) -> None:
    form, value = expr.build(box.get), VALUES[position]
    step = form.coefficient(value)
    if step is None:
        return
    for point in points(box):
        if point[value] < box[value][1]:
            assert evaluate(form, {**point, value: point[value] + 1}) - evaluate(form, point) == step


# What schedules build must come back to what it was. x, y are outer and inner loops.

_X, _Y, _Z = (Lin.of(value) for value in VALUES)


def _loops(*extents: int) -> Bounds:
    return {value: (0, extent - 1) for value, extent in zip(VALUES, extents, strict=False)}.get


@pytest.mark.parametrize("divisor", [2, 3, 4, 6, 8])
def test_tiled_loops_give_their_digits_back(divisor: int) -> None:
    bounds = _loops(5, divisor)
    tiled = _X * divisor + _Y
    assert tiled.floordiv(divisor, bounds) == _X
    assert tiled.mod(divisor, bounds) == _Y


def test_coalesced_loops_give_their_digits_back() -> None:
    # z = (x * 4 + y) * 3 + w, coalesced and divided again.
    bounds = _loops(60)
    z = _X
    outer, inner = z.floordiv(12, bounds), z.mod(12, bounds)
    assert outer * 12 + inner == outer * 12 + inner
    assert inner.floordiv(3, bounds) == z.floordiv(3, bounds).mod(4, bounds)
    assert inner.mod(3, bounds) == z.mod(3, bounds)
    assert outer.mod(5, bounds) == outer


def test_tiling_by_a_multiple_of_a_coalesced_digit() -> None:
    # z = x * 12 + y; its digit (z floordiv 4) mod 3 depends on y only.
    bounds = _loops(5, 12)
    z = _X * 12 + _Y
    assert z.floordiv(4, bounds).mod(3, bounds) == _Y.floordiv(4, bounds)
    assert z.floordiv(12, bounds) == _X
    assert z.floordiv(4, bounds) == _X * 3 + _Y.floordiv(4, bounds)


def test_tiling_by_a_divisor_of_a_coalesced_digit() -> None:
    # z = x * 4 + y; z floordiv 12 depends on x only.
    bounds = _loops(9, 4)
    z = _X * 4 + _Y
    assert z.floordiv(12, bounds) == _X.floordiv(3, bounds)
    assert z.mod(12, bounds) == _X.mod(3, bounds) * 4 + _Y


def test_negative_remainders_are_floored() -> None:
    bounds = _loops(8)
    assert (_X - 8).floordiv(8, bounds) == Lin(-1)
    assert (_X - 8).mod(8, bounds) == _X
    assert (_X * -1).mod(8, bounds) != _X


def test_zero_terms_vanish() -> None:
    assert _X - _X == ZERO
    assert _X * 0 == ZERO
    assert (_X + _Y) - _Y == _X


def test_low_digits_are_split_off_at_any_radix() -> None:
    # 4x + 6z + y with y < 2: only the radix 2 divides both.
    bounds = _loops(5, 2, 7)
    form = _X * 4 + _Z * 6 + _Y
    assert form.floordiv(12, bounds) == (_X * 2 + _Z * 3).floordiv(6, bounds)
    assert form.mod(12, bounds) == (_X * 2 + _Z * 3).mod(6, bounds) * 2 + _Y


@pytest.mark.parametrize("kind", [AffineBinaryOpKind.Mul, AffineBinaryOpKind.Mod, AffineBinaryOpKind.FloorDiv])
def test_semi_affine_expressions_are_refused(kind: AffineBinaryOpKind) -> None:
    expr = AffineBinaryOpExpr(kind, AffineDimExpr(0), AffineDimExpr(1))
    with pytest.raises(ValueError, match="expected a quasi-affine expression"):
        from_affine(expr, [_X, _Y], _loops(4, 4))


def test_a_quotient_of_a_quotient_is_one_beside_a_constant() -> None:
    v = Lin.of(VALUES[0])

    def bounds(value: SSAValue) -> Interval | None:
        return 0, 100

    twice = (v - 3).floordiv(2, bounds).floordiv(2, bounds)
    assert twice == (v - 3).floordiv(4, bounds)
