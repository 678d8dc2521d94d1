"""A folder for files of a process that measures. What processes leave behind that were killed, the next one removes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from contextlib import suppress
from multiprocessing import util
from pathlib import Path
from typing import TextIO

PREFIX = "stepwell-tune-"
LOCK, _NEW = "lock", "lock.new"
"""A file that its process has locked as long as it lives. What it says is another folder of this process."""
_OTHERS = "pymp-"
"""What names of folders begin with in which multiprocessing talks to workers."""


class Folder:
    """A folder that is gone when it is closed, or when its process is and another one makes a folder beside it."""

    def __init__(self, parent: str = "") -> None:
        place = Path(parent or tempfile.gettempdir())
        remove_abandoned(place)
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=place)
        self.path = Path(self._folder.name)
        self._lock = _lock(self.path)

    def close(self) -> None:
        """Removes it."""
        self._folder.cleanup()
        if self._lock is not None:
            self._lock.close()


def _lock(folder: Path) -> TextIO | None:
    """The lock of a folder, which nobody sees before it is locked; None where there are none."""
    try:
        import fcntl
    except ImportError:
        return None
    file = (folder / _NEW).open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    # A child shares its parent's.
    if multiprocessing.parent_process() is None:
        file.write(util.get_temp_dir())
        file.flush()
    (folder / _NEW).rename(folder / LOCK)
    return file


def remove_abandoned(parent: Path) -> None:
    """Removes the folders of this user's processes that are gone."""
    with suppress(ImportError, OSError):
        import fcntl

        for entry in os.scandir(parent):
            if not (entry.name.startswith(PREFIX) and _is_own(entry)):
                continue
            # What is locked is somebody's, and what has no lock is not known to be nobody's.
            with suppress(OSError), open(os.path.join(entry.path, LOCK), encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                other = Path(file.read())
                if other.name.startswith(_OTHERS) and other.is_dir() and other.stat().st_uid == os.getuid():
                    shutil.rmtree(other, ignore_errors=True)
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_own(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.getuid()
    except OSError:
        return False
