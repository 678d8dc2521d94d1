"""Databases as text, one JSON object a line, and what they give each other.

{"kind": "database", "format": "stepwell trials", "version": 1}
{"kind": "workload", "hash": "…", "text": "…", …, "checksum": "…"}
{"kind": "trial", "workload": "…", "script": "…", "status": "ok", "times": [1.2e-3, 1.1e-3], …, "checksum": "…"}
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, cast

from xdsl.utils.exceptions import DiagnosticException, ParseError

from ...errors import DatabaseError, StepwellError
from ...runtime.cache import key_of
from ..trial import Status, Trial
from ..workload import Workload
from .schema import VERSION, DamagedError, explained, missing_bytes
from .store import (
    Database,
    WorkloadRecord,
    check_trial,
    insert_algorithms,
    insert_trial,
    insert_workload,
    record_of,
    row_with_id,
    rows_with_ids,
    workload_of_row,
)

FORMAT = "stepwell trials"
_CHECKSUM = "checksum"
_NUMBER = (int, float)
_WORKLOAD: dict[str, type | tuple[type, ...]] = {"hash": str, "text": str}
_ALGORITHM: dict[str, type | tuple[type, ...]] = {"convolution": str, "algorithm": str, "workload": str}
_TRIAL: dict[str, type | tuple[type, ...]] = {
    "workload": str,
    "script": str,
    "status": str,
    "times": list,
    "error": str,
    "compile_seconds": _NUMBER,
    "measured_at": _NUMBER,
    "machine": str,
    "sketch": str,
    "knobs": dict,
}
"""What a line must have, and of which type."""


# out


def export_jsonl(database: Database, path: str | os.PathLike[str] | TextIO) -> int:
    """Writes all of a database as lines; how many trials there are.

    Raises:
        DatabaseError: if something is damaged, after all that can be read was written.
    """
    if isinstance(path, str | os.PathLike):
        try:
            with open(path, "w", encoding="utf-8") as file:
                return export_jsonl(database, file)
        except OSError as error:
            raise DatabaseError(f"cannot write '{os.fspath(path)}': {error.strerror or error}") from None
    count = 0
    out = _Export(database)
    for line in out.lines():
        count += line["kind"] == "trial"
        path.write(json.dumps(line if line["kind"] == "database" else _signed(line), ensure_ascii=False) + "\n")
    if out.damage is not None:
        raise DatabaseError(
            f"'{database.path}' is damaged ({out.damage}): {count} trials were written, what does not read is left out"
        )
    return count


_HASHES = (
    "SELECT hash FROM workloads NOT INDEXED",
    "SELECT hash FROM workloads NOT INDEXED ORDER BY hash DESC",
    "SELECT hash FROM workloads INDEXED BY workloads_by_family",
    "SELECT workload FROM trials NOT INDEXED",
    "SELECT workload FROM trials INDEXED BY trials_by_script ORDER BY script",
)
_ALGORITHMS = (
    "SELECT * FROM algorithms",
    "SELECT * FROM algorithms ORDER BY convolution DESC, algorithm DESC, workload DESC",
)
_NUMBERS = (
    "SELECT id FROM trials NOT INDEXED ORDER BY id",
    "SELECT id FROM trials NOT INDEXED ORDER BY id DESC",
    "SELECT id FROM trials INDEXED BY trials_by_script ORDER BY script",
    "SELECT id FROM trials INDEXED BY trials_by_script ORDER BY script DESC",
    "SELECT trial FROM features ORDER BY trial DESC",
)
_FEATURES = "SELECT schema, data FROM features WHERE trial = ?"
_MOST_TRIED = 1_000_000


def _signed(line: Mapping[str, Any]) -> dict[str, Any]:
    return {**line, _CHECKSUM: key_of(**line)}


class _Export:
    """All that can be read of a database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.damage = database.damage
        """What was damaged first."""

    def lines(self) -> Iterator[dict[str, Any]]:
        """What is written."""
        yield {"kind": "database", "format": FORMAT, "version": VERSION}
        with self.database.reader() as connection:
            known: set[str] = set()
            for record in self._workloads(connection):
                known.add(record.hash)
                yield {
                    "kind": "workload",
                    "hash": record.hash,
                    "description": record.description,
                    "text": record.text,
                }
            for convolution, algorithm, workload in self._rows(connection, _ALGORITHMS)[0]:
                if workload in known:
                    yield {
                        "kind": "algorithm",
                        "convolution": convolution,
                        "algorithm": algorithm,
                        "workload": workload,
                    }
            for number in self._numbers(connection):
                with self._survived():
                    trial = row_with_id(connection, number)
                    features = None
                    with self._survived():
                        features = connection.execute(_FEATURES, (number,)).fetchone()
                    line = _line_of_trial(*trial, features)
                    if line["workload"] in known:
                        yield line

    def _workloads(self, connection: sqlite3.Connection) -> list[WorkloadRecord]:
        """The workloads that read."""
        records: list[WorkloadRecord] = []
        for (digest,) in self._rows(connection, _HASHES)[0]:
            with self._survived():
                row = connection.execute("SELECT * FROM workloads WHERE hash = ?", (digest,)).fetchone()
                if row is None:
                    raise ValueError("a trial without its kernel")
                records.append(workload_of_row(row))
        return sorted(records, key=lambda record: (record.description, record.hash))

    def _numbers(self, connection: sqlite3.Connection) -> list[int]:
        """The numbers of trials. Where a part of them does not read, those in between are tried one by one."""
        rows, is_all = self._rows(connection, _NUMBERS[:1])
        found: set[int] = {number for (number,) in rows}
        if is_all:
            return sorted(found)
        for query in _NUMBERS[1:]:
            found.update(number for (number,) in self._rows(connection, [query])[0])
        missing = (number for number in range(1, max(found, default=0)) if number not in found)
        for number in islice(missing, _MOST_TRIED):
            # What was removed is no damage.
            with suppress(sqlite3.DatabaseError):
                if connection.execute("SELECT 1 FROM trials WHERE id = ?", (number,)).fetchone() is not None:
                    found.add(number)
        return sorted(found)

    def _rows(self, connection: sqlite3.Connection, queries: Sequence[str]) -> tuple[list[Any], bool]:
        """The rows of some queries, each once, until one of them has read all that there is, and whether one has."""
        rows: dict[Any, None] = {}
        for query in queries:
            with self._survived():
                for row in connection.execute(query):
                    rows[row] = None
                return list(rows), True
        return list(rows), False

    @contextmanager
    def _survived(self) -> Generator[None]:
        try:
            with explained(self.database.path):
                yield
        except DamagedError as error:
            self.damage = self.damage or error.reason
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self.damage = self.damage or f"a record does not read ({_first_line(error)})"


@contextmanager
def opened_to_export(path: str | os.PathLike[str]) -> Generator[Database]:
    """A database to read. Of one whose end is missing this is a copy, with nothing where the end was.

    Raises:
        DatabaseError: if nothing of it can be read.
    """
    name = os.fspath(path)
    with ExitStack() as stack:
        try:
            database = Database(name, create=False)
        except DamagedError as error:
            # A checkpoint may just be at work, but then it opens.
            missing = missing_bytes(name)
            damage = f"{missing} bytes are missing at its end" if missing else error.reason
            copy = os.path.join(stack.enter_context(tempfile.TemporaryDirectory()), "trials.db")
            _copy_with_end(name, copy, missing)
            try:
                database = Database(copy, create=False)
            except DamagedError:
                raise DatabaseError(
                    f"expected a database of trials, got '{name}', of which nothing can be read: {damage}"
                ) from None
            database.path, database.damage = name, damage
        with database:
            yield database


def _copy_with_end(path: str, copy: str, missing: int) -> None:
    """A copy of a database with so many more bytes, and of its log."""
    try:
        shutil.copyfile(path, copy)
        os.truncate(copy, os.path.getsize(copy) + missing)
        if os.path.exists(f"{path}-wal"):
            shutil.copyfile(f"{path}-wal", f"{copy}-wal")
    except OSError as error:
        raise DatabaseError(f"cannot copy '{path}': {error.strerror or error}") from None


def _line_of_trial(
    number: int, uid: str, versions: str, trial: Trial, features: Sequence[Any] | None
) -> dict[str, Any]:
    line: dict[str, Any] = {
        "kind": "trial",
        "uid": uid,
        "workload": trial.workload,
        "status": trial.status.value,
        "times": list(trial.times),
        "error": trial.error,
        "compile_seconds": trial.compile_seconds,
        "measured_at": trial.measured_at,
        "machine": trial.machine,
        "sketch": trial.sketch,
        "knobs": trial.knobs,
        "predicted": trial.predicted,
        "versions": json.loads(versions),
        "script": trial.script,
    }
    if features is not None:
        schema, data = features
        line["features"] = {"schema": schema, "data": base64.b64encode(data).decode()}
    return line


def _features(connection: sqlite3.Connection) -> dict[int, tuple[str, bytes]]:
    return {int(trial): (schema, data) for trial, schema, data in connection.execute("SELECT * FROM features")}


# in


def import_jsonl(database: Database, path: str | os.PathLike[str] | TextIO) -> int:
    """Adds what lines say that `export_jsonl` wrote; how many trials are new. If a line is wrong, nothing is added.

    Raises:
        DatabaseError: that names the line.
    """
    if isinstance(path, str | os.PathLike):
        try:
            with open(path, encoding="utf-8") as file:
                return import_jsonl(database, file)
        except OSError as error:
            raise DatabaseError(f"cannot read '{os.fspath(path)}': {error.strerror or error}") from None
    number, count = 0, 0
    with database.writer() as connection:
        try:
            for text in path:
                number += 1
                if text.strip():
                    line = _parsed(text)
                    count += _insert(connection, line) if number > 1 else _check_header(line)
            if number == 0:
                raise DatabaseError("expected lines, got none")
        except UnicodeDecodeError:
            raise DatabaseError(f"{_name(path)}:{number + 1}: expected UTF-8 text") from None
        except (StepwellError, DiagnosticException, ParseError, ValueError, TypeError, OverflowError) as error:
            raise DatabaseError(f"{_name(path)}:{max(number, 1)}: {_first_line(error)}") from error
    return count


def _name(file: TextIO) -> str:
    return getattr(file, "name", "<lines>")


def _parsed(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DatabaseError(f"expected an object in JSON ({_first_line(error)})") from None
    if not isinstance(line, dict):
        raise DatabaseError(f"expected an object in JSON, got {text.strip()[:40]}")
    return cast("dict[str, Any]", line)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _check_header(line: Mapping[str, Any]) -> int:
    if line.get("kind") != "database" or line.get("format") != FORMAT:
        raise DatabaseError(f"expected a line that says format '{FORMAT}' first")
    if line.get("version") != VERSION:
        raise DatabaseError(f"expected version {VERSION} of the format, got {line.get('version')}")
    return 0


def _insert(connection: sqlite3.Connection, line: dict[str, Any]) -> int:
    """Writes what a line says; how many trials are new."""
    stated = line.pop(_CHECKSUM, None)
    if stated is not None and stated != key_of(**line):
        raise DatabaseError("expected a line as it was written, got another checksum")
    match line.get("kind"):
        case "workload":
            _check(line, _WORKLOAD)
            _insert_workload(connection, line["hash"], line["text"])
        case "algorithm":
            _check(line, _ALGORITHM)
            _check_workload(connection, line["workload"])
            insert_algorithms(connection, [(line["convolution"], line["algorithm"], line["workload"])])
        case "trial":
            return _insert_trial(connection, line)
        case other:
            raise DatabaseError(f"expected a workload, an algorithm or a trial, got {other!r}")
    return 0


def _check(line: Mapping[str, Any], types: Mapping[str, type | tuple[type, ...]]) -> None:
    for name, type_ in types.items():
        if name not in line:
            raise DatabaseError(f"expected '{name}', got none")
        if not isinstance(line[name], type_) or isinstance(line[name], bool):
            raise DatabaseError(f"expected '{name}' of another type, got {line[name]!r:.40}")


def _insert_workload(connection: sqlite3.Connection, digest: str, text: str) -> None:
    known = connection.execute("SELECT text FROM workloads WHERE hash = ?", (digest,)).fetchone()
    if known is not None and known[0] == text:
        return
    # What the text says is what counts.
    record = record_of(Workload.of_text(text))
    if record.hash != digest:
        raise DatabaseError(f"expected the kernel with hash {digest}, got one with {record.hash}")
    insert_workload(connection, record)


def _check_workload(connection: sqlite3.Connection, digest: str) -> None:
    if connection.execute("SELECT 1 FROM workloads WHERE hash = ?", (digest,)).fetchone() is None:
        raise DatabaseError(f"expected the hash of a workload of an earlier line, got '{digest}'")


def _insert_trial(connection: sqlite3.Connection, line: Mapping[str, Any]) -> int:
    _check(line, _TRIAL)
    _check_workload(connection, line["workload"])
    predicted = line.get("predicted")
    trial = Trial(
        line["workload"],
        line["script"],
        Status(line["status"]),
        tuple(float(each) for each in line["times"]),
        line["error"],
        float(line["compile_seconds"]),
        float(line["measured_at"]),
        line["machine"],
        line["sketch"],
        dict(line["knobs"]),
        None if predicted is None else float(predicted),
    )
    check_trial(trial)
    if not all(isinstance(value, int | str) for value in trial.knobs.values()):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DatabaseError(f"expected knobs that are numbers or strings, got {trial.knobs}")
    blob = None
    if line.get("features") is not None:
        _check(line, {"features": dict})
        _check(line["features"], {"schema": str, "data": str})
        blob = (line["features"]["schema"], _decoded(line["features"]["data"]))
    versions = json.dumps(line.get("versions", {}), sort_keys=True)
    return insert_trial(connection, trial, str(line.get("uid") or secrets.token_hex(8)), versions, blob)


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise DatabaseError(f"expected features in base 64 ({error})") from None
    if len(data) % 4:
        raise DatabaseError(f"expected features of 4 bytes each, got {len(data)} bytes")
    return data


# from one to another


def merge(database: Database, other: Database | str | os.PathLike[str]) -> int:
    """Adds what another database has; how many trials are new."""
    if not isinstance(other, Database):
        with Database(other, create=False) as opened:
            return merge(database, opened)
    if Path(other.path).resolve() == Path(database.path).resolve():
        raise DatabaseError(f"expected another database to merge, got '{other.path}' itself")
    count = 0
    records = other.workloads()
    with other.reader() as source, database.writer() as connection:
        for record in records:
            insert_workload(connection, record)
        insert_algorithms(connection, source.execute("SELECT * FROM algorithms").fetchall())
        features = _features(source)
        for number, uid, versions, trial in rows_with_ids(source, other.path):
            count += insert_trial(connection, trial, uid, versions, features.get(number))
    return count
