"""No model: candidates in an order that means nothing, for comparison."""

from __future__ import annotations

import numpy as np

from .interface import Features, Samples, Scores


class RandomModel:
    """Scores from a generator."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = np.random.default_rng(seed)

    def fit(self, samples: Samples) -> None:
        """Nothing changes."""

    def predict(self, features: Features) -> Scores:
        """Any numbers."""
        return self.generator.random(len(features))

    def doubt(self, features: Features) -> None:
        """None: it has no idea."""
        return
