"""Forests as arrays give what scikit-learn's give."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from stepwell.autotune.models.forest import COLUMNS, DEPTH, TREES, fit_forest


@pytest.mark.parametrize("count", [4, 17, 200])
def test_the_arrays_are_the_forest(count: int) -> None:
    generator = np.random.default_rng(count)
    points = generator.normal(size=(count, 9)).astype(np.float32)
    scores = points[:, 2] * 2 + np.abs(points[:, 5]) + 3.0
    forest = fit_forest(points, scores, seed=5)
    reference = ExtraTreesRegressor(TREES, max_depth=DEPTH, max_features=COLUMNS, random_state=5).fit(points, scores)
    asked = generator.normal(size=(333, 9)).astype(np.float32)
    np.testing.assert_allclose(forest.predict(asked), reference.predict(asked), rtol=1e-5, atol=1e-5)
    # Where samples are, thresholds are closest.
    np.testing.assert_allclose(forest.predict(points), reference.predict(points), rtol=1e-5, atol=1e-5)


def test_alike_scores_give_one_leaf() -> None:
    forest = fit_forest(np.eye(5, dtype=np.float32), np.full(5, 2.5), seed=0)
    np.testing.assert_allclose(forest.predict(np.zeros((3, 5), np.float32)), 2.5)
