"""Measuring on this machine: each candidate gets its own trial, whatever it does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from measured import LOOPS, matmul, script, tiled
from stepwell.autotune.measure.interface import MeasureInput
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.trial import Status, Trial


@pytest.fixture(scope="module")
def measurer() -> Iterator[LocalMeasurer]:
    with LocalMeasurer(1) as found:
        yield found


def test_trials_come_in_order_and_one_by_one(measurer: LocalMeasurer):
    workload = matmul()
    inputs = [
        MeasureInput(tiled(16), "matmul/lanes", {"lanes": 16}, 1.5),
        MeasureInput(script(*LOOPS, "%o, %p = sched.tile %i tile_sizes [0] : (!op) -> (!op, !op)")),
        MeasureInput(tiled(8), "matmul/lanes", {"lanes": 8}),
        MeasureInput("nonsense"),
    ]
    told: dict[int, Trial] = {}
    trials = measurer.measure(workload, inputs, finished=told.__setitem__)
    assert [trial.status for trial in trials] == [Status.OK, Status.REFUSED, Status.OK, Status.REFUSED]
    assert told == dict(enumerate(trials))
    assert [trial.script for trial in trials] == [each.script for each in inputs]
    first = trials[0]
    assert (first.workload, first.sketch, first.knobs, first.predicted) == (
        workload.hash, "matmul/lanes", {"lanes": 16}, 1.5,
    )  # fmt: skip
    assert len(first.times) >= 3 and 0 < first.seconds < 1e-3
    assert first.compile_seconds > 0 and first.measured_at > 0 and first.machine
    assert trials[1].error == "<script>:5:5: expected a positive tile size, got 0"
    assert trials[3].error.startswith("<script>:1:1: ") and "\n" not in trials[3].error


def test_nothing_to_measure(measurer: LocalMeasurer):
    assert measurer.measure(matmul(), []) == []
