"""Data sets: what was measured is read as it was written, and refused where it is something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stepwell.autotune.features.columns import FEATURES
from stepwell.autotune.models import dataset
from stepwell.autotune.models.create import shipped_models
from stepwell.autotune.models.dataset import DataSet, Record, read_records, shipped, write_records
from stepwell.autotune.models.interface import Samples
from stepwell.errors import StepwellError

RECORD = Record(
    "matmul",
    "matmul 2x3x4",
    "builtin.module {}",
    (("contraction/tiles", "script one"), ("contraction/blocks", "script two")),
    (0, 1, 0),
    ((1, 2), (), (0, 3)),
    (1.5e-6, 2.0e-3, 123456.0),
    (True, False, True),
    2,
)


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "records.json.xz"
    write_records([RECORD, RECORD], path)
    first, second = read_records(path)
    assert first == second
    assert first.seconds == (1.5e-6, 2.0e-3, 123500.0)
    assert first.__dict__ | {"seconds": RECORD.seconds} == RECORD.__dict__


def test_what_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "records.json.xz"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(StepwellError, match="expected records in "):
        read_records(path)


def data() -> DataSet:
    features = np.arange(12, dtype=np.float32).reshape(6, 2)
    samples = Samples(features, np.arange(1.0, 7.0), np.asarray([0, 0, 1, 2, 2, 2]))
    uniform = np.asarray([True, False, True, True, True, False])
    return DataSet(("a", "b"), samples, ("matmul", "convolution", "matmul"), ("m0", "c0", "m1"), uniform)


def test_data_sets_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "features.npz"
    data().save(path)
    again = DataSet.load(path)
    assert (again.columns, again.families, again.names) == (data().columns, data().families, data().names)
    for name in ("features", "seconds", "groups"):
        assert (getattr(again.samples, name) == getattr(data().samples, name)).all()
    assert (again.uniform == data().uniform).all()


def test_what_is_no_data_set(tmp_path: Path) -> None:
    path = tmp_path / "features.npz"
    with pytest.raises(StepwellError, match="expected a data set in "):
        DataSet.load(path)
    np.savez(path, columns=np.asarray(["a"]))
    with pytest.raises(StepwellError, match="expected a data set in "):
        DataSet.load(path)


def test_a_family_is_left_out() -> None:
    assert data().without("matmul").seconds.tolist() == [3.0]
    assert data().without("convolution").seconds.tolist() == [1.0, 2.0, 4.0, 5.0, 6.0]


def test_features_of_another_version_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "features.npz"
    data().save(path)
    monkeypatch.setattr(dataset, "FEATURES_FILE", path)
    shipped.cache_clear()
    assert shipped() is None
    shipped.cache_clear()


def test_the_shipped_data_set_is_for_the_features_of_this_version() -> None:
    """Where this fails, features are others: `python -m stepwell.autotune.models.dataset --rebuild`."""
    shipped.cache_clear()
    found = shipped()
    assert found is not None
    assert set(found.families) == {"matmul", "convolution", "depthwise", "reduction", "elementwise"}
    assert len(found.samples) >= 6000
    assert found.samples.features.shape[1] == len(FEATURES)


def test_shipped_models_may_not_know_a_family() -> None:
    shipped.cache_clear()
    found = shipped()
    assert found is not None
    features = found.samples.features[::50]
    all_known, less = (shipped_models("linear", without=without)() for without in (None, "matmul"))
    assert (all_known.predict(features) != less.predict(features)).any()
    with pytest.raises(StepwellError, match="got 'matmuls'; did you mean 'matmul'"):
        shipped_models("linear", without="matmuls")


def test_shipped_records_make_the_shipped_features() -> None:
    """Those of some trials of each family."""
    shipped.cache_clear()
    found = shipped()
    assert found is not None
    records = read_records()
    assert [record.name for record in records] == list(found.names)
    seen: set[str] = set()
    for group, record in enumerate(records):
        (rows,) = np.nonzero(found.samples.groups == group)
        assert found.samples.seconds[rows].tolist() == list(record.seconds)
        if record.family in seen:
            continue
        seen.add(record.family)
        trials = [0, len(rows) // 2, len(rows) - 1]
        features = dataset.features_of_record(record, trials)
        np.testing.assert_allclose(features, found.samples.features[rows[trials]], rtol=1e-5, atol=1e-5)
    assert seen
