"""What goes into a database comes out of it, the best first, and what is no database is refused."""

from __future__ import annotations

import math
import sqlite3
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepwell import te
from stepwell.autotune.database import schema
from stepwell.autotune.database.exchange import opened_to_export
from stepwell.autotune.database.family import family_of
from stepwell.autotune.database.store import Database
from stepwell.autotune.trial import Status, Trial
from stepwell.autotune.workload import Workload
from stepwell.dialects.cpu import TargetAttr
from stepwell.errors import DatabaseError
from stepwell.tools.workloads import workloads_of

SCRIPT = """builtin.module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    transform.yield
  }
}"""
TARGET = TargetAttr.get("x86_64-unknown-linux-gnu", vector_bytes=32, fma=True)


def matmul(m: int, n: int, k: int, target: TargetAttr = TARGET, dtype: str = "float32") -> Workload:
    a, b = te.placeholder((m, k), dtype, name="A"), te.placeholder((k, n), dtype, name="B")
    r = te.reduce_axis(k, name="k")
    c = te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[r, j], axis=r), name="C")
    (workload,) = workloads_of([a, b, c], target=target)
    return workload


def row_sums(m: int, k: int) -> Workload:
    a = te.placeholder((m, k), "float32", name="A")
    r = te.reduce_axis(k, name="k")
    (workload,) = workloads_of([a, te.compute((m,), lambda i: te.sum(a[i, r], axis=r), name="S")], target=TARGET)
    return workload


WORKLOAD = matmul(16, 32, 8)


def trial(*times: float, script: str = SCRIPT, workload: Workload = WORKLOAD, at: float = 1.0) -> Trial:
    return Trial(workload.hash, script, Status.OK, times, measured_at=at)


def failed(status: Status = Status.WRONG, workload: Workload = WORKLOAD) -> Trial:
    return Trial(workload.hash, SCRIPT, status, error="off by 1", measured_at=1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trials.db"


def test_a_trial_comes_back_as_it_was(path: Path) -> None:
    whole = Trial(
        WORKLOAD.hash,
        SCRIPT,
        Status.OK,
        (1e-3, 0.1 + 0.2, 5e-324),
        compile_seconds=0.25,
        measured_at=1e9 + 0.1,
        machine="löwe",
        sketch="contraction/panels",
        knobs={"rows": 8, "order": "ij"},
        predicted=-1.5,
    )
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        database.record(whole)
        database.record(failed(Status.TIMEOUT))
    with Database(path, create=False) as database:
        assert database.trials(WORKLOAD) == [whole, failed(Status.TIMEOUT)]
        assert database.trials() == database.trials(WORKLOAD.hash)
        assert database.count(WORKLOAD) == (2, 1)


def test_workloads_come_back_as_they_were(path: Path) -> None:
    with Database(path) as database:
        for _ in range(2):
            database.add_workload(WORKLOAD)
        (record,) = database.workloads()
        assert record.workload().hash == record.hash == WORKLOAD.hash
        assert record.workload().text == WORKLOAD.text
        assert (record.description, record.target) == (WORKLOAD.description, str(TARGET))
        assert database.workload(record.hash[:6]) == record
        assert database.stats().workloads == 1


def test_the_best_is_right_and_has_the_least_time(path: Path) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        assert database.best(WORKLOAD) is None
        database.record(failed())
        assert database.best(WORKLOAD) is None
        # The shortest burst is another one's.
        database.record(trial(1.0, 3.0, 4.0, script="a"))
        database.record(trial(9.0, 2.0, 2.0, script="b"))
        best = database.best(WORKLOAD)
        assert best is not None and best.script == "b" and best.seconds == 2.0


def test_the_earliest_of_equals_is_the_best(path: Path) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        for script, at in (("a", 3.0), ("b", 2.0), ("c", 2.0)):
            database.record(trial(1.0, script=script, at=at))
        best = database.best(WORKLOAD)
        assert best is not None and best.script == "b"


def test_of_one_script_the_newest_trial_counts(path: Path) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        for seconds, script, at in ((1.0, "lucky", 1.0), (2.0, "b", 2.0), (3.0, "lucky", 3.0), (9.0, "lucky", 0.5)):
            database.record(trial(seconds, script=script, at=at))
        best = database.best(WORKLOAD)
        assert best is not None and best.script == "b"
        # What could not be measured says nothing; what is wrong now was never right.
        for status in (Status.LOST, Status.WRONG):
            database.record(Trial(WORKLOAD.hash, "b", status, error="e", measured_at=4.0))
            best = database.best(WORKLOAD)
            assert best is not None and best.script == ("b" if status is Status.LOST else "lucky")
        assert database.prune(1) == 3
        assert database.best(WORKLOAD) == best


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Status), st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=3))))
def test_the_best_is_that_of_a_list(records: list[tuple[Status, list[float]]]) -> None:
    trials = [
        trial(*times, script=f"{number}", at=number + 1.0) if status is Status.OK else failed(status)
        for number, (status, times) in enumerate(records)
    ]
    with Database(":memory:") as database:
        database.add_workload(WORKLOAD)
        for each in trials:
            database.record(each)
        best = database.best(WORKLOAD)
        expected = min(trials, key=lambda each: each.seconds, default=None)
        assert best == (expected if expected is not None and expected.status is Status.OK else None)


def test_a_script_is_kept_once(path: Path) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        for number in range(5):
            database.record(trial(1.0 + number))
        stats = database.stats()
    assert (stats.trials, stats.scripts, stats.statuses) == (5, 1, {"ok": 5})


def test_features_come_back_in_their_columns_only(path: Path) -> None:
    features = np.array([1.5, -2.0, 1e-30], np.float32)
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        database.record(trial(1.0), features, "columns 1")
        database.record(trial(2.0))
        ((known, found),) = database.features("columns 1")
        assert known == trial(1.0)
        np.testing.assert_array_equal(found, features)
        assert database.features("columns 2") == []
        assert database.stats().features == 1


@pytest.mark.parametrize(
    "wrong",
    [
        trial(),
        trial(math.nan),
        trial(0.0),
        trial(-1.0),
        trial(math.inf),
        trial(1.0, script=""),
        Trial(WORKLOAD.hash, SCRIPT, Status.WRONG, (1.0,)),
        Trial(WORKLOAD.hash, SCRIPT, Status.OK, (1.0,), compile_seconds=math.nan),
        Trial("0" * 32, SCRIPT, Status.OK, (1.0,)),
    ],
)
def test_what_is_no_trial_is_refused(path: Path, wrong: Trial) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        with pytest.raises(DatabaseError, match="expected"):
            database.record(wrong)
        assert database.trials() == []


# what is near


def test_the_nearest_comes_first(path: Path) -> None:
    others = [matmul(16, 32, 64), matmul(16, 32, 16), matmul(128, 256, 64)]
    with Database(path) as database:
        for other in (WORKLOAD, *others, row_sums(16, 8)):
            database.add_workload(other)
            database.record(trial(1.0, workload=other, script=other.hash))
        found = database.nearest(WORKLOAD)
        assert [record.hash for record, _ in found] == [others[position].hash for position in (1, 0, 2)]
        assert [best.script for _, best in found] == [record.hash for record, _ in found]
        assert len(database.nearest(WORKLOAD, limit=1)) == 1


def test_what_has_no_right_trial_is_not_near(path: Path) -> None:
    other = matmul(16, 32, 16)
    with Database(path) as database:
        for each in (WORKLOAD, other):
            database.add_workload(each)
        database.record(failed(workload=other))
        assert database.nearest(WORKLOAD) == []


def family(workload: Workload) -> str:
    return family_of(workload.kernel, workload.target)[0]


def test_families_have_one_structure() -> None:
    same = matmul(3, 5, 7)
    assert family(same) == family(WORKLOAD)
    assert family_of(same.kernel, same.target)[1] == (3, 5, 7)
    others = [row_sums(16, 8), matmul(16, 32, 8, dtype="float64"), matmul(16, 32, 8, dtype="int32")]
    assert len({family(each) for each in (WORKLOAD, *others)}) == 4


def test_families_have_one_kind_of_target() -> None:
    def on(**facts: int) -> str:
        return family(matmul(16, 32, 8, TargetAttr.get("x86_64-unknown-linux-gnu", fma=True, **facts)))

    assert on(vector_bytes=32, l2_bytes=1 << 20, threads=7) == family(WORKLOAD)
    assert on(vector_bytes=64) != family(WORKLOAD)


def test_distance_is_of_proportions(path: Path) -> None:
    half, more = matmul(8, 32, 8), matmul(40, 32, 8)
    with Database(path) as database:
        for other in (half, more):
            database.add_workload(other)
            database.record(trial(1.0, workload=other))
        assert [record.hash for record, _ in database.nearest(WORKLOAD)] == [half.hash, more.hash]


# files


def test_no_file_is_refused(path: Path) -> None:
    with pytest.raises(DatabaseError, match="expected a database of trials, got no file"):
        Database(path, create=False)
    assert not path.exists()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="unable to open database file"):
        Database(tmp_path / "nowhere" / "trials.db")


@pytest.mark.parametrize("create", [False, True])
def test_another_file_is_refused(path: Path, create: bool) -> None:
    path.write_text("no database at all, but long enough to be one " * 100)
    with pytest.raises(DatabaseError, match="none or damaged"):
        Database(path, create=create)


@pytest.mark.parametrize("create", [False, True])
def test_another_database_is_refused(path: Path, create: bool) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE others (name TEXT)")
    connection.close()
    with pytest.raises(DatabaseError, match="which is another file"):
        Database(path, create=create)


@pytest.mark.parametrize("create", [False, True])
def test_a_newer_version_is_refused(path: Path, create: bool) -> None:
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(DatabaseError, match=f"of version {schema.VERSION + 1}; a newer Stepwell has made it"):
        Database(path, create=create)


def test_damage_is_told(path: Path) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        for number in range(200):
            database.record(trial(1.0 + number, script=f"{number}" * 100))
    data = bytearray(path.read_bytes())
    for page in range(1, len(data) // 4096):
        data[page * 4096 : page * 4096 + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    with pytest.raises(DatabaseError, match="damaged"), Database(path) as database:  # noqa: PT012
        database.trials()
        database.best(WORKLOAD)


def test_records_that_do_not_read_are_told(path: Path) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        database.record(trial(1.0))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE trials SET times = '[1.0'")
    connection.close()
    with Database(path, create=False) as database, pytest.raises(DatabaseError, match="a record does not read"):
        database.best(WORKLOAD)


def test_readers_do_not_write(path: Path) -> None:
    Database(path).close()
    with Database(path, create=False) as database, pytest.raises(DatabaseError, match="which is open to read"):
        database.add_workload(WORKLOAD)


def test_a_closed_database_is_refused(path: Path) -> None:
    database = Database(path)
    database.close()
    with pytest.raises(DatabaseError, match="it is closed"):
        database.trials()


def test_the_fingerprint_follows_what_a_compilation_finds(path: Path) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        empty = database.fingerprint()
        database.record(failed())
        assert database.fingerprint() == empty
        database.record(trial(2.0, script="a"))
        first = database.fingerprint()
        database.record(trial(3.0, script="b"))
        assert database.fingerprint() == first != empty
        database.record(trial(1.0, script="b"))
        assert database.fingerprint() != first


def damaged_text(path: Path) -> None:
    """Two of the scripts in the file are not what they were: one is no text, one is another."""
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        for number in range(4):
            database.record(trial(1.0 + number, script=f"// script {number}\n{SCRIPT}"))
    data = path.read_bytes()
    assert b"// script 1" in data and b"// script 2" in data
    path.write_bytes(data.replace(b"// script 1", b"// scr\xff\xfet 1").replace(b"// script 2", b"// script X"))


def test_text_that_is_damaged_is_told_with_what_to_do(path: Path) -> None:
    damaged_text(path)
    message = (
        r"^expected a database of trials, got '.*trials\.db', which is damaged: a text in it is no UTF-8; `stepwell db "
        "export` writes what can still be read, .* else delete it$"
    )
    with Database(path, create=False) as database, pytest.raises(DatabaseError, match=message):
        database.trials()


def test_what_reads_of_a_damaged_database_is_exported(path: Path, tmp_path: Path) -> None:
    damaged_text(path)
    lines = tmp_path / "lines.jsonl"
    message = r"trials\.db' is damaged \(a text in it is no UTF-8\): 2 trials were written, what does not read is"
    with Database(path, create=False) as database, pytest.raises(DatabaseError, match=message):
        database.export_jsonl(lines)
    with Database(tmp_path / "again.db") as database:
        assert database.import_jsonl(lines) == 2
        assert [each.seconds for each in database.trials(WORKLOAD)] == [1.0, 4.0]
        with pytest.raises(DatabaseError, match="which is damaged"):
            database.merge(path)


def many(path: Path, count: int = 400) -> bytes:
    """The bytes of a database with so many trials, all of them in its file."""
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        for number in range(count):
            database.record(trial(1.0 + number, script=f"// {number}\n{SCRIPT}"), np.full(20, number, np.float32), "f")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.read_bytes()


def salvaged(path: Path) -> list[float]:
    """The times of what is exported of a damaged database."""
    lines, again = path.with_suffix(".jsonl"), path.with_name("again.db")
    with pytest.raises(DatabaseError, match="what does not read is left out"), opened_to_export(path) as database:
        database.export_jsonl(lines)
    with Database(again) as database:
        count = database.import_jsonl(lines)
        trials = database.trials(WORKLOAD)
        features = {trial.seconds: float(row[0]) for trial, row in database.features("f")}
    again.unlink()
    assert len(trials) == count and all(each.script.startswith(f"// {each.seconds - 1.0:.0f}\n") for each in trials)
    assert all(seconds == 1.0 + feature for seconds, feature in features.items())
    return [each.seconds for each in trials]


@pytest.mark.parametrize("pages", [1, 5, 30])
def test_of_a_database_without_its_end_what_is_there_is_exported(path: Path, pages: int) -> None:
    data = many(path)
    path.write_bytes(data[: -4096 * pages - 100 * (pages > 1)])
    for create in (False, True):
        with pytest.raises(DatabaseError, match="which is damaged"):
            Database(path, create=create)
    # A page has some ten trials, or some scripts, or is one of an index.
    assert 400 - 25 * pages <= len(salvaged(path)) < 400 + (pages == 1)


def test_of_a_database_with_lost_pages_what_is_there_is_exported(path: Path) -> None:
    data = many(path)
    kept: list[int] = []
    for page in range(8, len(data) // 4096, 7):
        path.write_bytes(data[: page * 4096] + bytes(4096) + data[(page + 1) * 4096 :])
        with pytest.raises(DatabaseError, match="which is damaged"):
            Database(path)
        with opened_to_export(path) as database, suppress(DatabaseError):
            kept.append(database.export_jsonl(path.with_suffix(".jsonl")))
            continue
        kept.append(len(salvaged(path)))
    assert len(kept) > 5 and min(kept) >= 300 and max(kept) < 401


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_damaged_is_one_error(path: Path, seed: int) -> None:
    data = bytearray(many(path, 20))
    rng = np.random.default_rng(seed)
    for place in rng.integers(20 if seed % 2 else 4096, len(data), 40):
        data[place] = rng.integers(256)
    path.write_bytes(data)
    with suppress(DatabaseError), opened_to_export(path) as database:
        database.export_jsonl(path.with_suffix(".jsonl"))
    for create in (False, True):
        with suppress(DatabaseError), Database(path, create=create) as database:
            database.workloads()
            database.trials()


def test_a_message_that_is_no_text_is_damage(path: Path) -> None:
    data = many(path, 1)
    path.write_bytes(data.replace(b"CREATE TABLE features", b"CREATE TABLE \x97eatures", 1))
    with pytest.raises(DatabaseError, match="which is damaged"):
        Database(path)


def test_where_nothing_reads_nobody_is_told_to_export_it(path: Path) -> None:
    path.write_bytes(many(path, 4)[:3000])
    with pytest.raises(DatabaseError, match="of which nothing can be read: .* missing at its end") as caught:
        opened_to_export(path).__enter__()
    assert "export" not in str(caught.value)


def test_the_fingerprint_is_that_of_texts(path: Path) -> None:
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        database.record(trial(1.0))
        before = database.fingerprint()
        with database.writer() as connection:
            connection.execute("UPDATE scripts SET text = replace(text, 'yield', 'yielt')")
        assert database.fingerprint() != before


@pytest.mark.parametrize(("faster", "sketch"), [(0.99, "shipped"), (0.97, "contraction/panels")])
def test_what_we_ship_is_beaten_by_a_margin(path: Path, faster: float, sketch: str) -> None:
    shipped = Trial(WORKLOAD.hash, "shipped script", Status.OK, (1e-3,), sketch="shipped")
    other = Trial(WORKLOAD.hash, SCRIPT, Status.OK, (faster * 1e-3,), sketch="contraction/panels")
    with Database(path) as database:
        database.add_workload(WORKLOAD)
        for each in (shipped, other):
            database.record(each)
        best = database.best(WORKLOAD)
        assert best is not None and best.sketch == sketch
