"""What processes leave behind that were killed, the next one removes; and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from stepwell.autotune.measure.folder import LOCK, PREFIX, Folder

DIES = """
import os, sys
from multiprocessing import util
from stepwell.autotune.measure.folder import Folder
folder = Folder(sys.argv[1])
(folder.path / "array.bin").write_bytes(b"123")
print(folder.path, util.get_temp_dir())
sys.stdout.flush()
os.kill(os.getpid(), 9)
"""


def test_folders_of_the_living_stay(tmp_path: Path) -> None:
    first, second = Folder(str(tmp_path)), Folder(str(tmp_path))
    assert first.path.is_dir() and second.path.is_dir()
    first.close()
    assert [each.name for each in tmp_path.iterdir()] == [second.path.name]
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_folders_of_the_dead_go(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], capture_output=True, text=True, check=False)
    left = [Path(each) for each in done.stdout.split()]
    assert len(left) == 2 and all(each.is_dir() for each in left)
    Folder(str(tmp_path)).close()
    assert not any(each.exists() for each in left)


def test_what_is_not_known_to_be_abandoned_stays(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}unlocked").mkdir()
    other = tmp_path / "mine"
    other.mkdir()
    (other / LOCK).write_text("")
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    (tmp_path / f"{PREFIX}file").write_text("")
    # What a lock names goes with it only if it is what multiprocessing makes.
    named = tmp_path / f"{PREFIX}named"
    named.mkdir()
    (named / LOCK).write_text(str(other))
    Folder(str(tmp_path)).close()
    assert {each.name for each in tmp_path.iterdir()} == {
        f"{PREFIX}{name}" for name in ("unlocked", "link", "file")
    } | {"mine"}
