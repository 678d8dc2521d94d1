"""Measuring on this machine: each candidate gets its own trial, whatever it does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from measured import LOOPS, matmul, script, tiled
from stepwell.autotune.measure.interface import MeasureInput
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.measure.timing import Effort
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


def test_a_first_call_alone_says_nothing_of_short_ones(measurer: LocalMeasurer):
    # Looking at clocks takes longer than the best: that must not look like a slow candidate.
    workload = matmul()
    (known,) = measurer.measure(workload, [MeasureInput(tiled(16))])
    (trial,) = measurer.measure(workload, [MeasureInput(tiled(16))], best_seconds=1e-8)
    assert len(trial.times) >= 3 and trial.seconds < 3 * known.seconds


def test_a_script_may_be_measured_several_times(measurer: LocalMeasurer):
    good, bad = MeasureInput(tiled(16)), MeasureInput("nonsense")
    trials = measurer.measure(matmul(), [good, bad, good, bad])
    assert [trial.status for trial in trials] == [Status.OK, Status.REFUSED] * 2
    # It was compiled once.
    assert trials[0].compile_seconds == trials[2].compile_seconds
    assert trials[1].error == trials[3].error


def test_nothing_to_measure(measurer: LocalMeasurer):
    assert measurer.measure(matmul(), []) == []


def test_parallel_loops_run_on_the_threads_of_the_target(measurer: LocalMeasurer):
    workload = matmul(64, 64, 64, threads=2)
    parallel = script(*LOOPS, "sched.parallelize %i : !op")
    (trial,) = measurer.measure(workload, [MeasureInput(parallel)])
    assert trial.status is Status.OK, trial.error


def test_caches_are_emptied_if_that_is_wanted():
    with LocalMeasurer(1, effort=Effort(flush_bytes=1 << 20)) as measurer:
        (trial,) = measurer.measure(matmul(), [MeasureInput(tiled(16))])
    assert trial.status is Status.OK and len(trial.times) >= 3


def test_a_script_without_primitives_is_the_shipped_schedule(measurer: LocalMeasurer):
    (trial,) = measurer.measure(matmul(), [MeasureInput(script())])
    assert trial.status is Status.OK


def test_shipped_sequences_may_be_included(measurer: LocalMeasurer):
    include = script(
        '%f = transform.structured.match ops{["func.func"]} in %root : (!op) -> !op',
        "transform.include @schedule_kernel failures(propagate) (%f) : (!op) -> ()",
    )
    (trial,) = measurer.measure(matmul(), [MeasureInput(include)])
    assert trial.status is Status.OK, trial.error


def test_a_script_does_not_begin_with_the_shipped_schedule(measurer: LocalMeasurer):
    (trial,) = measurer.measure(matmul(), [MeasureInput("module attributes {transform.with_named_sequence} {}")])
    assert trial.status is Status.REFUSED
    assert "__transform_main" in trial.error


def test_a_script_that_runs_passes(measurer: LocalMeasurer):
    (trial,) = measurer.measure(
        matmul(), [MeasureInput(script('%m = transform.apply_registered_pass "cse" to %root : (!op) -> !op'))]
    )
    assert trial.status is Status.OK, trial.error


def test_a_script_of_a_user_needs_no_guard(tmp_path: Path):
    """Workers do not import the main module, in which the tuner may be running."""
    program = tmp_path / "program.py"
    program.write_text(
        f"""
import sys
print("once", flush=True)
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from measured import matmul, tiled
from stepwell.autotune.measure.interface import MeasureInput
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.measure.timing import Effort
with LocalMeasurer(2) as measurer:
    print(measurer.measure(matmul(), [MeasureInput(tiled(8))])[0].status.value)
"""
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["once", "ok"], done.stderr
