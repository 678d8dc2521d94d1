"""How much others slow this core down.

Who shares a core's units with us (another hardware thread, which may be another machine's) shows on no clock of ours:
all that we see is that the same work takes longer, for a moment or for seconds at a time. So around each repetition a
piece of work is timed that always takes equally long where nobody disturbs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf

READINGS = 3


class Yardstick:
    """Times a piece of work, over and over.

    Args:
        work: what is timed; some ten microseconds long, and with everything in it that threads of a core share.
        shortest: the shortest reading so far, if there was one.
    """

    def __init__(
        self, work: Callable[[], object], now: Callable[[], float] = time.perf_counter, shortest: float = inf
    ) -> None:
        self._work, self._now = work, now
        self.shortest = shortest
        """The shortest reading of all: nobody has disturbed that one."""

    def reading(self) -> float:
        """How many seconds the work takes now: the middle one of a few times."""
        self._work()  # what was called before has left its own data in the first cache
        times: list[float] = []
        for _ in range(READINGS):
            start = self._now()
            self._work()
            times.append(self._now() - start)
        reading = sorted(times)[READINGS // 2]
        self.shortest = min(self.shortest, reading)
        return reading
