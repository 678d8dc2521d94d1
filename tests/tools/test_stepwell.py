"""`stepwell`: what it compiles, runs and emits, and what it says about input that cannot work."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from stepwell.autotune.database.store import Database
from stepwell.tools.diagnostics import describe_error
from stepwell.tools.stepwell import main
from stepwell.tools.stepwell_opt import main as stepwell_opt

ADD = """
func.func @add(%A: tensor<8xf32> {te.name = "A"}, %B: tensor<8xf32> {te.name = "B"}) -> tensor<8xf32> {
  %C = te.compute "C" spatial(%i in 8) {
    %a = te.read %A[%i] : tensor<8xf32>
    %b = te.read %B[%i] : tensor<8xf32>
    %p = arith.addf %a, %b : f32
    te.yield %p : f32
  } -> tensor<8xf32>
  func.return %C : tensor<8xf32>
}
"""

SYMBOLIC = """
func.func @double(%A: tensor<?xf32, #te.shape<n>> {te.name = "A"}) -> tensor<?xf32, #te.shape<n>> {
  %C = te.compute "C" spatial(%i in n) {
    %a = te.read %A[%i] : tensor<?xf32, #te.shape<n>>
    %p = arith.addf %a, %a : f32
    te.yield %p : f32
  } -> tensor<?xf32, #te.shape<n>>
  func.return %C : tensor<?xf32, #te.shape<n>>
}
"""

A, B = np.arange(8, dtype=np.float32), np.full(8, 0.5, np.float32)


@pytest.fixture
def add(tmp_path: Path) -> Path:
    path = tmp_path / "add.mlir"
    path.write_text(ADD)
    return path


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    path = tmp_path / "x.npz"
    np.savez(path, B=B, A=A)
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def fails(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one error that a command line ends with."""
    try:
        code = run(*arguments)
    except SystemExit as done:
        code = done.code
    assert code == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith("error: ")
    return err.removeprefix("error: ")


def test_a_compiled_program_runs(add: Path, inputs: Path, tmp_path: Path):
    assert run("compile", add, "-o", tmp_path / "out") == 0
    assert run("run", tmp_path / "out", "--input", inputs, "--output", tmp_path / "y.npz") == 0
    with np.load(tmp_path / "y.npz", allow_pickle=False) as outputs:
        (name,) = outputs.files
        np.testing.assert_array_equal(outputs[name], A + B)


def test_a_source_is_compiled_to_be_run(add: Path, inputs: Path, capfd: pytest.CaptureFixture[str]):
    assert run("run", add, "--input", inputs, "--threads", 1) == 0
    assert capfd.readouterr().out.splitlines()[1] == "[0.5 1.5 2.5 3.5 4.5 5.5 6.5 7.5]"


def test_sizes_come_from_the_input_or_from_the_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    source, inputs = tmp_path / "double.mlir", tmp_path / "x.npz"
    source.write_text(SYMBOLIC)
    np.savez(inputs, A=A)
    assert run("run", source, "--input", inputs) == 0
    expected = "[ 0.  2.  4.  6.  8. 10. 12. 14.]"
    assert capfd.readouterr().out.splitlines()[1] == expected
    assert "give each with --size" in fails(capfd, "compile", source, "-o", tmp_path / "out")
    assert run("compile", source, "-o", tmp_path / "out", "--size", "n=8") == 0
    assert run("run", tmp_path / "out", "--input", inputs) == 0
    assert capfd.readouterr().out.splitlines()[1] == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("te", "te.compute"),
        ("loop", "loop.block"),
        ("mlir", "affine"),
        ("llvm", "llvm.func"),
        ("convert-te-to-loop", "loop.block"),
        ("llvm-ir", "define"),
        ("asm", ".globl"),
        ("assembly", ".globl"),
    ],
)
def test_every_rung_is_text(add: Path, tmp_path: Path, kind: str, expected: str):
    output = tmp_path / "emitted"
    assert run("compile", add, "--emit", kind, "-o", output) == 0
    assert expected in output.read_text()


@pytest.mark.parametrize("kind", ["te", "loop", "mlir", "llvm"])
def test_what_is_emitted_compiles_on(add: Path, inputs: Path, tmp_path: Path, kind: str):
    rung, direct, indirect = tmp_path / "rung.mlir", tmp_path / "direct.o", tmp_path / "indirect.o"
    assert run("compile", add, "--emit", kind, "-o", rung) == 0
    assert run("compile", add, "--emit", "object", "-o", direct) == 0
    assert run("compile", rung, "--emit", "object", "-o", indirect) == 0
    assert direct.read_bytes() == indirect.read_bytes()


def test_text_goes_to_standard_output(add: Path, capfd: pytest.CaptureFixture[str]):
    assert run("compile", add, "--emit", "te") == 0
    assert capfd.readouterr().out.startswith("builtin.module")


def test_timing_lists_the_passes(add: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    assert run("compile", add, "-o", tmp_path / "out", "--timing") == 0
    assert "convert-te-to-loop" in capfd.readouterr().err


def test_a_pipeline_of_ones_own(add: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    pipeline = tmp_path / "pipeline.mlir"
    pipeline.write_text(
        """module attributes {transform.with_named_sequence} {
          transform.named_sequence @__transform_main(%m: !transform.any_op {transform.consumed}) {
            %0 = transform.apply_registered_pass "te-simplify" to %m : (!transform.any_op) -> !transform.any_op
            transform.yield
          }
        }"""
    )
    error = fails(capfd, "compile", add, "--pipeline", pipeline, "-o", tmp_path / "out")
    assert error.startswith("expected a pipeline that ends in LLVM, got one that leaves")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["compil"], "argument COMMAND: invalid choice: 'compil'"),
        (["compile"], "the following arguments are required: MODEL.onnx|FILE.mlir"),
        (["compile", "ADD"], "expected -o OUT, got none"),
        (
            ["compile", "ADD", "-o", "OUT", "--target", "llvm-cpo"],
            "unknown target 'llvm-cpo'; did you mean 'llvm-cpu'?",
        ),
        (["compile", "ADD", "--emit", "lop"], "unknown kind 'lop' to emit; did you mean 'loop'?"),
        (["compile", "ADD", "--emit", "zzz"], "unknown kind 'zzz' to emit; expected one of graph, te, loop"),
        (["compile", "ADD", "--emit", "graph"], "expected a program that passes rung 'graph'"),
        (["compile", "ADD", "-o", "OUT", "--threads", "0"], "argument --threads: expected a positive number, got '0'"),
        (["compile", "ADD", "-o", "OUT", "--threads", "x"], "argument --threads: expected a positive number, got 'x'"),
        (["compile", "ADD", "-o", "OUT", "--size", "n"], "argument --size: expected NAME=N, got 'n'"),
        (["compile", "ADD", "-o", "OUT", "--pipeline", "none.mlir"], "cannot read script 'none.mlir': No such file"),
        (["compile", "ADD", "-o", "OUT", "--schedule", "none.mlir"], "cannot read script 'none.mlir': No such file"),
        (["compile", "none.mlir", "-o", "OUT"], "cannot read 'none.mlir': No such file"),
        (["compile", "none.onnx", "-o", "OUT"], "none.onnx"),
        (["compile", "add.txt", "-o", "OUT"], "expected a file .onnx or .mlir, got 'add.txt'"),
        (["run", "NOWHERE"], "is not a saved program"),
        (["run", "ADD"], "expected --input with A, B, got none"),
        (["run", "ADD", "--input", "none.npz"], "cannot read 'none.npz': No such file"),
    ],
)
def test_bad_command_lines(
    add: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    places = {"ADD": add, "OUT": tmp_path / "out", "NOWHERE": tmp_path / "nowhere"}
    assert message in fails(capfd, *(places.get(argument, argument) for argument in arguments))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"A": A}, "expected input 'B' in"),
        ({"A": A, "B": B, "C": B}, "unknown input 'C' in"),
        ({"A": A, "b": B}, "unknown input 'b' in"),
        ({"A": A, "B": B[:4]}, "'B': expected"),
        ({"A": A, "B": B.astype(np.float64)}, "'B': expected"),
    ],
)
def test_arrays_that_do_not_fit(
    add: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], arrays: dict[str, np.ndarray], message: str
):
    np.savez(tmp_path / "x.npz", **arrays)
    assert message in fails(capfd, "run", add, "--input", tmp_path / "x.npz")


def test_files_that_are_no_arrays(add: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "x.npz"
    path.write_text("hello")
    assert "expected an .npz file of plain arrays" in fails(capfd, "run", add, "--input", path)
    path.write_bytes(pickle.dumps({"A": A, "B": B}))
    assert "expected an .npz file of plain arrays" in fails(capfd, "run", add, "--input", path)
    np.savez(path, A=np.array([{}], dtype=object), B=B)
    assert "expected an .npz file of plain arrays" in fails(capfd, "run", add, "--input", path)
    np.savez(path, A=A, B=B)
    path.write_bytes(path.read_bytes()[:300])
    assert "expected an .npz file of plain arrays" in fails(capfd, "run", add, "--input", path)
    np.save(tmp_path / "x.npy", A)
    assert "got a single array" in fails(capfd, "run", add, "--input", tmp_path / "x.npy")


def test_malformed_ir_is_pointed_at(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "bad.mlir"
    path.write_text("func.func @f() {\n  func.retrn\n}\n")
    error = fails(capfd, "compile", path, "-o", tmp_path / "out")
    assert error == (
        f"{path}:2:3: unknown operation 'func.retrn'; did you mean 'func.return'?\n    func.retrn\n    ^^^^^^^^^^\n"
    )


def test_ir_that_does_not_verify_is_one_message(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "bad.mlir"
    path.write_text(ADD.replace("arith.addf %a, %b : f32", '"arith.addf"(%a, %i) : (f32, index) -> f32'))
    lines = fails(capfd, "compile", path, "-o", tmp_path / "out").splitlines()
    assert lines[0].startswith(f"{path}:") and "'arith.addf' op" in lines[0]
    assert lines[-1].strip() == "^" * len("arith.addf") + "^^"
    assert len(lines) <= 4


def test_a_pass_that_fails_leaves_a_reproducer(add: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    schedule = tmp_path / "schedule.mlir"
    schedule.write_text("module attributes {transform.with_named_sequence} {}")
    error = fails(capfd, "compile", add, "--schedule", schedule, "-o", tmp_path / "out")
    message, note = error.rstrip("\n").split("\n  note: reproducer: ")
    assert "expected a named sequence @__transform_main, got none" in message
    assert "loop.block" in Path(note).read_text()
    assert stepwell_opt([note, "--run-reproducer", "--no-reproducer"]) == 1
    assert message.splitlines()[0] in capfd.readouterr().err


def test_an_error_that_no_pass_causes_leaves_none(add: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    assert "reproducer" not in fails(capfd, "compile", add, "-o", tmp_path / "out", "--target", "none")


def test_a_file_that_is_no_text(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "bad.mlir"
    path.write_bytes(b"\xff\xfe")
    assert "it is no UTF-8 text" in fails(capfd, "compile", path, "-o", tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07\x12"])
def test_a_file_that_is_no_model(tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    assert "bad.onnx" in fails(capfd, "compile", path, "-o", tmp_path / "out")


def test_debug_prints_a_traceback(add: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    assert run("compile", add, "--target", "none", "-o", tmp_path / "out", "--debug") == 1
    assert "Traceback" in capfd.readouterr().err


def test_an_object_file_exports_the_function(add: Path, tmp_path: Path):
    assert run("compile", add, "--emit", "object", "-o", tmp_path / "add.o") == 0
    assert (tmp_path / "add.o").read_bytes().startswith(b"\x7fELF")
    assert b"add" in (tmp_path / "add.o").read_bytes()


def test_a_closed_pipe_is_no_error(add: Path):
    command = f"{_python()} -m stepwell.tools.stepwell compile {add} --emit te | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def _python() -> str:
    import sys

    return sys.executable


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="expected a system with /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_one_error(tmp_path: Path, unbuffered: str):
    Database(tmp_path / "a.db").close()
    command = f"{_python()} -m stepwell.tools.stepwell db list {tmp_path / 'a.db'} > /dev/full"
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (1, "error: cannot write the output: No space left on device\n")


def test_a_file_that_cannot_be_written_is_named():
    assert describe_error(OSError(errno.ENOSPC, "No space left", "a.txt")) == "cannot write 'a.txt': No space left"
