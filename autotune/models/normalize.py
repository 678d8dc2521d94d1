"""Targets that can be compared between workloads: how far each candidate is from the best of its workload."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .interface import Scores

BEST = 0.95
"""The quantile that stands for the best: the best one itself is also the one with the luckiest noise."""


def reference(scores: Scores) -> float:
    """What a workload's scores are measured by."""
    return float(np.quantile(scores, BEST))


def normalized(scores: Scores, groups: NDArray[np.int64]) -> Scores:
    """Scores less the reference of their workload."""
    result = scores.copy()
    for group in np.unique(groups):
        which = groups == group
        result[which] -= reference(scores[which])
    return result
