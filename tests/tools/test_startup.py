"""What users wait for before anything happens."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import pytest


def seconds(*arguments: str) -> float:
    """The median time of ten runs, the first left out."""
    times: list[float] = []
    for _ in range(11):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


@pytest.mark.parametrize(
    ("arguments", "limit"),
    [(["-c", "import stepwell"], 0.3), (["-m", "stepwell.tools.stepwell", "--help"], 0.4)],
)
def test_start_is_quick(arguments: list[str], limit: float):
    assert seconds(*arguments) < limit


@pytest.mark.parametrize("module", ["xdsl", "numpy", "llvmlite", "sklearn", "onnx"])
def test_import_loads_nothing_heavy(module: str):
    code = f"import sys, stepwell; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_optimizer_loads_no_numpy():
    code = "import sys, stepwell.tools.stepwell_opt; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_loading_a_program_needs_no_compiler():
    code = "import sys, stepwell; stepwell.load; sys.exit('xdsl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
