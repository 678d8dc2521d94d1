"""Searchers: what they may propose, that they are deterministic, and that a model helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import synthetic_space as synthetic
from numpy.typing import NDArray
from stepwell.autotune.models.interface import Features
from stepwell.autotune.search.annealing import AnnealingSearch
from stepwell.autotune.search.evolutionary import EvolutionarySearch
from stepwell.autotune.search.genetic import GeneticSearch
from stepwell.autotune.search.grid import GridSearch
from stepwell.autotune.search.interface import Searcher
from stepwell.autotune.search.random import RandomSearch
from stepwell.autotune.search.ranking import ModelRanking
from stepwell.autotune.space.constraints import admissible
from stepwell.autotune.space.sketch import Candidate, Choices, Sketch, Space
from stepwell.autotune.trial import Status

Make = Callable[[Space, int], Searcher]

GUIDED = [EvolutionarySearch, AnnealingSearch]
BLIND = [RandomSearch, GridSearch, GeneticSearch]


def make(kind: type, space: Space, seed: int = 0) -> Searcher:
    return kind(space, seed=seed, ranking=ModelRanking(space, synthetic.Ridge(), synthetic.matrix))


def run(searcher: Searcher, space: Space, trials: int, batch: int = 8) -> list[tuple[Candidate, float]]:
    """What is measured, in order."""
    found: list[tuple[Candidate, float]] = []
    while len(found) < trials:
        proposed = searcher.propose(min(batch, trials - len(found)))
        if not proposed:
            break
        outcomes = [(each, synthetic.trial(space, each)) for each in proposed]
        searcher.tell(outcomes)
        found += [(each, trial.seconds) for each, trial in outcomes]
    return found


@pytest.mark.parametrize("kind", [*GUIDED, *BLIND])
def test_one_seed_proposes_the_same(kind: type):
    space = synthetic.space()
    first, second = (run(make(kind, space, 3), space, 24) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", [*GUIDED, RandomSearch, GeneticSearch])
def test_seeds_differ(kind: type):
    space = synthetic.space()
    assert run(make(kind, space, 1), space, 16) != run(make(kind, space, 2), space, 16)


@pytest.mark.parametrize("kind", [*GUIDED, *BLIND])
def test_nothing_is_proposed_twice_and_everything_is_admissible(kind: type):
    space = synthetic.space(limit=64)
    found = [candidate for candidate, _ in run(make(kind, space), space, 60, batch=13)]
    assert len(found) == len(set(found)) == 60
    for candidate in found:
        rows = np.asarray([candidate.choice], np.int32)
        assert admissible(space.sketches[candidate.sketch], rows).all()


@pytest.mark.parametrize("kind", [*GUIDED, *BLIND])
def test_a_small_space_is_searched_to_its_end(kind: type):
    space = synthetic.space(knobs=2, limit=64)
    found = [candidate for candidate, _ in run(make(kind, space), space, 1000, batch=29)]
    legal = 2 * sum(a * b <= 64 for a in synthetic.KNOBS for b in synthetic.KNOBS)
    assert len(found) == len(set(found)) == legal


@pytest.mark.parametrize("kind", [*GUIDED, *BLIND])
def test_a_sketch_without_knobs_is_a_candidate(kind: type):
    space = synthetic.space(knobs=0, sketches=3)
    assert sorted(each for each, _ in run(make(kind, space), space, 10)) == [Candidate(n, ()) for n in range(3)]


@pytest.mark.parametrize("kind", [*GUIDED, *BLIND])
def test_what_was_told_is_not_proposed(kind: type):
    space = synthetic.space(knobs=1, sketches=1)
    searcher = make(kind, space)
    told = [Candidate(0, (number,)) for number in range(0, 8, 2)]
    searcher.tell([(each, synthetic.trial(space, each)) for each in told])
    assert sorted(each for each, _ in run(searcher, space, 10)) == [Candidate(0, (n,)) for n in range(1, 8, 2)]


@pytest.mark.parametrize("kind", GUIDED)
def test_a_model_finds_what_chance_does_not(kind: type):
    space = synthetic.space()
    for seed in range(2):
        guided = min(time for _, time in run(make(kind, space, seed), space, 64))
        chance = min(time for _, time in run(make(RandomSearch, space, seed), space, 256))
        assert guided < chance


def test_generations_improve():
    space = synthetic.space()
    found = [time for _, time in run(make(GeneticSearch, space), space, 500)]
    assert np.median(found[-97:]) < 0.8 * np.median(found[:100])


@pytest.mark.parametrize("kind", [*GUIDED, RandomSearch, GeneticSearch])
def test_what_always_fails_is_avoided(kind: type):
    space = synthetic.space(knobs=4)
    searcher = make(kind, space)
    late: list[bool] = []
    for step in range(32):
        outcomes = []
        for each in searcher.propose(8):
            # Whoever turns the last knob below 16 is refused.
            fails = each.choice[-1] < 4
            outcomes.append((each, synthetic.trial(space, each, Status.REFUSED if fails else Status.OK)))
            if step >= 24:
                late.append(fails)
        searcher.tell(outcomes)
    assert np.mean(late) < 0.15


def test_a_lost_worker_teaches_nothing():
    space = synthetic.space(knobs=1, sketches=1)
    searcher = make(RandomSearch, space)
    told = [Candidate(0, (0,)), Candidate(0, (1,))]
    for _ in range(8):
        searcher.tell([(each, synthetic.trial(space, each, Status.LOST)) for each in told])
    assert len(run(searcher, space, 10)) == 6


def test_guided_search_spreads_its_batches():
    space = synthetic.space()
    searcher = make(EvolutionarySearch, space)
    run(searcher, space, 32)
    batch = searcher.propose(16)
    alike = [sum(a == b for a, b in zip(x.choice, y.choice, strict=True)) for x in batch for y in batch if x < y]
    assert np.mean(alike) < 5.0


class _Looked:
    """Features, and the sketches that they were asked of."""

    def __init__(self) -> None:
        self.ranked: list[str] = []
        self.applied: list[str] = []

    def matrix(self, sketch: Sketch, choices: Choices) -> tuple[Features, NDArray[np.bool_]]:
        if sketch.name not in self.ranked:
            self.ranked.append(sketch.name)
        return synthetic.matrix(sketch, choices)

    def exact(self, sketch: Sketch, choice: Sequence[int]) -> NDArray[np.float32] | None:
        self.applied.append(sketch.name)
        return synthetic.matrix(sketch, np.asarray([choice], np.int32))[0][0]


def test_sketches_are_opened_one_after_the_other():
    space, looked = synthetic.space(sketches=6), _Looked()
    ranking = ModelRanking(space, synthetic.Ridge(), looked.matrix, looked.exact)
    searcher = EvolutionarySearch(space, seed=0, ranking=ranking)
    numbers: list[int] = []
    for _ in range(6):
        searcher.tell([(each, synthetic.trial(space, each)) for each in searcher.propose(4)])
        numbers.append(len(looked.ranked))
    assert numbers == [2, 3, 4, 5, 6, 6]
    # A few candidates of each are applied before, and what chance proposes.
    assert set(looked.applied) == {sketch.name for sketch in space.sketches}
    assert len(looked.applied) <= 6 * 2 + 6 * 4


def test_annealing_opens_all_sketches():
    space, looked = synthetic.space(sketches=4), _Looked()
    ranking = ModelRanking(space, synthetic.Ridge(), looked.matrix, looked.exact)
    AnnealingSearch(space, seed=0, ranking=ranking).propose(4)
    assert len(looked.ranked) == 4
