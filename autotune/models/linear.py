"""A ridge regression on standardised features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .interface import Features, Samples, Scores

Matrix = NDArray[np.float64]

STIFFNESS = 1e-2
"""The penalty on weights, as a share of the number of samples."""
OWN_WEIGHT = 8.0
"""How much more a trial of the workload itself counts than one of another."""


@dataclass(frozen=True, eq=False)
class Sums:
    """What a least-squares fit has to know of samples: sums of products, each workload centred."""

    mean: Matrix
    scale: Matrix
    """Features are looked at less their mean and divided by this."""
    products: Matrix
    targets: Matrix
    count: int


def sums_of(samples: Samples, like: Sums | None = None) -> Sums:
    """The sums of samples, whose features are made comparable as those of others were, or by themselves."""
    if like is None:
        spread = samples.features.std(axis=0, dtype=np.float64)
        mean, scale = samples.features.mean(axis=0, dtype=np.float64), np.where(spread > 0, spread, 1.0)
    else:
        mean, scale = like.mean, like.scale
    width = samples.features.shape[1]
    products, targets, scores = np.zeros((width, width)), np.zeros(width), samples.scores
    for group in np.unique(samples.groups):
        which = samples.groups == group
        x, y = (samples.features[which] - mean) / scale, scores[which]
        x, y = x - x.mean(axis=0), y - y.mean()
        products += x.T @ x
        targets += x.T @ y
    return Sums(mean, scale, products, targets, len(samples))


def solve(parts: list[tuple[Sums, float]]) -> Matrix:
    """The weights of features that fit samples, each part of which counts as much as is said."""
    width = len(parts[0][0].targets)
    products, targets, count = np.eye(width), np.zeros(width), 0.0
    for sums, weight in parts:
        products += weight * sums.products
        targets += weight * sums.targets
        count += weight * sums.count
    return np.linalg.solve(products + STIFFNESS * count * np.eye(width), targets).astype(np.float64)


class LinearModel:
    """A weighted sum of features; what it is up to is each workload's own affair."""

    def __init__(self, known: Sums | None) -> None:
        self.known = known
        self.own: Sums | None = None
        self._refit()

    def fit(self, samples: Samples) -> None:
        """Solves again, with these among the samples."""
        self.own = sums_of(samples, self.known) if len(samples) else None
        self._refit()

    def _refit(self) -> None:
        parts = [(sums, weight) for sums, weight in ((self.known, 1.0), (self.own, OWN_WEIGHT)) if sums is not None]
        self.like = parts[0][0] if parts else None
        self.weights = solve(parts) if parts else None

    def predict(self, features: Features) -> Scores:
        """The weighted sum; all alike as long as nothing is known."""
        if self.weights is None or self.like is None:
            return np.zeros(len(features))
        return ((features - self.like.mean) / self.like.scale) @ self.weights

    def doubt(self, features: Features) -> None:
        """None: it has no idea."""
        return
