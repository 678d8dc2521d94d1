"""Object files to shared libraries, with the machine's own compiler driver."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from ...errors import TargetError


def shared_library(code: bytes) -> bytes:
    """The bytes of a shared library with the symbols of an object file. What it calls is found when it is loaded."""
    driver = shutil.which("cc") or shutil.which("clang") or shutil.which("gcc")
    if driver is None:
        raise TargetError("expected a C compiler driver 'cc' to link a shared library, got none")
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "kernel.o", Path(folder) / "kernel.so"
        source.write_bytes(code)
        done = subprocess.run(
            [driver, "-shared", "-o", str(result), str(source), "-lm"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise TargetError(f"'{driver}' does not link: {done.stderr.strip()}")
        return result.read_bytes()
