"""Cost models: they learn what there is to learn, say the same again, and are fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from stepwell.autotune.features.columns import FEATURES
from stepwell.autotune.models.boosting import LEAST, BoostingModel, Options, fit_base
from stepwell.autotune.models.create import MODELS, model_factory
from stepwell.autotune.models.dataset import DataSet
from stepwell.autotune.models.fitted import fit_shipped, shipped_base
from stepwell.autotune.models.interface import CostModel, Samples
from stepwell.autotune.models.roofline import PRIOR, prior_column
from stepwell.autotune.models.trees import Trees
from stepwell.errors import StepwellError

COLUMNS = (PRIOR, *(f"f{number}" for number in range(11)))


def machine(features: NDArray[np.float32], shift: float = 0.0) -> NDArray[np.float64]:
    """Times of a machine on which two features matter beside the estimate, one of them not as lines do."""
    return np.exp(features[:, 0] + 0.7 * np.abs(features[:, 1] - 1) + 0.2 * features[:, 2] + shift).astype(np.float64)


def measured(seed: int, workloads: int = 12, count: int = 100, shift: float = 0.0) -> Samples:
    """Trials of workloads that are each much slower or faster as a whole."""
    generator = np.random.default_rng(seed)
    parts: list[Samples] = []
    for _ in range(workloads):
        features = generator.normal(size=(count, len(COLUMNS))).astype(np.float32)
        features[:, 0] += generator.normal() * 3
        noise = np.exp(generator.normal(size=count) * 0.02)
        parts.append(Samples.of(features, machine(features, shift + 3 * generator.normal()) * noise))
    return Samples.concatenate(parts)


def agreement(model: CostModel, samples: Samples) -> float:
    """The rank correlation of what is predicted and what was measured."""
    ranks = [np.argsort(np.argsort(each)) for each in (model.predict(samples.features), samples.scores)]
    return float(np.corrcoef(*ranks)[0, 1])


@pytest.fixture(scope="module")
def known() -> Samples:
    return measured(1)


def test_samples_of_workloads_stay_apart() -> None:
    both = Samples.concatenate([measured(1, 2, 3), measured(2, 1, 2)])
    assert both.groups.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert both.select(both.groups == 2).seconds.tolist() == measured(2, 1, 2).seconds.tolist()


@pytest.mark.parametrize(
    ("seconds", "features", "message"),
    [
        ([1.0], np.zeros((2, 3)), "expected features, a time and a workload for each sample"),
        ([1.0, float("inf")], np.zeros((2, 3)), "expected times of samples to be positive numbers"),
        ([1.0, 0.0], np.zeros((2, 3)), "expected times of samples to be positive numbers"),
        ([1.0], np.full((1, 3), np.nan), "expected features of samples to be finite"),
    ],
)
def test_what_are_no_samples(seconds: list[float], features: NDArray[np.float64], message: str) -> None:
    with pytest.raises(StepwellError, match=message):
        Samples.of(features.astype(np.float32), seconds)


def test_what_is_no_model(known: Samples) -> None:
    with pytest.raises(StepwellError, match="expected a model .* got 'boostin'; did you mean 'boosting'"):
        model_factory("boostin", COLUMNS, known)
    with pytest.raises(StepwellError, match=f"expected features with a column '{PRIOR}'"):
        model_factory("roofline", COLUMNS[1:], known)


def test_models_learn_what_they_can(known: Samples) -> None:
    test = measured(3, 1, 400)
    found = {name: agreement(model_factory(name, COLUMNS, known)(), test) for name in MODELS}
    assert found["boosting"] > 0.97
    assert found["boosting"] > found["linear"] + 0.01 > found["roofline"] + 0.02
    assert abs(found["random"]) < 0.2


@pytest.mark.parametrize("name", ["boosting", "linear"])
def test_trials_of_the_workload_count(name: str) -> None:
    """What the others taught is wrong here: the second feature matters in the other direction."""
    other = measured(1)
    wrong = Samples(
        other.features, other.seconds * np.exp(-2.0 * other.features[:, 2].astype(np.float64)), other.groups
    )
    own, test = measured(3, 1, 64), measured(4, 1, 400)
    model = model_factory(name, COLUMNS, wrong)()
    before = agreement(model, test)
    model.fit(own)
    after = agreement(model, test)
    assert after > before + 0.05
    model.fit(own.select(np.zeros(len(own), np.bool_)))
    assert agreement(model, test) == before


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_known(name: str) -> None:
    model = model_factory(name, COLUMNS, None)()
    own, test = measured(3, 1, 64), measured(4, 1, 200)
    assert np.isfinite(model.predict(test.features)).all()
    model.fit(own)
    assert np.isfinite(model.predict(test.features)).all()
    if name in ("boosting", "linear"):
        assert agreement(model, test) > 0.8


def test_the_same_samples_make_the_same_model(known: Samples) -> None:
    own, test = measured(3, 1, 30), measured(4, 1, 50)

    def predicted(seed: int) -> NDArray[np.float64]:
        model = model_factory("boosting", COLUMNS, known, seed=seed)()
        model.fit(own)
        return model.predict(test.features)

    assert (predicted(1) == predicted(1)).all()
    assert (predicted(1) != predicted(2)).any()


def test_candidates_are_predicted_one_by_one_as_together(known: Samples) -> None:
    model = model_factory("boosting", COLUMNS, known)()
    features = measured(4, 1, 71).features
    together = model.predict(features)
    for count in (0, 1, 31, 32, 33, 64, 70):
        assert (model.predict(features[:count]) == together[:count]).all()


def test_trees_are_those_of_scikit_learn() -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    samples, test = measured(1), measured(2, 3, 50)
    for leaves, depth in ((31, 6), (4, 2), (2, 1), (20, None)):
        model = HistGradientBoostingRegressor(max_iter=9, max_leaf_nodes=leaves, max_depth=depth, random_state=0)
        model.fit(samples.features, samples.scores)
        trees = Trees.of_boosting(model)
        # Features that are thresholds are where the two could differ.
        for features in (samples.features, test.features, np.round(test.features, 1)):
            np.testing.assert_allclose(trees.predict(features), model.predict(features), rtol=1e-5, atol=1e-5)
        again = Trees.of_arrays(trees.to_arrays())
        assert (again.predict(test.features) == trees.predict(test.features)).all()
        importance = trees.importance(len(COLUMNS))
        assert importance.sum() == pytest.approx(1)
        assert set(np.argsort(importance)[-3:]) >= {0, 1} if leaves > 2 else importance[0] > 0


def test_trees_know_how_many_columns_there_are(known: Samples) -> None:
    trees = fit_base(known, Options(0)).trees
    assert trees is not None
    with pytest.raises(StepwellError, match="expected features of .* columns, got 2"):
        trees.predict(np.zeros((3, 2), np.float32))


@pytest.mark.parametrize(
    "change", [lambda o: {"prior": None}, lambda o: {"ignored": (1,)}, lambda o: {"normalize": False}]
)
def test_what_is_taken_away_is_missed(known: Samples, change: Callable[[Options], dict[str, object]]) -> None:
    """Nothing that a model is made of is there for show."""
    test = measured(3, 1, 400)
    few = known.select(known.groups < 4)
    full = agreement(BoostingModel(fit_base(few, Options(0))), test)
    part = agreement(BoostingModel(fit_base(few, Options(**{"prior": 0, **change(Options(0))}))), test)  # type: ignore[arg-type]
    assert part < full - 0.005


def test_predictions_are_fast(known: Samples) -> None:
    """A tenth of what ranking 100,000 candidates a second may take, on a busy machine."""
    model = model_factory("boosting", COLUMNS, known)()
    model.fit(measured(3, 1, 64))
    features = np.random.default_rng(0).normal(size=(20_000, len(COLUMNS))).astype(np.float32)
    model.predict(features[:100])
    fastest = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        model.predict(features)
        fastest = min(fastest, time.perf_counter() - start)
    assert fastest < 0.2


@pytest.mark.parametrize("family", [None, "matmul"])
def test_trees_of_the_shipped_data_set_are_there(family: str | None) -> None:
    options = Options(prior_column(FEATURES))
    base = shipped_base(options, family)
    assert base is not None, "python -m stepwell.autotune.models.fitted"
    assert shipped_base(replace(options, trees=options.trees + 1), family) is None


def test_trees_that_are_written_are_those_that_are_read(tmp_path: Path) -> None:
    samples, options = measured(1, 3, 60), Options(prior=0, trees=4)
    data = DataSet(COLUMNS, samples, ("a", "b", "b"), ("x", "y", "z"), np.ones(len(samples), np.bool_))
    fit_shipped(data, options, tmp_path / "t.npz")
    for family in (None, *set(data.families)):
        known = data.samples if family is None else data.without(family)
        read = shipped_base(options, family, tmp_path / "t.npz")
        assert read is not None
        features = data.samples.features
        np.testing.assert_array_equal(read.predict(features), fit_base(known, options).predict(features))
    (tmp_path / "t.npz").write_bytes(b"damaged")
    assert shipped_base(options, None, tmp_path / "t.npz") is None


def test_trees_are_believed_of_kernels_that_are_like_theirs() -> None:
    def of_kind(seed: int, *kinds: float) -> Samples:
        parts: list[Samples] = []
        for number, kind in enumerate(kinds):
            part = measured(seed + number, 1)
            part.features[:, 0] -= part.features[:, 0].mean()
            part.features[:, 1] = kind
            parts.append(part)
        return Samples.concatenate(parts)

    base = fit_base(of_kind(1, 0.0, 1.0, 2.0, 3.0), Options(0))
    assert base.steady.tolist() == [1]
    assert base.trust(of_kind(9, 2.0).features) == pytest.approx(base.options.trust)
    assert base.trust(of_kind(9, 9.0).features) == pytest.approx(LEAST * base.options.trust)
    between = base.trust(of_kind(9, 3.5).features)
    assert (between < base.options.trust).all() and (between > LEAST * base.options.trust).all()
