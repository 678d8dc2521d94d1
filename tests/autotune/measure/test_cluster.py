"""Measuring on a cluster: workers that are lost cost their candidates at most."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from distributed import LocalCluster
from measured import fault, faulty_build, matmul, tiled
from stepwell.autotune.measure.cluster import ClusterMeasurer, label_of
from stepwell.autotune.measure.interface import MeasureInput
from stepwell.autotune.trial import Status, Trial
from stepwell.errors import CompileError


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    label = label_of(matmul())
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        resources={label: 1},
        silence_logs=50,
    ) as found:
        yield found


@pytest.fixture
def measurer(cluster: Any) -> Iterator[ClusterMeasurer]:
    with ClusterMeasurer(cluster.scheduler_address, build=faulty_build, run_seconds=0.6) as found:
        yield found


def test_trials_are_those_of_the_machine(measurer: ClusterMeasurer):
    workload = matmul()
    inputs = [
        MeasureInput(tiled(16), "matmul/lanes", {"lanes": 16}),
        MeasureInput("nonsense"),
        MeasureInput(fault("segfault")),
        MeasureInput(fault("nothing")),
        MeasureInput(tiled(8)),
    ]
    told: dict[int, Trial] = {}
    trials = measurer.measure(workload, inputs, finished=told.__setitem__)
    assert [trial.status for trial in trials] == [
        Status.OK,
        Status.REFUSED,
        Status.CRASHED,
        Status.WRONG,
        Status.OK,
    ]
    assert told == dict(enumerate(trials))
    assert {trial.workload for trial in trials} == {workload.hash}
    assert trials[0].knobs == {"lanes": 16} and trials[0].machine in {"0", "1"}


def test_a_worker_that_is_killed_costs_nothing_else(cluster: Any, measurer: ClusterMeasurer):
    inputs = [MeasureInput(fault("slow")) for _ in range(8)]
    workers = dict(cluster.workers)
    told: list[int] = []

    def finished(position: int, trial: Trial) -> None:
        told.append(position)
        if len(told) == 3:
            os.kill(workers[0].pid, signal.SIGKILL)

    trials = measurer.measure(matmul(), inputs, finished=finished)
    assert sorted(told) == list(range(8)) and len(trials) == 8
    assert {trial.status for trial in trials} <= {Status.OK, Status.LOST}
    assert sum(trial.status is Status.OK for trial in trials) >= 7


def test_no_worker_is_labelled_so(cluster: Any):
    label = label_of(matmul())
    with (
        ClusterMeasurer(cluster.scheduler_address, label="toaster") as measurer,
        pytest.raises(CompileError, match=f"expected a worker with resource 'toaster', got {label}"),
    ):
        measurer.measure(matmul(), [MeasureInput(tiled(8))])


def test_candidates_are_lost_when_no_worker_is_left(cluster: Any):
    """The last one: the workers are gone afterwards."""
    told: list[Status] = []

    def finished(position: int, trial: Trial) -> None:
        told.append(trial.status)
        cluster.scale(0)

    with ClusterMeasurer(cluster.scheduler_address, patience=0.2, build=faulty_build) as measurer:
        trials = measurer.measure(matmul(), [MeasureInput(fault("slow"))] * 20, finished=finished)
    assert [trial.status for trial in trials].count(Status.LOST) > 0
    assert set(told) == {Status.OK, Status.LOST} and len(told) == len(trials) == 20


@pytest.mark.parametrize("address", ["nowhere", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "carrier://127.0.0.1:1", ""])
def test_what_is_no_address_is_refused_at_once(address: str):
    # In a process of its own: a client that was made leaves a traceback when it ends.
    code = f"""
import time
from stepwell.autotune.measure.cluster import ClusterMeasurer
from stepwell.errors import CompileError
start = time.monotonic()
try:
    ClusterMeasurer({address!r})
except CompileError as error:
    print(time.monotonic() - start < 10, error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.startswith(f"True expected a Dask scheduler at '{address}', got: ")
    assert not ended.stderr
