"""Simulated annealing: chains walk to neighbours, uphill by the model's score, downhill ever more rarely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..space.sketch import Candidate, Choices, Space
from .batch import Ranked, select_batch
from .interface import Outcome, Ranking, Scores
from .terrain import Terrain

CHAINS = 256
STEPS = 32
_KEPT = 1024
"""How many of the best candidates that a round comes by are kept to choose from."""


class AnnealingSearch:
    """Parallel chains, all of a sketch moved at once. The temperature falls from 1 to 0 in a round, in units of the
    spread of scores; where the chains end, the next round starts, with the better half of them, each of which may be
    split, and with what the ranking has learned meanwhile."""

    def __init__(self, space: Space, *, seed: int, ranking: Ranking | None) -> None:
        if ranking is None:
            raise ValueError("expected a ranking to search by, got none")
        self._terrain = Terrain(space, np.random.default_rng(seed))
        self._ranking = ranking
        self._chains: dict[int, Choices] = {}

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._terrain.tell(outcomes)
        self._ranking.tell(outcomes)

    def propose(self, count: int) -> list[Candidate]:
        if not self._chains:
            self._start()
        self._ranking.open_more(all=True)
        return select_batch(self._terrain, self._walk(), count, self._ranking)

    def _start(self) -> None:
        """Puts chains where chance says, as many on each sketch."""
        sketches = self._terrain.space.sketches
        for sketch in range(len(sketches)):
            self._chains[sketch] = self._terrain.sample_of(sketch, max(8, CHAINS // len(sketches)))

    def _walk(self) -> Ranked:
        scores = self._survive()
        finite = np.concatenate([each[np.isfinite(each)] for each in scores.values()]) if scores else np.zeros(0)
        spread = float(finite.std()) if len(finite) > 1 else 1.0
        visited = {sketch: [(self._chains[sketch], each)] for sketch, each in scores.items()}
        for step in range(STEPS):
            temperature = max((1.0 - step / STEPS) * (spread or 1.0), 1e-12)
            for sketch in scores:
                moved = self._step(sketch, scores[sketch], temperature)
                if moved is not None:
                    visited[sketch].append(moved)
        return Ranked(tuple((sketch, *self._unseen(sketch, parts)) for sketch, parts in sorted(visited.items())))

    def _survive(self) -> dict[int, Scores]:
        """Ends the worse half of the chains and of some new ones, and splits others, so that few sketches are walked
        on. Returns the scores of where they are."""
        for stranger in self._terrain.sample(CHAINS // 8):
            row = np.asarray([stranger.choice], np.int32).reshape(1, len(stranger.choice))
            known = self._chains.get(stranger.sketch)
            self._chains[stranger.sketch] = row if known is None else np.concatenate([known, row])
        scores = {sketch: self._ranking.scores(sketch, rows) for sketch, rows in self._chains.items() if len(rows)}
        if not scores:
            return scores
        count = min(CHAINS, sum(map(len, scores.values())))
        places = [(sketch, position) for sketch, each in scores.items() for position in range(len(each))]
        order: list[int] = np.argsort(-np.concatenate(list(scores.values())), kind="stable").tolist()
        best = [places[position] for position in order[: max(1, count // 2)]]
        copies: list[int] = self._terrain.rng.integers(0, len(best), count - len(best)).tolist()
        kept: dict[int, list[int]] = {}
        for sketch, position in [*best, *(best[copy] for copy in copies)]:
            kept.setdefault(sketch, []).append(position)
        self._chains = {sketch: self._chains[sketch][kept[sketch]] for sketch in sorted(kept)}
        return {sketch: scores[sketch][kept[sketch]] for sketch in sorted(kept)}

    def _step(self, sketch: int, scores: Scores, temperature: float) -> tuple[Choices, Scores] | None:
        """Moves the chains of a sketch, and updates their scores in place. Returns what they looked at."""
        terrain, chains = self._terrain, self._chains[sketch]
        if not chains.shape[1]:
            return None
        moved = terrain.mutate(sketch, chains)
        legal = terrain.allowed(sketch, moved)
        chance = terrain.rng.random(len(chains))
        if not legal.any():
            return None
        rows = moved[legal]
        new = np.full(len(chains), -np.inf)
        new[legal] = self._ranking.scores(sketch, rows)
        with np.errstate(invalid="ignore", over="ignore"):
            taken = legal & ((new >= scores) | (chance < np.exp((new - scores) / temperature)))
        chains[taken] = moved[taken]
        scores[taken] = new[taken]
        return rows, new[legal]

    def _unseen(self, sketch: int, parts: list[tuple[Choices, Scores]]) -> tuple[Choices, Scores]:
        """The best of what the chains came by, each once, without what was proposed before."""
        rows = np.concatenate([part[0] for part in parts])
        scores = np.concatenate([part[1] for part in parts])
        best: dict[tuple[int, ...], float] = {}
        for position in np.argsort(-scores, kind="stable").tolist():
            row = tuple(rows[position].tolist())
            if row not in best and self._terrain.is_new(Candidate(sketch, row)):
                best[row] = float(scores[position])
                if len(best) == _KEPT:
                    break
        found = np.asarray(list(best), np.int32).reshape(len(best), rows.shape[1])
        return found, np.asarray(list(best.values()), np.float64)
