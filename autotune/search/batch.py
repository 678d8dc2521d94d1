"""Which of many ranked candidates are measured next: the best that differ, and some by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..space.sketch import Candidate, Choices
from .interface import Scores
from .terrain import Terrain

EPSILON = 0.1
"""How many of the candidates that are measured chance decides."""
_POOL = 12
"""Among how many times as many as are wanted they are chosen to differ."""
_LIKENESS = 0.3
"""How much of the spread of scores a candidate loses that is like one that is chosen already."""


@dataclass(frozen=True)
class Ranked:
    """Candidates with scores, by sketches: those of `sketches[n]` are in row `n` of `choices[sketch]`."""

    parts: tuple[tuple[int, Choices, Scores], ...]

    def best(self, count: int) -> list[tuple[Candidate, float]]:
        """The best, in order; of equal ones the one that comes first."""
        scores = np.concatenate([part[2] for part in self.parts]) if self.parts else np.zeros(0)
        sketches = np.concatenate([np.full(len(part[2]), part[0]) for part in self.parts]) if self.parts else scores
        starts = np.cumsum([0, *(len(part[2]) for part in self.parts)])
        order = np.argsort(-scores, kind="stable")[:count]
        order = order[np.isfinite(scores[order])]
        at = {part[0]: (number, part[1]) for number, part in enumerate(self.parts)}
        found: list[tuple[Candidate, float]] = []
        for position in order.tolist():
            sketch = int(sketches[position])
            number, choices = at[sketch]
            row = choices[position - int(starts[number])]
            found.append((Candidate(sketch, tuple(row.tolist())), float(scores[position])))
        return found


def select_batch(terrain: Terrain, ranked: Ranked, count: int) -> list[Candidate]:
    """So many candidates to measure. They count as proposed."""
    by_chance = int(terrain.rng.binomial(count, EPSILON)) if count > 1 else 0
    found = terrain.propose(_different(terrain, ranked.best(_POOL * count), count - by_chance))
    if len(found) < count:
        found += terrain.propose(terrain.sample(count - len(found)))
    if len(found) < count:
        more = ranked.best(_POOL * count)
        found += terrain.propose(each for each, _ in more[: count - len(found)] if terrain.is_new(each))
    return found


def _different(terrain: Terrain, pool: list[tuple[Candidate, float]], count: int) -> list[Candidate]:
    """The best of a pool, which lose for being like those that are taken before them."""
    if not pool or count <= 0:
        return []
    scores = np.array([score for _, score in pool])
    spread = float(scores.max() - scores.min()) or 1.0
    likeness = np.zeros(len(pool))
    left = np.ones(len(pool), np.bool_)
    taken: list[int] = []
    while len(taken) < min(count, len(pool)):
        worth = np.where(left, scores - _LIKENESS * spread * likeness, -np.inf)
        best = int(np.argmax(worth))
        taken.append(best)
        left[best] = False
        likeness = np.maximum(likeness, _likeness(pool[best][0], [each for each, _ in pool]))
    return [pool[position][0] for position in taken]


def _likeness(one: Candidate, others: list[Candidate]) -> NDArray[np.float64]:
    """How many knobs are set alike, as a share; squared, so that what differs a little is like it."""
    alike = [
        sum(a == b for a, b in zip(one.choice, each.choice, strict=True)) / max(len(one.choice), 1)
        if each.sketch == one.sketch
        else 0.0
        for each in others
    ]
    return np.square(np.asarray(alike))
