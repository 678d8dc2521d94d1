"""`stepwell-opt` as a program: exit codes, streams, data, and errors that are not the user's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from stepwell.passes.common.cse import CSEPass
from stepwell.tools.stepwell_opt import main


def run(path: Path, *arguments: str) -> int:
    return main([str(path), *arguments])


@pytest.fixture
def function(tmp_path: Path) -> Path:
    path = tmp_path / "f.mlir"
    path.write_text("func.func @f() {\n  func.return\n}\n")
    return path


def test_large_weights_survive_a_pipe(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    data = bytes(range(256)) * 1024
    path, output = tmp_path / "big.mlir", tmp_path / "out.mlir"
    path.write_text(
        f"""graph.data @w = #graph.resource<w> : tensor<{len(data) // 4}xf32>
        {{-# dialect_resources: {{ graph: {{ w: "0x40000000{data.hex()}" }} }} #-}}"""
    )
    assert run(path) == 0
    assert data.hex().upper() in capfd.readouterr().out
    assert run(path, "-o", str(output)) == 0
    assert data.hex().upper() in output.read_text()


def test_a_bug_is_no_error_of_the_user(
    function: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def apply(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(CSEPass, "apply", apply)
    assert run(function, "-p", "cse", "--reproducer-dir", str(tmp_path)) == 1
    error = capfd.readouterr().err.splitlines()
    assert error[0] == "internal error: KeyError: 'oops'"
    assert error[1].startswith(f"  note: reproducer of pass 'cse': {tmp_path}")
    assert error[2] == "  note: this is a bug of Stepwell; --debug prints a traceback"
    assert run(function, "-p", "cse", "--verify-diagnostics") == 1
    with pytest.raises(KeyError):
        run(function, "-p", "cse", "--debug", "--no-reproducer")


def test_debug_prints_a_traceback(function: Path, capfd: pytest.CaptureFixture[str]):
    assert run(function, "-p", "nothing", "--debug") == 1
    error = capfd.readouterr().err
    assert error.startswith("Traceback")
    assert "\nerror: unknown pass 'nothing'\n" in error


def test_ir_that_is_nested_too_deeply(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "deep.mlir"
    path.write_text("builtin.module {" * 5000 + "}" * 5000)
    assert run(path) == 1
    assert capfd.readouterr().err == "error: the input is nested too deeply\n"


def test_a_pipeline_that_is_nested_too_deeply(function: Path, capfd: pytest.CaptureFixture[str]):
    assert run(function, "-p", "builtin.module(" * 5000 + ")" * 5000) == 1
    assert capfd.readouterr().err == "error: the input is nested too deeply\n"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\x00", b"{", b'"', b"#", b"%", b"module {\n"])
def test_what_is_no_ir(tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes):
    path = tmp_path / "bad.mlir"
    path.write_bytes(content)
    assert run(path) == 1
    error = capfd.readouterr().err
    assert error.startswith("error: ")
    assert "Traceback" not in error


def test_an_output_that_cannot_be_written(function: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    assert run(function, "-o", str(tmp_path / "none" / "out.mlir")) == 1
    assert capfd.readouterr().err.startswith("error: cannot open ")


def test_standard_input_is_read():
    done = subprocess.run(
        [sys.executable, "-m", "stepwell.tools.stepwell_opt"],
        input="func.func private @f()",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "func.func private @f()" in done.stdout
    assert done.stderr == ""


def test_a_wrong_command_line_exits_with_1(capfd: pytest.CaptureFixture[str]):
    assert main(["--no-such-flag"]) == 1
    assert "unrecognized arguments: --no-such-flag" in capfd.readouterr().err


def test_help_names_dialects_passes_and_targets(capfd: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    text = capfd.readouterr().out
    for name in ("loop", "convert-te-to-loop", "llvm-cpu"):
        assert name in text
