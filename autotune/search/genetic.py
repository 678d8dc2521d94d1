"""Genetic search without a model: what was measured to be fast has children."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..space.sketch import Candidate, Space
from .interface import Outcome, Ranking
from .terrain import Terrain

POPULATION = 100
ELITE = 3
MUTATION = 0.1


class GeneticSearch:
    """Generations of a hundred: parents are drawn by their speed, the fastest three stay, each knob of a child is
    turned with a probability of a tenth. A generation is measured whole before the next is bred."""

    def __init__(self, space: Space, *, seed: int, ranking: Ranking | None = None) -> None:
        self._terrain = Terrain(space, np.random.default_rng(seed))
        self._speeds: dict[Candidate, float] = {}
        self._elite: list[Candidate] = []
        self._waiting: list[Candidate] = []
        self._next: list[Candidate] | None = None

    def propose(self, count: int) -> list[Candidate]:
        found: list[Candidate] = []
        while len(found) < count:
            if not self._waiting:
                self._waiting = self._generation()
                if not self._waiting:
                    break
                if found:
                    # What the next generation is bred from is being measured.
                    break
            found += self._terrain.propose([self._waiting.pop(0)])
        return found

    def _generation(self) -> list[Candidate]:
        population = self._speeds
        if not any(speed > 0.0 for speed in population.values()):
            return self._terrain.sample(POPULATION)
        ranked = sorted(population, key=lambda each: (-population[each], each))
        self._elite = ranked[:ELITE]
        children = self._breed(list(population), np.array(list(population.values())))
        # The elite competes with the next generation.
        self._speeds = {each: population[each] for each in self._elite}
        return children

    def _breed(self, parents: list[Candidate], speeds: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[Candidate]:
        rng = self._terrain.rng
        odds = speeds / speeds.sum()
        children: dict[Candidate, None] = {}
        for _ in range(8 * POPULATION):
            if len(children) >= POPULATION - ELITE:
                break
            first, second = (parents[int(at)] for at in rng.choice(len(parents), 2, p=odds))
            child = self._child(first, second if second.sketch == first.sketch else first)
            rows = np.asarray([child.choice], np.int32).reshape(1, len(child.choice))
            if child not in children and len(self._terrain.fresh(child.sketch, rows)):
                children[child] = None
        # A population of one kind breeds what was seen before: chance keeps it going.
        missing = POPULATION - ELITE - len(children)
        if missing > 0:
            children.update((each, None) for each in self._terrain.sample(missing) if each not in children)
        return list(children)

    def _child(self, first: Candidate, second: Candidate) -> Candidate:
        rng = self._terrain.rng
        if len(self._terrain.space.sketches) > 1 and rng.random() < MUTATION:
            # The sketch is one more gene.
            stranger = self._terrain.sample(1)
            if stranger:
                return stranger[0]
        cut = int(rng.integers(0, len(first.choice) + 1))
        genes: list[int] = [*first.choice[:cut], *second.choice[cut:]]
        for knob, size in enumerate(self._terrain.sizes[first.sketch]):
            if rng.random() < MUTATION:
                genes[knob] = int(rng.integers(size))
        return Candidate(first.sketch, tuple(genes))

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        self._terrain.tell(outcomes)
        for candidate, trial in outcomes:
            self._speeds[candidate] = 1.0 / trial.seconds if trial.seconds > 0.0 else 0.0
