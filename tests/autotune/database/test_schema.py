"""Which files are opened as databases of trials."""

from __future__ import annotations

from pathlib import Path

import pytest
from stepwell.autotune.database.store import Database
from stepwell.errors import DatabaseError


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("content", [b"x", b"\0", b"SQLite format 3\0", b"SQLite format 3\0" + bytes(200), b"no" * 300])
def test_a_short_file_is_left_alone(tmp_path: Path, content: bytes, create: bool):
    # SQLite would take it for an empty database.
    path = tmp_path / "trials.db"
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"got '.*trials\.db', which is none or damaged: it begins otherwise$"):
        Database(path, create=create)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_file_becomes_a_database(tmp_path: Path):
    path = tmp_path / "trials.db"
    path.touch()
    with Database(path) as database:
        assert database.stats().trials == 0
