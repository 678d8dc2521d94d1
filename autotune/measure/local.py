"""Measuring on this machine: candidates are compiled on all cores allowed, then checked one by one, and timed in turn,
while nothing else runs."""

from __future__ import annotations

import itertools
import os
import platform
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

from ...errors import CompileError
from ...runtime.host import usable_threads
from ..trial import Status, Trial
from ..workload import Workload
from .compile import Built, Failure, threads_of
from .folder import Folder
from .interface import Finished, MeasureInput, Measurer
from .processes import KILLED, Died, Processes
from .timing import Effort
from .turns import PATIENCE, remove_abandoned_turn, turn
from .worker import (
    TIMED_OUT,
    Conditions,
    Measured,
    Ready,
    Reference,
    Timings,
    build,
    check,
    make_reference,
    start,
    time_ready,
)

Build: TypeAlias = Callable[[str, str, float], Built | Failure]

RETRIES = 2
"""How often a candidate is tried again whose process somebody else has killed."""

_TOGETHER, _ROOM = 32, 1 << 29
"""How many candidates are timed in turn, and how many bytes their constants and workspaces may take."""


class LocalMeasurer(Measurer):
    """Measures with processes of this machine.

    Args:
        jobs: how many candidates are compiled at once; 0 means one for each core that this process may use.
        effort: how much time is spent on each candidate.
        seed: what the elements of arguments come from.
        compile_seconds, run_seconds: how long a candidate may take at most.
        memory: how many bytes a process may have; 0 means half of the machine's.
        build: what compiles a candidate in another process, `worker.build` or something that takes its place.
        turns: a file that measurers of one machine lock in turns, so that none compiles while another one is timing.
        folder: where files of arrays are put, in a folder of their own; empty means where temporary files are.
    """

    def __init__(
        self,
        jobs: int = 0,
        *,
        effort: Effort | None = None,
        seed: int = 0,
        compile_seconds: float = 20.0,
        run_seconds: float = 10.0,
        memory: int = 0,
        build: Build = build,
        turns: Path | None = None,
        folder: str = "",
    ):
        self.jobs = jobs or usable_threads()
        self.effort = effort or Effort()
        self.seed = seed
        self.compile_seconds, self.run_seconds = compile_seconds, run_seconds
        self._build_one = build
        self._turns = turns
        memory = memory or _half_of_memory()
        self._compilers = Processes(self.jobs, start, [memory])
        self._timer = Processes(1, start, [memory])
        self._folder = Folder(folder)
        if turns is not None:
            remove_abandoned_turn(turns)
        self._references: dict[str, Reference] = {}
        self._conditions: dict[str, Conditions] = {}
        """By the paths of references."""
        self._tickets = itertools.count()
        self._machine = platform.node()

    def close(self) -> None:
        self._compilers.close()
        self._timer.close()
        self._folder.close()

    def measure(
        self,
        workload: Workload,
        inputs: Sequence[MeasureInput],
        *,
        best_seconds: float = inf,
        finished: Finished | None = None,
    ) -> list[Trial]:
        reference = self.reference(workload)
        trials: dict[int, Trial] = {}

        def record(position: int, outcome: Measured | Failure, compile_seconds: float) -> None:
            trials[position] = trial = self._trial(workload, inputs[position], outcome, compile_seconds)
            if finished is not None:
                finished(position, trial)

        with turn(self._turns, alone=False):
            built = self._build(workload, inputs, lambda position, failure: record(position, failure, failure.seconds))
        for part in _in_parts(built):
            with turn(self._turns, alone=True):
                outcomes = self._run(reference, part, threads_of(workload), best_seconds)
            for position, outcome in outcomes.items():
                record(position, outcome, built[position].seconds)
                best_seconds = min(best_seconds, trials[position].seconds)
        return [trials[position] for position in range(len(inputs))]

    @contextmanager
    def alone(self, seconds: float = inf) -> Generator[None]:
        turns = self._turns
        with turn(turns, alone=True, patience=min(seconds, PATIENCE)):
            self._turns = None  # no other one is needed meanwhile, or could be had
            try:
                yield
            finally:
                self._turns = turns

    def prepare(self, workload: Workload) -> None:
        self.reference(workload)

    def reference(self, workload: Workload) -> Reference:
        """The arguments of a workload, and the results for them.

        Raises:
            CompileError: if there are none.
        """
        key = workload.text
        if key not in self._references:
            path = str(self._folder.path / f"{len(self._references)}.bin")
            found = Died(KILLED)
            for _ in range(RETRIES + 1):
                with turn(self._turns, alone=False):
                    found = self._compilers.call(make_reference, key, self.seed, path)
                if not (isinstance(found, Died) and found.was_killed):
                    break
            if isinstance(found, Died):
                raise CompileError(f"expected a reference for {workload}, got a process that died: {_why(found)}")
            if isinstance(found, Failure):
                raise CompileError(f"expected a reference for {workload}, got: {found.error}")
            self._references[key] = found
        return self._references[key]

    def _trial(
        self, workload: Workload, given: MeasureInput, outcome: Measured | Failure, compile_seconds: float
    ) -> Trial:
        is_ok = isinstance(outcome, Measured)
        return Trial(
            workload.hash,
            given.script,
            Status.OK if is_ok else outcome.status,
            outcome.times if is_ok else (),
            "" if is_ok else outcome.error,
            compile_seconds,
            time.time(),
            self._machine,
            given.sketch,
            dict(given.knobs),
            given.predicted,
        )

    def _build(
        self, workload: Workload, inputs: Sequence[MeasureInput], failed: Callable[[int, Failure], None]
    ) -> Mapping[int, Built]:
        """The native code of the inputs that have some, by position."""
        found: dict[int, Built] = {}
        alike: dict[str, list[int]] = {}
        for position, given in enumerate(inputs):
            alike.setdefault(given.script, []).append(position)
        # What is measured several times is compiled once.
        left = [positions[0] for positions in alike.values()]
        for tries_left in range(RETRIES, -1, -1):
            outcomes: dict[int, Built | Failure | Died] = {}
            jobs = [(workload.text, inputs[position].script, self.compile_seconds) for position in left]
            self._compilers.map(self._build_one, jobs, outcomes.__setitem__)
            killed: list[int] = []
            for position, outcome in zip(left, (outcomes[index] for index in range(len(left))), strict=True):
                same = alike[inputs[position].script]
                if isinstance(outcome, Built):
                    found |= dict.fromkeys(same, outcome)
                elif isinstance(outcome, Died) and outcome.was_killed and tries_left:
                    killed.append(position)
                else:
                    failure = outcome if isinstance(outcome, Failure) else _of_compiler(outcome, self.compile_seconds)
                    for each in same:
                        failed(each, failure)
            left = killed
            if not left:
                break
        return found

    def _run(
        self, reference: Reference, built: Mapping[int, Built], threads: int, best_seconds: float
    ) -> dict[int, Measured | Failure]:
        """Checks candidates one by one, and times those that are right in turn."""
        found: dict[int, Measured | Failure] = {}
        ready: dict[int, int] = {}
        for position, candidate in built.items():
            ticket = next(self._tickets)
            outcome = self._check(ticket, reference, candidate, threads, best_seconds)
            if isinstance(outcome, Ready):
                ready[position] = ticket
            else:
                found[position] = outcome
        times = self._time(reference, list(ready.values()), best_seconds)
        for position, measured in zip(ready, times, strict=True):
            # The process has died in between: who ended it is seen when each is alone.
            found[position] = measured or self._run_alone(reference, built[position], threads, best_seconds)
        return dict(sorted(found.items()))

    def _run_alone(self, reference: Reference, built: Built, threads: int, best_seconds: float) -> Measured | Failure:
        """Checks and times a candidate by itself."""
        for _ in range(RETRIES + 1):
            ticket = next(self._tickets)
            outcome = self._check(ticket, reference, built, threads, best_seconds)
            if not isinstance(outcome, Ready):
                return outcome
            timed = self._timings(reference, [ticket], best_seconds)
            if isinstance(timed, Failure):
                return timed
            if isinstance(timed, Died):
                if not timed.was_killed:
                    return _of_candidate(timed, self.run_seconds)
            elif timed.measured[0] is not None:
                return timed.measured[0]
        return _killed()

    def _check(
        self, ticket: int, reference: Reference, built: Built, threads: int, best_seconds: float
    ) -> Ready | Measured | Failure:
        arguments: tuple[Any, ...] = (ticket, reference, built, threads, self.effort, best_seconds, self.run_seconds)
        for _ in range(RETRIES + 1):
            outcome = self._timer.call(check, *arguments)
            if not isinstance(outcome, Died):
                if isinstance(outcome, Failure) and outcome.status is Status.WRONG:
                    self._timer.close()  # who knows what it wrote where
                return outcome
            if not outcome.was_killed:
                return _of_candidate(outcome, self.run_seconds)
        return _killed()

    def _time(self, reference: Reference, tickets: Sequence[int], best_seconds: float) -> Sequence[Measured | None]:
        """Times what the process has checked; None for what it has not, or not any more."""
        timed = self._timings(reference, tickets, best_seconds) if tickets else None
        return timed.measured if isinstance(timed, Timings) else [None] * len(tickets)

    def _timings(self, reference: Reference, tickets: Sequence[int], best_seconds: float) -> Timings | Failure | Died:
        """Times what the process has checked, and remembers what that tells of the others on this machine."""
        known = self._conditions.get(reference.path, Conditions())
        shortest = min((each.shortest for each in self._conditions.values()), default=inf)
        known = replace(known, shortest=shortest)
        timed = self._timer.call(time_ready, tickets, self.effort, best_seconds, self.run_seconds, known)
        if isinstance(timed, Timings):
            self._conditions[reference.path] = timed.conditions
        return timed


def _in_parts(built: Mapping[int, Built]) -> Iterator[dict[int, Built]]:
    """Candidates that are timed together, by position: as many as there is room for what they take."""
    part: dict[int, Built] = {}
    room = _ROOM
    for position, candidate in sorted(built.items()):
        size = sum(each.byte_size for each in candidate.signature.parameters if each.role in ("constant", "workspace"))
        if part and (size > room or len(part) == _TOGETHER):
            yield part
            part, room = {}, _ROOM
        part[position] = candidate
        room -= size
    if part:
        yield part


def _killed() -> Failure:
    return Failure(Status.LOST, "the process was killed each time that it was tried")


def _why(died: Died) -> str:
    return died.signal or f"exit code {died.exitcode}"


def _of_compiler(died: Died, seconds: float) -> Failure:
    """What became of a candidate whose compiler died."""
    if died.exitcode == TIMED_OUT:
        return Failure(Status.TIMEOUT, f"expected to be compiled within {seconds:g} s", seconds)
    if died.was_killed:
        return Failure(Status.LOST, "the compiler's process was killed each time that it was tried")
    return Failure(Status.COMPILE_ERROR, f"the compiler's process died: {_why(died)}")


def _of_candidate(died: Died, seconds: float) -> Failure:
    """What became of a candidate whose process died."""
    if died.exitcode == TIMED_OUT:
        return Failure(Status.TIMEOUT, f"expected to end within {seconds:g} s")
    return Failure(Status.CRASHED, f"the process that ran it died: {_why(died)}")


def _half_of_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return 1 << 34
