"""Models all the way down: what native code computes is what ONNX's reference does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import onnx
import pytest
import stepwell as sw
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from stepwell.backends.registry import get_backend, make_context
from stepwell.dialects import graph
from stepwell.dialects.source import parse_module
from stepwell.errors import CompileError
from stepwell.frontends.onnx import import_onnx
from stepwell.tools.driver import lower, pipeline_steps
from stepwell.tools.stepwell import main
from xdsl.printer import Printer

MLIR_OPT = shutil.which("mlir-opt-22")


def attention(batch: int | str) -> onnx.ModelProto:
    """Batched products of computed values, softmax of rows, a residual, a product with weights used twice."""
    random = np.random.default_rng(0)
    weights = {
        "w": random.standard_normal((8, 8), np.float32),
        "b": random.standard_normal(8, np.float32),
        "scale": np.array(0.25, np.float32),
        "large": random.standard_normal((8, 4096), np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("MatMul", ["q", "w"], ["v"]),
        helper.make_node("MatMul", ["q", "keys"], ["scores"]),
        helper.make_node("Mul", ["scores", "scale"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["weights"]),
        helper.make_node("MatMul", ["weights", "v"], ["mixed"]),
        helper.make_node("Add", ["mixed", "x"], ["residual"]),
        helper.make_node("Add", ["residual", "b"], ["biased"]),
        helper.make_node("Relu", ["biased"], ["y"]),
        helper.make_node("MatMul", ["y", "large"], ["z"]),
    ]
    inputs = [("x", [batch, 5, 8]), ("keys", [batch, 8, 5])]
    outputs = [("z", [batch, 5, 4096]), ("y", [batch, 5, 8])]
    proto = helper.make_graph(
        nodes,
        "attention",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def arrays(batch: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    shapes = {"x": (batch, 5, 8), "keys": (batch, 8, 5)}
    return {name: random.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def assert_right(program: object, batch: int) -> None:
    given = arrays(batch)
    expected = ReferenceEvaluator(attention(batch)).run(None, given)
    assert callable(program)
    for left, right in zip(program(*given.values()), expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(attention(2), path)
    return path


def test_static_model(model: Path):
    program = sw.compile(model)
    assert program.input_names == ("x", "keys")
    assert program.output_names == ("z", "y")
    assert_right(program, 2)


def test_symbolic_model(tmp_path: Path):
    onnx.save(attention("n"), tmp_path / "model.onnx")
    program = sw.compile(tmp_path / "model.onnx")
    for batch in (1, 3):
        assert_right(program, batch)


def test_saved_program(model: Path, tmp_path: Path):
    sw.compile(model).save(tmp_path / "program")
    assert_right(sw.load(tmp_path / "program"), 2)


@pytest.mark.parametrize("until", ["graph", "graph-infer-shapes", "graph-fuse"])
def test_emitted_graph_is_a_model(model: Path, tmp_path: Path, until: str):
    text = tmp_path / "model.mlir"
    assert main(["compile", str(model), "--emit", until, "-o", str(text)]) == 0
    assert_right(sw.compile(text), 2)


def test_data_left_out_is_missed(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["compile", str(model), "--emit", "graph"]) == 0
    printed = capsys.readouterr().out
    assert len(printed) < 10_000
    (tmp_path / "model.mlir").write_text(printed)
    with pytest.raises(CompileError, match="expected data for weight 'large', got none"):
        sw.compile(tmp_path / "model.mlir")


def test_weights_become_constants_of_kernels(model: Path):
    module = lower(model, until="convert-graph-to-te")
    assert not any(isinstance(op, graph.DataOp) for op in module.ops)
    kernels = [op for op in module.ops if getattr(op, "sym_visibility", None) is not None]
    # The scale, a single number, is inside of its kernel.
    assert sum(str(kernel).count("loop.constant") for kernel in kernels) == 3


def test_a_pipeline_can_be_stopped_anywhere(model: Path):
    """What is printed after any pass, the rest of the pipeline finishes to the same object code."""
    backend = get_backend("llvm-cpu")
    manager, ctx = pipeline_steps(backend, None, make_context()), make_context()
    module = import_onnx(model)
    module.attributes[backend.target_attribute] = backend.default_target()
    texts = [str(module)]
    for step in manager.steps:
        replace(manager, steps=(step,)).run(ctx, module)
        module.verify()
        texts.append(str(module))
    expected = backend.emit(module, "object")
    for done, text in enumerate(texts):
        resumed = parse_module(make_context(), text)
        assert str(resumed) == text
        replace(manager, steps=manager.steps[done:]).run(ctx, resumed)
        assert backend.emit(resumed, "object") == expected, f"stopped before step {done}"


@pytest.mark.skipif(MLIR_OPT is None, reason="mlir-opt-22 is not installed")
@pytest.mark.parametrize("rung", ["mlir", "llvm"])
def test_mlir_opt_verifies_the_lower_rungs(model: Path, rung: str):
    text = StringIO()
    Printer(text, print_generic_format=True).print_op(lower(model, until=rung))
    assert MLIR_OPT is not None
    judged = subprocess.run([MLIR_OPT, "-"], input=text.getvalue(), capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stderr
