"""What a cost model is: it learns from what was measured, and ranks what was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import StepwellError

Features: TypeAlias = NDArray[np.float32]
"""A row for each candidate, a column for each feature."""
Scores: TypeAlias = NDArray[np.float64]
"""The logarithm of how fast each candidate is, up to a constant of its workload: larger is better."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Candidates that were measured."""

    features: Features
    seconds: NDArray[np.float64]
    """The time of a call of each."""
    groups: NDArray[np.int64]
    """The workload of each, by any number: only times of one workload are compared."""

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or not len(self.features) == len(self.seconds) == len(self.groups):
            shapes = ", ".join(str(each.shape) for each in (self.features, self.seconds, self.groups))
            raise StepwellError(f"expected features, a time and a workload for each sample, got shapes {shapes}")
        if not (np.isfinite(self.seconds).all() and (self.seconds > 0).all()):
            raise StepwellError("expected times of samples to be positive numbers of seconds")
        if not np.isfinite(self.features).all():
            raise StepwellError("expected features of samples to be finite numbers")

    @staticmethod
    def of(features: Features, seconds: Sequence[float] | NDArray[np.float64], group: int = 0) -> Samples:
        """Samples of one workload."""
        return Samples(features, np.asarray(seconds, np.float64), np.full(len(features), group, np.int64))

    @staticmethod
    def concatenate(parts: Sequence[Samples]) -> Samples:
        """All samples of some, whose workloads stay apart: the same number in two parts is not the same workload."""
        if not parts:
            raise StepwellError("expected samples to concatenate, got none")
        groups: list[NDArray[np.int64]] = []
        first = 0
        for part in parts:
            names, numbers = np.unique(part.groups, return_inverse=True)
            groups.append(numbers.astype(np.int64) + first)
            first += len(names)
        return Samples(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.seconds for part in parts]),
            np.concatenate(groups),
        )

    def select(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Samples:
        """Those that a mask or indices name."""
        return Samples(self.features[which], self.seconds[which], self.groups[which])

    @property
    def scores(self) -> Scores:
        """What a model is to predict of them."""
        return -np.log(self.seconds)

    def __len__(self) -> int:
        return len(self.seconds)


@dataclass(frozen=True, eq=False)
class Doubt:
    """How far predictions may be off."""

    covariance: NDArray[np.float64]
    """How the mistakes about some candidates vary together: a row and a column for each."""
    noise: float
    """The variance of what a trial says of its candidate."""


class CostModel(Protocol):
    """Ranks the candidates of one workload.

    What is known of other workloads is given to the one that makes it. `fit` is asked once a round with all trials of
    this workload, and so takes milliseconds; a model that was never asked to is what is known without any.
    """

    def fit(self, samples: Samples) -> None:
        """Takes these trials of the workload into account, and no others."""
        ...

    def predict(self, features: Features) -> Scores:
        """How fast candidates are: comparable between those of one workload, after one `fit`."""
        ...

    def doubt(self, features: Features) -> Doubt | None:
        """How far the predictions for some candidates may be off; none if the model has no idea."""
        ...
