"""Whole models, in small: what native code computes is what ONNX Runtime does, and both of torch's exporters lead to
the same kernels. `make models` does the same with the models in full.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import stepwell as sw
from benchmark_files import load_benchmark
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

SEVEN = ("resnet18", "mobilenet", "dqn", "dcgan", "lstm_step", "lstm", "transformer")


models: Any = load_benchmark("models")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def assert_agrees(path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime to compare with")
    for threads in (1, 2):
        for name, error in models.errors(path, threads).items():
            assert error <= models.TOLERANCE, f"{name} is off by {error:.1e} with {threads} threads"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("exporter", models.EXPORTERS)
@pytest.mark.parametrize("name", SEVEN)
def test_exported(name: str, exporter: str, folder: Path):
    pytest.importorskip("onnxscript", reason="needs torch and onnxscript to export models")
    assert_agrees(models.export(name, folder, exporter, small=True))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", SEVEN)
def test_exporters_lead_to_the_same_kernels(name: str, folder: Path):
    pytest.importorskip("onnxscript", reason="needs torch and onnxscript to export models")
    first, second = (models.kernel_hashes(models.export(name, folder, e, small=True)) for e in models.EXPORTERS)
    assert first == second


def test_light(folder: Path):
    path = folder / "squeezenet.onnx"
    onnx.save(models.light("squeezenet"), path)
    assert_agrees(path)


def test_light_weights_are_seeded():
    first, again, other = (models.light("squeezenet", seed) for seed in (0, 0, 1))
    assert first == again != other
    assert not any(node.op_type == "ConstantOfShape" for node in first.graph.node)


# What the exporters write differently, by hand: these need nothing but onnx.

Nodes = list[onnx.NodeProto]


def graph(nodes: Nodes, shapes: dict[str, list[int]], output: list[int], weights: dict[str, Any]) -> onnx.ModelProto:
    proto = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def make(*nodes: tuple[str, str, str, dict[str, Any]]) -> Nodes:
    return [helper.make_node(op, inputs.split(), [output], **attributes) for op, inputs, output, attributes in nodes]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).standard_normal(shape, np.float32)


def averages() -> list[onnx.ModelProto]:
    """Of channels: a pool, or a mean."""
    weights = {"w": floats(5, 3), "axes": np.array([2, 3]), "shape": np.array([1, 3])}
    pooled = make(("GlobalAveragePool", "x", "p", {}), ("Flatten", "p", "f", {}), ("Gemm", "f w", "y", {"transB": 1}))
    mean = make(
        ("ReduceMean", "x axes", "p", {"keepdims": 1}),
        ("Reshape", "p shape", "f", {"allowzero": 1}),
        ("Gemm", "f w", "y", {"transB": 1}),
    )
    return [graph(nodes, {"x": [1, 3, 4, 4]}, [1, 5], weights) for nodes in (pooled, mean)]


def transposed_convolutions() -> list[onnx.ModelProto]:
    """With a normalisation behind, or folded into the weights."""
    mean, variance = floats(4), np.abs(floats(4)) + 0.5
    scale, bias = floats(4), floats(4)
    w = floats(3, 4, 4, 4)
    factor = scale / np.sqrt(variance + 1e-5)
    attributes = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    normalised = make(
        ("ConvTranspose", "x w", "c", attributes), ("BatchNormalization", "c s b m v", "n", {}), ("Relu", "n", "y", {})
    )
    folded = make(("ConvTranspose", "x w b", "n", attributes), ("Relu", "n", "y", {}))
    shapes = {"x": [1, 3, 5, 5]}
    return [
        graph(normalised, shapes, [1, 4, 10, 10], {"w": w, "s": scale, "b": bias, "m": mean, "v": variance}),
        graph(folded, shapes, [1, 4, 10, 10], {"w": w * factor[:, None, None], "b": bias - mean * factor}),
    ]


def recurrences() -> list[onnx.ModelProto]:
    """States that are computed from shapes, and squeezed; or states and weights put together, and transposed."""
    w, r, b = floats(1, 12, 4), floats(1, 12, 3), floats(1, 24)
    numbers = {"w": w, "r": r, "b": b, "zero": np.zeros((1, 1, 3), np.float32), "one": np.array([1])}
    squeezed = make(
        ("Shape", "x", "s", {}),
        ("Gather", "s one", "batch", {}),
        ("Concat", "one batch three", "full", {"axis": 0}),
        ("Expand", "zero full", "h", {}),
        ("Squeeze", "z one", "y", {}),
    )
    lstm = helper.make_node("LSTM", ["x", "w", "r", "b", "", "h", "h"], ["z"], hidden_size=3)
    squeezed.insert(4, lstm)
    parts = {
        "first": w[0, :6],
        "second": w[0, 6:],
        "axis": np.array([0]),
        "shape": np.array([5, 1, 3]),
        "h": np.zeros((1, 1, 3), np.float32),
    }
    transposed = make(
        ("Concat", "first second", "joined", {"axis": 0}),
        ("Unsqueeze", "joined axis", "w", {}),
        ("Transpose", "z", "t", {"perm": [0, 2, 1, 3]}),
        ("Reshape", "t shape", "y", {}),
    )
    transposed.insert(2, lstm)
    return [
        graph(squeezed, {"x": [5, 1, 4]}, [5, 1, 3], numbers | {"three": np.array([3])}),
        graph(transposed, {"x": [5, 1, 4]}, [5, 1, 3], {"r": r, "b": b, **parts}),
    ]


def scores() -> list[onnx.ModelProto]:
    """Of queries and keys: transposed in four dimensions, or in three of them; a number beside, or of one element."""
    shapes = {"q": [4, 6, 8], "k": [4, 6, 8]}
    four = make(
        ("Reshape", "q shape", "a", {}),
        ("Reshape", "k shape", "c", {}),
        ("Transpose", "c", "t", {"perm": [0, 1, 3, 2]}),
        ("Mul", "a scale", "l", {}),
        ("Mul", "t scale", "r", {}),
        ("MatMul", "l r", "s", {}),
        ("Add", "bias s", "d", {}),
        ("Softmax", "d", "y", {}),
    )
    three = make(
        ("Transpose", "k", "t", {"perm": [0, 2, 1]}),
        ("Reshape", "t turned", "c", {}),
        ("Reshape", "q shape", "a", {}),
        ("Mul", "a scale", "l", {}),
        ("Mul", "scale c", "r", {}),
        ("MatMul", "l r", "s", {}),
        ("Add", "s bias", "d", {}),
        ("Softmax", "d", "y", {}),
    )
    weights = {"shape": np.array([1, 4, 6, 8]), "bias": floats(6)}
    scale = np.array(0.5, np.float32)
    return [
        graph(four, shapes, [1, 4, 6, 6], weights | {"scale": scale.reshape(1)}),
        graph(three, shapes, [1, 4, 6, 6], weights | {"scale": scale, "turned": np.array([1, 4, 8, 6])}),
    ]


IDIOMS = [averages, transposed_convolutions, recurrences, scores]


@pytest.mark.parametrize("idiom", IDIOMS)
def test_idioms_compute_the_same(idiom: Any):
    for proto in idiom():
        inputs = models.random_inputs(proto)
        (expected,) = ReferenceEvaluator(proto).run(None, inputs)
        np.testing.assert_allclose(sw.compile(proto)(*inputs.values()), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("idiom", IDIOMS)
def test_idioms_lead_to_the_same_kernels(idiom: Any):
    first, second = map(models.kernel_hashes, idiom())
    assert first == second
