"""The conformance kit finds what is wrong with a plugin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stepwell import testing
from stepwell.backends.llvm_cpu import LlvmCpuBackend
from stepwell.backends.plugin import API_VERSION, Plugin
from stepwell.errors import PipelineError, ScriptError, StepwellError
from xdsl.dialects.builtin import StringAttr
from xdsl.dialects.test import TestOp as AnyOp
from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.transforms.canonicalize import CanonicalizePass
from xdsl.utils.exceptions import ParseError

from .conftest import Installed


class NothingPass(ModulePass):
    name = "nothing"


@dataclass(frozen=True)
class DocumentedPass(ModulePass):
    """Does nothing."""

    name = "documented"
    factor: int


def test_names_are_what_the_plugin_says():
    with pytest.raises(StepwellError, match="^expected a dialect called 'b', got 'a'$"):
        testing.check_dialect("b", Dialect("a"))
    with pytest.raises(StepwellError, match=r"^expected names that begin with 'a\.', got 'test\.op'$"):
        testing.check_dialect("a", Dialect("a", [AnyOp]))
    with pytest.raises(StepwellError, match="^expected a pass called 'mine', got 'canonicalize'$"):
        testing.check_pass("mine", CanonicalizePass)
    with pytest.raises(StepwellError, match=r"^expected an operation called 'a\.b', got 'test\.op'$"):
        testing.check_transform_op("a.b", AnyOp)
    with pytest.raises(StepwellError, match="^expected a backend called 'mine', got 'llvm-cpu'$"):
        testing.check_backend("mine", LlvmCpuBackend())


def test_passes_are_described():
    with pytest.raises(StepwellError, match="^expected a docstring of NothingPass, got none$"):
        testing.check_pass("nothing", NothingPass)
    testing.check_pass("documented", DocumentedPass)


def test_transform_operations_implement_the_interface():
    with pytest.raises(StepwellError, match="^expected a TransformOpInterface, got TestOp$"):
        testing.check_transform_op("test.op", AnyOp)


def test_libraries_are_scripts(tmp_path: Path):
    path = tmp_path / "library.mlir"
    path.write_text("transform.named_sequence (")
    with pytest.raises(ParseError):
        testing.check_library(path)


class OtherBackend(LlvmCpuBackend):
    name = "other"
    path = Path("none.mlir")

    @property
    def pipeline(self) -> Path:
        return self.path

    def default_target(self) -> Any:
        return self.target

    target: Any = LlvmCpuBackend().default_target()


def test_targets_have_a_pipeline_of_passes(tmp_path: Path):
    backend = OtherBackend()
    with pytest.raises(StepwellError, match=r"^expected a pipeline, got no file 'none\.mlir'$"):
        testing.check_backend("other", backend)
    backend.path = tmp_path / "pipeline.mlir"
    backend.path.write_text(LlvmCpuBackend().pipeline.read_text().replace('"loop-expand"', '"loop-expanse"'))
    with pytest.raises(PipelineError, match="unknown pass 'loop-expanse'; did you mean 'loop-expand'"):
        testing.check_backend("other", backend)
    backend.target = StringAttr("cpu")
    with pytest.raises(StepwellError, match=r"^expected a target of kind 'cpu\.target', got 'string'$"):
        testing.check_backend("other", backend)


def test_semantics_are_of_operations():
    with pytest.raises(StepwellError, match=r"^expected an operation 'no\.op', got none$"):
        testing.check_semantics("no.op")
    with pytest.raises(StepwellError, match="^expected oracle semantics, got none$"):
        testing.check_elementwise("no.op", Plugin())


def test_a_target_that_computes_something_else(loaded: Installed, monkeypatch: pytest.MonkeyPatch):
    path = loaded.source / "requantize.mlir"
    testing.check_target(path, "toy-cpu")

    def wrong(op: object, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return x.astype(np.int8)

    monkeypatch.setattr(testing, "oracle_semantics", lambda: {"toy.requantize": wrong})
    with pytest.raises(StepwellError, match=r"^expected output 0 to be the oracle's, got \d+ other elements$"):
        testing.check_target(path, "toy-cpu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n  func.return %x : tensor<4xf32>\n}", None),
        (
            "func.func @f(%x: tensor<?xf32, #te.shape<n>>) {\n  func.return\n}",
            "expected arguments of static shape to compare, got tensor<?xf32, #te.shape<n>>",
        ),
        ("func.func @f() {\n  func.return\n}", "expected a program on the te or loop rung to compare, got rung mlir"),
        (
            "llvm.func @f() {\n  llvm.return\n}",
            "expected a program on the te or loop rung to compare, got one below",
        ),
    ],
)
def test_what_is_compared(tmp_path: Path, text: str, message: str | None):
    path = tmp_path / "program.mlir"
    path.write_text(text)
    if message is None:
        testing.check_round_trip(path)
        return
    with pytest.raises(StepwellError) as caught:
        testing.check_target(path, "llvm-cpu")
    assert str(caught.value) == message


def test_the_tool_reports_every_failure(
    loaded: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    script = tmp_path / "script.mlir"
    script.write_text("module {}")
    monkeypatch.setattr(testing, "check_pass", _fail)
    assert testing.main(["toy", str(script)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok    plugin 'toy'"
    assert [line for line in lines if line.startswith("FAIL")] == [
        "FAIL  pass 'convert-toy-to-arith': broken",
        "FAIL  pass 'toy-fold': broken",
        "FAIL  script.mlir: toy-cpu computes what the oracle says: expected a function 'main' or a single public "
        "function, got none",
    ]


def _fail(*_: object) -> None:
    raise ScriptError("broken")


def test_operations_that_no_program_has(loaded: Installed, capsys: pytest.CaptureFixture[str]):
    assert testing.main(["toy", str(loaded.source / "dense.mlir")]) == 0
    assert capsys.readouterr().out.endswith("note  no program has toy.requantize\n")


def test_a_plugin_that_is_not_used_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], loaded: Installed
):
    class OldPlugin(Plugin):
        api_version = API_VERSION + 1
        name = "old"

    entry: Any = SimpleNamespace(name="old", load=lambda: OldPlugin)
    for module in ("stepwell.testing", "stepwell.backends.plugin"):
        monkeypatch.setattr(f"{module}.entry_points", lambda group: [entry])  # pyright: ignore
    assert testing.main(["old"]) == 1
    reason = f"plugin 'old' is ignored: expected api_version {API_VERSION}, got {API_VERSION + 1}"
    assert capsys.readouterr().out == f"FAIL  plugin 'old': {reason}\n"
    assert testing.main(["odd"]) == 1
    assert "expected an entry point 'odd'" in capsys.readouterr().out
