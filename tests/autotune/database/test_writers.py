"""Several writers at once, killed and stopped at any moment: the database opens, and no record is wrong."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from stepwell.autotune.database.store import Database, WorkloadRecord, insert_workload
from stepwell.autotune.trial import Status, Trial

WRITER = """
import sys
from stepwell.autotune.database.store import Database, WorkloadRecord, insert_workload
from stepwell.autotune.trial import Status, Trial
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Database(path) as database:
    with database.writer() as connection:
        insert_workload(connection, WorkloadRecord("hash", "text", "target", "description", "family", (1, 2)))
    print("ready", flush=True)
    for number in range(1, count + 1):
        times, script = (float(number),) * 3, f"script {number % 7}"
        database.record(Trial("hash", script, Status.OK, times, machine=name, error=str(number)))
        print(number, flush=True)
"""


def start(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> int:
    """The last record that a writer knows to be there, when it is gone."""
    output, errors = process.communicate(timeout=60)
    assert not errors, errors
    numbers = [int(line) for line in output.split() if line.isdecimal()]
    return max(numbers, default=0)


def check(path: Path, known: dict[str, int]) -> None:
    """Each writer's records are those from the first on, whole, and none that it knew of is missing."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    with Database(path, create=False) as database:
        trials = database.trials()
    for name, last in known.items():
        own = [trial for trial in trials if trial.machine == name]
        assert len(own) in (last, last + 1)
        for number, trial in enumerate(own, 1):
            assert trial.status is Status.OK
            assert trial.times == (float(number),) * 3
            assert (trial.script, trial.error) == (f"script {number % 7}", str(number))


def test_several_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    writers = {name: start(path, name, 50) for name in "abc"}
    known = {name: told(writer) for name, writer in writers.items()}
    assert known == dict.fromkeys("abc", 50)
    check(path, known)


@pytest.mark.parametrize("seed", range(4))
def test_killed_writers_leave_whole_records(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "trials.db"
    rng = random.Random(seed)
    writers = {name: start(path, name, 100_000) for name in "ab"}
    for writer in writers.values():
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers.values():
        time.sleep(rng.uniform(0, 0.3))
        writer.send_signal(signal.SIGKILL)
    known = {name: told(writer) for name, writer in writers.items()}
    check(path, known)
    # Others go on.
    assert told(start(path, "c", 5)) == 5
    check(path, {**known, "c": 5})


def test_killed_while_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    for number in range(4):
        writer = start(path, f"w{number}", 100_000)
        # Between nothing at all and the first records.
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.002 * number)
        writer.kill()
        told(writer)
        assert told(start(path, f"c{number}", 1)) == 1
        check(path, {f"c{number}": 1})


def test_a_writer_waits_for_one_that_is_stopped_in_a_record(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    with Database(path) as database:
        with database.writer() as connection:
            insert_workload(connection, WorkloadRecord("hash", "text", "target", "description", "family", (1, 2)))
            other = start(path, "a", 3)
            time.sleep(1.0)
            assert other.poll() is None
        assert told(other) == 3
    check(path, {"a": 3})


def test_a_writer_waits_for_another_one_to_change_the_log(tmp_path: Path) -> None:
    """SQLite itself does not: of two that made one database at the same moment, one gave up."""
    path = tmp_path / "trials.db"
    Database(path).close()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    assert other.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.close)
    release.start()
    with Database(path) as database:
        assert database.trials() == []
    release.join()


def test_a_stopped_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    writer = start(path, "a", 400)
    assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    rng = random.Random(0)
    for _ in range(5):
        time.sleep(rng.uniform(0, 0.02))
        os.kill(writer.pid, signal.SIGSTOP)
        time.sleep(0.05)
        os.kill(writer.pid, signal.SIGCONT)
    assert told(writer) == 400
    check(path, {"a": 400})


def test_a_record_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stepwell.autotune.database import store

    with Database(tmp_path / "trials.db") as database:
        with database.writer() as connection:
            store.insert_workload(connection, store.WorkloadRecord("hash", "", "", "", "", ()))
        original = store.insert_trial

        def interrupted(*arguments: object) -> bool:
            original(*arguments)  # pyright: ignore[reportArgumentType]
            raise KeyboardInterrupt

        monkeypatch.setattr(store, "insert_trial", interrupted)
        with pytest.raises(KeyboardInterrupt):
            database.record(Trial("hash", "script", Status.OK, (1.0,)))
        monkeypatch.undo()
        assert database.stats().trials == database.stats().scripts == 0
        database.record(Trial("hash", "script", Status.OK, (1.0,)))
        assert database.stats().trials == 1
