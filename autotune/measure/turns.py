"""Turns that processes of one machine take: many may compile at a time, or one may be timing."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
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
    file = None if path is None else _take(path, alone, time.monotonic() + patience)
    try:
        yield
    finally:
        if path is not None and file is not None:
            _leave(path, file)


def remove_abandoned_turn(path: Path) -> None:
    """Removes the file of a process that was killed in its turn, if nobody else has it."""
    if path.exists() and (file := _take(path, True, time.monotonic())) is not None:
        _leave(path, file)


def _take(path: Path, alone: bool, until: float) -> int | None:
    import fcntl

    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            if _is_at(path, file):
                return file
            os.close(file)  # whoever had it has removed it
        except BlockingIOError:
            os.close(file)
            if time.monotonic() >= until:
                return None
            time.sleep(_POLL)
        except OSError:  # a file system without locks
            os.close(file)
            return None


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(file))
    except OSError:
        return False


def _leave(path: Path, file: int) -> None:
    """Ends a turn. Who is the only one to have the file removes it: others see that it is gone, and make a new one."""
    import fcntl

    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(path, file):
            path.unlink()
    os.close(file)
