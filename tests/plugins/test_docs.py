"""The page about plugins: its commands print what it says, its code is the example's."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import SOURCE, Installed

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text("utf-8")
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
QUOTES = [match for match in BLOCK.finditer(PAGE) if match["language"] != "console"]


def commands() -> Iterator[tuple[str, str]]:
    """Each command of the page with the lines that follow it."""
    for match in BLOCK.finditer(PAGE):
        if match["language"] == "console":
            for part in re.split(r"^\$ ", match["text"], flags=re.MULTILINE)[1:]:
                command, _, rest = part.partition("\n")
                yield command, rest


def pattern(lines: str) -> str:
    """What `...` stands for: any lines where it is alone on one, else anything on its line."""
    parts = [
        r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n"
        for line in lines.splitlines()
    ]
    return "".join(parts)


def test_commands(toy: Installed, tmp_path: Path):
    python = shlex.quote(sys.executable)
    shell = f"""
    python() {{ {python} "$@"; }}
    pip() {{ {python} -m pip --disable-pip-version-check "$@" --no-index --target {shlex.quote(str(tmp_path))}; }}
    stepwell() {{ {python} -m stepwell.tools.stepwell "$@"; }}
    stepwell-opt() {{ {python} -m stepwell.tools.stepwell_opt "$@"; }}
    """
    found = dict.fromkeys(name for command, _ in commands() for name in command.split()[:1])
    assert set(found) == {"cd", "pip", "python", "stepwell", "stepwell-opt"}
    for command, rest in commands():
        if command.startswith("cd "):
            assert SOURCE.parents[2] / command.removeprefix("cd ") == SOURCE
            continue
        # What follows `python -` is its input, and what that prints is on the last line.
        lines = rest.splitlines(keepends=True)
        stdin, expected = ("".join(lines[:-1]), lines[-1]) if command == "python -" else ("", rest)
        done = subprocess.run(
            ["bash", "-c", shell + command],
            cwd=toy.source,
            env=toy.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
        # The tools end what they print with an empty line.
        assert re.fullmatch(pattern(expected), re.sub(r"\n+\Z", "\n", done.stdout)), (command, done.stdout)
    assert (tmp_path / "stepwell_toy").is_dir()


@pytest.mark.parametrize("quote", QUOTES, ids=lambda match: match["text"].strip().partition("\n")[0][:40])
def test_code(quote: re.Match[str]):
    files = [SOURCE / "pyproject.toml", *(SOURCE / "stepwell_toy").iterdir()]
    assert any(path.is_file() and quote["text"] in path.read_text("utf-8") for path in files)
