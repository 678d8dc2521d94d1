"""The analytic estimate alone: a model that never learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import StepwellError
from .interface import Features, Samples, Scores

PRIOR = "roofline_log_seconds"
"""The column that says what the roofline estimates."""


def prior_column(columns: Sequence[str]) -> int:
    """Where the estimate is among the columns."""
    if PRIOR not in columns:
        raise StepwellError(f"expected features with a column '{PRIOR}', got none")
    return columns.index(PRIOR)


@dataclass
class RooflineModel:
    """What the roofline says."""

    column: int

    def fit(self, samples: Samples) -> None:
        """Nothing changes."""

    def predict(self, features: Features) -> Scores:
        """The estimate."""
        return -features[:, self.column].astype(np.float64)

    def doubt(self, features: Features) -> None:
        """None: it has no idea."""
        return
