"""The memory of models by hand: hardly more than what lives at one time, kernels' own included."""

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
from stepwell.runtime.executable import Executable

memory = load_benchmark("memory")


def model(nodes: list[onnx.NodeProto], shape: tuple[int, ...], result: tuple[int, ...], **weights: Any) -> Any:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)]
    data = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    proto = helper.make_graph(nodes, "model", inputs, outputs, data)
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def residual_network() -> Any:
    """Convolutions with padding, residuals, pooling by channels, and the rows of a classifier."""
    random = np.random.default_rng(0)
    nodes = [helper.make_node("Conv", ["x", "w0"], ["h0"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])]
    weights = {"w0": random.standard_normal((16, 3, 3, 3), np.float32) / 5}
    for block in range(2):
        before, first, second, total, after = (f"h{block}", f"a{block}", f"b{block}", f"c{block}", f"h{block + 1}")
        for source, target in ((before, first), (first, second)):
            weights[f"w{target}"] = random.standard_normal((16, 16, 3, 3), np.float32) / 12
            inputs = [source, f"w{target}"]
            nodes.append(helper.make_node("Conv", inputs, [f"{target}_"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
            nodes.append(helper.make_node("Relu", [f"{target}_"], [target]))
        nodes.append(helper.make_node("Add", [before, second], [total]))
        nodes.append(helper.make_node("Relu", [total], [after]))
    nodes.append(helper.make_node("MaxPool", ["h2"], ["p"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
    nodes.append(helper.make_node("Flatten", ["p"], ["f"]))
    weights["fc"] = random.standard_normal((16 * 28 * 28, 10), np.float32) / 100
    nodes.append(helper.make_node("MatMul", ["f", "fc"], ["y"]))
    return model(nodes, (1, 3, 56, 56), (1, 10), **weights)


def attention() -> Any:
    """One head after another name for its input, with a residual."""
    random = np.random.default_rng(1)
    weights = {name: random.standard_normal((64, 64), np.float32) / 8 for name in ("wq", "wk", "wv", "wo")}
    weights["flat"] = np.array([128, 64], np.int64)
    nodes = [
        helper.make_node("Reshape", ["x", "flat"], ["r"]),
        *(helper.make_node("MatMul", ["r", f"w{name}"], [name]) for name in "qkv"),
        helper.make_node("Transpose", ["k"], ["kt"], perm=[1, 0]),
        helper.make_node("MatMul", ["q", "kt"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["weights"]),
        helper.make_node("MatMul", ["weights", "v"], ["mixed"]),
        helper.make_node("MatMul", ["mixed", "wo"], ["o"]),
        helper.make_node("Add", ["o", "r"], ["y"]),
    ]
    return model(nodes, (2, 64, 64), (128, 64), **weights)


@pytest.mark.parametrize(("build", "most"), [(residual_network, 1.4), (attention, 1.1)])
def test_memory_is_near_the_bound(build: Any, most: float, tmp_path: Path) -> None:
    """A padded image, which a convolution of it keeps beside it, is in the peak and not in the bound."""
    proto = build()
    path = tmp_path / "model.onnx"
    onnx.save(proto, path)
    row = memory.measure("model", path)
    assert 0 < row.bound <= row.peak <= most * row.bound
    program = sw.compile(path)
    assert isinstance(program, Executable)
    assert program.memory.arena == row.peak <= 1.02 * program.memory.live
    x = np.random.default_rng(2).standard_normal(program.input_shapes[0], np.float32)
    (expected,) = ReferenceEvaluator(proto).run(None, {"x": x})
    for byte in (0x00, 0xFF):
        got = program(x)
        assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()
        program.arenas.fill(byte)
