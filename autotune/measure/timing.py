"""How long calls take where nobody disturbs them: candidates take turns, and so does a yardstick.

Others make a call longer: who shares the core's units or its caches, for a moment or for seconds. So a burst is a few
milliseconds of repetitions, and each candidate of a batch has one in each of several rounds: what comes and goes meets
all of them alike, and none of them always. Between any two repetitions the yardstick shows how slow the core is; what
they would have taken without that is what counts (`disturbance`).

A repetition during which the process did not run all the time, because it was stopped or others had its core, is no
measurement: the time that has passed is then longer than the processor time of the process's threads together.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median
from typing import Protocol

from .disturbance import Repetition, Sensitivity, undisturbed
from .yardstick import Yardstick

Call = Callable[[], object]


class Clock(Protocol):
    """What time it is, in seconds."""

    def wall(self) -> float:
        """The time that passes."""
        ...

    def processor(self) -> float:
        """The time that threads of this process have run, all together."""
        ...

    def sleep(self, seconds: float) -> None:
        """Lets time pass."""
        ...


class SystemClock:
    """The clocks of this process."""

    def wall(self) -> float:
        return time.perf_counter()

    def processor(self) -> float:
        return time.process_time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Effort:
    """How much time is spent on one candidate."""

    rounds: int = 3
    """How many bursts a candidate has; those that are not slow have twice as many."""
    sure: int = 18
    """How many those have at most that seem as fast as the best, while none of their repetitions was: of many whose
    disturbance is estimated, one is lucky."""
    near: float = 1.03
    """What takes at most so many times as long as the best may be as fast."""
    seconds: float = 0.003
    """Repetitions begin until a burst has taken so long."""
    shortest: float = 2e-4
    """Calls are repeated within a repetition until it takes so long."""
    slow: float = 1.5
    """What takes so many times as long as the best is slow."""
    long: float = 0.001
    """What takes so many seconds is long: of what is slow and long, one burst is enough."""
    patience: int = 20
    """How many repetitions of a burst may be disturbed before their processor time is taken instead."""
    long_burst: float = 0.25
    """How many seconds these may take together: so many disturbed repetitions of long calls would take minutes."""
    enough: float = 2.0
    """A candidate that has been timed for so many seconds has no more bursts."""
    flush_bytes: int = 0
    """Caches are emptied between calls by writing so many bytes; 0 leaves them warm: all calls use the same arrays."""


PAUSE, LONG_PAUSE = 0.005, 0.02
"""How many seconds a round takes at least, so that one moment is not all there is; and one of the few that are as fast
as the best."""


@dataclass(frozen=True)
class Passed:
    """What some calls took."""

    seconds: float
    processor: float
    """Of a call, both."""
    calls: int

    @property
    def is_disturbed(self) -> bool:
        # What clocks are off is the same however many calls are between two looks at them.
        return (self.seconds - 1.02 * self.processor) * self.calls > 2e-5


def measure_once(call: Call, calls: int, clock: Clock) -> Passed:
    """One repetition of some calls."""
    before = clock.processor()
    start = clock.wall()
    for _ in range(calls):
        call()
    end = clock.wall()
    after = clock.processor()
    return Passed((end - start) / calls, (after - before) / calls, calls)


@dataclass
class Timed:
    """A candidate, and what is known of its time."""

    call: Call
    threads: int = 1
    """How many may run in a call."""
    between: Call | None = None
    """Called before each repetition, and not timed: repetitions are single calls then."""
    calls: int = 1
    repetitions: list[Repetition] = field(default_factory=list[Repetition])
    """Those that nobody has interrupted."""
    bursts: int = 0
    spent: float = 0.0
    """How many seconds all of them took."""
    times: tuple[float, ...] = ()
    """Of each burst, what a call takes where nobody disturbs it."""

    @property
    def seconds(self) -> float:
        """What a call takes."""
        return median(self.times) if self.times else inf

    @property
    def shortest(self) -> float:
        """The shortest time of all, as it was measured."""
        return min((each.seconds for each in self.repetitions), default=inf)

    def burst(self, effort: Effort, clock: Clock, yardstick: Yardstick | None = None) -> None:
        """Repeats calls for some milliseconds."""
        found: list[Repetition] = []
        interrupted: list[Passed] = []
        spent = 0.0
        before = yardstick.reading() if yardstick is not None else None
        while True:
            if self.between is not None:
                self.between()
            passed = measure_once(self.call, self.calls, clock)
            after = yardstick.reading() if yardstick is not None else None
            readings = None if before is None or after is None else (before, after)
            before = after
            # A stop is no effort of ours.
            spent += min(passed.seconds, passed.processor) * passed.calls
            if passed.is_disturbed:
                interrupted.append(passed)
                if len(interrupted) < effort.patience and spent < effort.long_burst:
                    continue
            else:
                short = self.between is None and passed.seconds * self.calls < effort.shortest
                if short and not found and not self.repetitions:
                    self.calls = _calls_for(passed.seconds, effort.shortest, self.calls)
                    continue
                found.append(Repetition(self.bursts, passed.seconds, readings))
            if spent >= effort.seconds or len(interrupted) >= effort.patience:
                break
        if not found:
            each = min((each.processor if self.threads == 1 else each.seconds) for each in interrupted)
            found = [Repetition(self.bursts, max(each, 1e-9))]  # clocks have ticks
        self.repetitions += found
        self.bursts += 1
        self.spent += spent

    def judge(self, shortest: float, sensitivity: Sensitivity) -> None:
        """Says what calls take, by all repetitions so far; `shortest` is what the yardstick takes undisturbed."""
        self.times = undisturbed(self.repetitions, shortest, sensitivity)


def _calls_for(seconds: float, shortest: float, calls: int) -> int:
    return max(math.ceil(shortest * 1.2 / max(seconds, 1e-8)), calls + 1)


def time_in_rounds(
    candidates: Sequence[Timed],
    effort: Effort,
    clock: Clock,
    *,
    best_seconds: float = inf,
    yardstick: Yardstick | None = None,
    sensitivity: Sensitivity | None = None,
) -> Sensitivity:
    """Times candidates in turn, a burst each, round by round. Each was called before: what is first has been done.

    All have `effort.rounds` bursts, those that are not slow as many again, and those that seem as fast as the best, of
    these or of earlier ones, still more, until they were. Those whose calls take long have fewer.
    Returns how much candidates slow down when the yardstick does; `sensitivity` is what was known of that before.
    """
    known = now = sensitivity or Sensitivity()
    left = list(candidates)
    while left:
        start = clock.wall()
        for each in left:
            each.burst(effort, clock, yardstick)
        now = _judge(candidates, known, yardstick)
        # Who was lucky in earlier rounds is the best no more.
        fastest = min(best_seconds, *(each.seconds for each in candidates))
        left = [each for each in candidates if _needs_more(each, effort, fastest)]
        pause = PAUSE if any(each.bursts < 2 * effort.rounds for each in left) else LONG_PAUSE
        if left and (passed := clock.wall() - start) < pause:
            clock.sleep(pause - passed)
    return now


def _judge(candidates: Sequence[Timed], known: Sensitivity, yardstick: Yardstick | None) -> Sensitivity:
    """Says what all candidates take, from all that was measured."""
    now = known.after(each.repetitions for each in candidates)
    for each in candidates:
        each.judge(inf if yardstick is None else yardstick.shortest, now)
    return now


def _needs_more(candidate: Timed, effort: Effort, best_seconds: float) -> bool:
    is_slow = candidate.seconds > effort.slow * best_seconds
    if (is_slow and candidate.seconds >= effort.long) or candidate.spent >= effort.enough:
        return False
    if candidate.bursts < (effort.rounds if is_slow else 2 * effort.rounds):
        return True
    was_seen = candidate.shortest <= effort.near * candidate.seconds
    return candidate.seconds <= effort.near * best_seconds and not was_seen and candidate.bursts < effort.sure


__all__ = ["Call", "Clock", "Effort", "SystemClock", "Timed", "measure_once", "time_in_rounds"]
