"""What is measured next: the promising, and what there is much doubt about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import synthetic_space as synthetic
from stepwell.autotune.models.interface import Doubt
from stepwell.autotune.search.batch import EPSILON, Ranked, select_batch
from stepwell.autotune.search.interface import Outcome, Scores
from stepwell.autotune.search.terrain import Terrain
from stepwell.autotune.space.sketch import Candidate, Choices

SIZE = 64
SEED = 3


class _Unsure:
    """A ranking by no score at all, which knows how alike neighbours are."""

    def __init__(self, measured: Sequence[int] = (), noise: float = 0.01) -> None:
        self.measured, self.noise = list(measured), noise

    def scores(self, sketch: int, choices: Choices) -> Scores:
        return np.zeros(len(choices))

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        return

    def open_more(self, *, all: bool = False) -> None:
        return

    def error(self) -> float:
        return 0.0

    def doubt(self, candidates: Sequence[Candidate]) -> Doubt | None:
        at = np.array([_place(each) for each in candidates], np.float64)

        def alike(a: Scores, b: Scores) -> Scores:
            return np.exp(-0.5 * ((a[:, None] - b[None]) / 3.0) ** 2)

        covariance = alike(at, at)
        if self.measured:
            known = np.array(self.measured, np.float64)
            inverse = np.linalg.inv(alike(known, known) + self.noise * np.eye(len(known)))
            covariance = covariance - alike(at, known) @ inverse @ alike(known, at)
        return Doubt(covariance, self.noise)


def _choose(ranking: _Unsure, scores: Scores, count: int) -> list[int]:
    """Which of the places on a line are chosen."""
    space = synthetic.space(knobs=2, sketches=1)
    rows = np.stack([np.arange(SIZE) // 8, np.arange(SIZE) % 8], axis=1).astype(np.int32)
    terrain = Terrain(space, np.random.default_rng(SEED))
    assert np.random.default_rng(SEED).binomial(count, EPSILON) == 0
    found = select_batch(terrain, Ranked(((0, rows, scores),)), count, ranking)
    return [_place(each) for each in found]


def _place(candidate: Candidate) -> int:
    return 8 * candidate.choice[0] + candidate.choice[1]


def test_a_batch_is_spread_out_where_all_are_as_good() -> None:
    chosen = sorted(_choose(_Unsure(), np.zeros(SIZE), 6))
    assert min(np.diff(chosen)) >= 4


def test_what_is_like_what_was_measured_comes_later() -> None:
    assert min(_choose(_Unsure(measured=[5, 10, 15]), np.zeros(SIZE), 3)) > 18


def test_what_is_much_better_comes_first() -> None:
    scores = np.zeros(SIZE)
    scores[[7, 8, 9]] = 10.0
    assert sorted(_choose(_Unsure(), scores, 5)[:3]) == [7, 8, 9]
