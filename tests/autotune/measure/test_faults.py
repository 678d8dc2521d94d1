"""Candidates that crash, hang, or lie, and workers that are killed or stopped: what is recorded is what happened."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from measured import fault, faulty_build, matmul, tiled
from stepwell.autotune.measure.interface import MeasureInput
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.measure.processes import KILLED, Died, Processes
from stepwell.autotune.trial import Status
from stepwell.errors import CompileError


@pytest.fixture(scope="module")
def measurer() -> Iterator[LocalMeasurer]:
    with LocalMeasurer(1, build=faulty_build, run_seconds=0.6, compile_seconds=1.5, memory=4 << 30) as found:
        yield found


RUNNING = {
    "segfault": (Status.CRASHED, "the process that ran it died: SIGSEGV"),
    "trap": (Status.CRASHED, "the process that ran it died: SIGILL"),
    "abort": (Status.CRASHED, "the process that ran it died: SIGABRT"),
    "exit": (Status.CRASHED, "the process that ran it died: exit code 3"),
    "endless": (Status.TIMEOUT, "expected to end within 0.6 s"),
    "nothing": (Status.WRONG, "elements are wrong"),
    "input": (Status.CRASHED, "the process that ran it died: SIGSEGV"),
    "overrun": (Status.CRASHED, "the process that ran it died: SIGSEGV"),
}
COMPILING = {
    "compiler-segfault": (Status.COMPILE_ERROR, "the compiler's process died: SIGSEGV"),
    "compiler-error": (Status.COMPILE_ERROR, "ZeroDivisionError: two"),
    "compiler-endless": (Status.TIMEOUT, "expected to be compiled within 1.5 s"),
    "compiler-memory": (Status.COMPILE_ERROR, "MemoryError"),
}


@pytest.mark.parametrize("faults", [RUNNING, COMPILING], ids=["running", "compiling"])
def test_each_fault_is_its_own_trial(measurer: LocalMeasurer, faults: dict[str, tuple[Status, str]]):
    inputs = [MeasureInput(tiled(16))]
    for name in faults:
        inputs += [MeasureInput(fault(name)), MeasureInput(tiled(16))]
    trials = measurer.measure(matmul(), inputs)
    assert [trial.status for trial in trials[::2]] == [Status.OK] * (len(faults) + 1)
    for (status, error), trial in zip(faults.values(), trials[1::2], strict=True):
        assert trial.status is status
        assert error in trial.error and "\n" not in trial.error
        assert not trial.times


def workers() -> list[int]:
    return [process.pid for process in multiprocessing.active_children() if process.pid is not None]


@contextmanager
def meanwhile(action: Callable[[int], None], every: float) -> Iterator[None]:
    """Does something to each worker again and again."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every):
            for pid in workers():
                with suppress(ProcessLookupError):
                    action(pid)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def stop_for_long(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1.0)
    os.kill(pid, signal.SIGCONT)


def test_stopped_workers_are_no_slow_candidates(measurer: LocalMeasurer):
    inputs = [MeasureInput(tiled(16)), MeasureInput(tiled(8))] * 4
    measurer.measure(matmul(), inputs[:1])
    with meanwhile(stop_for_long, 0.02):
        trials = measurer.measure(matmul(), inputs)
    assert [trial.status for trial in trials] == [Status.OK] * len(inputs)
    assert max(max(trial.times) for trial in trials) < 0.1


def test_killed_workers_cost_nothing_or_their_candidate(measurer: LocalMeasurer):
    # What is measured several times is compiled once.
    scripts = [text for number in range(4) for text in (f"{fault('slow')}// {number}", tiled(8))]
    inputs = [MeasureInput(text) for text in scripts]
    killed: list[int] = []
    measurer.measure(matmul(), [MeasureInput(tiled(8))])

    def kill(pid: int) -> None:
        if len(killed) < 3:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    with meanwhile(kill, 0.3):
        trials = measurer.measure(matmul(), inputs)
    assert len(killed) == 3
    assert [trial.script for trial in trials] == [each.script for each in inputs]
    assert {trial.status for trial in trials} <= {Status.OK, Status.LOST}
    assert sum(trial.status is Status.OK for trial in trials) >= len(inputs) - 1


def test_workers_that_were_killed_between_batches(measurer: LocalMeasurer):
    measurer.measure(matmul(), [MeasureInput(tiled(16))])
    for pid in workers():
        os.kill(pid, signal.SIGKILL)
    (trial,) = measurer.measure(matmul(), [MeasureInput(tiled(16))])
    assert trial.status is Status.OK


def test_a_reference_whose_process_is_killed_is_made_again(
    measurer: LocalMeasurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, calls = Processes.call, 0

    def killed_once(self: Processes, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return Died(KILLED) if calls == 1 else call(self, *arguments)

    monkeypatch.setattr(Processes, "call", killed_once)
    assert measurer.reference(matmul(8, 4, 2)).signature
    assert calls == 2
    monkeypatch.setattr(Processes, "call", lambda *_: Died(KILLED))
    with pytest.raises(CompileError, match=r"expected a reference for .*, got a process that died: SIGKILL"):
        measurer.reference(matmul(8, 8, 8))
