"""A plugin that cannot be used is one warning on the command line, and the tool goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

USABLE = """
from stepwell.backends.plugin import Plugin
from xdsl.ir import Dialect

class ThePlugin(Plugin):
    api_version = 1
    name = "mine"

    def dialects(self):
        return {"mine": lambda: Dialect("mine")}
"""


def install(site: Path, source: str) -> None:
    """What an installer leaves."""
    (site / "mine_plugin.py").write_text(source)
    metadata = site / "mine_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[stepwell.plugins]\nmine = mine_plugin:ThePlugin\n")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("api_version = 1", "api_version = 99", "expected api_version 1, got 99"),
        ("from xdsl.ir", "from xdsl.no_such_module", "No module named 'xdsl.no_such_module'"),
        ('"mine":', '"loop":', "expected names of its own, got dialect 'loop', which is Stepwell's"),
        ('"mine":', '"memref":', "expected names of its own, got dialect 'memref', which is xDSL's"),
        ("class ThePlugin", "class OtherPlugin", "module 'mine_plugin' has no attribute 'ThePlugin'"),
    ],
)
def test_one_warning(tmp_path: Path, old: str, new: str, reason: str):
    assert old in USABLE
    install(tmp_path, USABLE.replace(old, new))
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "stepwell.tools.stepwell_opt", "-p", "canonicalize"],
        env={**os.environ, "PYTHONPATH": path},
        input="func.func @f() {\n  func.return\n}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == f"warning: plugin 'mine' is ignored: {reason}\n"
    assert done.returncode == 0
    assert "func.func @f()" in done.stdout
