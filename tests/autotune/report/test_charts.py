"""Charts: scales, ticks, and what they are made of."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stepwell.autotune.report.charts import Chart, Scale, bars

numbers = st.floats(1e-9, 1e9)


@given(st.lists(numbers, min_size=1, max_size=20), st.booleans())
def test_all_values_are_on_the_scale(values: list[float], logarithmic: bool) -> None:
    scale = Scale.around(values, 0.0, 100.0, logarithmic=logarithmic)
    assert all(-1e-6 <= scale(value) <= 100 + 1e-6 for value in values)


@given(numbers, numbers, st.booleans())
def test_ticks_are_few_and_on_the_scale(a: float, b: float, logarithmic: bool) -> None:
    scale = Scale.around([a, b], 0.0, 100.0, logarithmic=logarithmic)
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 30
    assert ticks == sorted(ticks)
    assert all(-1e-6 <= scale(tick) <= 100 + 1e-6 for tick in ticks)


def test_even_ticks_are_round() -> None:
    assert Scale(0.0, 106.0, 0, 1).ticks() == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]


def test_what_is_not_finite_is_left_out_of_scales() -> None:
    scale = Scale.around([1.0, math.inf, math.nan, 2.0], 0, 1)
    assert math.isfinite(scale.low) and scale.high < 3


@pytest.mark.parametrize("text", ["a < b & c", "<script>alert(1)</script>"])
def test_charts_are_well_formed_whatever_their_texts(text: str) -> None:
    chart = Chart.of([0.0, 3.0], [1.0, 2.0], text, text)
    chart.points([(1.0, 1.5, text)])
    chart.steps([(0.0, 1.0), (2.0, 2.0)])
    chart.level(1.2, text)
    chart.label(1.0, 1.0, text)
    for svg in (chart.svg(text), bars([(text, 1.0, text), ("negative", -1.0, "")], text)):
        root = ElementTree.fromstring(svg)
        assert root.attrib["aria-label"] == text
        assert all(element.tag != "script" for element in root.iter())


def test_steps_keep_their_height_until_the_next_point() -> None:
    chart = Chart.of([0.0, 2.0], [0.0, 1.0], "x", "y")
    chart.steps([(0.0, 0.0), (2.0, 1.0)])
    line = ElementTree.fromstring(f"<g>{chart.marks[0]}</g>")[0]
    corners = [tuple(map(float, corner.split(","))) for corner in line.attrib["points"].split()]
    assert len(corners) == 3
    assert corners[0][1] == corners[1][1] and corners[1][0] == corners[2][0]
