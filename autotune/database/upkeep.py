"""What is worth keeping of a database."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from ...errors import DatabaseError
from .schema import BUSY_SECONDS
from .store import STANDS, Database


def prune(
    database: Database,
    keep: int | None = None,
    *,
    failures: bool = False,
    features: bool = False,
    empty: bool = False,
) -> int:
    """Removes trials; how many. What nothing needs any more, scripts above all, goes with them.

    Args:
        keep: how many scripts of a workload stay, those that were fastest when they were last measured; all if it is
            not given.
        failures: whether trials that are not right are removed.
        features: whether all features are removed.
        empty: whether workloads without trials are removed.
    """
    if keep is not None and keep < 0:
        raise DatabaseError(f"expected a number of trials to keep, got {keep}")
    removed = 0
    with database.writer() as connection:
        if keep is not None:
            removed += connection.execute(
                "DELETE FROM trials WHERE status = 'ok' AND id NOT IN (SELECT id FROM (SELECT id, row_number() OVER "
                "(PARTITION BY workload ORDER BY seconds, measured_at, id) AS place FROM trials "
                f"WHERE {STANDS}) WHERE place <= ?)",
                (keep,),
            ).rowcount
        if failures:
            removed += connection.execute("DELETE FROM trials WHERE status <> 'ok'").rowcount
        if features:
            connection.execute("DELETE FROM features")
        if empty:
            connection.execute("DELETE FROM workloads WHERE hash NOT IN (SELECT workload FROM trials)")
        connection.execute("DELETE FROM scripts WHERE id NOT IN (SELECT script FROM trials)")
        connection.execute("DELETE FROM versions WHERE id NOT IN (SELECT versions FROM trials)")
    # The file gets no smaller as long as others use it.
    with database.reader() as connection, suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute("VACUUM")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
    return removed
