"""Grid search: all candidates in order, the sketches in turn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from ..space.sketch import Candidate, Space
from .interface import Outcome, Ranking
from .terrain import Terrain

_CHUNK = 1024


class GridSearch:
    """Counts through the options of knobs, the last knob first."""

    def __init__(self, space: Space, *, seed: int, ranking: Ranking | None = None) -> None:
        self._terrain = Terrain(space, np.random.default_rng(seed))
        self._left = [self._candidates(sketch) for sketch in range(len(space.sketches))]
        self._turn = 0

    def _candidates(self, sketch: int) -> Iterator[Candidate]:
        sizes = self._terrain.sizes[sketch]
        size = self._terrain.space.sketches[sketch].size
        positions = iter(range(size))
        while chunk := list(itertools.islice(positions, _CHUNK)):
            # Sizes may be beyond what numpy's integers hold.
            rows = np.zeros((len(chunk), len(sizes)), np.int32)
            for knob in reversed(range(len(sizes))):
                options = sizes[knob]
                rows[:, knob] = [position % options for position in chunk]
                chunk = [position // options for position in chunk]
            for row in self._terrain.fresh(sketch, rows).tolist():
                candidate = Candidate(sketch, tuple(row))
                if self._terrain.is_new(candidate):
                    yield candidate

    def propose(self, count: int) -> list[Candidate]:
        found: list[Candidate] = []
        while self._left and len(found) < count:
            self._turn %= len(self._left)
            candidate = next(self._left[self._turn], None)
            if candidate is None:
                del self._left[self._turn]
                continue
            self._turn += 1
            found += self._terrain.propose([candidate])
        return found

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._terrain.tell(outcomes)
