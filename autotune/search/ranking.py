"""How promising candidates are: what a cost model says of their features."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..models.interface import CostModel, Doubt, Features, Samples
from ..space.sample import random_choices, sizes_of
from ..space.sketch import Candidate, Choices, Sketch, Space
from .interface import Outcome, Scores
from .likeness import likeness, scaled
from .terrain import SMALL

Matrix: TypeAlias = Callable[[Sketch, Choices], "tuple[Features, NDArray[np.bool_]]"]
"""Features of candidates of a sketch, and of which of them they are known."""

Exact: TypeAlias = Callable[[Sketch, Sequence[int]], "NDArray[np.float32] | None"]
"""Features of one candidate, for which its script is applied; none if that is refused."""

PROBES = 2
"""How many candidates of each sketch are looked at, to say which sketches are promising."""
OPEN_AT_FIRST = 2

_RECENT = 24
"""How many trials the error of a model is estimated from."""
_GUESSED_ERROR = 0.3
"""The error of a model that nothing is known of, in logarithms of time."""
_GUESSES = 4
"""How many trials that guess counts for."""


class ModelRanking:
    """Ranks by a cost model, which is fitted to the trials of this workload when it is asked after a new one.

    Features of thousands of candidates of a sketch take a while before the first of them is known, which may be all the
    time that there is. So sketches are opened one after the other, the most promising first by what the model says of a
    few of their candidates; of the others no candidate is ranked. Without `exact` they are all open.
    """

    def __init__(self, space: Space, model: CostModel, matrix: Matrix, exact: Exact | None = None) -> None:
        self._space = space
        self._model = model
        self._exact = exact
        self._closed = set(range(len(space.sketches))) if exact is not None else set[int]()
        self._probes: dict[int, list[Candidate]] | None = None
        self._tables = [_Table(sketch, matrix, kept=space.size <= SMALL) for sketch in space.sketches]
        self._measured: dict[Candidate, float] = {}
        self._errors: list[float] = []
        self._rows: dict[Candidate, NDArray[np.float32] | None] = {}
        self._stale = False
        self._offset = 0.0
        """How much larger the model's scores are than logarithms of throughput."""

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        timed = [(each, trial.seconds) for each, trial in outcomes if 0.0 < trial.seconds < np.inf]
        new = [trial for candidate, trial in outcomes if candidate not in self._measured]
        self._errors += [
            -math.log(trial.seconds) - trial.predicted
            for trial in new
            if trial.predicted is not None and 0.0 < trial.seconds < np.inf
        ]
        self._measured.update(timed)
        self._stale = self._stale or bool(timed)

    def features(self, candidate: Candidate) -> NDArray[np.float32] | None:
        """The features of a candidate; none if they are not known."""
        return self._features([candidate])[0]

    def _features(self, candidates: Sequence[Candidate]) -> list[NDArray[np.float32] | None]:
        """The features of candidates; those of a sketch are found together, which takes hardly longer than one's."""
        by_sketch: dict[int, list[Candidate]] = {}
        for each in candidates:
            if each not in self._rows:
                by_sketch.setdefault(each.sketch, []).append(each)
        for sketch, new in by_sketch.items():
            if sketch in self._closed and self._exact is not None:
                self._rows |= {each: self._exact(self._space.sketches[sketch], each.choice) for each in new}
                continue
            features, known = self._tables[sketch].rows(np.concatenate([_row(each) for each in new]))
            self._rows |= {each: features[at] if known[at] else None for at, each in enumerate(new)}
        return [self._rows[each] for each in candidates]

    def open_more(self, *, all: bool = False) -> None:
        if all:
            self._closed.clear()
        if not self._closed:
            return
        count = 1
        if self._probes is None:
            rng, count = np.random.default_rng(0), OPEN_AT_FIRST
            self._probes = {
                number: [Candidate(number, tuple(row)) for row in random_choices(sketch, rng, PROBES).tolist()]
                for number, sketch in enumerate(self._space.sketches)
            }
        probes = self._probes

        def promise(sketch: int) -> float:
            found = [score for score in self.predictions(probes[sketch]) if score is not None]
            return max(found, default=-math.inf)

        order = sorted(self._closed, key=lambda sketch: (-promise(sketch), sketch))
        self._closed.difference_update(order[:count])

    def error(self) -> float:
        """The standard deviation of what was foretold wrong lately, as far as there was enough to tell."""
        recent = self._errors[-_RECENT:]
        # A few that were guessed well may have been luck.
        squares = np.var(recent) * len(recent) if recent else 0.0
        return float(np.sqrt((squares + _GUESSES * _GUESSED_ERROR**2) / (len(recent) + _GUESSES)))

    def scores(self, sketch: int, choices: Choices) -> Scores:
        self._fit()
        scores = np.full(len(choices), -np.inf)
        if sketch in self._closed:
            return scores
        features, known = self._tables[sketch].rows(choices)
        if known.any():
            scores[known] = self._model.predict(features[known])
        if not known.all():
            scores[~known] = self._by_neighbours(sketch, choices[~known])
        return scores

    def _by_neighbours(self, sketch: int, choices: Choices) -> Scores:
        """Scores of candidates whose features nobody knows: those of measured ones, by how alike their knobs are."""
        near = [(each.choice, time) for each, time in self._measured.items() if each.sketch == sketch]
        if not near:
            return np.full(len(choices), -np.inf)
        sizes = self._tables[sketch].sizes
        alike = likeness(scaled(sizes, choices.tolist()), scaled(sizes, [choice for choice, _ in near]))
        weights = np.square(alike.astype(np.float64)) + 1e-9
        measured = self._offset - np.log([time for _, time in near])
        return (weights @ measured) / weights.sum(axis=1)

    def predictions(self, candidates: Sequence[Candidate]) -> list[float | None]:
        """What the model says of candidates; none where nothing is known of one."""
        self._fit()
        rows = self._features(candidates)
        known = [row for row in rows if row is not None]
        scores = iter(self._model.predict(np.stack(known)).tolist() if known else [])
        return [None if row is None else next(scores) for row in rows]

    def doubt(self, candidates: Sequence[Candidate]) -> Doubt | None:
        self._fit()
        rows = self._features(candidates)
        known = np.flatnonzero([row is not None for row in rows])
        found = self._model.doubt(np.stack([row for row in rows if row is not None])) if len(known) else None
        if found is None or len(known) == len(rows):
            return found
        # What features nobody knows is as doubtful as what is most, and like nothing else.
        covariance = np.diag(np.full(len(rows), np.diag(found.covariance).max()))
        covariance[np.ix_(known, known)] = found.covariance
        return Doubt(covariance, found.noise)

    def _fit(self) -> None:
        if not self._stale:
            return
        self._stale = False
        rows = [
            (features, time) for each, time in self._measured.items() if (features := self.features(each)) is not None
        ]
        if not rows:
            return
        samples = Samples.of(np.stack([features for features, _ in rows]), [time for _, time in rows])
        self._model.fit(samples)
        self._offset = float(np.median(self._model.predict(samples.features) - samples.scores))


def _row(candidate: Candidate) -> Choices:
    return np.asarray(candidate.choice, np.int32).reshape(1, -1)


class _Table:
    """The features of candidates of a sketch; those of a small space are computed once."""

    def __init__(self, sketch: Sketch, matrix: Matrix, *, kept: bool) -> None:
        self._sketch, self._matrix = sketch, matrix
        self.sizes = sizes_of(sketch)
        self._present = np.zeros(sketch.size if kept else 0, np.bool_)
        self._known = np.zeros_like(self._present)
        self._features: Features | None = None

    def rows(self, choices: Choices) -> tuple[Features, NDArray[np.bool_]]:
        """Features of candidates, and of which of them they are known."""
        if not len(self._present) or not self.sizes:
            return self._matrix(self._sketch, choices)
        at: NDArray[np.intp] = np.asarray(np.ravel_multi_index(tuple(choices.T), self.sizes), np.intp)
        new = ~self._present[at]
        if new.any():
            features, known = self._matrix(self._sketch, choices[new])
            if self._features is None:
                self._features = np.zeros((len(self._present), features.shape[1]), np.float32)
            self._features[at[new]], self._known[at[new]] = features, known
            self._present[at[new]] = True
        assert self._features is not None
        return self._features[at], self._known[at]
