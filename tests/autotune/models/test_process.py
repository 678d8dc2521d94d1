"""Gaussian processes: what they expect, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from stepwell.autotune.models.process import LEAST_VARIANCE, fit_process


def _seen() -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float32]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(30, 3)).astype(np.float32)
    return points, np.sin(points[:, 0]).astype(np.float64) + 0.1 * generator.normal(size=30)


def test_it_says_what_scikit_learn_s_process_says() -> None:
    points, values = _seen()
    process = fit_process(points, values)
    kernel = ConstantKernel(process.variance, "fixed") * RBF(process.length, "fixed")
    theirs = GaussianProcessRegressor(kernel, alpha=process.noise, optimizer=None).fit(points, values - values.mean())
    asked = np.random.default_rng(1).normal(size=(8, 3)).astype(np.float32)
    mean, covariance = theirs.predict(asked, return_cov=True)
    np.testing.assert_allclose(process(asked), mean + values.mean(), atol=1e-4)
    np.testing.assert_allclose(process.doubt(asked).covariance, covariance, atol=1e-4)


def test_there_is_doubt_about_what_is_unlike_all_that_was_seen() -> None:
    points, values = _seen()
    process = fit_process(points, values)
    seen, far = (np.diag(process.doubt(asked).covariance) for asked in (points, points + 100.0))
    assert (seen < 0.5 * process.variance).all()
    np.testing.assert_allclose(far, process.variance, rtol=1e-2)


def test_few_points_that_agree_leave_doubt() -> None:
    process = fit_process(np.eye(4, dtype=np.float32), np.zeros(4))
    assert process.variance == pytest.approx(LEAST_VARIANCE)
