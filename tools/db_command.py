"""`stepwell db`: looks into databases of trials, and puts them together."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..autotune.trial import time_text

# Help and mistakes must be quick: what a command needs is imported by the command.
if TYPE_CHECKING:
    from ..autotune.database.store import Database
    from ..autotune.trial import Trial

DIGITS = 12
"""How much of a hash is printed."""


def add_db(parser: argparse.ArgumentParser) -> None:
    """The commands on databases."""
    parser.description = "Look into databases of trials, and put them together."
    commands: Any = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, what: str, command: Any) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = commands.add_parser(name, help=what)
        sub.description = f"{what[0].upper()}{what[1:]}."
        sub.add_argument("db", metavar="DB", help="the file of the database")
        sub.add_argument("--debug", action="store_true", help="print a traceback with an error")
        sub.set_defaults(command=command)
        return sub

    sub = add("list", "list the kernels of a database with their best times, or the trials of one", list_command)
    sub.add_argument("hash", metavar="HASH", nargs="?", help="the hash of a kernel, or how that begins")
    sub = add("best", "print the best script of a kernel, as stepwell compile --schedule takes it", best_command)
    sub.add_argument("hash", metavar="HASH", help="the hash of the kernel, or how that begins")
    sub.add_argument("-o", "--output", metavar="FILE.mlir", help="where the script goes")
    sub = add("export", "write all of a database as lines of JSON", export_command)
    sub.add_argument("-o", "--output", metavar="FILE.jsonl", help="where they go; printed if there is none")
    sub = add("import", "add what such lines say; nothing is added if one of them is wrong", import_command)
    sub.add_argument("files", metavar="FILE.jsonl", nargs="+")
    sub = add("merge", "add what other databases have", merge_command)
    sub.add_argument("others", metavar="OTHER", nargs="+")
    sub = add("prune", "remove trials that are not needed any more", prune_command)
    sub.add_argument("--keep", metavar="N", type=_count, help="all but the N fastest of each kernel")
    sub.add_argument("--failures", action="store_true", help="trials whose results are not right, or that have none")
    sub.add_argument("--features", action="store_true", help="what models learn from")
    sub.add_argument("--empty", action="store_true", help="kernels without trials")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number, got '{text}'")
    return int(text)


def list_command(options: argparse.Namespace) -> None:
    """`stepwell db list`."""
    from ..autotune.database.store import Database

    with Database(options.db, create=False) as database:
        if options.hash is not None:
            _list_trials(database, options.hash)
            return
        rows = [_row_of(record.hash, record.description, database) for record in database.workloads()]
        _print_table(("hash", "trials", "right", "best", "kernel"), rows, right=(1, 2, 3))
        stats = database.stats()
        statuses = ", ".join(f"{count} {status}" for status, count in stats.statuses.items()) or "none"
        print(f"{stats.workloads} kernels, {stats.scripts} scripts, {stats.trials} trials: {statuses}")


def _row_of(digest: str, description: str, database: Database) -> tuple[str, ...]:
    trials, right = database.count(digest)
    best = database.best(digest)
    return digest[:DIGITS], str(trials), str(right), time_text(math.inf if best is None else best.seconds), description


def _list_trials(database: Database, prefix: str) -> None:
    record = database.workload(prefix)
    print(record)
    trials = sorted(database.trials(record), key=lambda trial: trial.seconds)
    _print_table(("time", "status", "sketch", "choices"), [_row_of_trial(trial) for trial in trials], right=(0,))


def _row_of_trial(trial: Trial) -> tuple[str, ...]:
    choices = " ".join(f"{name}={value}" for name, value in trial.knobs.items())
    what = f"{trial.error} ({choices})" if trial.error and choices else trial.error or choices
    return time_text(trial.seconds), trial.status.value, trial.sketch or "-", what or "-"


def _print_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int]) -> None:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = [
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def best_command(options: argparse.Namespace) -> None:
    """`stepwell db best`."""
    from ..autotune.database.store import Database
    from ..errors import DatabaseError

    with Database(options.db, create=False) as database:
        record = database.workload(options.hash)
        best = database.best(record)
    if best is None:
        raise DatabaseError(f"expected a right trial of kernel {record.hash}, got none")
    comments = [str(record), f"{time_text(best.seconds)} on {best.machine or 'some machine'}"]
    if best.sketch:
        comments.append(f"sketch {best.sketch}")
    _write(options.output, "".join(f"// {comment}\n" for comment in comments) + best.script.rstrip("\n") + "\n")


def _write(path: str | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as error:
        error.filename = error.filename or path
        raise


def export_command(options: argparse.Namespace) -> None:
    """`stepwell db export`."""
    from ..autotune.database.exchange import opened_to_export

    with opened_to_export(options.db) as database:
        database.export_jsonl(sys.stdout if options.output is None else options.output)


@contextmanager
def _added_to(path: str) -> Generator[Database]:
    """A database to add to. One that is not there is made when all that is added has turned out right."""
    from ..autotune.database.schema import MEMORY
    from ..autotune.database.store import Database

    if Path(path).exists():
        with Database(path) as database:
            yield database
        return
    with Database(MEMORY) as collected:
        yield collected
        with Database(path) as database:
            database.merge(collected)


def import_command(options: argparse.Namespace) -> None:
    """`stepwell db import`."""
    with _added_to(options.db) as database:
        for file in options.files:
            print(f"{file}: {database.import_jsonl(file)} new trials")


def merge_command(options: argparse.Namespace) -> None:
    """`stepwell db merge`."""
    with _added_to(options.db) as database:
        for other in options.others:
            print(f"{other}: {database.merge(other)} new trials")


def prune_command(options: argparse.Namespace) -> None:
    """`stepwell db prune`."""
    from ..autotune.database.store import Database
    from ..errors import DatabaseError

    if options.keep is None and not (options.failures or options.features or options.empty):
        raise DatabaseError("expected something to prune (--keep N, --failures, --features, --empty), got none")
    with Database(options.db, create=False):
        pass  # what is not there is not made
    with Database(options.db) as database:
        removed = database.prune(
            options.keep, failures=options.failures, features=options.features, empty=options.empty
        )
        left = database.stats().trials
    print(f"{removed} trials removed, {left} left")
