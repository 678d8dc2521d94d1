"""Turns that processes of one machine take: many may compile at a time, or one may be timing."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PATIENCE = 300.0
"""How many seconds a process waits for its turn: who has it may have been stopped."""
_POLL = 0.01


def turns_of_machine() -> Path | None:
    """The file that all who measure on this machine take turns by, of one user; None where files have no locks."""
    if find_spec("fcntl") is None:
        return None
    return Path(tempfile.gettempdir()) / f"stepwell-measure-{os.getuid()}.lock"


@contextmanager
def turn(path: Path | None, *, alone: bool, patience: float = PATIENCE) -> Generator[None]:
    """Waits until it is this process's turn, which ends with the `with` statement, or with the process; goes on
    without one if that takes longer than `patience`, or if there can't be such a file."""
    if path is None:
        yield
        return
    try:
        file = path.open("a")
    except OSError:
        yield
        return
    with file:
        _wait(file.fileno(), alone, time.monotonic() + patience)
        yield


def _wait(file: int, alone: bool, until: float) -> None:
    import fcntl

    while True:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                return
        except OSError:  # a file system without locks
            return
        time.sleep(_POLL)
