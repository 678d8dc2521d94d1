"""Gradient boosting on what the roofline does not explain; and what trials say, by a Gaussian process on what boosting
does not explain, and by a forest that sees boosting's prediction as one of the features.

The trees are fitted once on what was measured of other workloads: that takes a second. After a round of trials, only
the process and the forest are fitted again: that takes milliseconds. Nothing is kept in a form that could run code when
it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .forest import fit_forest
from .interface import Doubt, Features, Samples, Scores
from .normalize import normalized
from .process import Process, fit_process
from .trees import Trees

LOWEST = -4.0
"""How slow candidates may be, as the logarithm of a part of the best one's speed, before it makes no difference."""
FEWEST = 4
"""The trials of a workload without which they say nothing."""
SHARE, MANY = 2 / 3, 32
"""The part of the forest in predictions after so many trials; before, it is less."""

STEADY = 0.3
"""How much a column may differ between candidates of a workload, relative to how much it does between workloads, to
tell kinds of kernels apart."""
NEAR, FAR = 0.25, 0.5
"""How far a candidate is from what the trees know, in standard deviations of steady columns: up to where they are
believed, and from where hardly. Trees of four families of kernels say nothing about a fifth."""
LEAST = 1 / 6
"""The part of `trust` that is left then."""


@dataclass(frozen=True)
class Options:
    """How trees are fitted."""

    prior: int | None
    """The column of the roofline's estimate, which they start from; None to start from nothing."""
    normalize: bool = True
    """Whether each workload is measured by its best."""
    ignored: tuple[int, ...] = ()
    """Columns that are not looked at."""
    trees: int = 120
    leaves: int = 31
    depth: int = 6
    rate: float = 0.08
    least: int = 10
    """The fewest samples of a leaf."""
    penalty: float = 1.0
    columns: float = 0.5
    """The part of the columns that each split may choose from."""
    trust: float = 0.6
    """The part of what the trees say that is believed of kernels that are like some of theirs."""
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Base:
    """What is known before any trial of a workload."""

    options: Options
    trees: Trees | None
    """None if nothing was ever measured."""
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    """Of each column, to compare candidates by: what matters little is small."""
    steady: NDArray[np.intp]
    """The columns that tell kinds of kernels apart."""
    kinds: NDArray[np.float32]
    """What these are in each workload, on average, relative to how much they differ."""
    unit: NDArray[np.float32]
    """How much each differs between workloads."""

    def predict(self, features: Features) -> Scores:
        """The scores."""
        scores = prior_scores(features, self.options)
        return scores if self.trees is None else scores + self.trust(features) * self.trees.predict(features)

    def trust(self, features: Features) -> Scores:
        """The part of what the trees say of each candidate that is believed."""
        if not len(self.steady):
            return np.full(len(features), self.options.trust)
        points = (features[:, self.steady] - self.mean[self.steady]) / self.unit
        # Workloads are rows, so that the least of each column is found in vectors; what a candidate's distances have in
        # common is added last.
        apart = self.kinds @ (-2 * points.T)
        apart += (self.kinds**2).sum(axis=1)[:, None]
        squares = np.maximum(apart.min(axis=0) + (points**2).sum(axis=1), 0)
        distance = np.sqrt(squares / len(self.steady)).astype(np.float64)
        share = 1 - (1 - LEAST) * np.clip((distance - NEAR) / (FAR - NEAR), 0, 1)
        return self.options.trust * share


def prior_scores(features: Features, options: Options) -> Scores:
    """What is known without any sample."""
    if options.prior is None:
        return np.zeros(len(features))
    return -features[:, options.prior].astype(np.float64)


def fit_base(known: Samples | None, options: Options) -> Base:
    """Trees for what the samples have that the roofline does not explain."""
    if known is None or not len(known):
        nothing, none = np.zeros(1, np.float32), np.zeros((0, 0), np.float32)
        return Base(options, None, nothing, nothing + 1, np.zeros(0, np.intp), none, none.ravel())
    # Neither has types, and what needs no fit needs neither.
    ensemble: Any = import_module("sklearn.ensemble")
    pools: Any = import_module("threadpoolctl")
    scores = known.scores
    if options.normalize:
        scores = np.maximum(normalized(scores, known.groups), LOWEST)
    left = scores - prior_scores(known.features, options)
    if options.normalize:
        # Whether the roofline is right about a workload as a whole makes no difference.
        left = normalized(left, known.groups)
    model: Any = ensemble.HistGradientBoostingRegressor(
        max_iter=options.trees,
        max_leaf_nodes=options.leaves,
        max_depth=options.depth,
        learning_rate=options.rate,
        min_samples_leaf=options.least,
        l2_regularization=options.penalty,
        max_features=options.columns,
        early_stopping=False,
        random_state=options.seed,
    )
    features = known.features
    if options.ignored:
        features = features.copy()
        features[:, options.ignored] = 0
    # How samples are shared out among threads must make no difference.
    with pools.threadpool_limits(1):
        model.fit(features, left, sample_weight=_weights(known.groups))
    trees = Trees.of_boosting(model)
    spread = features.std(axis=0)
    share = np.sqrt(trees.importance(features.shape[1]))
    scale = np.where(spread > 0, share / np.where(spread > 0, spread, 1), 0).astype(np.float32)
    mean = features.mean(axis=0)
    return Base(options, trees, mean, scale, *_kinds(features - mean, known.groups))


def _kinds(
    features: Features, groups: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
    """Which columns tell workloads apart, what they are in each, and how much they differ."""
    parts = [features[groups == group] for group in np.unique(groups)]
    means = np.stack([part.mean(axis=0) for part in parts])
    within = np.stack([part.std(axis=0) for part in parts]).mean(axis=0)
    between = means.std(axis=0)
    steady = np.flatnonzero((between > 1e-6) & (within < STEADY * between))
    unit = between[steady].astype(np.float32)
    return steady, (means[:, steady] / unit).astype(np.float32), unit


def _weights(groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Workloads of which more was measured count more, but not as much more."""
    _, numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[numbers])
    return weights / weights.mean()


@dataclass
class BoostingModel:
    """The base, and what the trials of a workload say about its mistakes."""

    base: Base
    process: Process | None = field(default=None, init=False)
    forest: Trees | None = field(default=None, init=False)
    share: float = field(default=0.0, init=False)
    """The part of the forest in predictions."""

    def fit(self, samples: Samples) -> None:
        """Fits what the trials say again."""
        self.process = self.forest = None
        if len(samples) < FEWEST:
            return
        predicted = self.base.predict(samples.features)
        left = samples.scores - predicted
        self.process = fit_process(self._points(samples.features, predicted), left - np.median(left))
        self.share = SHARE * min(1.0, len(samples) / MANY)
        # Both have to agree about the workload as a whole.
        scores = samples.scores - np.median(left)
        self.forest = fit_forest(_with_scores(samples.features, predicted), scores, self.base.options.seed)

    def predict(self, features: Features) -> Scores:
        """The scores, with what the trials say."""
        scores = self.base.predict(features)
        if self.process is None or self.forest is None:
            return scores
        by_process = scores + self.process(self._points(features, scores))
        return by_process + self.share * (self.forest.predict(_with_scores(features, scores)) - by_process)

    def doubt(self, features: Features) -> Doubt | None:
        """What the process says; none before there were enough trials."""
        if self.process is None:
            return None
        return self.process.doubt(self._points(features, self.base.predict(features)))

    def _points(self, features: Features, scores: Scores) -> NDArray[np.float32]:
        """Candidates as points, close to each other if they are alike."""
        if self.base.trees is None:
            return features
        return _with_scores((features - self.base.mean) * self.base.scale, scores)


def _with_scores(features: Features, scores: Scores) -> Features:
    """Features with one more column."""
    return np.concatenate([features, scores[:, None]], axis=1, dtype=np.float32)


def without(options: Options, *columns: int) -> Options:
    """Options that ignore some more columns."""
    return replace(options, ignored=(*options.ignored, *columns))
