"""How alike candidates of one sketch are, by their knobs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]


def scaled(sizes: Sequence[int], choices: Sequence[Sequence[int]]) -> Points:
    """Choices as points between 0 and 1; `sizes` are the numbers of options."""
    points = np.asarray(choices, np.float32).reshape(len(choices), len(sizes))
    return (points / np.maximum(np.asarray(sizes, np.float32) - 1, 1)).astype(np.float32)


def likeness(points: Points, others: Points) -> Points:
    """How much each of some points is like each of some others: 1 if it is the same, half of that if knobs are turned
    by a fifth in the mean."""
    if not points.shape[1]:
        return np.ones((len(points), len(others)), np.float32)
    apart = np.zeros((len(points), len(others)), np.float32)
    for knob in range(points.shape[1]):
        apart += np.abs(points[:, knob, None] - others[None, :, knob])
    return np.exp2(apart * np.float32(-5.0 / points.shape[1]))
