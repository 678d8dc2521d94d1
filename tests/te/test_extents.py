"""Extents: a normal form that means what was written."""

from __future__ import annotations

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from stepwell.dialects.extents import Extent, parse_extent
from stepwell.errors import CompileError
from xdsl.context import Context
from xdsl.parser import Parser

n, m = Extent.symbol("n"), Extent.symbol("m")
SIZES = st.fixed_dictionaries({"n": st.integers(1, 12), "m": st.integers(1, 12)})


@given(strategies.extents(), strategies.extents(), SIZES, st.integers(1, 6), st.integers(-4, 4))
def test_operations_are_those_of_integers(a, b, sizes, divisor, factor):
    x, y = a.evaluate(sizes), b.evaluate(sizes)
    assert (a + b).evaluate(sizes) == x + y
    assert (a - b).evaluate(sizes) == x - y
    assert (a * factor).evaluate(sizes) == x * factor
    assert (a // divisor).evaluate(sizes) == x // divisor
    assert (a % divisor).evaluate(sizes) == x % divisor
    assert (3 - a).evaluate(sizes) == 3 - x


@given(strategies.extents(), SIZES)
def test_substitution_is_evaluation(extent, sizes):
    assert extent.substitute(sizes) == Extent.of(extent.evaluate(sizes))
    one = extent.substitute({"n": sizes["n"]})
    assert "n" not in set(one.symbols())
    assert one.evaluate(sizes) == extent.evaluate(sizes)


@given(strategies.extents(), SIZES)
def test_the_lower_bound_is_one(extent, sizes):
    bound = extent.lower_bound()
    assert bound is None or bound <= extent.evaluate(sizes)


@given(strategies.extents())
def test_text_reads_back(extent):
    assert parse_extent(Parser(Context(), str(extent))) == extent


def test_equal_extents_are_equal():
    assert n + m - 3 + n == 2 * n + m - 3
    assert (4 * n + 6) // 2 == 2 * n + 3
    assert (n * 4 + 1) % 4 == Extent.of(1)
    assert hash(n + m) == hash(m + n)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: n * m, r"expected an affine extent, got \(n\) \* \(m\)"),
        (lambda: n // 0, "expected a positive integer to divide an extent by, got 0"),
        (lambda: n % -2, "expected a positive integer to divide an extent by, got -2"),
    ],
)
def test_what_is_not_affine_is_refused(make, message):
    with pytest.raises(CompileError, match=message):
        make()
