"""`make demo`, the first command of the README, from training to the tuned program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNGS = ("graph", "te", "loop", "cpu", "mlir", "llvm")


def test_the_demonstration_runs(tmp_path: Path) -> None:
    out = tmp_path / "digits"
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "digits.py"), "-o", str(out)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # The first program and the tuned one.
    assert len(re.findall(r"test accuracy: scikit-learn (\S+), native code \1", done.stdout)) == 2
    for number, rung in enumerate(RUNGS, 1):
        _, _, shown = done.stdout.partition(f"{number}-{rung}.mlir\n")
        assert shown.startswith("     "), f"expected an excerpt of rung {rung}"
        assert (out / f"{number}-{rung}.mlir").stat().st_size > 0
    assert (out / "best.mlir").exists()
    assert (out / "program" / "manifest.json").exists()
