"""Whether others slow this core down.

Who shares a core's units with us (another hardware thread, which may be another machine's) shows on no clock of ours:
all that we see is that the same work takes longer, for seconds at a time. So before and after each repetition a piece
of work is done that always takes equally long: multiply-adds on registers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf

SLACK = 1.2
"""How much longer than the shortest time that was ever seen is still calm: clocks of cores go up and down, too."""
READINGS = 2
PAUSE = 0.02
PATIENCE = 1.0
"""How many seconds are waited for calm, before a candidate is measured all the same."""
LEAST_PATIENCE = 0.05


class Yardstick:
    """Looks whether the core is ours alone, and waits until it is, but not forever: each time that it waited in vain
    halves its patience, until it sees calm again."""

    def __init__(
        self,
        work: Callable[[], object],
        now: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._work, self._now, self._sleep = work, now, sleep
        self._best = inf
        self.patience = PATIENCE

    def is_calm(self) -> bool:
        """Whether the work takes as long as it ever did."""
        readings: list[float] = []
        for _ in range(READINGS):
            start = self._now()
            self._work()
            readings.append(self._now() - start)
        self._best = min(self._best, *readings)
        if min(readings) > SLACK * self._best:
            return False
        self.patience = PATIENCE
        return True

    def wait(self, most: float) -> float:
        """Waits for calm, up to so many seconds; how long that took."""
        start = self._now()
        while not self.is_calm():
            if self._now() - start >= most:
                self.patience = max(LEAST_PATIENCE, self.patience / 2)
                break
            self._sleep(PAUSE)
        return self._now() - start
