"""Evolutionary search: a model ranks thousands of candidates a round, and the best of them are measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..space.sketch import Candidate, Choices, Space
from .batch import Ranked, select_batch
from .interface import Outcome, Ranking, Scores
from .terrain import Terrain

POPULATION = 2048
GENERATIONS = 4
_PARENTS = 256
"""How many of a generation, the best, have children."""
_STRANGERS = 0.1
"""How much of a generation is new."""


class EvolutionarySearch:
    """Breeds candidates for the ranking's score: parents are the best so far, measured or not; children mix their knobs
    or turn one or two. Small spaces are ranked completely."""

    def __init__(self, space: Space, *, seed: int, ranking: Ranking | None) -> None:
        if ranking is None:
            raise ValueError("expected a ranking to search by, got none")
        self._terrain = Terrain(space, np.random.default_rng(seed))
        self._ranking = ranking
        self._best: dict[Candidate, float] = {}
        """The fastest candidates that were measured, with their times."""

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._terrain.tell(outcomes)
        self._ranking.tell(outcomes)
        self._best.update((candidate, trial.seconds) for candidate, trial in outcomes if np.isfinite(trial.seconds))
        if len(self._best) > _PARENTS:
            kept = sorted(self._best, key=lambda each: (self._best[each], each))[: _PARENTS // 2]
            self._best = {each: self._best[each] for each in kept}

    def propose(self, count: int) -> list[Candidate]:
        self._ranking.open_more()
        if self._terrain.is_small:
            parts = [(at, rows, self._ranking.scores(at, rows)) for at, rows in self._terrain.everything()]
            return select_batch(self._terrain, Ranked(tuple(parts)), count, self._ranking)
        return select_batch(self._terrain, self._evolved(), count, self._ranking)

    def _evolved(self) -> Ranked:
        """What some generations come to, unseen candidates only."""
        terrain = self._terrain
        weights = [min(sketch.size, POPULATION) for sketch in terrain.space.sketches]
        shares = [max(4, round(POPULATION * weight / sum(weights))) for weight in weights]
        measured = sorted(self._best, key=lambda each: (self._best[each], each))[:_PARENTS]
        found: dict[int, tuple[Choices, Scores]] = {}
        for sketch, share in enumerate(shares):
            rows = [terrain.sample_of(sketch, share)]
            own = [each.choice for each in measured if each.sketch == sketch]
            if own and terrain.sizes[sketch]:
                # Parents that were measured are ranked with the rest; none of them is proposed.
                rows += [np.asarray(own, np.int32)]
            self._add(found, sketch, np.concatenate(rows))
        for _ in range(GENERATIONS):
            self._next_generation(found)
        parts: list[tuple[int, Choices, Scores]] = []
        for sketch, (rows, scores) in sorted(found.items()):
            new = [terrain.is_new(Candidate(sketch, tuple(row))) for row in rows.tolist()]
            mask = np.asarray(new, np.bool_)
            parts.append((sketch, rows[mask], scores[mask]))
        return Ranked(tuple(parts))

    def _next_generation(self, found: dict[int, tuple[Choices, Scores]]) -> None:
        """Lets the best candidates, of all sketches together, have children, which join the others."""
        terrain = self._terrain
        if not found:
            return
        scores = np.concatenate([scores for _, scores in found.values()])
        limit = np.sort(scores)[::-1][min(_PARENTS, len(scores)) - 1]
        parents = {sketch: np.flatnonzero(scores >= limit) for sketch, (_, scores) in found.items()}
        total = sum(len(rows) for rows in parents.values())
        for sketch, positions in parents.items():
            if not len(positions) or not terrain.sizes[sketch]:
                continue
            rows = found[sketch][0][positions]
            count = max(1, POPULATION * len(positions) // total)
            half = count // 2
            first, second = (rows[terrain.rng.integers(0, len(rows), half)] for _ in range(2))
            turned = terrain.mutate(sketch, rows[terrain.rng.integers(0, len(rows), count - half)])
            mixed = terrain.mutate(sketch, terrain.cross(first, second))
            strangers = terrain.strangers(sketch, int(_STRANGERS * count))
            self._add(found, sketch, np.concatenate([turned, mixed, strangers]))

    def _add(self, found: dict[int, tuple[Choices, Scores]], sketch: int, rows: Choices) -> None:
        """Ranks what is not ranked yet."""
        rows = self._terrain.fresh(sketch, rows, seen=True)
        if sketch in found:
            known = {row.tobytes() for row in found[sketch][0]}
            rows = rows[np.asarray([row.tobytes() not in known for row in rows], np.bool_)]
        if not len(rows):
            return
        scores = self._ranking.scores(sketch, rows)
        if sketch in found:
            rows = np.concatenate([found[sketch][0], rows])
            scores = np.concatenate([found[sketch][1], scores])
        found[sketch] = rows, scores
