"""The tuner's loop, with times that are a formula of knobs."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import synthetic_space as synthetic
from stepwell.autotune.database.store import Database
from stepwell.autotune.measure.interface import MeasureInput
from stepwell.autotune.progress import KernelState, TuneReport, reason_of
from stepwell.autotune.search.evolutionary import EvolutionarySearch
from stepwell.autotune.search.genetic import GeneticSearch
from stepwell.autotune.search.random import RandomSearch
from stepwell.autotune.space.sketch import Candidate, Space
from stepwell.autotune.trial import Status, Trial
from stepwell.autotune.tuner import Limits, Search, tune
from stepwell.autotune.workload import Workload
from stepwell.errors import ArgumentError, CompileError


def run(
    measurer: synthetic.FakeMeasurer,
    limits: Limits,
    *,
    workloads: list[Workload] | None = None,
    database: Database | None = None,
    seed: int = 0,
    searcher: type = EvolutionarySearch,
    shipped: bool = True,
    progress: object = None,
    **space: int,
) -> TuneReport:
    return tune(
        workloads or [synthetic.workload()],
        measurer=measurer,
        limits=limits,
        search=Search(searcher, synthetic.Ridge, lambda _: (synthetic.matrix, None), shipped=shipped),
        seed=seed,
        database=database,
        spaces=lambda workload: synthetic.space(workload, **space),
        progress=progress,
    )


def scripts(measurer: synthetic.FakeMeasurer) -> list[str]:
    return [each.script for each in measurer.measured]


def test_the_best_is_found_and_is_faster_than_what_is_shipped():
    report = run(measurer := synthetic.FakeMeasurer(), Limits(trials_per_kernel=64))
    (kernel,) = report.kernels
    assert kernel.trials == report.trials == 64
    assert kernel.best is not None and kernel.best.sketch == "test/s1"
    assert kernel.shipped is not None and kernel.shipped.seconds == measurer.shipped_seconds
    assert kernel.speedup is not None and kernel.speedup > 1.5
    assert kernel.done


def test_guided_search_beats_chance():
    guided = run(synthetic.FakeMeasurer(noise=0.02), Limits(trials=64))
    chance = run(synthetic.FakeMeasurer(noise=0.02), Limits(trials=256), searcher=RandomSearch)
    assert guided.kernels[0].seconds < chance.kernels[0].seconds


def test_one_seed_measures_the_same():
    first, second = synthetic.FakeMeasurer(), synthetic.FakeMeasurer()
    run(first, Limits(trials=40), seed=3)
    run(second, Limits(trials=40), seed=3)
    assert scripts(first) == scripts(second)


def test_the_first_batches_are_small():
    run(measurer := synthetic.FakeMeasurer(), Limits(trials=64))
    assert measurer.batches[:4] == [1, 4, 4, 4]
    assert max(measurer.batches) <= 16


def test_what_is_shipped_comes_first_and_may_win():
    measurer = synthetic.FakeMeasurer()
    measurer.shipped_seconds = 1e-6
    report = run(measurer, Limits(trials=16))
    assert measurer.measured[0].sketch == "shipped"
    assert report.kernels[0].best is report.kernels[0].shipped is not None
    assert report.kernels[0].speedup == 1.0


def test_within_the_noise_what_is_shipped_wins(tmp_path: Path):
    best = run(synthetic.FakeMeasurer(), Limits(trials=64)).kernels[0].seconds
    measurer = synthetic.FakeMeasurer()
    measurer.shipped_seconds = best * 1.001
    (kernel,) = run(measurer, Limits(trials=64)).kernels
    assert kernel.best is kernel.shipped is not None


def test_without_what_is_shipped():
    report = run(measurer := synthetic.FakeMeasurer(), Limits(trials=16), shipped=False)
    assert all(each.sketch != "shipped" for each in measurer.measured)
    assert report.kernels[0].shipped is None and report.kernels[0].best is not None


def test_nothing_is_measured_twice_but_the_best():
    run(measurer := synthetic.FakeMeasurer(), Limits(trials=60))
    searched = scripts(measurer)[:60]
    assert len(set(searched)) == 60
    assert set(scripts(measurer)[60:]) <= set(searched)


def test_luck_is_measured_again():
    ratios: list[float] = []
    for seed in range(2):
        best = run(synthetic.FakeMeasurer(noise=0.1), Limits(trials=60), seed=seed).kernels[0].best
        assert best is not None and len(best.times) == 3
        ratios.append(best.seconds / synthetic.seconds(best.sketch, best.knobs))
    # Of the fastest of sixty, noise alone would make a fifth.
    assert sum(ratios) / len(ratios) > 0.9


class _Disturbed(synthetic.FakeMeasurer):
    """What is shipped is disturbed when the best are measured again for the first time."""

    def measure(self, workload: Workload, inputs: Sequence[MeasureInput], **rest: Any) -> list[Trial]:
        trials = super().measure(workload, inputs, **rest)
        shipped = [each.sketch == "shipped" for each in inputs]
        if len(inputs) > sum(shipped) > 1 and not self.disturbed:
            self.disturbed = True
            return [
                replace(trial, times=tuple(1.05 * time for time in trial.times)) if mine else trial
                for trial, mine in zip(trials, shipped, strict=True)
            ]
        return trials

    disturbed = False


def test_what_is_hardly_better_meets_what_is_shipped_once_more():
    best = run(synthetic.FakeMeasurer(), Limits(trials=64)).kernels[0].seconds
    measurer = _Disturbed()
    measurer.shipped_seconds = best * 0.99
    (kernel,) = run(measurer, Limits(trials=64)).kernels
    assert measurer.disturbed
    assert kernel.best is kernel.shipped is not None
    assert kernel.best.seconds == pytest.approx(measurer.shipped_seconds)


def test_a_run_goes_on_where_the_last_one_ended(tmp_path: Path):
    with Database(tmp_path / "trials.db") as database:
        run(first := synthetic.FakeMeasurer(), Limits(trials=24), database=database)
        report = run(second := synthetic.FakeMeasurer(), Limits(trials=40), database=database)
        searched = {each.script for each in second.measured[:16]}
        assert not searched & set(scripts(first))
        assert report.kernels[0].recorded == 24 and report.kernels[0].trials == 40
        assert report.trials == 16
        run(third := synthetic.FakeMeasurer(), Limits(trials=40), database=database)
        assert third.measured == []


def test_what_is_recorded_teaches(tmp_path: Path):
    with Database(tmp_path / "trials.db") as database:
        known = run(synthetic.FakeMeasurer(), Limits(trials=48), database=database).kernels[0].seconds
        measurer = synthetic.FakeMeasurer()
        run(measurer, Limits(trials=56), database=database)
        times = [synthetic.seconds(each.sketch, each.knobs) for each in measurer.measured[:8]]
        assert sorted(times)[len(times) // 2] < 1.5 * known


def test_everything_is_recorded(tmp_path: Path):
    workload = synthetic.workload()
    with Database(tmp_path / "trials.db") as database:
        measurer = synthetic.FakeMeasurer()
        measurer.failures = {"test/s0": Status.WRONG}
        report = run(measurer, Limits(trials=32), database=database, workloads=[workload])
        recorded = database.trials(workload)
        assert len({trial.script for trial in recorded}) == 32
        assert {trial.status for trial in recorded} == {Status.OK, Status.WRONG}
        assert report.kernels[0].statuses[Status.WRONG] == sum(t.status is Status.WRONG for t in recorded)
        best = database.best(workload)
        assert best is not None and best.script == report.kernels[0].best.script  # pyright: ignore


def test_a_small_space_ends_a_run():
    report = run(synthetic.FakeMeasurer(), Limits(trials=1000), knobs=1)
    assert report.kernels[0].trials == 17  # and what is shipped
    assert "no more" in report.kernels[0].note


def test_refusals_are_no_trials_but_end_a_run():
    measurer = synthetic.FakeMeasurer()
    measurer.failures = {"test/s0": Status.REFUSED, "test/s1": Status.REFUSED}
    report = run(measurer, Limits(trials=200))
    (kernel,) = report.kernels
    assert kernel.trials == 1 and kernel.best is kernel.shipped is not None
    assert 0 < kernel.statuses[Status.REFUSED] < 200
    assert kernel.note
    # One reason, though the numbers in it differ.
    assert len(kernel.reasons) == 1


def test_an_interrupt_keeps_what_was_found(tmp_path: Path):
    with Database(tmp_path / "trials.db") as database:
        measurer = synthetic.FakeMeasurer(stop_after=30)
        report = run(measurer, Limits(trials=100), database=database)
        assert report.interrupted and report.trials == 30
        assert report.kernels[0].best is not None
        assert len(database.trials()) == 30
        assert "stopped" in str(report)


def test_kernels_share_a_budget_by_gain():
    often, seldom = synthetic.workload(64, calls=100), synthetic.workload(96, calls=1)
    report = run(synthetic.FakeMeasurer(), Limits(trials=120), workloads=[seldom, often])
    trials = {kernel.workload.calls: kernel.trials for kernel in report.kernels}
    assert report.trials == 120
    assert trials[1] >= 8 and trials[100] > 2 * trials[1]


def test_each_kernel_gets_its_trials():
    workloads = [synthetic.workload(extent) for extent in (64, 96, 128)]
    report = run(synthetic.FakeMeasurer(), Limits(trials_per_kernel=20), workloads=workloads)
    assert [kernel.trials for kernel in report.kernels] == [20, 20, 20]


def test_time_ends_a_run():
    report = run(synthetic.FakeMeasurer(), Limits(seconds=1.0))
    assert report.seconds < 3.0
    assert report.trials > 0


@pytest.mark.parametrize("slow", ["space", "reference", "measuring"])
def test_time_ends_a_run_wherever_it_is_spent(slow: str, monkeypatch: pytest.MonkeyPatch):
    """Nothing begins when it is over: not a reference, and no batch."""
    done: list[str] = []
    now = 0.0
    monkeypatch.setattr("stepwell.autotune.tuner.time.perf_counter", lambda: now)

    def spend(what: str) -> None:
        nonlocal now
        done.append(what)
        now += 100.0 if what == slow else 0.01

    class Slow(synthetic.FakeMeasurer):
        def prepare(self, workload: Workload) -> None:
            if "reference" not in done:
                spend("reference")

        def measure(self, *args: object, **options: object) -> list[Trial]:  # pyright: ignore
            spend("measuring")
            return super().measure(*args, **options)  # pyright: ignore

    def spaces(workload: Workload) -> Space:
        spend("space")
        return synthetic.space(workload)

    report = tune(
        [synthetic.workload()],
        measurer=(measurer := Slow()),
        limits=Limits(seconds=10.0),
        search=Search(RandomSearch, None),
        spaces=spaces,
    )
    assert done == ["space", "reference", "measuring"][: len(done)] and done[-1] == slow
    assert report.trials == len(measurer.measured) == (1 if slow == "measuring" else 0)
    assert report.kernels[0].note == ("" if slow == "measuring" else "nothing was tried in the time")


def test_two_runs_at_once_share_their_trials(tmp_path: Path):
    """They propose the same, and who comes second takes what the first one has measured."""
    lock = threading.Lock()

    @contextmanager
    def locked() -> Iterator[None]:
        with lock:
            yield

    class Taking(synthetic.FakeMeasurer):
        def alone(self, seconds: float = math.inf) -> AbstractContextManager[None]:
            return locked()

    reports: list[TuneReport] = []
    workload, path = synthetic.workload(), tmp_path / "trials.db"

    def go() -> None:
        with Database(path) as database:
            measurer = Taking()
            reports.append(run(measurer, Limits(trials=40), workloads=[workload], database=database))

    Database(path).close()
    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kernels = [report.kernels[0] for report in reports]
    assert [kernel.trials for kernel in kernels] == [40, 40] and all(kernel.best for kernel in kernels)
    with Database(path) as database:
        distinct = {trial.script for trial in database.trials(workload)}
    # What one has measured the other one has not.
    assert sum(report.trials for report in reports) == len(distinct)
    # They may have gone apart: what each learns depends on when it looks.
    assert all(
        kernel.trials == kernel.recorded + kernel.shared + report.trials
        for kernel, report in zip(kernels, reports, strict=True)
    )
    assert sum(kernel.shared + kernel.recorded for kernel in kernels) > 0


def test_what_another_version_has_measured_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    workload = synthetic.workload()
    with Database(tmp_path / "trials.db") as database:
        run(measurer := synthetic.FakeMeasurer(), Limits(trials=8), database=database, workloads=[workload])
        some = scripts(measurer)[:4]
        assert {trial.script for trial in database.recorded(workload, [*some, "other"])} == set(some)
        assert database.recorded(synthetic.workload(96), some) == []
    monkeypatch.setattr("stepwell.autotune.database.store.current_versions", lambda: "{}")
    with Database(tmp_path / "trials.db") as database:
        assert database.recorded(workload, some) == []


def test_the_nearest_shape_is_tried_first(tmp_path: Path):
    near, other = synthetic.workload(64), synthetic.workload(128)
    with Database(tmp_path / "trials.db") as database:
        best = run(synthetic.FakeMeasurer(), Limits(trials=32), database=database, workloads=[near]).kernels[0].best
        run(measurer := synthetic.FakeMeasurer(), Limits(trials=8), database=database, workloads=[other])
        assert best is not None
        assert measurer.measured[1].knobs == best.knobs and measurer.measured[1].sketch == best.sketch


def test_a_start_is_measured_first():
    start = Candidate(1, (5, 5, 5, 5, 5, 5))

    def spaces(workload: Workload) -> tuple[Space, list[Candidate]]:
        return synthetic.space(workload), [start]

    measurer = synthetic.FakeMeasurer()
    search = Search(GeneticSearch, None, shipped=False)
    tune([synthetic.workload()], measurer=measurer, limits=Limits(trials=4), search=search, spaces=spaces)
    assert set(measurer.measured[0].knobs.values()) == {32}


def test_a_kernel_without_reference_does_not_end_the_others():
    class Picky(synthetic.FakeMeasurer):
        def measure(self, workload: Workload, *args: object, **options: object) -> list[Trial]:  # pyright: ignore
            if "96" in workload.description:
                raise CompileError("expected a reference, got none")
            return super().measure(workload, *args, **options)  # pyright: ignore

    workloads = [synthetic.workload(96), synthetic.workload(64)]
    report = run(Picky(), Limits(trials_per_kernel=8), workloads=workloads)
    assert [kernel.trials for kernel in report.kernels] == [0, 8]
    assert report.kernels[0].note == "expected a reference, got none"
    assert "expected a reference, got none\n" in str(report)
    assert str(report).endswith("1 of 2 kernels could not be measured") and not report.failure


class Watching:
    def __init__(self) -> None:
        self.shares: list[float] = []
        self.whats: Counter[str] = Counter()

    def start(self, kernels: object) -> None:
        pass

    def update(self, kernel: KernelState, what: str, share: float | None) -> None:
        self.whats[what] += 1
        self.shares += [] if share is None else [share]


def test_a_run_without_a_right_result_has_failed():
    class NoReference(synthetic.FakeMeasurer):
        def measure(self, *_: object, **__: object) -> list[Trial]:
            raise CompileError("expected a reference, got none")

    assert run(NoReference(), Limits(trials=4)).failure == "no kernel could be measured"
    measurer = synthetic.FakeMeasurer()
    measurer.failures = {"shipped": Status.WRONG, "test/s0": Status.WRONG, "test/s1": Status.CRASHED}
    report = run(measurer, Limits(trials=4))
    assert report.failure == "expected results that are right, got none of 4 candidates"
    # There was no time to try anything: nothing is known to be wrong.
    report = run(synthetic.FakeMeasurer(), Limits(seconds=1e-9))
    assert not report.failure and "nothing was tried in the time" in str(report)


def test_progress_is_told():
    run(synthetic.FakeMeasurer(), Limits(trials=20), progress=(watching := Watching()))
    assert watching.shares == sorted(watching.shares) and watching.shares[-1] == 1.0
    assert {"search", "measure", "measure the best again", "done"} <= set(watching.whats)


@pytest.mark.parametrize(
    "limits",
    [{}, {"trials": 0}, {"trials": -1}, {"trials": 1.5}, {"trials": True}, {"seconds": 0}, {"trials_per_kernel": "8"}],
)
def test_limits_are_checked(limits: dict[str, object]):
    with pytest.raises(ArgumentError, match="expected a"):
        Limits(**limits)  # pyright: ignore


def test_reasons_are_without_details():
    first = reason_of("expected loop 'i' of extent 13 to be whole, got %x of 1.5e-3")
    assert first == reason_of("expected loop 'j' of extent 7 to be whole, got %y12 of 2\nmore")
    assert "13" not in first
