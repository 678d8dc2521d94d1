"""What compiled code depends on beside its source: our own code, plugins', the packages below, and the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path

PLUGINS = "stepwell.plugins"
_PACKAGES = ("xdsl", "llvmlite", "numpy", "onnx")
_SUFFIXES = (".py", ".mlir")
_OTHERS = frozenset({"tests", "filecheck", "docs", "benchmarks", "examples", "__pycache__"})
"""Folders of the repository that no compilation reads."""


def versions() -> dict[str, str]:
    """Of everything that compiles, a version or a digest."""
    return {"stepwell": own_digest(), "plugins": plugins_digest(), **_package_versions()}


@cache
def own_digest() -> str:
    """The digest of Stepwell's own sources: passes, schedules, pipelines."""
    root = Path(__file__).parents[1]
    packages = [path for path in root.iterdir() if (path / "__init__.py").is_file() and path.name not in _OTHERS]
    digest = blake2b(digest_size=16)
    for path in sorted(packages):
        digest.update(f"{path.name}={_digest_of_folder(path)}\n".encode())
    for path in sorted(root.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def plugins_digest() -> str:
    """The digest of the plugins' sources; empty if there are none. Nothing of them is loaded."""
    digest = blake2b(digest_size=16)
    found = sorted({(entry.name, entry.value) for entry in entry_points(group=PLUGINS)})
    for name, value in found:
        top = value.partition(":")[0].partition(".")[0].strip()
        digest.update(f"{name}={value}\n".encode())
        try:
            spec = find_spec(top)
        except (ImportError, ValueError):
            continue
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            digest.update(_digest_of_folder(Path(place)).encode())
        if spec is not None and spec.origin is not None and not spec.submodule_search_locations:
            digest.update(Path(spec.origin).read_bytes())
    return digest.hexdigest() if found else ""


@cache
def _package_versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _digest_of_folder(folder: Path) -> str:
    digest = blake2b(digest_size=16)
    for name in sorted(_sources(str(folder))):
        with open(name, "rb") as file:
            content = file.read()
        digest.update(f"{os.path.relpath(name, folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name not in _OTHERS and not entry.name.startswith("."):
                    yield from _sources(entry.path)
            elif entry.name.endswith(_SUFFIXES):
                yield entry.path
