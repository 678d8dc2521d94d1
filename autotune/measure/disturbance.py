"""What a call would take if nobody disturbed it.

Others slow some kernels down more than others: who waits for memory has less to lose than who needs all multipliers. So
the times of candidates, and how long the yardstick took before and after, say how much a kernel slows down when the
yardstick does: the slope of a line through the logarithms of both. A reading of ten microseconds says little about a
call of milliseconds, which would make the line too flat; so the reading before is an instrument for the one after
(Wald's and Reiersøl's instrumental variables): both err, but not together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

USUAL, CERTAIN = 0.8, 0.5
"""How much kernels slow down as a part of how much the yardstick does, in logarithms, and how many squares of the
yardstick's logarithms of a workload's candidates count as much as that."""
ALIKE = 3.0
"""How many squares of a candidate count as much as all that is known of the others of its workload."""
REMEMBERED = 20.0
"""Squares that are remembered at most, so that what is new counts."""
MOST = 1.1
"""The most that a kernel slows down, as a part."""
OUTLIER = 0.5
"""By how much a repetition differs from the middle one, as a logarithm, before it counts as differing as much."""


@dataclass(frozen=True)
class Repetition:
    """A time of a call."""

    burst: int
    """The number of the burst that it belongs to."""
    seconds: float
    readings: tuple[float, float] | None = None
    """What the yardstick took before and after; none if nobody looked."""

    def slowdown(self, shortest: float) -> float:
        """How much longer the yardstick took than `shortest`, as a logarithm."""
        if self.readings is None:
            return 0.0
        before, after = self.readings
        return max(math.log(before * after / shortest**2) / 2, 0.0)


@dataclass(frozen=True)
class Sensitivity:
    """How much the candidates of a workload slow down when the yardstick does: sums over repetitions."""

    products: float = USUAL * CERTAIN
    squares: float = CERTAIN

    @property
    def slope(self) -> float:
        """As a part of how much the yardstick does, in logarithms."""
        return max(0.0, min(MOST, self.products / max(self.squares, CERTAIN)))

    def after(self, candidates: Iterable[Sequence[Repetition]]) -> Sensitivity:
        """With some more candidates."""
        sums = [_sums(repetitions) for repetitions in candidates]
        products = self.products + sum(each for each, _ in sums)
        squares = self.squares + sum(each for _, each in sums)
        forgotten = min(1.0, REMEMBERED / max(squares, CERTAIN))
        return Sensitivity(products * forgotten, squares * forgotten)

    def of(self, repetitions: Sequence[Repetition]) -> Sensitivity:
        """That of one candidate, which is like the others."""
        return Sensitivity(self.slope * ALIKE, ALIKE).after([repetitions])


def undisturbed(repetitions: Sequence[Repetition], shortest: float, sensitivity: Sensitivity) -> tuple[float, ...]:
    """For each burst of a candidate, what a call would have taken, where the yardstick takes `shortest`: never more
    than the shortest time of all."""
    slope = sensitivity.of(repetitions).slope
    bursts: dict[int, list[float]] = {}
    for each in repetitions:
        bursts.setdefault(each.burst, []).append(each.seconds * math.exp(-slope * each.slowdown(shortest)))
    most = min((each.seconds for each in repetitions), default=math.inf)
    return tuple(min(median(times), most) for _, times in sorted(bursts.items()))


def _sums(repetitions: Sequence[Repetition]) -> tuple[float, float]:
    """Of a candidate's repetitions, as they differ from the middle one: the sum of the products of its times and the
    yardstick's, and of those of the yardstick's before and after."""
    seen = [(each.seconds, *each.readings) for each in repetitions if each.readings is not None]
    if len(seen) < 2:
        return 0.0, 0.0
    took, before, after = (_deviations([each[column] for each in seen]) for column in range(3))
    products = sum(y * (a + b) / 2 for y, b, a in zip(took, before, after, strict=True))
    return products, sum(b * a for b, a in zip(before, after, strict=True))


def _deviations(times: Sequence[float]) -> list[float]:
    logarithms = [math.log(each) for each in times]
    middle = median(logarithms)
    return [max(-OUTLIER, min(OUTLIER, each - middle)) for each in logarithms]
