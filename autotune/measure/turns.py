"""Turns that processes of one machine take: many may compile at a time, or one may be timing."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(path: Path | None, *, alone: bool) -> Generator[None]:
    """Waits until it is this process's turn, which ends with the `with` statement, or with the process."""
    if path is None:
        yield
        return
    import fcntl

    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
