"""The shipped pipeline is a file: what it says is what happens, and it may stop anywhere."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from stepwell.backends.registry import get_backend, make_context, pass_registry
from stepwell.dialects.source import parse_module
from stepwell.passes.common.transform_interpreter import TransformInterpreterPass
from stepwell.passes.pass_manager import PassManager, Step, build_pipeline
from stepwell.passes.script_pipeline import expand_scripts
from stepwell.tools.stepwell import main
from stepwell.tools.stepwell_opt import main as stepwell_opt
from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer

BACKEND = get_backend("llvm-cpu")

SOURCES = {
    "matmul_relu": """
func.func @matmul_relu(%A: tensor<9x16xf32>, %B: tensor<16x33xf32>) -> tensor<9x33xf32> {
  %C = te.compute "C" spatial(%i in 9, %j in 33) reduce(%k in 16) {
    %a = te.read %A[%i, %k] : tensor<9x16xf32>
    %b = te.read %B[%k, %j] : tensor<16x33xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
    %s = arith.addf %acc, %x fastmath<reassoc,contract> : f32
    te.yield %s : f32
  } -> tensor<9x33xf32>
  %R = te.compute "R" spatial(%i in 9, %j in 33) {
    %c = te.read %C[%i, %j] : tensor<9x33xf32>
    %zero = arith.constant 0.0 : f32
    %m = arith.maximumf %c, %zero : f32
    te.yield %m : f32
  } -> tensor<9x33xf32>
  func.return %R : tensor<9x33xf32>
}
""",
    "exp": """
func.func @exp(%A: tensor<100xf32>) -> tensor<100xf32> {
  %C = te.compute "C" spatial(%i in 100) {
    %a = te.read %A[%i] : tensor<100xf32>
    %e = math.exp %a : f32
    te.yield %e : f32
  } -> tensor<100xf32>
  func.return %C : tensor<100xf32>
}
""",
}


def shipped() -> PassManager:
    script = TransformInterpreterPass(script=str(BACKEND.pipeline))
    return expand_scripts(PassManager((Step(script, quiet=True),), pass_registry()), make_context(), strict=True)


def source(name: str) -> ModuleOp:
    module = parse_module(make_context(), SOURCES[name])
    module.attributes[BACKEND.target_attribute] = BACKEND.default_target()
    return module


def text(module: ModuleOp) -> str:
    stream = StringIO()
    Printer(stream=stream).print_op(module)
    return stream.getvalue()


def run(module: ModuleOp, start: int, stop: int | None = None) -> ModuleOp:
    manager = shipped()
    replace(manager, steps=manager.steps[start:stop]).run(make_context(), module)
    return module


@cache
def whole(name: str) -> str | bytes:
    return BACKEND.emit(run(source(name), 0), "object")


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("stop", range(1, len(shipped().steps)), ids=lambda stop: shipped().steps[stop - 1].pass_.name)
def test_a_pipeline_may_stop_after_any_pass(name: str, stop: int):
    stopped = text(run(source(name), 0, stop))
    read_back = parse_module(make_context(), stopped)
    read_back.verify()
    assert text(read_back) == stopped
    assert BACKEND.emit(run(read_back, stop), "object") == whole(name)


@pytest.mark.parametrize("name", SOURCES)
def test_a_script_and_its_text_do_the_same(name: str):
    module = source(name)
    build_pipeline(str(shipped().pipeline()), pass_registry()).run(make_context(), module)
    assert BACKEND.emit(module, "object") == whole(name)


@pytest.mark.parametrize("name", SOURCES)
def test_the_tool_runs_the_script_as_the_driver_does(name: str, tmp_path: Path):
    path, output = tmp_path / "source.mlir", tmp_path / "llvm.mlir"
    path.write_text(text(source(name)))
    assert stepwell_opt([str(path), "--pipeline", str(BACKEND.pipeline), "-o", str(output)]) == 0
    module = parse_module(make_context(), output.read_text())
    assert BACKEND.emit(module, "object") == whole(name)


def test_an_edited_copy_changes_what_is_emitted(tmp_path: Path):
    path, pipeline = tmp_path / "source.mlir", tmp_path / "pipeline.mlir"
    path.write_text(text(source("matmul_relu")))
    lines = BACKEND.pipeline.read_text().splitlines(keepends=True)
    without = [line.replace('"apply-schedules"', '"canonicalize"') for line in lines]
    assert without != lines
    pipeline.write_text("".join(without))
    for output, options in {"shipped": [], "edited": ["--pipeline", str(pipeline)]}.items():
        assert main(["compile", str(path), "--emit", "object", "-o", str(tmp_path / output), *options]) == 0
    assert (tmp_path / "shipped").read_bytes() != (tmp_path / "edited").read_bytes()
