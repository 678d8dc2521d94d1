"""Random search: candidates as they come, each as likely as any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..space.sketch import Candidate, Space
from .interface import Outcome, Ranking
from .terrain import Terrain


class RandomSearch:
    """Draws candidates, admissible ones, without putting any back."""

    def __init__(self, space: Space, *, seed: int, ranking: Ranking | None = None) -> None:
        self._terrain = Terrain(space, np.random.default_rng(seed))

    def propose(self, count: int) -> list[Candidate]:
        return self._terrain.propose(self._terrain.sample(count))

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._terrain.tell(outcomes)
