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
from .interface import Features, Samples, Scores
from .normalize import normalized
from .process import Process, fit_process
from .trees import Trees

LOWEST = -4.0
"""How slow candidates may be, as the logarithm of a part of the best one's speed, before it makes no difference."""
FEWEST = 4
"""The trials of a workload without which they say nothing."""
SHARE, MANY = 2 / 3, 32
"""The part of the forest in predictions after so many trials; before, it is less."""


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
    trust: float = 0.3
    """The part of what the trees say that is believed: they know less of kernels that are like none of theirs."""
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

    def predict(self, features: Features) -> Scores:
        """The scores."""
        scores = prior_scores(features, self.options)
        return scores if self.trees is None else scores + self.options.trust * self.trees.predict(features)


def prior_scores(features: Features, options: Options) -> Scores:
    """What is known without any sample."""
    if options.prior is None:
        return np.zeros(len(features))
    return -features[:, options.prior].astype(np.float64)


def fit_base(known: Samples | None, options: Options) -> Base:
    """Trees for what the samples have that the roofline does not explain."""
    if known is None or not len(known):
        return Base(options, None, np.zeros(1, np.float32), np.ones(1, np.float32))
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
    return Base(options, trees, features.mean(axis=0), scale)


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
