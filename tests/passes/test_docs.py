"""Every example on the page about passes does what the page says, and the page is complete."""

import dataclasses
import re
import shlex
from pathlib import Path
from textwrap import dedent

import pytest
from stepwell.passes.registry import PASSES, PassRegistry
from stepwell.tools.stepwell_opt import main

PAGE = Path(__file__).parents[2] / "docs" / "passes.md"
TEXT = PAGE.read_text("utf-8")
SECTIONS = dict(re.findall(r"^### `([\w-]+)`\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE))
EXAMPLE = re.compile(
    r"```\nstepwell-opt (?P<command>.*?)\n```\n"
    r"```mlir\n// before\n(?P<before>.*?)```\n```mlir\n// after\n(?P<after>.*?)```",
    re.DOTALL,
)
LEFT_OUT = re.compile(r"^ *// …\n", re.MULTILINE)
OPTION = re.compile(r"^- `([\w-]+)` \(default (?:`(.+?)`|none)\): ", re.MULTILINE)


def run(capsys: pytest.CaptureFixture[str], command: str) -> str:
    """What the tool prints, which runs inside of this process."""
    capsys.readouterr()
    code = main(shlex.split(command))
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return printed.out


def without_module(text: str) -> str:
    """The text without a `builtin.module` around it, unless that has attributes."""
    match = re.fullmatch(r"builtin\.module \{\n(.*\n)\}", text.strip(), re.DOTALL)
    return dedent(match[1]) if match else f"{text.strip()}\n"


def pattern_of(after: str) -> re.Pattern[str]:
    """What matches the lines on the page, with some of those that `// …` stands for."""
    return re.compile(r"(?:.*\n)+?".join(map(re.escape, LEFT_OUT.split(after))))


def defaults(name: str) -> dict[str, str]:
    """The options of a pass as the page writes them, with their defaults: a list's is `[]`, and of nothing nothing."""
    options = (field for field in dataclasses.fields(PassRegistry().get(name)) if field.init and field.name != "name")
    written = {(): "[]", None: ""}
    return {field.name.replace("_", "-"): written.get(field.default, str(field.default)) for field in options}


def test_each_pass_is_documented() -> None:
    assert set(SECTIONS) == set(PASSES)
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) == set(PASSES)


@pytest.mark.parametrize("name", PASSES)
def test_options(name: str) -> None:
    assert dict(OPTION.findall(SECTIONS[name])) == defaults(name)


@pytest.mark.parametrize("name", PASSES)
def test_example(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = EXAMPLE.search(SECTIONS[name])
    assert example is not None
    monkeypatch.chdir(tmp_path)
    Path("before.mlir").write_text(example["before"], "utf-8")
    assert name in example["command"]
    printed = without_module(run(capsys, example["command"]))
    if LEFT_OUT.search(example["after"]):
        assert pattern_of(example["after"]).fullmatch(printed), printed
    else:
        assert printed == example["after"]


def test_which_passes_run_on_functions(capsys: pytest.CaptureFixture[str]) -> None:
    anchored = {name for name in PASSES if main(["--show-pipeline", "-p", f"func.func({name})"]) == 0}
    capsys.readouterr()
    assert anchored == {name for name, body in SECTIONS.items() if body.startswith("\nRuns on functions.")}


def test_pipeline_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    script = re.search(r"```mlir\n(// pipeline\n.*?)```", TEXT, re.DOTALL)
    shown = re.search(r"```\nstepwell-opt ([^\n]* --show-pipeline)\n```\n```\n(.*?)```", TEXT, re.DOTALL)
    assert script is not None
    assert shown is not None
    monkeypatch.chdir(tmp_path)
    Path("pipeline.mlir").write_text(script[1], "utf-8")
    assert run(capsys, shown[1]) == shown[2]


def test_pipeline_text(capsys: pytest.CaptureFixture[str]) -> None:
    spec = re.search(r"```\nstepwell-opt model.mlir -p (\".*?\")\n```", TEXT)
    assert spec is not None
    assert run(capsys, f"--show-pipeline -p {spec[1]}") == f"{shlex.split(spec[1])[0]}\n"


def test_reproducer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    session = re.search(r"\$ stepwell-opt (.*)\n(error: .*\n)  note: reproducer", TEXT)
    example = EXAMPLE.search(SECTIONS["te-specialize"])
    assert session is not None
    assert example is not None
    monkeypatch.chdir(tmp_path)
    Path("before.mlir").write_text(example["before"], "utf-8")
    assert main([*shlex.split(session[1]), "--reproducer-dir", "failures"]) == 1
    assert capsys.readouterr().err.startswith(session[2])
    (reproducer,) = Path("failures").iterdir()
    assert main(["--run-reproducer", str(reproducer), "--no-reproducer"]) == 1
    assert capsys.readouterr().err.startswith(session[2])
