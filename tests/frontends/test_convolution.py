"""Convolutions and pools as ONNX means them: windows of all kinds, against ONNX's reference and torch's transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from stepwell.backends.oracles.graph import run_graph
from stepwell.errors import ImportModelError
from stepwell.frontends.onnx import import_onnx

Array = np.ndarray[Any, Any]


def model(
    op: str,
    arrays: dict[str, Array],
    weights: Sequence[str] = (),
    outputs: int = 1,
    symbolic: bool = False,
    **attributes: Any,
) -> onnx.ModelProto:
    """One node; operands named in `weights` are part of the model."""
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, list(arrays), results, **attributes)
    inputs = [
        helper.make_tensor_value_info(
            name,
            helper.np_dtype_to_tensor_dtype(array.dtype),
            [size if i == 1 else f"{name}{i}" for i, size in enumerate(array.shape)] if symbolic else array.shape,
        )
        for name, array in arrays.items()
        if name not in weights
    ]
    info = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in results]
    data = [numpy_helper.from_array(arrays[name], name) for name in weights]
    graph = helper.make_graph([node], op, inputs, info, data)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def computed(proto: onnx.ModelProto, arrays: dict[str, Array], weights: Sequence[str] = ()) -> list[Array]:
    return run_graph(import_onnx(proto), [array for name, array in arrays.items() if name not in weights])


def random(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@st.composite
def transposes(draw: st.DrawFn) -> tuple[dict[str, Array], dict[str, Any]]:
    rank, groups = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    numbers = st.lists(st.integers(1, 3), min_size=rank, max_size=rank)
    kernel, strides, dilations, sizes = (draw(numbers) for _ in range(4))
    padding = [draw(st.integers(0, step - 1)) for step in strides]
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    full = [s * (n - 1) + k + p for s, n, k, p in zip(strides, sizes, spans, padding, strict=True)]
    pads = [draw(st.integers(0, min(2, (size - 1) // 2))) for size in full]
    x = random(0, 2, 2 * groups, *sizes)
    w = random(1, 2 * groups, 3, *kernel)
    attributes = {
        "strides": strides,
        "dilations": dilations,
        "pads": pads * 2,
        "output_padding": padding,
        "group": groups,
    }
    return {"x": x, "w": w, "b": random(2, 3 * groups)}, attributes


@given(transposes())
@settings(max_examples=60)
def test_transposed_convolution(case: tuple[dict[str, Array], dict[str, Any]]):
    arrays, attributes = case
    (result,) = computed(model("ConvTranspose", arrays, **attributes), arrays)
    np.testing.assert_allclose(result, transposed(arrays, attributes), rtol=1e-4, atol=1e-4)


def transposed(arrays: dict[str, Array], attributes: dict[str, Any]) -> Array:
    """Each element of the input adds the weights to a window of the result."""
    x, w, b = (array.astype(np.float64) for array in arrays.values())
    strides, dilations, groups = attributes["strides"], attributes["dilations"], attributes["group"]
    rank = len(strides)
    spans = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilations, strict=True)]
    full = [s * (n - 1) + k for s, n, k in zip(strides, x.shape[2:], spans, strict=True)]
    outputs = [size + more for size, more in zip(full, attributes["output_padding"], strict=True)]
    each = w.shape[1]
    result = np.zeros((x.shape[0], each * groups, *outputs))
    for channel in range(x.shape[1]):
        group = channel // (x.shape[1] // groups)
        for place in np.ndindex(*x.shape[2:]):
            window = tuple(
                slice(i * s, i * s + k, d) for i, s, k, d in zip(place, strides, spans, dilations, strict=True)
            )
            added = x[(slice(None), channel, *place)].reshape(-1, 1, *[1] * rank) * w[channel]
            result[(slice(None), slice(group * each, (group + 1) * each), *window)] += added
    low, high = attributes["pads"][:rank], attributes["pads"][rank:]
    cropped = [slice(a, size - c) for a, c, size in zip(low, high, outputs, strict=True)]
    return result[(..., *cropped)] + b.reshape(-1, *[1] * rank)


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("strides", [[1, 1], [2, 3]])
@pytest.mark.parametrize("op", ["Conv", "AveragePool"])
def test_automatic_pads(op: str, auto_pad: str, strides: list[int]):
    arrays = {"x": random(0, 1, 2, 7, 8)}
    if op == "Conv":
        arrays["w"] = random(1, 3, 2, 3, 2)
    attributes = {"kernel_shape": [3, 2], "strides": strides, "auto_pad": auto_pad}
    proto = model(op, arrays, **attributes)
    expected = ReferenceEvaluator(proto).run(None, arrays)
    for got, wanted in zip(computed(proto, arrays), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "attributes", "expected"),
    [
        # a last window that is not full has as many elements as there are, or as pads say
        (7, {"strides": [3], "ceil_mode": 1}, [2, 5, 7]),
        (7, {"strides": [3], "ceil_mode": 1, "auto_pad": "VALID", "count_include_pad": 1}, [2, 5, 7]),
        (4, {"strides": [3], "ceil_mode": 1, "pads": [1, 1]}, [1.5, 3.5]),
        (4, {"strides": [3], "ceil_mode": 1, "pads": [1, 1], "count_include_pad": 1}, [1, 7 / 3]),
        (3, {"strides": [3], "ceil_mode": 1, "pads": [1, 1], "count_include_pad": 1}, [1, 1.5]),
        # pads that make a window full count as elements
        (4, {"strides": [2], "ceil_mode": 1, "auto_pad": "SAME_UPPER", "count_include_pad": 1}, [2, 7 / 3]),
        (4, {"strides": [2], "auto_pad": "SAME_LOWER"}, [1.5, 3]),
        # a window that would start in the pads behind is none
        (3, {"strides": [4], "ceil_mode": 1, "pads": [1, 3], "count_include_pad": 1}, [1]),
    ],
)
def test_averages_of_windows(size: int, attributes: dict[str, Any], expected: list[float]):
    arrays = {"x": np.arange(1, size + 1, dtype=np.float32).reshape(1, 1, size)}
    (result,) = computed(model("AveragePool", arrays, kernel_shape=[3], **attributes), arrays)
    np.testing.assert_allclose(result.reshape(-1), expected, rtol=1e-6)


def test_open_sizes_stay_open():
    """Strides and explicit pads need no numbers."""
    arrays = {"x": random(0, 2, 2, 9, 8), "w": random(1, 3, 2, 3, 3)}
    proto = model("Conv", arrays, ["w"], symbolic=True, pads=[1, 1, 1, 1], strides=[2, 2])
    (result,) = computed(proto, arrays, ["w"])
    (expected,) = ReferenceEvaluator(model("Conv", arrays, pads=[1, 1, 1, 1], strides=[2, 2])).run(None, arrays)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


REFUSED: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "expected auto_pad NOTSET": ("Conv", (1, 1, 4, 4), (1, 1, 2, 2), {"auto_pad": "SAME"}),
    r"expected a kernel_shape of \[2, 2\]": ("Conv", (1, 1, 4, 4), (1, 1, 2, 2), {"kernel_shape": [3, 3]}),
    "expected 4 integers as attribute 'pads'": ("Conv", (1, 1, 4, 4), (1, 1, 2, 2), {"pads": [1, 1]}),
    "expected pads of 0 or more": ("Conv", (1, 1, 4, 4), (1, 1, 2, 2), {"pads": [-1, 0, 0, 0]}),
    "expected an input of rank 4, got 1x1x4": ("Conv", (1, 1, 4), (1, 1, 2, 2), {}),
    "expected a multiple of 2 channels, got 3": ("ConvTranspose", (1, 3, 4, 4), (3, 1, 2, 2), {"group": 2}),
    "expected positive extents of the result": ("ConvTranspose", (1, 1, 2, 2), (1, 1, 1, 1), {"pads": [1, 1, 1, 1]}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str):
    op, shape, weight, attributes = REFUSED[message]
    arrays = {"x": random(0, *shape), "w": random(1, *weight)}
    with pytest.raises(ImportModelError, match=message):
        computed(model(op, arrays, **attributes), arrays)


def test_attributes_that_make_no_windows():
    arrays = {"x": random(0, 1, 1, 5)}
    with pytest.raises(ImportModelError, match="expected attribute 'kernel_shape' of type ints"):
        import_onnx(model("AveragePool", arrays, kernel_shape=[1.5]))
    with pytest.raises(ImportModelError, match="expected windows over at most .* elements"):
        import_onnx(model("AveragePool", arrays, kernel_shape=[2**62], auto_pad="SAME_UPPER"))
