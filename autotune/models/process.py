"""A Gaussian process: what few trials of a workload say about candidates that are like them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .interface import Doubt

Matrix = NDArray[np.float64]

LENGTHS = (0.5, 1.0, 2.0, 4.0)
NOISES = (0.01, 0.05, 0.2)
LEAST_VARIANCE = 0.04


@dataclass(frozen=True, eq=False)
class Process:
    """A function that was seen at points, with noise: zero far away from all."""

    points: NDArray[np.float32]
    weights: Matrix
    length: float
    mean: float
    lower: Matrix
    """The Cholesky factor of how alike the points are, with noise."""
    variance: float
    """How much the function varies, far away from all points."""
    noise: float
    """The variance of what was seen at a point."""

    def __call__(self, points: NDArray[np.float32]) -> Matrix:
        """What is expected at points."""
        return _kernel(points, self.points, self.length) @ self.weights + self.mean

    def doubt(self, points: NDArray[np.float32]) -> Doubt:
        """How far that may be off."""
        solved = np.linalg.solve(self.lower, _kernel(self.points, points, self.length).astype(np.float64))
        covariance = _kernel(points, points, self.length) - solved.T @ solved
        return Doubt(self.variance * covariance, self.noise)


def _kernel(a: NDArray[np.float32], b: NDArray[np.float32], length: float) -> NDArray[np.float32]:
    """How alike points are: 1 for the same, towards 0 far apart."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * (a @ b.T)
    return np.exp(np.maximum(squares, 0) * np.float32(-0.5 / length**2))


def fit_process(points: NDArray[np.float32], values: Matrix) -> Process:
    """The process, of several lengths and noises, that makes what was seen the most likely."""
    mean = float(values.mean())
    centred = values - mean
    best: tuple[float, Process] | None = None
    for length, noise in product(LENGTHS, NOISES):
        covariance = _kernel(points, points, length).astype(np.float64) + noise * np.eye(len(points))
        lower = np.linalg.cholesky(covariance)
        weights = np.linalg.solve(lower.T, np.linalg.solve(lower, centred)).astype(np.float64)
        # The scale of the values is the one that makes them the most likely.
        squares = float(centred @ weights)
        fit = len(points) / 2 * np.log(max(squares, 1e-12)) + np.log(np.diag(lower)).sum()
        if best is None or fit < best[0]:
            # Few points may agree by chance.
            variance = max(squares / len(points), LEAST_VARIANCE)
            factor = lower.astype(np.float64)
            best = (float(fit), Process(points, weights, length, mean, factor, variance, noise * variance))
    assert best is not None
    return best[1]
