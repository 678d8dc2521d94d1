"""Elementwise operators and activations as ONNX means them, in every form that its versions have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from stepwell.backends.oracles.graph import run_graph
from stepwell.errors import ImportModelError
from stepwell.frontends.onnx import import_onnx

Array = np.ndarray[Any, Any]


def model(
    op: str, arrays: dict[str, Array], opset: int, weights: Sequence[str] = (), outputs: int = 1, **attributes: Any
) -> onnx.ModelProto:
    """One node; operands named in `weights` are part of the model."""
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, list(arrays), results, **attributes)
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in arrays.items()
        if name not in weights
    ]
    info = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in results]
    data = [numpy_helper.from_array(arrays[name], name) for name in weights]
    graph = helper.make_graph([node], op, inputs, info, data)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def check(
    op: str, arrays: dict[str, Array], opset: int, weights: Sequence[str] = (), outputs: int = 1, **attributes: Any
) -> list[Array]:
    """Compares the oracle on imported IR with ONNX's reference; gives the results."""
    proto = model(op, arrays, opset, weights, outputs, **attributes)
    module = import_onnx(proto)
    module.verify()
    given = {name: array for name, array in arrays.items() if name not in weights}
    with np.errstate(all="ignore"):
        expected = ReferenceEvaluator(proto).run(None, given)
    got = run_graph(module, list(given.values()))
    for left, right in zip(got, expected, strict=True):
        assert left.dtype == np.asarray(right).dtype
        np.testing.assert_allclose(left, right, rtol=2e-5, atol=1e-6)
    return got


X = np.array([-80.0, -3.5, -1.0, -0.2, -0.0, 0.0, 0.3, 1.0, 2.5, 80.0, np.inf, -np.inf], np.float32)

ACTIVATIONS: list[tuple[str, int, dict[str, Any]]] = [
    ("Celu", 12, {}),
    ("Celu", 12, {"alpha": 2.5}),
    ("Elu", 7, {}),
    ("Elu", 22, {"alpha": 0.5}),
    ("Gelu", 20, {}),
    ("Gelu", 20, {"approximate": "tanh"}),
    ("HardSigmoid", 7, {}),
    ("HardSigmoid", 22, {"alpha": 0.3, "beta": 0.1}),
    ("HardSwish", 14, {}),
    ("LeakyRelu", 7, {}),
    ("LeakyRelu", 16, {"alpha": 0.3}),
    ("Mish", 18, {}),
    ("Relu", 7, {}),
    ("Selu", 7, {}),
    ("Selu", 22, {"alpha": 0.5, "gamma": 2.0}),
    ("Shrink", 9, {}),
    ("Shrink", 9, {"bias": 1.5, "lambd": 1.0}),
    ("Sigmoid", 7, {}),
    ("Softplus", 7, {}),
    ("Softsign", 7, {}),
    ("ThresholdedRelu", 10, {}),
    ("ThresholdedRelu", 22, {"alpha": 0.25}),
]


@pytest.mark.parametrize("op, opset, attributes", ACTIVATIONS)
def test_activations(op: str, opset: int, attributes: dict[str, Any]):
    numbers = X
    if op in ("Gelu", "Mish", "Softplus", "Softsign", "HardSwish", "Celu"):
        numbers = X[:-2]  # their formulas are not for infinities
    check(op, {"x": numbers}, opset, **attributes)


@pytest.mark.parametrize("slope", [(), (3,), (1, 3), (4, 1)])
def test_prelu(slope: tuple[int, ...]):
    x = X.reshape(4, 3)
    check("PRelu", {"x": x, "slope": np.full(slope, 0.25, np.float32)}, 16)


def test_shrink_of_integers():
    (result,) = check("Shrink", {"x": np.arange(-3, 4, dtype=np.int32)}, 9, bias=1.0, lambd=1.5)
    np.testing.assert_array_equal(result, [-2, -1, 0, 0, 0, 1, 2])


@pytest.mark.parametrize("op", ["Max", "Mean", "Min", "Sum"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_operands(op: str, count: int):
    arrays = {f"x{i}": np.array([1.5, -2.0, np.nan, i], np.float32) for i in range(count)}
    check(op, arrays, 13)


@pytest.mark.parametrize("base", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("exponent", ["float32", "int32", "int64", "uint8"])
def test_powers_of_mixed_types(base: str, exponent: str):
    x = np.array([1, 2, 3, 5], base)
    check("Pow", {"x": x, "y": np.array([0, 1, 2, 3], exponent)}, 15)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 4.0, 0.5, -1.0, 5.0])
def test_known_exponents(exponent: float):
    x = np.array([-2.0, -0.0, 0.5, 3.0, np.inf, -np.inf], np.float32)
    check("Pow", {"x": x, "y": np.array(exponent, np.float32)}, 13, ["y"])


def test_squares_multiply():
    x = {"x": np.ones(3, np.float32), "y": np.array(2.0, np.float32)}
    text = str(import_onnx(model("Pow", x, 13, ["y"])))
    assert "graph.mul" in text and "graph.pow" not in text


@pytest.mark.parametrize("fmod", [0, 1])
@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "float32"])
def test_mod(fmod: int, dtype: str):
    signs = [1, 1] if dtype == "uint8" else [1, -1]
    x = np.array([7, 5, 3, 0] * 2, dtype) * np.repeat(np.array(signs, dtype), 4)
    arrays = {"x": x, "y": np.array([3, 2, 4, 5, 3, 2, 4, 5], dtype)}
    if dtype == "float32" and not fmod:
        with pytest.raises(ImportModelError, match="Mod.*expected integers as elements, got f32"):
            import_onnx(model("Mod", arrays, 13, fmod=fmod))
        return
    check("Mod", arrays, 13, fmod=fmod)


def test_clip_by_attributes_and_by_operands():
    x = np.array([-3, -1, 0, 2, 9, np.nan], np.float32)
    low, high = np.array(-1.5, np.float32), np.array(2.5, np.float32)
    expected = np.clip(x, -1.5, 2.5)
    for proto, arrays in (
        (model("Clip", {"x": x}, 7, min=-1.5, max=2.5), [x]),
        (model("Clip", {"x": x, "low": low, "high": high}, 13), [x, low, high]),
        (model("Clip", {"x": x, "low": low, "high": high}, 13, ["low", "high"]), [x]),
    ):
        np.testing.assert_array_equal(run_graph(import_onnx(proto), arrays)[0], expected)


def test_clip_with_bounds_left_out():
    x = np.array([-3, 9], np.float32)
    node = helper.make_node("Clip", ["x", "", "high"], ["y"])
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = helper.make_graph([node], "g", info[:1], info[1:], [numpy_helper.from_array(np.float32(1), "high")])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    np.testing.assert_array_equal(run_graph(import_onnx(proto), [x])[0], [-3, 1])


def test_bounds_that_cross_give_the_upper_one():
    x = np.array([-3, 1, 9], np.float32)
    arrays = {"x": x, "low": np.array(2, np.float32), "high": np.array(-2, np.float32)}
    np.testing.assert_array_equal(run_graph(import_onnx(model("Clip", arrays, 13)), list(arrays.values()))[0], [-2] * 3)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("negative", [0, 1])
def test_infinities(positive: int, negative: int):
    check("IsInf", {"x": X}, 20, detect_positive=positive, detect_negative=negative)


def test_casts_alike():
    (result,) = check("CastLike", {"x": X[1:9], "like": np.zeros(1, np.int64)}, 19)
    assert result.dtype == np.int64


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("opset", [7, 12, 13])
def test_nothing_is_dropped_at_inference(outputs: int, opset: int):
    x = np.array([1, np.nan, 3], np.float32)
    results = run_graph(import_onnx(model("Dropout", {"x": x}, opset, outputs=outputs)), [x])
    np.testing.assert_array_equal(results[0], x)
    for mask in results[1:]:
        np.testing.assert_array_equal(mask, [True] * 3)


REFUSED: list[tuple[str, dict[str, Array], int, dict[str, Any], str]] = [
    ("And", {"x": X, "y": X}, 7, {}, "expected truth values, got elements of type f32"),
    ("Not", {"x": X}, 7, {}, "expected truth values, got elements of type f32"),
    ("Cast", {"x": X}, 13, {"to": TensorProto.STRING}, "expected an element type of .*, got STRING"),
    ("Cast", {"x": X}, 13, {}, "expected attribute 'to', got none"),
    ("Exp", {"x": np.arange(3, dtype=np.int32)}, 13, {}, "expected floating-point elements, got i32"),
    ("Elu", {"x": np.arange(3, dtype=np.int32)}, 7, {}, "expected floating-point elements, got i32"),
    ("Gelu", {"x": X}, 20, {"approximate": "odd"}, "expected approximate to be none or tanh, got 'odd'"),
    ("BitShift", {"x": np.ones(2, np.uint8), "y": np.ones(2, np.uint8)}, 11, {"direction": "UP"}, "LEFT or RIGHT"),
    ("PRelu", {"x": X, "slope": X.reshape(1, -1)}, 16, {}, "expected a slope that broadcasts to the first input"),
    ("Clip", {"x": X, "low": X.reshape(1, -1)}, 13, {}, "expected scalars as bounds, got tensors"),
    ("Add", {"x": X, "y": X[:5]}, 13, {}, "expected shapes that broadcast, got 12 and 5"),
    ("Max", {}, 13, {}, "expected 1 or more inputs, got 0"),
]


@pytest.mark.parametrize("op, arrays, opset, attributes, message", REFUSED)
def test_refused(op: str, arrays: dict[str, Array], opset: int, attributes: dict[str, Any], message: str):
    with pytest.raises(ImportModelError, match=message) as error:
        import_onnx(model(op, arrays, opset, **attributes))
    assert op in str(error.value)
