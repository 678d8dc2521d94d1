"""How long a call takes: repeated until that is known, and no longer.

A repetition during which the process did not run all the time, because it was stopped or others had its core, is no
measurement: the time that has passed is then longer than the processor time of the process's threads together.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

from .yardstick import Yardstick


class Clock(Protocol):
    """What time it is, in seconds."""

    def wall(self) -> float:
        """The time that passes."""
        ...

    def processor(self) -> float:
        """The time that threads of this process have run, all together."""
        ...


class SystemClock:
    """The clocks of this process."""

    def wall(self) -> float:
        return time.perf_counter()

    def processor(self) -> float:
        return time.process_time()


@dataclass(frozen=True)
class Effort:
    """How much time is spent on one candidate."""

    repeats: int = 3
    """The least number of repetitions."""
    precision: float = 0.01
    """The error of the median, relative to it, that is good enough."""
    seconds: float = 0.03
    """Nothing is repeated beyond this time but the least number of repetitions."""
    shortest: float = 2e-4
    """Calls are repeated within a repetition until it takes so long."""
    slow: float = 1.5
    """The least number of repetitions is enough for what takes so many times as long as the best, or one, if it is
    long."""
    long: float = 0.001
    """What takes so many seconds is long."""
    patience: int = 20
    """How many repetitions may be disturbed before their processor time is taken instead."""
    flush_bytes: int = 0
    """Caches are emptied between calls by writing so many bytes; 0 leaves them warm: all calls use the same arrays."""


@dataclass(frozen=True)
class _Repetition:
    seconds: float
    processor: float
    """Of a call, both."""
    calls: int

    @property
    def is_disturbed(self) -> bool:
        # What clocks are off is the same however many calls are between two looks at them.
        return (self.seconds - 1.02 * self.processor) * self.calls > 2e-5


def measure_once(call: Callable[[], object], calls: int, clock: Clock) -> _Repetition:
    """One repetition of some calls."""
    before = clock.processor()
    start = clock.wall()
    for _ in range(calls):
        call()
    end = clock.wall()
    after = clock.processor()
    return _Repetition((end - start) / calls, (after - before) / calls, calls)


def time_call(
    call: Callable[[], object],
    effort: Effort,
    *,
    threads: int = 1,
    best_seconds: float = inf,
    between: Callable[[], object] | None = None,
    clock: Clock | None = None,
    yardstick: Yardstick | None = None,
) -> tuple[float, ...]:
    """The seconds that a call takes, one number for each repetition. It was called before: what is first has been done.

    `between` is called before each call, and not timed. `threads` is how many may run in a call. The `yardstick` shows
    whether somebody else slows the core down: repetitions wait until nobody does, and are made again if somebody did,
    as long as there is patience.
    """
    clock = clock or SystemClock()
    patience = yardstick.patience if yardstick is not None else 0.0
    calls = 1
    times: list[float] = []
    disturbed: list[_Repetition] = []
    spent = 0.0
    while True:
        if between is not None:
            between()
        if yardstick is not None and patience > 0.0:
            patience -= yardstick.wait(patience)
        repetition = measure_once(call, calls, clock)
        if yardstick is not None and patience > 0.0 and not yardstick.is_calm():
            patience -= repetition.seconds * calls
            continue
        # A stop is no effort of ours.
        spent += min(repetition.seconds, repetition.processor) * calls
        if repetition.is_disturbed:
            disturbed.append(repetition)
            if len(disturbed) < effort.patience:
                continue
            if not times:
                return tuple(each.processor for each in disturbed) if threads == 1 else _calm(disturbed)
            return tuple(times)
        if between is None and repetition.seconds * calls < effort.shortest and not times:
            calls = _calls_for(repetition.seconds, effort.shortest, calls)
            continue
        times.append(repetition.seconds)
        # What looks slow may have met somebody else's work: a short repetition alone does not show.
        if min(times) > effort.slow * best_seconds and (len(times) >= effort.repeats or spent >= effort.long):
            return tuple(times)
        if len(times) >= effort.repeats and (spent >= effort.seconds or relative_error(times) <= effort.precision):
            return tuple(times)


def _calls_for(seconds: float, shortest: float, calls: int) -> int:
    return max(math.ceil(shortest * 1.2 / max(seconds, 1e-8)), calls + 1)


def _calm(repetitions: Sequence[_Repetition]) -> tuple[float, ...]:
    """The least disturbed ones."""
    times = sorted(each.seconds for each in repetitions)
    return tuple(times[: max(len(times) // 4, 1)])


def relative_error(times: Sequence[float]) -> float:
    """How far the median of as many times is likely to be off, relative to it, by how they spread around it."""
    if len(times) < 2:
        return inf
    middle = statistics.median(times)
    spread = 1.4826 * statistics.median(abs(each - middle) for each in times)
    return 1.2533 * spread / math.sqrt(len(times)) / middle if middle else 0.0
