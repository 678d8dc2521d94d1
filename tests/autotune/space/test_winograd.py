"""Winograd's algorithm on small images."""

from __future__ import annotations

import pytest
from space_candidates import check, winograd_workload


@pytest.mark.parametrize("algorithm", ["winograd-2", "winograd-4"])
def test_winograd(algorithm: str) -> None:
    space = check(winograd_workload(algorithm, 1, 5, 40, 11), "winograd", 2)
    knobs = {knob.name for sketch in space.sketches for knob in sketch.knobs}
    assert {"lines", "columns", "vectors", "rows", "step"} <= knobs
