"""Which of many ranked candidates are measured next: the best that differ, and some by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.interface import Doubt
from ..space.sketch import Candidate, Choices
from .interface import Ranking, Scores
from .likeness import likeness, scaled
from .terrain import Terrain

EPSILON = 0.1
"""How many of the candidates that are measured chance decides."""
HOPE = 2.0
"""How many standard deviations more than its score a candidate may turn out to be worth."""
CURIOSITY = 0.5
"""How much the ranking is believed to be wrong about what is unlike everything measured, in errors that it made, where
it does not say itself how far off it may be."""
_POOL = 384
"""Among how many of the best they are chosen."""
_OF_EACH = 12
"""How many of each sketch are among these at least."""


@dataclass(frozen=True)
class Ranked:
    """Candidates with scores, by sketches: those of `sketches[n]` are in row `n` of `choices[sketch]`."""

    parts: tuple[tuple[int, Choices, Scores], ...]

    def best(self, count: int) -> list[tuple[Candidate, float]]:
        """The best, in order; of equal ones the one that comes first."""
        found: list[tuple[Candidate, float]] = []
        for sketch, choices, scores in self.parts:
            order = np.argsort(-scores, kind="stable")[:count]
            order = order[np.isfinite(scores[order])]
            pairs = zip(choices[order].tolist(), scores[order].tolist(), strict=True)
            found += [(Candidate(sketch, tuple(row)), score) for row, score in pairs]
        return sorted(found, key=lambda each: -each[1])[:count]

    def pool(self) -> list[tuple[Candidate, float]]:
        """The best, and of each sketch some."""
        found = dict(self.best(_POOL))
        for part in self.parts:
            found |= dict(Ranked((part,)).best(_OF_EACH))
        return sorted(found.items(), key=lambda each: -each[1])


def select_batch(terrain: Terrain, ranked: Ranked, count: int, ranking: Ranking) -> list[Candidate]:
    """So many candidates to measure, which count as proposed; `ranking` is what they were ranked by."""
    by_chance = int(terrain.rng.binomial(count, EPSILON)) if count > 1 else 0
    pool = ranked.pool()
    doubt = ranking.doubt([each for each, _ in pool]) if pool else None
    if doubt is not None:
        promising = _hopeful(pool, count - by_chance, doubt)
    else:
        promising = _promising(terrain, pool, count - by_chance, CURIOSITY * ranking.error())
    found = terrain.propose(promising)
    if len(found) < count:
        found += terrain.propose(terrain.sample(count - len(found)))
    if len(found) < count:
        more = ranked.best(count + len(found))
        found += terrain.propose([each for each, _ in more if terrain.is_new(each)][: count - len(found)])
    return found


def _hopeful(pool: list[tuple[Candidate, float]], count: int, doubt: Doubt) -> list[Candidate]:
    """Those of a pool that may turn out best, one after the other: the bounds that scores hardly exceed, where each
    that is taken leaves less doubt about those that are like it (GP-BUCB; Desautels, Krause, Burdick, 2014)."""
    scores = np.array([score for _, score in pool])
    covariance = doubt.covariance.copy()
    taken: list[int] = []
    for _ in range(min(count, len(pool))):
        best = int(np.argmax(scores + HOPE * np.sqrt(np.maximum(np.diag(covariance), 0.0))))
        taken.append(best)
        scores[best] = -np.inf
        column = covariance[:, best].copy()
        covariance -= np.outer(column, column / (column[best] + doubt.noise))
    return [pool[position][0] for position in taken]


def _promising(terrain: Terrain, pool: list[tuple[Candidate, float]], count: int, curiosity: float) -> list[Candidate]:
    """Those of a pool that may turn out best: their scores, and the more the less they are like what was measured or
    is taken before them."""
    if not pool or count <= 0:
        return []
    scores = np.array([score for _, score in pool])
    alike = np.zeros(len(pool))
    places = [(sketch, np.flatnonzero([each.sketch == sketch for each, _ in pool])) for sketch in _sketches(pool)]
    rows = {sketch: (at, scaled(terrain.sizes[sketch], [pool[n][0].choice for n in at])) for sketch, at in places}
    for sketch, (at, points) in rows.items():
        known = scaled(terrain.sizes[sketch], terrain.measured(sketch))
        alike[at] = np.max(likeness(points, known), axis=1, initial=0.0)
    taken: list[int] = []
    for _ in range(min(count, len(pool))):
        best = int(np.argmax(scores + curiosity * (1.0 - alike)))
        taken.append(best)
        scores[best] = -np.inf
        at, points = rows[pool[best][0].sketch]
        own = points[np.flatnonzero(at == best)]
        alike[at] = np.maximum(alike[at], likeness(points, own)[:, 0])
    return [pool[position][0] for position in taken]


def _sketches(pool: list[tuple[Candidate, float]]) -> list[int]:
    return sorted({each.sketch for each, _ in pool})
