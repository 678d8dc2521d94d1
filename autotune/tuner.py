"""The tuner: proposes candidates, has them measured, records them and learns from them, until a budget is spent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, Protocol, TypeAlias, cast

import numpy as np

from ..errors import ArgumentError, CompileError
from .bound import argument_bytes, operations
from .database.store import Database
from .measure.interface import MeasureInput, Measurer
from .models.create import ModelFactory
from .progress import COUNTED, KernelState, Progress, TuneReport
from .search.budget import Standing, next_kernel
from .search.interface import Outcome, Searcher, SearcherFactory
from .search.ranking import Exact, Matrix, ModelRanking
from .space.build import build_space
from .space.sketch import Candidate, Sketch, Space
from .trial import MARGIN, SHIPPED, Status, Trial, is_shipped
from .workload import Workload

SMALLEST_BATCH = 4
LARGEST_BATCH = 16
_FUTILE = 96
"""After so many candidates in a row that were refused, a kernel is done."""
_KIN = 3
"""The scripts of how many other shapes are tried first."""
FINALISTS = 4
"""How many of the fastest are measured again."""
FINAL_ROUNDS = 3
"""How often, in turn with each other."""
DUEL_ROUNDS = 6
"""How often the best and what we ship take turns, where they are close."""
CLOSE = 0.1
"""What beats what we ship by a smaller part of its time is close to it."""
MOST_AGAIN = 0.25
"""The part of a run's time that this takes at most."""

NO_SCRIPT = """module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.yield
  }
}
"""
"""A script that leaves a kernel to the schedules that we ship."""

SpaceBuilder: TypeAlias = Callable[[Workload], "Space | tuple[Space, Sequence[Candidate]]"]
"""Says what is searched for a workload, and perhaps from where on."""


class MatrixFactory(Protocol):
    """Says how features of a workload's candidates are computed, of many, and perhaps of one."""

    def __call__(self, workload: Workload) -> tuple[Matrix, Exact | None]: ...


def closed_forms(workload: Workload) -> tuple[Matrix, Exact]:
    """Features as closed forms of knobs, which are made when a sketch is first asked for."""
    from .features.closed_forms import WorkloadFeatures

    known = WorkloadFeatures(workload)
    return known.matrix, known.exact


@dataclass(frozen=True)
class Limits:
    """When a run ends: whatever comes first."""

    trials: int | None = None
    """Of all kernels together."""
    trials_per_kernel: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        given = {"trials": self.trials, "trials_per_kernel": self.trials_per_kernel, "seconds": self.seconds}
        if all(value is None for value in given.values()):
            raise ArgumentError("expected a number of trials, of trials for each kernel, or of seconds, got none")
        for name, value in given.items():
            if value is None:
                continue
            kinds = (int, float, np.integer, np.floating) if name == "seconds" else (int, np.integer)
            if not isinstance(value, kinds) or isinstance(value, bool) or not value > 0:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ArgumentError(f"expected a positive number as {name}, got {value!r}")


@dataclass(frozen=True)
class Search:
    """How kernels are searched."""

    searcher: SearcherFactory
    model: ModelFactory | None
    """None for searchers that look at no model."""
    matrix: MatrixFactory = closed_forms
    shipped: bool = True
    """Whether what we ship is measured, and takes part."""
    kin: bool = True
    """Whether scripts for other shapes are tried."""
    schema: str = ""
    """What the columns of features are, for the database."""


def tune(
    workloads: Sequence[Workload],
    *,
    measurer: Measurer,
    limits: Limits,
    search: Search,
    seed: int = 0,
    database: Database | None = None,
    spaces: SpaceBuilder | None = None,
    progress: Progress | None = None,
) -> TuneReport:
    """Searches schedules for kernels until the budget is spent. What the database holds counts, and teaches.

    What comes out is in the report, and in the database: the fastest script of each kernel, measured again in turn with
    those next to it. Where that is what we ship, nothing was gained by tuning.

    Args:
        spaces: says what is searched; all our rules, if it is not given.
    """

    def build(workload: Workload) -> Space:
        return build_space(workload, shipped=search.shipped)

    run = _Run(measurer, limits, search, seed, database, spaces or build, progress)
    return run(workloads)


class _Run:
    """A tuning run."""

    def __init__(
        self,
        measurer: Measurer,
        limits: Limits,
        search: Search,
        seed: int,
        database: Database | None,
        build: SpaceBuilder,
        progress: Progress | None,
    ) -> None:
        self.measurer, self.limits, self.search, self.seed = measurer, limits, search, seed
        self.database, self.build, self.progress = database, build, progress
        self.start = time.perf_counter()
        self.kernels: list[_Kernel] = []
        self.measured = 0
        """How many candidates were measured in this run."""
        self.measuring = 0.0
        """How long that took."""

    def __call__(self, workloads: Sequence[Workload]) -> TuneReport:
        interrupted = False
        states = [KernelState(workload, operations(workload)) for workload in workloads]
        self.kernels = [_Kernel(self, state, self.seed + number) for number, state in enumerate(states)]
        for state in states:
            state.wanted = self.limits.trials_per_kernel
            if state.wanted is None and len(states) == 1:
                state.wanted = self.limits.trials
        if self.progress is not None:
            self.progress.start(states)
        # This has no types.
        pools: Any = import_module("threadpoolctl")
        try:
            # Models multiply small matrices, over and over: threads that wait for each other would take longer than
            # one, the more so where the cores are shared.
            with pools.threadpool_limits(1, user_api="blas"):
                for kernel in self.kernels:
                    kernel.resume()
                while (position := self._next()) is not None:
                    self.kernels[position].round()
                for kernel in self.kernels:
                    kernel.finish()
        except KeyboardInterrupt:
            interrupted = True
        return TuneReport(tuple(states), time.perf_counter() - self.start, interrupted, self._note())

    def _note(self) -> str:
        """That there was nothing left to do, where earlier runs have spent the budget."""
        limits, each = self.limits, [kernel.left() for kernel in self.kernels]
        spent = [f"{limits.trials} are asked for"] if self.left() <= 0 else []
        if limits.trials_per_kernel is not None and all(left <= 0 for left in each):
            spent.append(f"{limits.trials_per_kernel} of each kernel are asked for")
        recorded = sum(kernel.state.recorded for kernel in self.kernels)
        if self.measured or any(kernel.state.shared for kernel in self.kernels) or not spent or not recorded:
            return ""
        return f"nothing was left to do: the database has {recorded} trials, and {' and '.join(spent)}"

    def _next(self) -> int | None:
        """Whose turn it is; none when the budget is spent."""
        if self.left() <= 0 or self.affordable() <= 0:
            return None
        for kernel in self.kernels:
            if kernel.left() <= 0:
                kernel.standing.done = True
        return next_kernel([kernel.standing for kernel in self.kernels])

    def left(self) -> int:
        """How many trials of all kernels are left."""
        limit = self.limits.trials
        return 1 << 60 if limit is None else limit - sum(kernel.state.trials for kernel in self.kernels)

    def time_left(self) -> float:
        """How many seconds are left."""
        limit = self.limits.seconds
        return math.inf if limit is None else limit - (time.perf_counter() - self.start)

    def affordable(self) -> int:
        """How many trials there is time for, so that there is some left to measure the best again."""
        left = self.time_left()
        if left <= 0 or math.isinf(left):
            return 0 if left <= 0 else 1 << 60
        if not self.measured:
            return LARGEST_BATCH
        each = self.measuring / self.measured
        started = sum(bool(kernel.state.statuses[Status.OK]) for kernel in self.kernels)
        again = (FINALISTS + 1) * FINAL_ROUNDS * started * each
        return max(0, int((left - min(again, MOST_AGAIN * cast(float, self.limits.seconds))) / each))

    def share(self) -> float | None:
        """Which part of the budget is used, of the limit that will end the run as far as that can be told."""
        shares: list[float] = []
        trials = sum(kernel.state.trials for kernel in self.kernels)
        if self.limits.seconds is not None:
            shares.append((time.perf_counter() - self.start) / self.limits.seconds)
        if self.limits.trials is not None:
            shares.append(trials / self.limits.trials)
        if self.limits.trials_per_kernel is not None:
            wanted = self.limits.trials_per_kernel
            done = sum(wanted if each.standing.done else min(each.state.trials, wanted) for each in self.kernels)
            shares.append(done / (wanted * len(self.kernels)))
        return min(1.0, max(shares)) if shares else None

    def tell(self, state: KernelState, what: str) -> None:
        """Tells the display."""
        if self.progress is not None:
            self.progress.update(state, what, self.share())


@dataclass(frozen=True)
class _Proposal:
    """What is measured next: a point of the space, or a script from elsewhere."""

    input: MeasureInput
    candidate: Candidate | None = None


@dataclass
class _Kernel:
    """The search for one kernel."""

    run: _Run
    state: KernelState
    seed: int
    standing: Standing = field(init=False)
    results: dict[str, Trial] = field(default_factory=dict[str, Trial])
    """The newest trial of each script."""
    _space: Space | None = None
    _searcher: Searcher | None = None
    _ranking: ModelRanking | None = None
    _seeds: list[_Proposal] | None = None
    _futile: int = 0
    _shipped_script: str = NO_SCRIPT

    def __post_init__(self) -> None:
        workload = self.state.workload
        purposes = tuple(convolution for convolution, _ in workload.convolutions)
        self.standing = Standing(workload.calls, self.state.operations, sum(argument_bytes(workload)), purposes)

    # before

    def resume(self) -> None:
        """Looks up what is recorded of the kernel."""
        database = self.run.database
        if database is None:
            return
        database.add_workload(self.state.workload)
        found = database.trials(self.state.workload)
        self._note(found)
        self.state.recorded = self.state.trials
        self.run.tell(self.state, "resume")

    def _open(self) -> tuple[Space, Searcher]:
        """The space and who searches it, which are made when they are first needed."""
        if self._space is None or self._searcher is None:
            self.run.tell(self.state, "write sketches")
            workload, search = self.state.workload, self.run.search
            built = self.run.build(workload)
            space, starts = (built, ()) if isinstance(built, Space) else built
            self.state.sketches, self.state.candidates = len(space.sketches), space.size
            if search.model is not None:
                self._ranking = ModelRanking(space, search.model(), *search.matrix(workload))
            self._space = space
            self._searcher = search.searcher(space, seed=self.seed, ranking=self._ranking)
            points = _Points(space)
            known = ((points.of(trial), trial) for trial in self.results.values())
            self._searcher.tell([(point, trial) for point, trial in known if point is not None])
            self._seeds = self._first(points, starts)
        return self._space, self._searcher

    def _first(self, points: _Points, starts: Sequence[Candidate]) -> list[_Proposal]:
        """What is measured before anybody searches: what we ship, where to start, and what is fast for other shapes."""
        found: list[_Proposal] = []
        space = points.space
        if self.run.search.shipped:
            for number, sketch in enumerate(space.sketches):
                if is_shipped(sketch.name) and not sketch.knobs:
                    candidate = Candidate(number, ())
                    found.append(self._of_candidate(space, candidate))
                    self._shipped_script = found[-1].input.script
            if not found:
                found.append(_Proposal(MeasureInput(NO_SCRIPT, SHIPPED)))
        found += [self._of_candidate(space, candidate) for candidate in starts]
        if self.run.search.kin and self.run.database is not None:
            for _, trial in self.run.database.nearest(self.state.workload, _KIN):
                if trial.sketch and is_shipped(trial.sketch):
                    continue
                candidate = points.of(trial)
                if candidate is not None:
                    found.append(self._of_candidate(space, candidate))
                else:
                    found.append(_Proposal(MeasureInput(trial.script, trial.sketch, trial.knobs)))
        unique = {each.input.script: each for each in found if each.input.script not in self.results}
        return list(unique.values())

    def _of_candidate(self, space: Space, candidate: Candidate, predicted: float | None = None) -> _Proposal:
        sketch = space.sketches[candidate.sketch]
        values = sketch.values(candidate.choice)
        knobs = {name: value if isinstance(value, int | str) else str(value) for name, value in values.items()}
        return _Proposal(MeasureInput(str(space.script(candidate)), sketch.name, knobs, predicted), candidate)

    # rounds

    def left(self) -> int:
        """How many trials this kernel may still have."""
        wanted = self.run.limits.trials_per_kernel
        return 1 << 60 if wanted is None else wanted - self.state.trials

    def round(self) -> None:
        """Measures some candidates, and learns from them."""
        space, searcher = self._open()
        if self.run.time_left() <= 0:
            return
        count = min(self._batch(), self.left(), self.run.left(), self.run.affordable())
        # What is known to be good comes first, on its own: whoever searches may think for a while.
        proposals, self._seeds = (self._seeds or [])[:count], (self._seeds or [])[count:]
        if not proposals:
            self.run.tell(self.state, "search")
            chosen = searcher.propose(count)
            predictions = [None] * len(chosen) if self._ranking is None else self._ranking.predictions(chosen)
            pairs = zip(chosen, predictions, strict=True)
            proposals = [self._of_candidate(space, each, predicted) for each, predicted in pairs]
        new = [each for each in proposals if each.input.script not in self.results]
        if not proposals:
            self._stop("there are no more candidates")
            return
        try:
            if new:
                self.run.tell(self.state, "prepare")
                self.run.measurer.prepare(self.state.workload)
            with self._turn(new):
                if self.run.time_left() <= 0:
                    return
                shared = self._recorded_meanwhile(new)
                trials = [*shared, *self._measure([each for each in new if each.input.script not in self.results])]
        except CompileError as error:
            # There is nothing to compare results with; other kernels may be better off.
            self.state.error = str(error)
            self._stop(self.state.error)
            return
        by_script = {trial.script: trial for trial in trials}
        outcomes: list[Outcome] = []
        for each in proposals:
            trial = by_script.get(each.input.script) or self.results.get(each.input.script)
            if each.candidate is not None and trial is not None:
                outcomes.append((each.candidate, trial))
        searcher.tell(outcomes)
        self._futile = self._futile + len(trials) if all(_is_futile(trial) for trial in trials) else 0
        if self._futile >= _FUTILE:
            self._stop(f"the last {self._futile} candidates were refused or lost")

    def _batch(self) -> int:
        """Few at first, so that the model learns quickly."""
        return min(max(SMALLEST_BATCH, self.state.trials // 4), LARGEST_BATCH)

    def _stop(self, note: str) -> None:
        self.standing.done = self.state.done = True
        self.state.note = note
        self.run.tell(self.state, "done")

    def _turn(self, proposals: Sequence[object]) -> AbstractContextManager[None]:
        """Nobody else measures meanwhile; there is nothing to wait for without anything to measure."""
        return self.run.measurer.alone(max(self.run.time_left(), 0.0)) if proposals else nullcontext()

    def _recorded_meanwhile(self, proposals: Sequence[_Proposal]) -> list[Trial]:
        """The trials of what is proposed that another process has recorded since this run looked."""
        if self.run.database is None or not proposals:
            return []
        found = self.run.database.recorded(self.state.workload, [each.input.script for each in proposals])
        self._note(found)
        self.state.shared += sum(trial.status in COUNTED for trial in found)
        return found

    def _measure(self, proposals: Sequence[_Proposal]) -> list[Trial]:
        """Measures scripts; each trial is recorded when it is finished."""
        self.run.tell(self.state, "measure")
        candidates = {each.input.script: each.candidate for each in proposals}

        def keep(position: int, trial: Trial) -> None:
            self.run.measured += 1
            self._record(trial, candidates.get(trial.script))
            self._note([trial])
            self.state.count([trial])
            self.run.tell(self.state, "measure")

        if not proposals:
            return []
        inputs = [each.input for each in proposals]
        before = time.perf_counter()
        trials = self.run.measurer.measure(self.state.workload, inputs, best_seconds=self.state.seconds, finished=keep)
        self.run.measuring += time.perf_counter() - before
        return trials

    def _record(self, trial: Trial, candidate: Candidate | None = None) -> None:
        if self.run.database is None:
            return
        features = None
        if candidate is not None and self._ranking is not None and trial.status is Status.OK:
            features = self._ranking.features(candidate)
        self.run.database.record(trial, features, self.run.search.schema if features is not None else "")

    def _note(self, trials: Sequence[Trial]) -> None:
        """Remembers trials; of several of one script the newest counts."""
        for trial in trials:
            is_new = trial.script not in self.results or self.results[trial.script].status not in COUNTED
            if trial.status is Status.LOST and trial.script in self.results:
                continue
            if trial.status is not Status.LOST:
                self.results[trial.script] = trial
            if is_new and trial.status in COUNTED:
                self.state.trials += 1
                self.standing.add(trial.seconds)
            if trial.script in (self._shipped_script, NO_SCRIPT) or is_shipped(trial.sketch):
                self.state.shipped = trial
        self.state.best = min(
            (trial for trial in self.results.values() if trial.status is Status.OK),
            key=lambda trial: trial.seconds,
            default=None,
        )

    # after

    def finish(self) -> None:
        """Says what the best is: that of those that were measured again, and what we ship unless it is beaten."""
        if self.state.statuses[Status.OK] and self.run.time_left() > 0:
            self._confirm()
        shipped, best = self.state.shipped, self.state.best
        if shipped is not None and best is not None and best.seconds > (1.0 - MARGIN) * shipped.seconds:
            self.state.best = shipped
        if not self.state.trials and not self.state.statuses and not self.state.note and self.run.time_left() <= 0:
            self.state.note = "nothing was tried in the time"
        self.state.done = True
        self.run.tell(self.state, "done")

    def _confirm(self) -> None:
        """Measures the fastest again, in turn, so that the luckiest is not taken for the fastest."""
        confirmed: set[str] = set()
        while len(confirmed) < 2 * FINALISTS and self.run.time_left() > 0:
            ranked = sorted((t for t in self.results.values() if t.status is Status.OK), key=lambda t: t.seconds)
            if not ranked or ranked[0].script in confirmed:
                break
            finalists = ranked[:FINALISTS]
            shipped = self.state.shipped
            if shipped is not None and shipped.times and shipped.script not in {each.script for each in finalists}:
                finalists.append(shipped)
            if len(finalists) == 1:
                break
            self._again(finalists, FINAL_ROUNDS)
            confirmed |= {each.script for each in finalists}
        self._duel()

    def _duel(self) -> None:
        """Measures the best and what we ship once more, by themselves, where the best is hardly better: of some that
        are as fast, one was lucky."""
        met: set[str] = set()
        while len(met) < FINALISTS and self.run.time_left() > 0:
            best, shipped = self.state.best, self.state.shipped
            if best is None or shipped is None or best.script in met | {shipped.script}:
                break
            if not 1.0 - CLOSE < best.seconds / shipped.seconds <= 1.0 - MARGIN:
                break
            self._again([best, shipped], DUEL_ROUNDS)
            met.add(best.script)

    def _again(self, finalists: Sequence[Trial], rounds: int) -> None:
        """Measures some again, in turn. What is recorded is the time of each turn, and none of those before."""
        self.run.tell(self.state, "measure the best again")
        inputs = [MeasureInput(each.script, each.sketch, each.knobs, each.predicted) for each in finalists]
        with self._turn(inputs):
            trials = self.run.measurer.measure(self.state.workload, inputs * rounds, best_seconds=math.inf)
        for position in range(len(inputs)):
            parts = trials[position :: len(inputs)]
            failed = next((part for part in parts if part.status not in (Status.OK, Status.LOST)), None)
            # One number each: where there was noise, there are more repetitions.
            times = tuple(part.seconds for part in parts if part.times)
            merged = failed or next((replace(part, times=times) for part in parts if part.times), None)
            if merged is not None:
                self._record(merged)
                self._note([merged])
        self.run.tell(self.state, "measure the best again")


def _is_futile(trial: Trial) -> bool:
    return trial.status not in COUNTED


@dataclass
class _Points:
    """Which point of a space a recorded trial is."""

    space: Space
    _numbers: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = {sketch.name: number for number, sketch in enumerate(self.space.sketches)}

    def of(self, trial: Trial) -> Candidate | None:
        """The point with the trial's sketch and knobs; none if the space has no such."""
        number = self._numbers.get(trial.sketch)
        if number is None:
            return None
        sketch = self.space.sketches[number]
        choice = _choice(sketch, trial.knobs)
        return None if choice is None else Candidate(number, choice)


def _choice(sketch: Sketch, values: Mapping[str, int | str]) -> tuple[int, ...] | None:
    found: list[int] = []
    for knob in sketch.knobs:
        value = values.get(knob.name)
        at = [n for n, option in enumerate(knob.options) if option == value or str(option) == value]
        if not at:
            return None
        found.append(at[0])
    return tuple(found)
