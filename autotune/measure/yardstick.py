"""Whether others slow this core down.

Who shares a core's units with us (another hardware thread, which may be another machine's) shows on no clock of ours:
all that we see is that the same work takes longer, for a moment or for seconds at a time. So before and after each turn
a piece of work is done that always takes equally long: multiply-adds on registers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf

SLACK = 1.2
"""How much longer than the shortest time that was ever seen is still calm: clocks of cores go up and down, too."""
READINGS = 2


class Yardstick:
    """Looks whether the core is ours alone."""

    def __init__(self, work: Callable[[], object], now: Callable[[], float] = time.perf_counter) -> None:
        self._work, self._now = work, now
        self._best = inf

    def is_calm(self) -> bool:
        """Whether the work takes as long as it ever did."""
        readings: list[float] = []
        for _ in range(READINGS):
            start = self._now()
            self._work()
            readings.append(self._now() - start)
        self._best = min(self._best, *readings)
        return min(readings) <= SLACK * self._best
