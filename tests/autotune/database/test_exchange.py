"""Databases as text, merged, and pruned."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stepwell import te
from stepwell.autotune.database.store import Database, insert_algorithms
from stepwell.autotune.trial import Status, Trial
from stepwell.autotune.workload import Workload
from stepwell.dialects.cpu import TargetAttr
from stepwell.errors import DatabaseError
from stepwell.tools.workloads import workloads_of

TARGET = TargetAttr.get("x86_64-unknown-linux-gnu", vector_bytes=32, fma=True)


def doubled(extent: int) -> Workload:
    a = te.placeholder((extent,), "float32", name="A")
    (workload,) = workloads_of([a, te.compute((extent,), lambda i: a[i] * 2, name="B")], target=TARGET)
    return workload


ONE, OTHER = doubled(16), doubled(17)


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A database with all that there may be in one."""
    path = tmp_path / "full.db"
    with Database(path) as database:
        for workload in (ONE, OTHER):
            database.add_workload(workload)
        features = np.array([1.0, 2.5], np.float32)
        best = Trial(
            ONE.hash, "löwe\n\t\"'", Status.OK, (0.1 + 0.2,), sketch="s", knobs={"k": 4, "o": "ij"}, predicted=1.5
        )
        database.record(best, features, "columns")
        database.record(Trial(ONE.hash, "slow", Status.OK, (3.0, 4.0, 5.0), compile_seconds=0.5, machine="m"))
        database.record(Trial(ONE.hash, "wrong", Status.WRONG, error="off by 1"))
        database.record(Trial(OTHER.hash, "slow", Status.OK, (2.0,)))
        with database.writer() as connection:
            insert_algorithms(connection, [("convolution", "gemm", ONE.hash)])
    return path


def content(path: Path) -> list[Any]:
    """All of a database, but for numbers of rows."""
    with Database(path, create=False) as database:
        with_features = [(trial, list(found)) for trial, found in database.features("columns")]
        return [database.workloads(), database.trials(), with_features, database.algorithms("convolution")]


def exported(path: Path) -> list[dict[str, Any]]:
    text = io.StringIO()
    with Database(path, create=False) as database:
        database.export_jsonl(text)
    return [json.loads(line) for line in text.getvalue().splitlines()]


def test_what_is_exported_can_be_imported(full: Path, tmp_path: Path) -> None:
    lines, copy = tmp_path / "lines.jsonl", tmp_path / "copy.db"
    with Database(full, create=False) as database:
        assert database.export_jsonl(lines) == 4
    with Database(copy) as database:
        assert database.import_jsonl(lines) == 4
        assert database.import_jsonl(lines) == 0
    assert content(copy) == content(full)


def test_merging_adds_what_is_new(full: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with Database(copy) as database:
        database.add_workload(OTHER)
        own = Trial(OTHER.hash, "own", Status.OK, (1.0,), measured_at=1.0)
        database.record(own)
        assert database.merge(full) == 4
        assert database.merge(full) == 0
        assert database.best(OTHER) == own
        assert len(database.trials(ONE)) == 3
    with Database(full) as database, Database(copy, create=False) as other:
        assert database.merge(other) == 1
        assert sorted(map(str, database.trials())) == sorted(map(str, other.trials()))


def test_a_database_is_not_merged_with_itself(full: Path) -> None:
    with Database(full) as database, pytest.raises(DatabaseError, match="expected another database to merge"):
        database.merge(full)


def no_json(lines: list[str]) -> None:
    lines[4] = lines[4][: len(lines[4]) // 2]


def no_object(lines: list[str]) -> None:
    lines[4] = "[1, 2]"


def other_time(lines: list[str]) -> None:
    lines[4] = lines[4].replace('"times": [', '"times": [1')


def other_kind(lines: list[str]) -> None:
    lines[4] = '{"kind": "knob"}'


def no_status(lines: list[str]) -> None:
    edit(lines, lambda line: line.pop("status"))


def unknown_status(lines: list[str]) -> None:
    edit(lines, lambda line: line.update(status="fine"))


def no_times(lines: list[str]) -> None:
    edit(lines, lambda line: line.update(times=[]))


def text_as_times(lines: list[str]) -> None:
    edit(lines, lambda line: line.update(times=["soon"]))


def not_a_number(lines: list[str]) -> None:
    edit(lines, lambda line: line.update(times=[float("nan")]))


def unknown_workload(lines: list[str]) -> None:
    edit(lines, lambda line: line.update(workload="0" * 32))


def broken_features(lines: list[str]) -> None:
    edit(lines, lambda line: line.update(features={"schema": "columns", "data": "AAAAAAA"}))


def features_of_no_schema(lines: list[str]) -> None:
    edit(lines, lambda line: line.update(features={"data": ""}))


def nested_knobs(lines: list[str]) -> None:
    edit(lines, lambda line: line.update(knobs={"k": [1]}))


def edit(lines: list[str], change: Callable[[dict[str, Any]], Any]) -> None:
    """Changes a trial, as somebody does who leaves no checksum."""
    line = json.loads(lines[4])
    assert line["kind"] == "trial"
    del line["checksum"]
    change(line)
    lines[4] = json.dumps(line)


@pytest.mark.parametrize(
    "damage",
    [
        no_json,
        no_object,
        other_time,
        other_kind,
        no_status,
        unknown_status,
        no_times,
        text_as_times,
        not_a_number,
        unknown_workload,
        broken_features,
        features_of_no_schema,
        nested_knobs,
    ],
)
def test_a_damaged_line_is_told_and_nothing_is_imported(
    full: Path, tmp_path: Path, damage: Callable[[list[str]], None]
) -> None:
    lines = [json.dumps(line) for line in exported(full)]
    damage(lines)
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(lines))
    with Database(tmp_path / "copy.db") as database:
        with pytest.raises(DatabaseError, match=r"lines\.jsonl:5: \S"):
            database.import_jsonl(file)
        assert database.workloads() == [] and database.trials() == []


def test_a_kernel_is_what_its_text_says(full: Path, tmp_path: Path) -> None:
    lines = exported(full)
    lines[1]["text"] = lines[2]["text"]
    del lines[1]["checksum"]
    text = "\n".join(json.dumps(line) for line in lines)
    with Database(tmp_path / "copy.db") as database:
        with pytest.raises(DatabaseError, match=":2: expected the kernel with hash"):
            database.import_jsonl(io.StringIO(text))
        assert database.workloads() == []


def test_a_kernel_that_does_not_parse_is_told(full: Path, tmp_path: Path) -> None:
    lines = exported(full)
    lines[1]["text"] = "func.func @f("
    del lines[1]["checksum"]
    with Database(tmp_path / "copy.db") as database, pytest.raises(DatabaseError, match=":2: "):
        database.import_jsonl(io.StringIO("\n".join(json.dumps(line) for line in lines)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<lines>:1: expected lines, got none"),
        ("{}", "<lines>:1: expected a line that says format 'stepwell trials' first"),
        ('{"kind": "database", "format": "stepwell trials", "version": 2}', "<lines>:1: expected version 1"),
    ],
)
def test_another_format_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with Database(tmp_path / "copy.db") as database, pytest.raises(DatabaseError, match=message):
        database.import_jsonl(io.StringIO(text))


def test_other_bytes_are_refused(tmp_path: Path, full: Path) -> None:
    with Database(tmp_path / "copy.db") as database:
        with pytest.raises(DatabaseError, match=r"full\.db:1: expected UTF-8 text"):
            database.import_jsonl(full)
        with pytest.raises(DatabaseError, match="cannot read .*: No such file"):
            database.import_jsonl(tmp_path / "nowhere")
        with pytest.raises(DatabaseError, match="cannot write .*: No such file"):
            database.export_jsonl(tmp_path / "nowhere" / "lines.jsonl")


# pruning


def test_the_best_stay(full: Path) -> None:
    with Database(full) as database:
        best = [database.best(workload) for workload in (ONE, OTHER)]
        assert database.prune(1) == 1
        assert [database.best(workload) for workload in (ONE, OTHER)] == best
        stats = database.stats()
        assert (stats.trials, stats.scripts, stats.features) == (3, 3, 1)
        assert database.prune(0) == 2
        assert [trial.status for trial in database.trials()] == [Status.WRONG]
        assert database.stats().scripts == 1


def test_failures_and_features_go_if_asked_for(full: Path) -> None:
    with Database(full) as database:
        assert database.prune(features=True) == 0
        assert database.stats().features == 0
        assert database.prune(failures=True) == 1
        assert {trial.status for trial in database.trials()} == {Status.OK}
        database.add_workload(doubled(18))
        assert database.prune(empty=True) == 0
        assert {record.hash for record in database.workloads()} == {ONE.hash, OTHER.hash}
        with pytest.raises(DatabaseError, match="expected a number of trials to keep, got -1"):
            database.prune(-1)


def test_the_file_gets_smaller(full: Path) -> None:
    with Database(full) as database:
        for number in range(100):
            database.record(Trial(ONE.hash, f"{number}" * 1000, Status.OK, (10.0,)))
        before = database.stats().bytes
        database.prune(1)
        assert database.stats().bytes < before // 2
