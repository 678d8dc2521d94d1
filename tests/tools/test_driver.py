"""The driver: any source on any rung, pipelines and schedules, and what it says when something does not fit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.registry import get_backend
from stepwell.dialects.cpu import TargetAttr
from stepwell.errors import CompileError, PipelineError, StepwellError, TargetError
from stepwell.tools.driver import RUNGS, Report, compile, find_entry, lower, rung_of

A = np.arange(15, dtype=np.float32).reshape(3, 5)
B = np.arange(35, dtype=np.float32).reshape(5, 7)


def matmul(m: int = 3, n: int = 7) -> list[te.Tensor]:
    a, b = te.placeholder((m, 5), "float32", name="A"), te.placeholder((5, n), "float32", name="B")
    k = te.reduce_axis(5, name="k")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")]


@pytest.mark.parametrize("rung", RUNGS[1:])
def test_any_rung_is_a_source(rung: str, tmp_path: Path) -> None:
    module = lower(matmul(), until=rung)
    assert rung_of(module) == rung
    path = tmp_path / "program.mlir"
    path.write_text(str(module))
    for source in (module, path, str(path)):
        program = compile(source)
        np.testing.assert_array_equal(program(A, B), A @ B)
        assert program.input_names == ("A", "B")


def test_sources_are_left_as_they_are() -> None:
    module = te.build_module(matmul())
    text = str(module)
    compile(module)
    lower(module)
    assert str(module) == text


def test_lower_stops_after_a_pass() -> None:
    assert rung_of(lower(matmul(), until="convert-te-to-loop")) == "loop"
    with pytest.raises(PipelineError, match="got 'loop-expnd'; did you mean 'loop-expand'?"):
        lower(matmul(), until="loop-expnd")
    with pytest.raises(PipelineError, match="expected a program that passes rung 'te', got one that starts below it"):
        lower(lower(matmul(), until="loop"), until="te")


def test_steps_are_timed() -> None:
    report = Report()
    compile(matmul(), report=report)
    names = [name for name, _ in report.steps]
    assert names[0] == "read"
    assert names[-2:] == ["native code", "load"]
    assert "convert-to-llvm" in names
    assert report.total == sum(seconds for _, seconds in report.steps) > 0
    assert str(report).splitlines()[-1].endswith("total")


def test_pipelines_may_be_edited(tmp_path: Path) -> None:
    """The shipped pipeline is what runs: without its schedules there is no vector left."""
    shipped = get_backend("llvm-cpu").pipeline
    assert "vector<" in str(lower(matmul(16, 64), until="cpu"))
    edited = tmp_path / "edited.mlir"
    edited.write_text(shipped.read_text().replace('"apply-schedules"', '"canonicalize"'))
    lowered = lower(matmul(16, 64), pipeline=edited, until="cpu")
    assert "vector<" not in str(lowered)
    np.testing.assert_array_equal(compile(matmul(), pipeline=edited)(A, B), A @ B)


def test_a_schedule_needs_its_place_in_the_pipeline(tmp_path: Path) -> None:
    shutil.copy(Path(sw.__file__).parent / "examples" / "schedules" / "matmul.mlir", tmp_path)
    with pytest.raises(PipelineError, match="expected a pipeline with pass 'apply-schedules' to apply a schedule"):
        compile(matmul(), schedule=tmp_path / "matmul.mlir", pipeline="convert-te-to-loop, loop-expand")


def test_a_pipeline_must_end_in_llvm() -> None:
    with pytest.raises(CompileError, match="expected a pipeline that ends in LLVM, got one that leaves affine"):
        compile(matmul(), pipeline="convert-te-to-loop, loop-expand")


def test_a_program_must_say_what_its_outputs_are() -> None:
    module = lower(matmul(), until="mlir")
    entry = find_entry(module)
    del entry.properties["arg_attrs"]
    with pytest.raises(CompileError, match="expected an entry function that marks its outputs"):
        compile(module)


def test_a_program_must_have_one_entry(tmp_path: Path) -> None:
    path = tmp_path / "program.mlir"
    path.write_text("func.func @f() { func.return }\nfunc.func @g() { func.return }")
    with pytest.raises(CompileError, match="expected a function 'main' or a single public function, got f, g"):
        compile(path)
    path.write_text("builtin.module {}")
    with pytest.raises(CompileError, match="got none"):
        compile(path)


def test_files_that_are_no_source(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"expected a file .onnx or .mlir, got 'program.txt'"):
        compile("program.txt")
    with pytest.raises(CompileError, match="cannot read '.*nowhere.mlir': No such file or directory"):
        compile(tmp_path / "nowhere.mlir")
    (tmp_path / "binary.mlir").write_bytes(b"\xff\xfe")
    with pytest.raises(CompileError, match="it is no UTF-8 text"):
        compile(tmp_path / "binary.mlir")


def test_targets() -> None:
    target = TargetAttr.get("x86_64-unknown-linux-gnu", "x86-64", vector_bytes=16)
    lowered = lower(matmul(), target=target)
    assert "znver" not in str(lowered)
    assert '"x86-64"' in str(lowered)
    with pytest.raises(TargetError, match="unknown target 'llvm-cpx'; did you mean 'llvm-cpu'?"):
        compile(matmul(), target="llvm-cpx")


def test_threads_are_chosen_when_compiling() -> None:
    x = te.placeholder((64, 4096), "float32", name="x")
    program = compile([x, te.compute((64, 4096), lambda i, j: x[i, j] + 1.0, name="y")], threads=2)
    assert program.threads == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"source": 5}, "expected a file, a model, a module or tensors to compile, got 5"),
        ({"target": 5}, "expected the name of a backend or a target attribute, got 5"),
        ({"sizes": 5}, "expected sizes by their names, got 5"),
        ({"threads": "two"}, "expected a number of threads from 0 to 65536, got 'two'"),
    ],
)
def test_arguments_of_other_types(arguments: dict[str, Any], error: str) -> None:
    x = te.placeholder((4,), "float32", name="x")
    tensors = [x, te.compute((4,), lambda i: x[i] * 2, name="y")]
    with pytest.raises(StepwellError, match=error):
        sw.compile(**{"source": tensors, "cache": False, **arguments})
    if "threads" not in arguments:
        others = {name: value for name, value in arguments.items() if name != "source"}
        with pytest.raises(StepwellError, match=error):
            sw.Schedule(arguments.get("source", tensors), **others)


@pytest.mark.parametrize("size", [0, -1, 2.5, "a", True])
def test_sizes_are_positive_numbers(size: object) -> None:
    n = te.var("n")
    x = te.placeholder((n,), "float32", name="x")
    tensors = [x, te.compute((n,), lambda i: x[i] * 2, name="y")]
    with pytest.raises(CompileError, match="expected a positive number as size 'n'"):
        compile(tensors, sizes={"n": cast(int, size)})
