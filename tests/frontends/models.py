"""ONNX models for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def value_info(name: str, shape: Sequence[int | str | None], elem_type: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    """What a model declares of an input or output."""
    return helper.make_tensor_value_info(name, elem_type, shape)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: dict[str, np.ndarray[Any, Any]] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """A model of these nodes."""
    initializers = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "test", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    """A node named after its output."""
    return helper.make_node(op_type, inputs, [output], name=f"{output}_node", **attributes)


def perceptron(batch: int | str = "n", seed: int = 0) -> onnx.ModelProto:
    """Gemm, Relu, MatMul, Add, Softmax: 6 inputs, 8 hidden, 3 classes."""
    random = np.random.default_rng(seed)
    weights = {
        "fc1/weight": random.standard_normal((8, 6), np.float32),
        "fc1/bias": random.standard_normal(8, np.float32),
        "fc2/weight": random.standard_normal((8, 3), np.float32),
        "fc2/bias": random.standard_normal(3, np.float32),
    }
    nodes = [
        node("Gemm", ["x", "fc1/weight", "fc1/bias"], "h", transB=1),
        node("Relu", ["h"], "r"),
        node("MatMul", ["r", "fc2/weight"], "m"),
        node("Add", ["m", "fc2/bias"], "z"),
        node("Softmax", ["z"], "probabilities"),
    ]
    return model(nodes, [value_info("x", [batch, 6])], [value_info("probabilities", [batch, 3])], weights)
