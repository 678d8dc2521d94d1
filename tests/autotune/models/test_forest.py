"""Forests: what they are fitted to, and what they expect elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from stepwell.autotune.models.forest import COLUMNS, DEPTH, TREES, fit_forest


def test_few_samples_have_leaves_of_their_own() -> None:
    generator = np.random.default_rng(1)
    points, scores = generator.normal(size=(6, 4)).astype(np.float32), generator.normal(size=6)
    np.testing.assert_allclose(fit_forest(points, scores, seed=0).predict(points), scores, atol=1e-6)


def test_between_samples_it_is_between_their_scores() -> None:
    points = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    forest = fit_forest(points, points[:, 0].astype(np.float64), seed=0)
    asked = np.linspace(-1, 2, 200, dtype=np.float32)[:, None]
    found = forest.predict(asked)
    assert np.all(np.diff(found) >= -1e-6) and found[0] == pytest.approx(0, abs=1e-6) and found[-1] == pytest.approx(1)


def test_it_is_as_good_as_that_of_scikit_learn() -> None:
    errors = np.zeros((16, 2))
    for seed in range(len(errors)):
        generator = np.random.default_rng(seed)
        points = generator.normal(size=(364, 30)).astype(np.float32)
        scores = points[:, 2] * 2.0 + np.abs(points[:, 5]) + (points[:, 7] > 0) * points[:, 8] + 3.0
        known, asked = slice(0, 64), slice(64, None)
        ours = fit_forest(points[known], scores[known].astype(np.float64), seed)
        theirs = ExtraTreesRegressor(TREES, max_depth=DEPTH, max_features=COLUMNS, random_state=seed)
        theirs.fit(points[known], scores[known])
        errors[seed] = [np.mean((each.predict(points[asked]) - scores[asked]) ** 2) for each in (ours, theirs)]
    assert errors[:, 0].mean() < 1.1 * errors[:, 1].mean()


def test_alike_scores_give_one_leaf() -> None:
    forest = fit_forest(np.eye(5, dtype=np.float32), np.full(5, 2.5), seed=0)
    np.testing.assert_allclose(forest.predict(np.zeros((3, 5), np.float32)), 2.5)


def test_alike_points_give_the_mean() -> None:
    forest = fit_forest(np.ones((4, 3), np.float32), np.asarray([1.0, 2.0, 3.0, 6.0]), seed=0)
    np.testing.assert_allclose(forest.predict(np.ones((2, 3), np.float32)), 3.0)


def test_the_same_seed_gives_the_same_forest() -> None:
    points, scores = np.random.default_rng(3).normal(size=(40, 7)).astype(np.float32), np.arange(40.0)
    one, other = (fit_forest(points, scores, seed=4) for _ in range(2))
    assert np.array_equal(one.columns, other.columns) and np.array_equal(one.values, other.values)
