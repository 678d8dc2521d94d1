"""The proof that reads are in bounds, against evaluation at every point of small domains."""

from __future__ import annotations

import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st
from stepwell.dialects.quasi_affine import Digit, Lin
from stepwell.dialects.scalar import Constraints, affine_conjuncts
from xdsl.dialects.arith import AndIOp, CmpiOp, ConstantOp, OrIOp, XOrIOp
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block

RANK = 3
BLOCK = Block(arg_types=[IndexType()] * RANK)
VALUES = tuple(BLOCK.args)


def is_iterator(value):
    return value in VALUES


@st.composite
def forms(draw, extents, depth=2):
    """Quasi-affine forms whose values lie in `0..extent-1`."""
    bounds = bounds_of(extents)
    form = Lin(draw(st.integers(-6, 6)))
    for value in draw(st.lists(st.sampled_from(VALUES), max_size=3)):
        form = form + Lin.of(value) * draw(st.integers(-3, 3))
    if depth and draw(st.booleans()):
        inner = draw(forms(extents, depth - 1))
        divisor = draw(st.integers(1, 4))
        digit = inner.floordiv(divisor, bounds) if draw(st.booleans()) else inner.mod(divisor, bounds)
        form = form + digit * draw(st.integers(-2, 2))
    return form


def bounds_of(extents):
    return lambda value: (0, extents[VALUES.index(value)] - 1)


def evaluate(form, point):
    total = form.const
    for atom, factor in form.terms.items():
        if isinstance(atom, Digit):
            inner = evaluate(atom.inner, point) // atom.divisor
            value = inner if atom.modulus is None else inner % atom.modulus
        else:
            value = point[VALUES.index(atom)]
        total += factor * value
    return total


@st.composite
def problems(draw):
    extents = tuple(draw(st.lists(st.integers(1, 5), min_size=RANK, max_size=RANK)))
    facts = draw(st.lists(forms(extents), max_size=4))
    return extents, facts, draw(forms(extents))


@settings(max_examples=300)
@given(problems())
def test_intervals_hold_wherever_the_facts_do(problem):
    extents, facts, form = problem
    interval = Constraints(facts, bounds_of(extents)).range(form)
    for point in itertools.product(*map(range, extents)):
        if all(evaluate(fact, point) >= 0 for fact in facts):
            assert interval is not None, "the facts hold somewhere"
            assert interval[0] <= evaluate(form, point) <= interval[1]


def test_a_fact_about_the_form_itself_is_used():
    i, j, k = map(Lin.of, VALUES)
    at = i * 2 + j - k - 1
    bounds = bounds_of((9, 9, 9))
    assert Constraints([at, (at * -1) + 6], bounds).range(at) == (0, 6)
    assert Constraints([at, (at * -1) + 6], bounds).range(at.floordiv(2, bounds)) == (0, 3)


def test_facts_that_cannot_hold_leave_nothing():
    i = Lin.of(VALUES[0])
    assert Constraints([i - 5], bounds_of((4, 1, 1))).range(i) is None
    assert Constraints([Lin(-1)], bounds_of((4, 1, 1))).range(i) is None


PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
OPERATIONS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "slt": lambda a, b: a < b,
    "sle": lambda a, b: a <= b,
    "sgt": lambda a, b: a > b,
    "sge": lambda a, b: a >= b,
    "ult": lambda a, b: a % 2**64 < b % 2**64,
    "ule": lambda a, b: a % 2**64 <= b % 2**64,
    "ugt": lambda a, b: a % 2**64 > b % 2**64,
    "uge": lambda a, b: a % 2**64 >= b % 2**64,
}


@st.composite
def conditions(draw, depth=3):
    """The value of a condition, and a function that evaluates it at a point."""
    if depth == 0 or draw(st.booleans()):
        predicate = draw(st.sampled_from(PREDICATES))
        lhs = draw(st.sampled_from(range(RANK)))
        constant = draw(st.integers(-2, 6))
        compare = CmpiOp(VALUES[lhs], ConstantOp.from_int_and_width(constant, IndexType()), predicate)
        return compare.result, lambda point: OPERATIONS[predicate](point[lhs], constant)
    left, left_value = draw(conditions(depth - 1))
    kind = draw(st.sampled_from(["and", "or", "not"]))
    if kind == "not":
        true = ConstantOp.from_int_and_width(1, 1)
        return XOrIOp(left, true).result, lambda point: not left_value(point)
    right, right_value = draw(conditions(depth - 1))
    if kind == "and":
        return AndIOp(left, right).result, lambda point: left_value(point) and right_value(point)
    return OrIOp(left, right).result, lambda point: left_value(point) or right_value(point)


@settings(max_examples=200)
@given(conditions(), st.booleans())
def test_conjuncts_follow_from_the_condition(condition, negated):
    value, holds = condition
    extents = (5, 5, 5)
    facts = affine_conjuncts(value, is_iterator, bounds_of(extents), negated=negated)
    for point in itertools.product(*map(range, extents)):
        if holds(point) != negated:
            assert all(evaluate(fact, point) >= 0 for fact in facts)


@example(0)
@given(st.integers(-2, 6))
def test_conjunctions_of_comparisons_are_all_used(constant):
    """The facts of `i < c and j >= c` say just that: nothing is left out."""
    limit = ConstantOp.from_int_and_width(constant, IndexType())
    both = AndIOp(CmpiOp(VALUES[0], limit, "slt").result, CmpiOp(VALUES[1], limit, "sge").result)
    facts = affine_conjuncts(both.result, is_iterator, bounds_of((5, 5, 5)))
    for point in itertools.product(range(5), repeat=RANK):
        assert all(evaluate(fact, point) >= 0 for fact in facts) == (point[0] < constant <= point[1])
