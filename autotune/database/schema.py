"""The tables of a database of trials, and the connection to its file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote

from ...errors import DatabaseError

T = TypeVar("T")

APPLICATION_ID = 0x53574442
"""What SQLite's header says of a file that is ours: `SWDB`."""
VERSION = 1
"""The version of the tables below. A newer one is refused."""
BUSY_SECONDS = 300.0
"""How long a writer waits for others, one of which may have been stopped for a while in the middle of a record."""

_AGAIN = 0.005
"""Seconds between two tries of what SQLite does not wait for itself."""

_MAGIC = b"SQLite format 3\0"
_SMALLEST = 512
"""The size of the smallest page."""

MEMORY = ":memory:"
"""The path of a database that is nowhere else, and gone when it is closed."""

TABLES = """
CREATE TABLE workloads (
    hash TEXT PRIMARY KEY,
    text TEXT NOT NULL,         -- the kernel, not scheduled, in a module with its target
    target TEXT NOT NULL,
    description TEXT NOT NULL,
    family TEXT NOT NULL,       -- equal for kernels of one structure with other extents
    extents TEXT NOT NULL       -- the extents as JSON, in the structure's order
) WITHOUT ROWID;
CREATE INDEX workloads_by_family ON workloads (family);
CREATE TABLE scripts (
    id INTEGER PRIMARY KEY,
    checksum TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL
);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE   -- of Stepwell and of what it stands on, as JSON
);
CREATE TABLE trials (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,   -- the same in every database that the trial is copied to
    workload TEXT NOT NULL REFERENCES workloads (hash) ON DELETE CASCADE,
    script INTEGER NOT NULL REFERENCES scripts (id),
    status TEXT NOT NULL,
    seconds REAL,               -- the middle one of the times; none unless the status is ok
    times TEXT NOT NULL,        -- as JSON
    error TEXT NOT NULL,
    compile_seconds REAL NOT NULL,
    measured_at REAL NOT NULL,
    machine TEXT NOT NULL,
    sketch TEXT NOT NULL,
    knobs TEXT NOT NULL,        -- as JSON
    predicted REAL,
    versions INTEGER NOT NULL REFERENCES versions (id)
);
CREATE INDEX trials_by_time ON trials (workload, status, seconds, measured_at, id);
CREATE INDEX trials_by_script ON trials (script, workload, measured_at, id);
CREATE TABLE features (
    trial INTEGER PRIMARY KEY REFERENCES trials (id) ON DELETE CASCADE,
    schema TEXT NOT NULL,       -- which columns these are
    data BLOB NOT NULL          -- little-endian float32
);
CREATE TABLE algorithms (
    convolution TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    workload TEXT NOT NULL REFERENCES workloads (hash) ON DELETE CASCADE,
    PRIMARY KEY (convolution, algorithm, workload)
) WITHOUT ROWID;
"""


def connect(path: str, *, create: bool) -> sqlite3.Connection:
    """A connection to the database in a file: one to write, which makes it if need be, or one that only reads.

    Raises:
        DatabaseError: if there is no database of ours, or one of a newer version.
    """
    if not create and not os.path.exists(path):
        raise DatabaseError(f"expected a database of trials, got no file '{path}'")
    _check_start(path)
    with explained(path):
        connection = _open(path, "rwc") if create else _open_to_read(path)
        try:
            if create:
                _prepare(connection, path)
                _check_pages(connection, path)
            else:
                _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_start(path: str) -> None:
    """SQLite takes what is shorter than a page for empty, and would write over it.

    Raises:
        DatabaseError: if a file does not begin as databases do, and is not empty.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(_SMALLEST)
    except OSError:
        return  # it is not there, or SQLite says what is the matter
    if start and not (len(start) == _SMALLEST and start.startswith(_MAGIC)):
        raise DatabaseError(
            f"expected a database of trials, got '{path}', which is none or damaged: it begins otherwise"
        )


def _open(path: str, mode: str) -> sqlite3.Connection:
    option = "immutable=1" if mode == "immutable" else f"mode={mode}"
    uri = path if path == MEMORY else f"file:{quote(os.path.abspath(path))}?{option}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _open_to_read(path: str) -> sqlite3.Connection:
    """Readers of a log need a file beside the database; where none can be made, nobody writes either."""
    connection = _open(path, "ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        connection = _open(path, "immutable")
    return connection


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    if _is_empty(connection):
        _write_ahead(connection)
        with transaction(connection):
            # Another process may have been faster.
            if _is_empty(connection):
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
                for statement in TABLES.split(";\n"):
                    connection.execute(statement)
    _check(connection, path)
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Chooses the log that several may write. SQLite does not wait for others that do so at the same moment."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_AGAIN)


def _is_empty(connection: sqlite3.Connection) -> bool:
    return _number(connection, "SELECT count(*) FROM sqlite_master") == 0 and _application(connection) == 0


def _check(connection: sqlite3.Connection, path: str) -> None:
    if _application(connection) != APPLICATION_ID:
        raise DatabaseError(f"expected a database of trials, got '{path}', which is another file")
    version = _number(connection, "PRAGMA user_version")
    if version != VERSION:
        raise DatabaseError(
            f"expected a database of trials of version {VERSION}, got '{path}' of version {version}"
            + ("; a newer Stepwell has made it" if version > VERSION else "")
        )


def _check_pages(connection: sqlite3.Connection, path: str) -> None:
    """Nothing is added to what is damaged already: all pages are looked at (54 MB of 10,000 trials take 0.08 s)."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DamagedError(path, str(found).splitlines()[-1])


def missing_bytes(path: str) -> int:
    """How many bytes a file is shorter than its header says, which SQLite refuses to read at all."""
    try:
        with open(path, "rb") as file:
            header = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except OSError:
        return 0
    if len(header) < 100 or not header.startswith(_MAGIC):
        return 0
    page, pages = (int.from_bytes(header[at : at + length], "big") for at, length in ((16, 2), (28, 4)))
    return max((65536 if page == 1 else page) * pages - size, 0)


def _application(connection: sqlite3.Connection) -> int:
    return _number(connection, "PRAGMA application_id")


def _number(connection: sqlite3.Connection, query: str) -> int:
    (value,) = connection.execute(query).fetchone()
    return int(value)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """What is written in the body of a `with` statement is there at its end, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def explained(path: str) -> Generator[None]:
    """SQLite's errors in the body of a `with` statement become ours."""
    try:
        yield
    except UnicodeDecodeError as error:  # also a message of SQLite's that has such a text in it
        raise DamagedError(path, "a text in it is no UTF-8") from error
    except sqlite3.IntegrityError as error:
        raise DatabaseError(f"cannot write '{path}': {error}") from error
    except sqlite3.OperationalError as error:
        if "decode" in str(error):  # text that is none
            raise DamagedError(path, "a text in it is no UTF-8") from error
        if "locked" in str(error) or "busy" in str(error):
            reason = f"another process has held it for {BUSY_SECONDS:.0f} s"
        else:
            reason = str(error)
        raise DatabaseError(f"cannot use database '{path}': {reason}") from error
    except sqlite3.ProgrammingError as error:
        reason = "it is closed" if "closed" in str(error) else str(error)
        raise DatabaseError(f"cannot use database '{path}': {reason}") from error
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_NOTADB:
            raise DamagedError(path, str(error)) from error
        raise DatabaseError(
            f"expected a database of trials, got '{path}', which is none or damaged: {error}"
        ) from error


def reading(path: str, decode: Callable[[], T]) -> T:
    """What `decode` makes of a row; whatever it stumbles over is damage."""
    try:
        return decode()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedError(path, f"a record does not read ({error})") from error


class DamagedError(DatabaseError):
    """A database is one of ours, but not all of it reads."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"expected a database of trials, got '{path}', which is damaged: {reason}; `stepwell db export` writes "
            "what can still be read, and `stepwell db import` makes another database of that; else delete it"
        )
        self.reason = reason
