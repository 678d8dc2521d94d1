"""Which kernel gets the next trials, where many share a budget: the one that is expected to save the most time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WARM_UP = 8
"""The trials that every kernel gets first."""
RECENT = 0.3
"""How much what the last trials brought counts, beside what the limits of the machine leave to gain."""
_ALWAYS = 0.02
"""The part of its time that a kernel is believed to have to gain, whatever else is known."""


@dataclass
class Standing:
    """How far the search for a kernel has come."""

    calls: int
    """How often a program runs it."""
    operations: int
    bytes: int
    """What it has to compute and to move."""
    purposes: tuple[str, ...] = ()
    """What it may be used for: of kernels that compute the same in different ways, only the fastest is."""
    best: list[float] = field(default_factory=list[float])
    """The least time of a call after each trial; infinite as long as nothing ran."""
    done: bool = False
    """There is nothing more to measure, or no more is wanted."""

    @property
    def work(self) -> int:
        """What a program computes and moves by it."""
        return self.calls * (self.operations + self.bytes)

    def add(self, seconds: float) -> None:
        """Notes a trial."""
        self.best.append(min(seconds, self.best[-1] if self.best else math.inf))


def next_kernel(standings: Sequence[Standing]) -> int | None:
    """The position of the kernel whose next trials are expected to bring the most; none if all are done. At first all
    have some, those that take the longest first."""
    open_ = [position for position, standing in enumerate(standings) if not standing.done]
    cold = [position for position in open_ if len(standings[position].best) < WARM_UP]
    if cold:
        return min(cold, key=lambda at: (len(standings[at].best), -standings[at].work, at))
    rates = _Rates.of(standings)
    needed = _needed(standings)
    return max(
        open_,
        key=lambda at: (expected_gain(standings[at], rates, needed.get(at, math.inf)), -at),
        default=None,
    )


def _needed(standings: Sequence[Standing]) -> dict[int, float]:
    """For kernels that others can stand in for: the time of the fastest one of these."""
    found: dict[int, float] = {}
    for position, standing in enumerate(standings):
        others = [
            other.best[-1]
            for other in standings
            if other is not standing and other.best and not set(other.purposes).isdisjoint(standing.purposes)
        ]
        if others:
            found[position] = min(others)
    return found


@dataclass(frozen=True)
class _Rates:
    """The fastest that any kernel of a program computes and moves numbers, so far."""

    operations: float
    bytes: float

    @staticmethod
    def of(standings: Sequence[Standing]) -> _Rates:
        timed = [each for each in standings if each.best and math.isfinite(each.best[-1])]
        return _Rates(
            max((each.operations / each.best[-1] for each in timed), default=0.0),
            max((each.bytes / each.best[-1] for each in timed), default=0.0),
        )

    def reachable(self, standing: Standing) -> float:
        """The time of a kernel that is as good as the best of the others, at what takes it longer."""
        times = [
            amount / rate
            for amount, rate in ((standing.operations, self.operations), (standing.bytes, self.bytes))
            if rate > 0.0
        ]
        return max(times, default=0.0)


def expected_gain(standing: Standing, rates: _Rates, needed: float = math.inf) -> float:
    """The time that one more trial saves a program, by guess: what recent ones did, and a part of what may be left that
    is the smaller the more trials there were. What is not faster than `needed` saves nothing."""
    trials = len(standing.best)
    best = standing.best[-1]
    if not math.isfinite(best):
        # Nothing works yet: the others come first, until they are through.
        return 0.0
    window = max(WARM_UP, trials // 3)
    before = standing.best[-min(window + 1, trials)]
    recent = (before - best) / window if math.isfinite(before) else best / window
    used = min(best, needed)
    left = max(used - rates.reachable(standing), _ALWAYS * used) / trials
    # The farther it is behind, the less likely it is to be used in the end.
    share = (used / best) ** 2
    return share * standing.calls * (RECENT * recent + (1.0 - RECENT) * left)
