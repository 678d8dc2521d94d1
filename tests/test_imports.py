"""Rooms import only what the house's plan lets them, and only by relative imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "dialects": set(),
    "te": {"dialects"},
    "operators": {"dialects", "te"},
    "transform": {"dialects"},
    "passes": {"dialects", "te", "operators", "transform"},
    "runtime": set(),
    "backends": {"dialects", "te", "operators", "transform", "passes", "runtime"},
    "autotune": {"dialects", "transform", "passes", "backends", "runtime"},
    "frontends": {"dialects", "te", "operators"},
    "tools": {
        "dialects",
        "te",
        "operators",
        "transform",
        "passes",
        "runtime",
        "backends",
        "autotune",
        "frontends",
    },
}
"""`errors.py` at the root is everybody's."""


def sources(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, int, str]]:
    """Line, level and module of each import, with names that are modules of the package itself spelled out."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, 0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"{node.module}.{alias.name}" if node.module else alias.name
                yield node.lineno, node.level, module


def imported_room(path: Path, level: int, module: str) -> str | None:
    """The room at the root that a relative import ends in, if it leaves its own."""
    folder = path.parent
    for _ in range(level - 1):
        folder = folder.parent
    target = (folder / module.replace(".", "/")).relative_to(ROOT)
    return target.parts[0]


def violations(room: str) -> Iterator[str]:
    allowed = MAY_IMPORT[room] | {room, "errors"}
    for path in sources(room):
        where = path.relative_to(ROOT)
        for line, level, module in imports(path):
            top = module.partition(".")[0]
            if level == 0:
                if top == "stepwell":
                    yield f"{where}:{line}: expected a relative import, got '{module}'"
                continue
            target = imported_room(path, level, module)
            if target not in allowed:
                yield f"{where}:{line}: expected {room} to import only {sorted(allowed)}, got '{target}'"


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_point_one_way(room: str):
    assert list(violations(room)) == []


def test_the_runtime_needs_no_compiler():
    foreign = {
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in sources("runtime")
        for line, level, module in imports(path)
        if level == 0 and module.partition(".")[0] in {"xdsl", "sklearn", "onnx"}
    }
    assert foreign == set()


def test_every_room_is_listed():
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    assert rooms == set(MAY_IMPORT)


def test_errors_imports_nothing_of_ours():
    assert [module for _, level, module in imports(ROOT / "errors.py") if level > 0] == []


def test_a_wrong_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "te").mkdir()
    (tmp_path / "te" / "bad.py").write_text("from ..passes import registry\nimport stepwell.errors\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert len(list(violations("te"))) == 2
