"""The database of trials: an SQLite file that any number of processes write to at once.

Each record is there as soon as `record` returns, or not at all: whoever is killed loses what was in flight.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TextIO, cast

from ...errors import DatabaseError
from ...runtime.cache import checksum
from ...runtime.versions import versions
from ..trial import MARGIN, SHIPPED, Status, Trial
from .schema import connect, explained, reading, transaction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..workload import Workload

_TRIAL = (
    "trials.id, trials.uid, trials.workload, scripts.text, trials.status, trials.times, trials.error, "
    "trials.compile_seconds, trials.measured_at, trials.machine, trials.sketch, trials.knobs, trials.predicted"
)
_TRIALS = f"SELECT {_TRIAL} FROM trials JOIN scripts ON scripts.id = trials.script"
STANDS = (
    "trials.status = 'ok' AND NOT EXISTS (SELECT 1 FROM trials AS newer WHERE newer.workload = trials.workload "
    "AND newer.script = trials.script AND newer.status <> 'lost' "
    "AND (newer.measured_at, newer.id) > (trials.measured_at, trials.id))"
)
"""Of several trials of one script the newest counts: the luckiest would be taken for the fastest."""
_IS_SHIPPED = f"(trials.sketch = '{SHIPPED}' OR trials.sketch LIKE '{SHIPPED}/%')"
_FASTEST = "ORDER BY trials.seconds, trials.measured_at, trials.id LIMIT 1"


@dataclass(frozen=True)
class WorkloadRecord:
    """A workload of a database."""

    hash: str
    text: str
    """The kernel, not scheduled, in a module with its target."""
    target: str
    description: str
    family: str
    """Equal for kernels of one structure with other extents."""
    extents: tuple[int, ...]

    def workload(self) -> Workload:
        """The workload itself."""
        from ..workload import Workload

        return Workload.of_text(self.text, f"workload {self.hash}")

    def __str__(self) -> str:
        return f"{self.hash}  {self.description}"


@dataclass(frozen=True)
class Stats:
    """How much there is in a database."""

    workloads: int
    scripts: int
    trials: int
    statuses: dict[str, int]
    """How many trials ended how."""
    features: int
    """How many of them are there with their features."""
    bytes: int
    """The size of the file."""


def _best(connection: sqlite3.Connection, workload: str) -> int | None:
    """The number of a workload's fastest trial that stands; of that of what we ship unless it is beaten by `MARGIN`.
    Both come from the index of times."""
    stands = f"FROM trials WHERE trials.workload = ? AND {STANDS}"
    fastest = connection.execute(f"SELECT trials.id, trials.seconds {stands} {_FASTEST}", (workload,)).fetchone()
    if fastest is None:
        return None
    query = f"SELECT trials.id {stands} AND trials.seconds < ? AND {_IS_SHIPPED} {_FASTEST}"
    shipped = connection.execute(query, (workload, fastest[1] / (1.0 - MARGIN))).fetchone()
    return int((shipped or fastest)[0])


class Database:
    """A file of workloads, scripts and trials.

        with Database("trials.db") as database:
            database.add_workload(workload)
            database.record(trial)
            best = database.best(workload)

    Raises:
        DatabaseError: wherever the file cannot be used, or is not what it should be.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True) -> None:
        """Opens the file, which is made if it is not there; without `create`, opens it to read only."""
        self.path = os.fspath(path)
        self.writable = create
        self.damage: str | None = None
        """What is known to be damaged."""
        self._connection = connect(self.path, create=create)
        # What a statement begins and ends is one thread's at a time.
        self._lock = threading.RLock()
        self._versions = ""

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the use of the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reader(self) -> Generator[sqlite3.Connection]:
        """The connection, to look something up."""
        with self._lock, explained(self.path):
            yield self._connection

    @contextmanager
    def writer(self) -> Generator[sqlite3.Connection]:
        """The connection in a transaction: what is written is there at the end of a `with` statement, or nothing is."""
        if not self.writable:
            raise DatabaseError(f"expected a database that is open to write, got '{self.path}', which is open to read")
        with self._lock, explained(self.path), transaction(self._connection):
            yield self._connection

    # what is put in

    def add_workload(self, workload: Workload) -> None:
        """Adds a workload, if it is not there, and which convolutions it computes."""
        uses = [(convolution, algorithm, workload.hash) for convolution, algorithm in workload.convolutions]
        with self.reader() as connection:
            known = "SELECT 1 FROM algorithms WHERE convolution = ? AND algorithm = ? AND workload = ?"
            uses = [use for use in uses if connection.execute(known, use).fetchone() is None]
            if not uses and _has_workload(connection, workload.hash):
                return
        record = record_of(workload)
        with self.writer() as connection:
            insert_workload(connection, record)
            insert_algorithms(connection, uses)

    def record(self, trial: Trial, features: NDArray[np.float32] | None = None, schema: str = "") -> None:
        """Adds a trial of a workload that is there, and the features of what it ran, in the columns of `schema`."""
        check_trial(trial)
        if not trial.measured_at:
            trial = replace(trial, measured_at=time.time())
        self._versions = self._versions or current_versions()
        blob = None if features is None else (schema, features.astype("<f4").tobytes())
        with self.writer() as connection:
            insert_trial(connection, trial, secrets.token_hex(8), self._versions, blob)

    # what is looked up

    def workloads(self) -> list[WorkloadRecord]:
        """All workloads, by description."""
        with self.reader() as connection:
            rows = connection.execute("SELECT * FROM workloads ORDER BY description, hash").fetchall()
        return [self._workload(row) for row in rows]

    def workload(self, prefix: str) -> WorkloadRecord:
        """The workload whose hash starts like this.

        Raises:
            DatabaseError: if there is none, or several.
        """
        with self.reader() as connection:
            query = "SELECT * FROM workloads WHERE substr(hash, 1, ?) = ? ORDER BY hash LIMIT 3"
            rows = connection.execute(query, (len(prefix), prefix)).fetchall()
        if not prefix:
            raise DatabaseError(f"expected the hash of a workload in '{self.path}', or how it begins, got ''")
        if len(rows) != 1:
            raise DatabaseError(
                f"expected the hash of a workload in '{self.path}', got '{prefix}', which "
                + ("is the beginning of several" if rows else "none begins with")
            )
        return self._workload(rows[0])

    def trials(self, workload: Workload | WorkloadRecord | str | None = None) -> list[Trial]:
        """The trials of a workload, or all, in the order in which they were recorded."""
        where, values = ("", ()) if workload is None else ("WHERE trials.workload = ?", (hash_of(workload),))
        with self.reader() as connection:
            rows = connection.execute(f"{_TRIALS} {where} ORDER BY trials.id", values).fetchall()
        return [self._trial(row) for row in rows]

    def recorded(self, workload: Workload | WorkloadRecord | str, scripts: Iterable[str]) -> list[Trial]:
        """The newest trials of some scripts for a workload, of those that were measured with these versions. Who has
        lost a candidate knows nothing of it."""
        self._versions = self._versions or current_versions()
        query = (
            f"{_TRIALS} JOIN versions ON versions.id = trials.versions WHERE scripts.checksum = ? "
            "AND trials.workload = ? AND trials.status <> 'lost' AND versions.text = ? "
            "ORDER BY trials.measured_at DESC, trials.id DESC LIMIT 1"
        )
        keys = [(checksum(script.encode()), hash_of(workload), self._versions) for script in scripts]
        with self.reader() as connection:
            rows = [connection.execute(query, key).fetchone() for key in keys]
        return [self._trial(row) for row in rows if row is not None]

    def count(self, workload: Workload | WorkloadRecord | str) -> tuple[int, int]:
        """How many trials of a workload there are, and how many of them are right."""
        query = "SELECT count(*), coalesce(sum(status = 'ok'), 0) FROM trials WHERE workload = ?"
        with self.reader() as connection:
            trials, right = connection.execute(query, (hash_of(workload),)).fetchone()
        return int(trials), int(right)

    def best(self, workload: Workload | WorkloadRecord | str) -> Trial | None:
        """The fastest right trial of a workload, the earliest of several; that of what we ship unless it is beaten by
        `MARGIN`. Of several trials of one script the newest counts."""
        with self.reader() as connection:
            best = _best(connection, hash_of(workload))
            row = connection.execute(f"{_TRIALS} WHERE trials.id = ?", (best,)).fetchone()
        return None if row is None else self._trial(row)

    def nearest(self, workload: Workload | WorkloadRecord, limit: int = 8) -> list[tuple[WorkloadRecord, Trial]]:
        """Other workloads of the same structure for the same kind of target, with the best trial of each: the one whose
        extents are nearest in proportion comes first."""
        from .family import distance

        own = record_of(workload)
        with self.reader() as connection:
            query = "SELECT * FROM workloads WHERE family = ? AND hash <> ?"
            rows = connection.execute(query, (own.family, own.hash)).fetchall()
        others = [self._workload(row) for row in rows]
        kin = [other for other in others if len(other.extents) == len(own.extents)]
        kin.sort(key=lambda other: (distance(own.extents, other.extents), other.hash))
        found: list[tuple[WorkloadRecord, Trial]] = []
        for other in kin:
            best = self.best(other)
            if best is not None:
                found.append((other, best))
                if len(found) == limit:
                    break
        return found

    def features(self, schema: str) -> list[tuple[Trial, NDArray[np.float32]]]:
        """The right trials that are there with features in the columns of `schema`."""
        import numpy as np

        query = (
            f"SELECT features.data, {_TRIAL} FROM features JOIN trials ON trials.id = features.trial "
            "JOIN scripts ON scripts.id = trials.script WHERE features.schema = ? ORDER BY trials.id"
        )
        with self.reader() as connection:
            rows = connection.execute(query, (schema,)).fetchall()
        return [
            (self._trial(row[1:]), reading(self.path, lambda row=row: np.frombuffer(row[0], "<f4").astype(np.float32)))
            for row in rows
        ]

    def algorithms(self, convolution: str, target: str = "") -> dict[str, float]:
        """The least recorded time of each algorithm that a convolution was computed by, in seconds: for a target if
        there are some, else for all."""
        query = (
            "SELECT algorithms.algorithm, workloads.target = ? AS same, min(trials.seconds) FROM algorithms "
            "JOIN workloads ON workloads.hash = algorithms.workload "
            "JOIN trials ON trials.workload = algorithms.workload "
            f"WHERE algorithms.convolution = ? AND {STANDS} GROUP BY algorithms.algorithm, same"
        )
        with self.reader() as connection:
            rows = connection.execute(query, (target, convolution)).fetchall()
        same = any(row[1] for row in rows)
        found: dict[str, float] = {}
        for algorithm, is_same, seconds in sorted(rows):
            if bool(is_same) == same:
                found[str(algorithm)] = float(seconds)
        return found

    def stats(self) -> Stats:
        """How much there is."""
        with self.reader() as connection:

            def count(table: str) -> int:
                return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

            statuses = dict(connection.execute("SELECT status, count(*) FROM trials GROUP BY status ORDER BY status"))
            (pages,), (size,) = (
                connection.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "page_size")
            )
            counts = [count(table) for table in ("workloads", "scripts", "trials", "features")]
        return Stats(counts[0], counts[1], counts[2], statuses, counts[3], pages * size)

    def fingerprint(self) -> str:
        """What a compilation depends on: equal as long as it finds the same scripts and costs."""
        with self.reader() as connection:
            query = (
                "SELECT workload, text, seconds FROM trials JOIN scripts ON scripts.id = trials.script "
                "WHERE trials.id = ?"
            )
            hashes = connection.execute("SELECT hash FROM workloads ORDER BY hash").fetchall()
            rows = [connection.execute(query, (_best(connection, each),)).fetchone() for (each,) in hashes]
            algorithms = connection.execute("SELECT * FROM algorithms").fetchall()
        # The text counts, not the checksum beside it: one of them may be damaged.
        fastest = reading(self.path, lambda: [row and (row[0], checksum(row[1].encode()), row[2]) for row in rows])
        return checksum(json.dumps([fastest, algorithms]).encode())

    # as a whole

    def export_jsonl(self, path: str | os.PathLike[str] | TextIO) -> int:
        """Writes all of it as lines of JSON; how many trials there are.

        Raises:
            DatabaseError: if something is damaged, after all that can be read was written.
        """
        from .exchange import export_jsonl

        return export_jsonl(self, path)

    def import_jsonl(self, path: str | os.PathLike[str] | TextIO) -> int:
        """Adds what `export_jsonl` wrote; how many trials are new. If a line is wrong, nothing is added."""
        from .exchange import import_jsonl

        return import_jsonl(self, path)

    def merge(self, other: Database | str | os.PathLike[str]) -> int:
        """Adds what another database has; how many trials are new."""
        from .exchange import merge

        return merge(self, other)

    def prune(
        self, keep: int | None = None, *, failures: bool = False, features: bool = False, empty: bool = False
    ) -> int:
        """Removes all but the `keep` fastest right trials of each workload, failures, features, or workloads without
        trials; how many trials."""
        from .upkeep import prune

        return prune(self, keep, failures=failures, features=features, empty=empty)

    # rows

    def _workload(self, row: Sequence[Any]) -> WorkloadRecord:
        return reading(self.path, lambda: workload_of_row(row))

    def _trial(self, row: Sequence[Any]) -> Trial:
        return reading(self.path, lambda: trial_of_row(row))


def hash_of(workload: Workload | WorkloadRecord | str) -> str:
    """The hash of a workload."""
    return workload if isinstance(workload, str) else workload.hash


def record_of(workload: Workload | WorkloadRecord) -> WorkloadRecord:
    """What a database keeps of a workload."""
    if isinstance(workload, WorkloadRecord):
        return workload
    from .family import family_of

    family, extents = family_of(workload.kernel, workload.target)
    return WorkloadRecord(
        workload.hash, workload.text, str(workload.target), workload.description, family, tuple(extents)
    )


def check_trial(trial: Trial) -> None:
    """Checks that a trial is one.

    Raises:
        DatabaseError: if it says that it is right but has no times, or the other way around.
    """
    if trial.status is Status.OK and not trial.times:
        raise DatabaseError("expected the times of a trial that is ok, got none")
    if trial.status is not Status.OK and trial.times:
        raise DatabaseError(f"expected no times of a trial that is {trial.status.value}, got {len(trial.times)}")
    for seconds in trial.times:
        if not (math.isfinite(seconds) and seconds > 0):
            raise DatabaseError(f"expected positive times, got {seconds}")
    for seconds in (trial.compile_seconds, trial.measured_at):
        if not math.isfinite(seconds):
            raise DatabaseError(f"expected seconds, got {seconds}")
    if not trial.script:
        raise DatabaseError("expected the script of a trial, got none")


def current_versions() -> str:
    """The versions of Stepwell and of what it stands on, as JSON."""
    return json.dumps(versions(), sort_keys=True)


def _has_workload(connection: sqlite3.Connection, digest: str) -> bool:
    return connection.execute("SELECT 1 FROM workloads WHERE hash = ?", (digest,)).fetchone() is not None


def insert_workload(connection: sqlite3.Connection, record: WorkloadRecord) -> None:
    """Writes a workload, if it is not there."""
    connection.execute(
        "INSERT OR IGNORE INTO workloads VALUES (?, ?, ?, ?, ?, ?)",
        (
            record.hash,
            record.text,
            record.target,
            record.description,
            record.family,
            json.dumps(record.extents),
        ),
    )


def insert_algorithms(connection: sqlite3.Connection, uses: Iterable[tuple[str, str, str]]) -> None:
    """Writes which workloads convolutions become: the key of each, an algorithm, a workload's hash."""
    connection.executemany("INSERT OR IGNORE INTO algorithms VALUES (?, ?, ?)", uses)


def insert_trial(
    connection: sqlite3.Connection, trial: Trial, uid: str, versions: str, features: tuple[str, bytes] | None = None
) -> bool:
    """Writes a trial, unless it is there; whether it was not."""
    if not _has_workload(connection, trial.workload):
        raise DatabaseError(f"expected the hash of a workload that was added, got '{trial.workload}'")
    script = _id(connection, "scripts", "checksum", checksum(trial.script.encode()), trial.script)
    version = _id(connection, "versions", "text", versions)
    seconds = trial.seconds if trial.status is Status.OK else None
    cursor = connection.execute(
        "INSERT OR IGNORE INTO trials (uid, workload, script, status, seconds, times, error, compile_seconds, "
        "measured_at, machine, sketch, knobs, predicted, versions) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            uid,
            trial.workload,
            script,
            trial.status.value,
            seconds,
            json.dumps(trial.times),
            trial.error,
            trial.compile_seconds,
            trial.measured_at,
            trial.machine,
            trial.sketch,
            json.dumps(trial.knobs),
            trial.predicted,
            version,
        ),
    )
    if not cursor.rowcount:
        return False
    if features is not None:
        connection.execute("INSERT INTO features VALUES (?, ?, ?)", (cursor.lastrowid, *features))
    return True


def _id(connection: sqlite3.Connection, table: str, column: str, value: str, *others: str) -> int:
    """The number of what is kept once, which is added if it is not there."""
    row = connection.execute(f"SELECT id FROM {table} WHERE {column} = ?", (value,)).fetchone()
    if row is not None:
        return int(row[0])
    places = ", ".join("?" * (2 + len(others)))
    cursor = connection.execute(f"INSERT INTO {table} VALUES ({places})", (None, value, *others))
    return cast(int, cursor.lastrowid)


def workload_of_row(row: Sequence[Any]) -> WorkloadRecord:
    """The workload in a row of its table."""
    digest, text, target, description, family, extents = row
    return WorkloadRecord(digest, text, target, description, family, tuple(int(each) for each in json.loads(extents)))


def trial_of_row(row: Sequence[Any]) -> Trial:
    """The trial in a row of its table and its script's."""
    _, _, workload, script, status, times, error, compile_seconds, measured_at, machine, sketch, knobs, predicted = row
    return Trial(
        workload,
        script,
        Status(status),
        tuple(float(each) for each in json.loads(times)),
        error,
        compile_seconds,
        measured_at,
        machine,
        sketch,
        dict(json.loads(knobs)),
        predicted,
    )


def rows_with_ids(connection: sqlite3.Connection, path: str) -> Iterator[tuple[int, str, str, Trial]]:
    """All trials, each with its number, its name in all databases, and the versions that it was measured with."""
    for (number,) in connection.execute("SELECT id FROM trials ORDER BY id").fetchall():
        yield reading(path, lambda number=number: row_with_id(connection, number))


def row_with_id(connection: sqlite3.Connection, number: int) -> tuple[int, str, str, Trial]:
    """One of them.

    Raises:
        ValueError: if its script is not what it was when it was written.
    """
    query = f"SELECT versions.text, scripts.checksum, {_TRIAL} FROM trials JOIN scripts ON scripts.id = trials.script "
    row = connection.execute(
        query + "JOIN versions ON versions.id = trials.versions WHERE trials.id = ?", (number,)
    ).fetchone()
    if row is None:
        raise ValueError("a trial without its script")
    trial = trial_of_row(row[2:])
    if checksum(trial.script.encode()) != row[1]:
        raise ValueError("a script with another checksum")
    return row[2], row[3], row[0], trial
