"""Layouts that are accepted give each element a place of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stepwell.backends.registry import make_context
from stepwell.dialects.layout import LayoutAttr, aligned_shape, layout_failure, packed_shape, tiled_layout
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException


@st.composite
def terms(draw: st.DrawFn, rank: int) -> AffineExpr:
    """A dimension, taken apart or not."""
    expr = AffineExpr.dimension(draw(st.integers(0, rank - 1)))
    for _ in range(draw(st.integers(0, 2))):
        size = draw(st.integers(1, 5))
        expr = draw(st.sampled_from([expr // size, expr % size, expr * size, expr + (size - 1)]))
    return expr


@st.composite
def maps(draw: st.DrawFn) -> tuple[tuple[int, ...], AffineMap]:
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    results: list[AffineExpr] = []
    for _ in range(draw(st.integers(1, 4))):
        expr = draw(terms(len(shape)))
        if draw(st.booleans()):
            expr = expr * draw(st.integers(1, 6)) + draw(terms(len(shape)))
        results.append(expr)
    return shape, AffineMap(len(shape), 0, tuple(results))


@given(maps())
def test_accepted_layouts_keep_elements_apart(case: tuple[tuple[int, ...], AffineMap]) -> None:
    shape, layout = case
    if layout_failure(layout, shape) is not None:
        return
    packed = packed_shape(layout, shape)
    places = {tuple(layout.eval(index, [])) for index in np.ndindex(*shape)}
    assert len(places) == math.prod(shape)
    assert all(0 <= i < extent for place in places for i, extent in zip(place, packed, strict=True))


@given(st.data())
def test_tiles_are_accepted(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    rank = len(shape)
    positions = data.draw(st.lists(st.integers(0, rank - 1), unique=True))
    tiles = [data.draw(st.integers(1, 64)) for _ in positions]
    layout = tiled_layout(rank, data.draw(st.permutations(range(rank))), positions, tiles)
    assert layout_failure(layout, shape) is None
    assert packed_shape(layout, shape)[rank:] == tuple(tiles)


@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=4),
    st.dictionaries(st.integers(0, 3), st.tuples(st.integers(1, 16), st.integers(0, 15))),
)
def test_aligned_strides(shape: list[int], alignments: dict[int, tuple[int, int]]) -> None:
    wanted = {d: (factor, offset % factor) for d, (factor, offset) in alignments.items()}
    padded = aligned_shape(shape, range(len(shape)), wanted)
    if padded is None:
        return
    assert padded[0] == shape[0]
    assert all(new >= old for new, old in zip(padded, shape, strict=True))
    for d in range(len(shape) - 1):
        factor, offset = wanted.get(d, (1, 0))
        assert math.prod(padded[d + 1 :]) % factor == offset


def test_attribute() -> None:
    layout = LayoutAttr.of((40, 9), tiled_layout(2, [1, 0], [0], [16]))
    assert Parser(make_context(), str(layout)).parse_attribute() == layout
    assert str(layout) == "#loop.layout<[40, 9], affine_map<(d0, d1) -> (d1, (d0 floordiv 16), (d0 mod 16))>>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#loop.layout<[4, 0], affine_map<(i, j) -> (j, i)>>", "expected positive extents, got [4, 0]"),
        ("#loop.layout<[4], affine_map<(i, j) -> (j, i)>>", "expected a layout of 1 dimensions"),
        ("#loop.layout<[4, 4], affine_map<(i, j) -> (i)>>", "keeps the elements of dimension 1 apart"),
        ("#loop.layout<[4, 4], affine_map<(i, j) -> (i - 1, j)>>", "expected result 0 of the layout not below 0"),
        ("#loop.layout<[4, 4], affine_map<(i, j) -> (i floordiv 0, j)>>", "expected a quasi-affine expression"),
        ("#loop.layout<[4, 4], 3 : i32>", "expected an affine map"),
    ],
)
def test_invalid_attribute(text: str, message: str) -> None:
    with pytest.raises((VerifyException, ParseError), match=message.replace("[", r"\[").replace("]", r"\]")):
        Parser(make_context(), text).parse_attribute()
