"""Recurrent layers as ONNX has them, beside ONNX Runtime: its reference knows neither lengths nor most activations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
import stepwell as sw
from onnx import helper, numpy_helper
from stepwell.backends.oracles.graph import run_graph
from stepwell.errors import ImportModelError
from stepwell.frontends.onnx import import_onnx

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
PARAMETERS = {
    "Affine": 2,
    "Elu": 1,
    "HardSigmoid": 2,
    "LeakyRelu": 1,
    "Relu": 0,
    "ScaledTanh": 2,
    "Sigmoid": 0,
    "Softsign": 0,
    "Tanh": 0,
    "ThresholdedRelu": 1,
}


def model(
    kind: str, operands: dict[str, np.ndarray | None], inputs: Sequence[str], attributes: dict[str, Any]
) -> tuple[onnx.ModelProto, list[np.ndarray]]:
    """A model of one node, and the arrays of its inputs; other operands are weights."""
    given = {name: array for name, array in operands.items() if array is not None}
    outputs = ["y", "h", "c"] if kind == "LSTM" else ["y", "h"]
    node = helper.make_node(kind, [name if name in given else "" for name in operands], outputs, **attributes)
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(given[name].dtype), given[name].shape)
        for name in inputs
    ]
    results = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs]
    weights = [numpy_helper.from_array(array, name) for name, array in given.items() if name not in inputs]
    graph = helper.make_graph([node], "test", infos, results, weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return proto, [given[name] for name in inputs]


def random_layer(seed: int) -> tuple[onnx.ModelProto, list[np.ndarray]]:
    choose, numbers = random.Random(seed), np.random.default_rng(seed)
    kind = choose.choice(list(GATES))
    gates, directions = GATES[kind], choose.choice([1, 1, 2])
    steps, batch, width, hidden = choose.choice([1, 4, 5]), choose.choice([1, 2, 3]), 3, choose.choice([2, 3])

    def floats(*shape: int) -> np.ndarray:
        return numbers.standard_normal(shape, np.float32)

    def maybe(array: np.ndarray) -> np.ndarray | None:
        return array if choose.random() < 0.5 else None

    operands = {
        "x": floats(steps, batch, width),
        "w": floats(directions, gates * hidden, width),
        "r": floats(directions, gates * hidden, hidden),
        "b": maybe(floats(directions, 2 * gates * hidden)),
        "lengths": maybe(numbers.integers(1, steps + 1, batch).astype(np.int32)),
        "initial_h": maybe(floats(directions, batch, hidden)),
    }
    if kind == "LSTM":
        operands |= {"initial_c": maybe(floats(directions, batch, hidden)), "p": maybe(floats(directions, 3 * hidden))}
    direction = "bidirectional" if directions == 2 else choose.choice(["forward", "reverse"])
    attributes: dict[str, Any] = {"hidden_size": hidden, "direction": direction}
    if choose.random() < 0.3:
        attributes["clip"] = choose.choice([0.3, 1.0])
    if choose.random() < 0.4:
        attributes |= {"LSTM": {"input_forget": 1}, "GRU": {"linear_before_reset": 1}, "RNN": {}}[kind]
    if choose.random() < 0.4:
        names = [choose.choice(list(PARAMETERS)) for _ in range(len(DEFAULTS[kind]) * directions)]
        attributes["activations"] = names
        for number, which in enumerate(("activation_alpha", "activation_beta")):
            values = [choose.choice([0.3, 0.6]) for name in names if PARAMETERS[name] > number]
            attributes |= {which: values} if values else {}
    inputs = ["x"]
    if operands["lengths"] is not None and choose.random() < 0.5:
        inputs.append("lengths")
    return model(kind, operands, inputs, attributes)


@pytest.mark.parametrize("seeds", [range(start, start + 25) for start in range(0, 100, 25)], ids=str)
def test_random_layers(seeds: range):
    onnxruntime: Any = pytest.importorskip("onnxruntime", reason="needs onnxruntime to compare with")
    for seed in seeds:
        proto, arrays = random_layer(seed)
        names = [info.name for info in proto.graph.input]
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
        expected = session.run(None, dict(zip(names, arrays, strict=True)))
        for got, wanted in zip(run_graph(import_onnx(proto), arrays), expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4, err_msg=f"seed {seed}")


def test_batch_first():
    """The same layer, with the batch in front of the steps."""
    arrays = {"x": (4, 2, 3), "w": (2, 9, 3), "r": (2, 9, 3), "b": (2, 18), "initial_h": (2, 2, 3)}
    numbers = np.random.default_rng(0)
    given = {name: numbers.standard_normal(shape, np.float32) for name, shape in arrays.items()}
    operands: dict[str, Any] = {**dict.fromkeys(("x", "w", "r", "b", "lengths", "initial_h")), **given}
    steps_first = model("GRU", operands, ["x"], {"direction": "bidirectional"})
    turned = {name: np.ascontiguousarray(given[name].transpose(1, 0, 2)) for name in ("x", "initial_h")}
    batch_first = model("GRU", operands | turned, ["x"], {"direction": "bidirectional", "layout": 1})
    (y, h), (turned_y, turned_h) = (
        run_graph(import_onnx(proto), inputs) for proto, inputs in (steps_first, batch_first)
    )
    np.testing.assert_allclose(turned_y, y.transpose(2, 0, 1, 3), rtol=1e-5)
    np.testing.assert_allclose(turned_h, h.transpose(1, 0, 2), rtol=1e-5)


def test_steps_and_batch_may_be_symbolic():
    """Native code is compiled when the sizes are known."""
    numbers = np.random.default_rng(0)
    shapes = {"w": (2, 12, 3), "r": (2, 12, 3), "b": (2, 24)}
    operands: dict[str, Any] = {"x": np.zeros((1, 1, 3), np.float32)}
    operands |= {name: numbers.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    operands |= {"lengths": np.zeros(1, np.int32)}
    proto, _ = model("LSTM", operands, ["x", "lengths"], {"direction": "bidirectional"})
    for info, dims in zip(proto.graph.input, (("t", "n", 3), ("n",)), strict=True):
        info.type.CopyFrom(helper.make_tensor_type_proto(info.type.tensor_type.elem_type, dims))
    program = sw.compile(proto)
    for steps, batch in ((3, 2), (6, 1)):
        x = numbers.standard_normal((steps, batch, 3), np.float32)
        lengths = numbers.integers(1, steps + 1, batch).astype(np.int32)
        for got, wanted in zip(program(x, lengths), run_graph(import_onnx(proto), [x, lengths]), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "attributes, changed, message",
    [
        ({"direction": "backward"}, {}, "expected direction forward, reverse, bidirectional, got 'backward'"),
        ({"hidden_size": 4}, {}, "expected R of hidden_size 4, got 3"),
        ({"direction": "bidirectional"}, {}, "expected 2 directions, got 1"),
        ({"layout": 2}, {}, "expected layout 0 or 1, got 2"),
        ({"clip": -1.0}, {}, "expected clip to be positive, got -1.0"),
        ({"activations": ["Tanh"]}, {}, "expected 2 activations, got 1"),
        ({"activations": ["Tanh", "Tan"]}, {}, "did you mean 'Tanh'?"),
        ({"activations": ["Tanh", "Affine"]}, {}, "expected activation_alpha for Affine, got none"),
        ({}, {"b": (1, 9)}, "expected B of 18 numbers, got"),
        ({}, {"x": (4, 3)}, "expected X, W and R of rank 3, got [2, 3, 3]"),
        ({}, {"initial_h": (1, 3, 3)}, "expected initial_h of shape 2x3, got 3x3"),
    ],
)
def test_refused(attributes: dict[str, Any], changed: dict[str, tuple[int, ...]], message: str):
    shapes = {"x": (4, 2, 3), "w": (1, 9, 3), "r": (1, 9, 3), "b": (1, 18)} | changed
    operands: dict[str, Any] = dict.fromkeys(("x", "w", "r", "b", "lengths", "initial_h"))
    operands |= {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    proto, _ = model("GRU", operands, ["x"], attributes)
    with pytest.raises(ImportModelError) as error:
        import_onnx(proto)
    assert message in str(error.value)
    assert "GRU" in str(error.value)
