"""What is shown while kernels compile."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import pytest
from stepwell.runtime.artifact import Kernel
from stepwell.tools import progress
from stepwell.tools.stepwell import main

KERNELS = [Kernel(f"k_{i}", f"{i:032x}", 1, f"op{i} (8xf32) -> 8xf32") for i in range(3)]

MODEL = """
func.func @main(%x: tensor<8xf32> {te.name = "x"}) -> tensor<8xf32> {
  %y = graph.relu %x : tensor<8xf32>
  func.return %y : tensor<8xf32>
}
"""


def told(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """The lines about kernels on standard error."""
    out, err = capfd.readouterr()
    assert out == ""
    return [line for line in err.splitlines() if line.startswith("[")]


def test_lines(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = tmp_path / "model.mlir"
    model.write_text(MODEL)
    arguments = ["compile", str(model), "-o", str(tmp_path / "out"), "--cache-dir", str(tmp_path / "cache")]
    assert main([*arguments, "-v"]) == 0
    (line,) = told(capfd)
    assert line.startswith("[1/1]")
    assert " compile " in line
    assert line.endswith("relu (8xf32) -> 8xf32")
    # The program is there; when it is not, its kernels are.
    assert main([*arguments, "-v"]) == 0
    assert told(capfd) == []
    for path in (tmp_path / "cache" / "programs").iterdir():
        path.unlink()
    assert main([*arguments, "-v"]) == 0
    (line,) = told(capfd)
    assert " cached " in line
    assert main(arguments) == 0
    assert capfd.readouterr() == ("", "")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("installed", [True, False])
def test_a_bar_if_there_is_something_to_compile(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    if installed:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.shown_progress(verbose=False) as tell:
        assert tell is not None
        tell(0, 3, KERNELS[0], True)
        assert stream.getvalue() == ""
        tell(1, 3, KERNELS[1], False)
        tell(2, 3, KERNELS[2], True)
    assert ("op2" in stream.getvalue()) == installed


def test_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", StringIO())
    with progress.shown_progress(verbose=False) as tell:
        assert tell is None
