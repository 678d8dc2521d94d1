"""Processes of one machine take turns, and none waits for one that is dead, or for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from measured import matmul, tiled
from stepwell.autotune.measure.interface import MeasureInput
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.measure.turns import remove_abandoned_turn, turn
from stepwell.autotune.trial import Status


def waits(path: Path, *, alone: bool, patience: float = 0.1) -> bool:
    start = time.monotonic()
    with turn(path, alone=alone, patience=patience):
        return time.monotonic() - start >= patience


def test_one_alone_or_many_together(tmp_path: Path):
    path = tmp_path / "lock"
    with turn(path, alone=False):
        assert not waits(path, alone=False) and waits(path, alone=True)
    assert not path.exists()
    with turn(path, alone=True):
        assert waits(path, alone=False) and waits(path, alone=True)
    assert not waits(path, alone=True) and not path.exists()


def test_what_a_killed_process_leaves_is_removed(tmp_path: Path):
    path = tmp_path / "lock"
    remove_abandoned_turn(path)  # there is none
    path.touch()
    with turn(path, alone=False):
        remove_abandoned_turn(path)
        assert path.exists() and waits(path, alone=True)
    path.touch()
    remove_abandoned_turn(path)
    assert not path.exists()


COUNT = """
import sys
from pathlib import Path
from stepwell.autotune.measure.turns import turn

count = Path(sys.argv[2])
for _ in range(100):
    with turn(Path(sys.argv[1]), alone=True):
        count.write_text(str(int(count.read_text()) + 1))
"""


def test_nobody_is_alone_twice(tmp_path: Path):
    """The file comes and goes, and no turn is lost on the way."""
    count = tmp_path / "count"
    count.write_text("0")
    command = [sys.executable, "-c", COUNT, str(tmp_path / "lock"), str(count)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert count.read_text() == "300" and not (tmp_path / "lock").exists()


def test_where_no_file_can_be_nobody_waits(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert not waits(tmp_path / "file" / "lock", alone=True)


HOLD = """
import sys, time
from pathlib import Path
from stepwell.autotune.measure.turns import turn

with turn(Path(sys.argv[1]), alone=True):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_the_turn_of_a_process_ends_with_it(tmp_path: Path):
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "mine\n"
        assert waits(path, alone=False)
        threading.Timer(0.3, process.kill).start()
        assert not waits(path, alone=True, patience=30.0)


def test_who_is_alone_can_measure_and_others_wait(tmp_path: Path):
    path = tmp_path / "lock"
    with LocalMeasurer(1, turns=path) as measurer:
        with measurer.alone():
            (trial,) = measurer.measure(matmul(), [MeasureInput(tiled(16))])
            assert waits(path, alone=False)
        assert trial.status is Status.OK
        assert not waits(path, alone=True)
        with turn(path, alone=True):
            start = time.monotonic()
            with measurer.alone(0.1):
                assert 0.1 <= time.monotonic() - start < 10.0
