"""The example plugin, installed by pip beside the environment: nothing of the developer's changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stepwell.backends import plugin, registry

SOURCE = Path(__file__).parents[2] / "examples" / "plugins" / "stepwell-toy"
_CACHES = (
    plugin.load_plugins,
    registry.plugins,
    registry.plugin_libraries,
    registry.pass_registry,
    registry.get_backend,
)


@dataclass(frozen=True)
class Installed:
    """A copy of the plugin's sources, and the folder that it is installed to."""

    source: Path
    site: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that finds the plugin."""
        path = os.pathsep.join([str(self.site), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "PYTHONPATH": path}

    def run(self, tool: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `stepwell` or `stepwell_opt` in the folder of the sources."""
        return subprocess.run(
            [sys.executable, "-m", f"stepwell.tools.{tool}", *arguments],
            cwd=self.source,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The plugin, for processes of their own."""
    root = tmp_path_factory.mktemp("toy")
    # pip builds in the folder of the sources.
    source = shutil.copytree(SOURCE, root / "stepwell-toy", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(root / "site"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Installed(source, root / "site")


@pytest.fixture
def loaded(toy: Installed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """The plugin, for this process."""
    monkeypatch.syspath_prepend(toy.site)
    _forget()
    yield toy
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for cached in _CACHES:
        cached.cache_clear()
