"""Quantized tensors against arithmetic in numpy, natively."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import stepwell as sw
from onnx import TensorProto, helper
from stepwell.errors import ImportModelError

Array = np.ndarray[Any, Any]


def run(op: str, *arrays: Array | None, opset: int = 21, **attributes: Any) -> Array:
    names = ["" if array is None else f"x{i}" for i, array in enumerate(arrays)]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in zip(names, arrays, strict=True)
        if array is not None
    ]
    result = helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)
    graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], op, inputs, [result])
    proto: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return sw.compile(proto)(*(array for array in arrays if array is not None))


def floats(*shape: int) -> Array:
    return (np.random.default_rng(len(shape)).standard_normal(shape) * 40).astype(np.float32)


def integers(dtype: str, *shape: int) -> Array:
    info = np.iinfo(dtype)
    return np.random.default_rng(7).integers(info.min, info.max + 1, shape).astype(dtype)


def quantized(x: Array, scale: Array, zero: Array) -> Array:
    info = np.iinfo(zero.dtype)
    return np.clip(np.rint(x / scale) + zero.astype(np.float64), info.min, info.max).astype(zero.dtype)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
def test_quantized_by_channel(dtype: str):
    x, scale = floats(2, 3, 5), np.array([0.25, 2, 0.001], np.float32)
    zero = np.array([3, 0, np.iinfo(dtype).max], dtype)
    expected = quantized(x, scale[:, None], zero[:, None])
    np.testing.assert_array_equal(run("QuantizeLinear", x, scale, zero), expected)


def test_half_to_even():
    x, scale = np.array([0.5, 1.5, 2.5, -0.5, -1.5], np.float32), np.array(1, np.float32)
    np.testing.assert_array_equal(run("QuantizeLinear", x, scale, np.array(10, np.uint8)), [10, 12, 12, 10, 8])


def test_blocks():
    """Two elements of axis 1 share a scale; the last block is not full."""
    x, scale = floats(2, 5, 3), np.abs(floats(2, 3, 3)) + 1
    zero = integers("int8", 2, 3, 3)
    each = np.repeat(scale, 2, axis=1)[:, :5], np.repeat(zero, 2, axis=1)[:, :5]
    whole = run("QuantizeLinear", x, scale, zero, axis=1, block_size=2)
    np.testing.assert_array_equal(whole, quantized(x, *each))
    back = run("DequantizeLinear", whole, scale, zero, axis=1, block_size=2)
    np.testing.assert_allclose(back, (whole.astype(np.int32) - each[1]) * each[0], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32"])
def test_dequantized(dtype: str):
    x, scale = integers(dtype, 4, 3), np.array([0.5], np.float32)
    expected = x.astype(np.float32) * np.float32(0.5)
    np.testing.assert_array_equal(run("DequantizeLinear", x, scale), expected)


def test_products():
    a, b = integers("uint8", 2, 3, 4), integers("int8", 4, 5)
    a_zero, b_zero = np.array([1, 2, 250], np.uint8), np.array([0, -3, 5, 127, -128], np.int8)
    lhs, rhs = a.astype(np.int32) - a_zero[:, None], b.astype(np.int32) - b_zero
    np.testing.assert_array_equal(run("MatMulInteger", a, b, a_zero, b_zero), lhs @ rhs)
    scales = [np.array(number, np.float32) for number in (0.5, 0.25, 40)]
    zero = np.array(7, np.uint8)
    operands = (a, scales[0], np.array(3, np.uint8), b, scales[1], np.array(-2, np.int8), scales[2], zero)
    expected = quantized((a.astype(np.int32) - 3) @ (b.astype(np.int32) + 2) * 0.125, scales[2], zero)
    np.testing.assert_array_equal(run("QLinearMatMul", *operands), expected)


@pytest.mark.parametrize(
    ("left", "right"), [("uint8", "int8"), ("int8", "int8"), ("uint8", "uint8"), ("int8", "uint8")]
)
def test_products_of_extremes(left: str, right: str):
    """Sums that no 16 bits hold; zero points that are absent, known to be 0, and one for all."""
    a, b = integers(left, 19, 37), integers(right, 37, 21)
    a[0], b[:, 0] = np.iinfo(left).max, np.iinfo(right).max
    a[1], b[:, 1] = np.iinfo(left).min, np.iinfo(right).min
    exact = a.astype(np.int32) @ b.astype(np.int32)
    np.testing.assert_array_equal(run("MatMulInteger", a, b), exact)
    p, q = np.array(np.iinfo(left).max, left), np.array(np.iinfo(right).min, right)
    np.testing.assert_array_equal(
        run("MatMulInteger", a, b, np.zeros((), left), q), exact - a.astype(np.int32).sum(1)[:, None] * q
    )
    centered = (a.astype(np.int32) - p) @ (b.astype(np.int32) - q)
    np.testing.assert_array_equal(run("MatMulInteger", a, b, p, q), centered)


def test_convolutions():
    x, w = integers("uint8", 1, 2, 4, 4), integers("int8", 3, 2, 1, 1)
    wide = np.einsum("nchw,mc->nmhw", x.astype(np.int32) - 9, w[:, :, 0, 0].astype(np.int32))
    padded = np.pad(wide, ((0, 0), (0, 0), (1, 1), (1, 1)))
    zero = np.array(9, np.uint8)
    np.testing.assert_array_equal(run("ConvInteger", x, w, zero, pads=[1, 1, 1, 1]), padded)
    w_scale, bias = np.array([0.5, 1, 2], np.float32), np.array([100, -50, 3], np.int32)
    y_scale, y_zero = np.array(64, np.float32), np.array(-4, np.int8)
    expected = quantized((wide + bias[:, None, None]) * (w_scale / 8)[:, None, None], y_scale, y_zero)
    operands = (x, np.array(0.125, np.float32), zero, w, w_scale, np.zeros(3, np.int8), y_scale, y_zero, bias)
    np.testing.assert_array_equal(run("QLinearConv", *operands), expected)


def test_refused():
    x, scale = floats(2, 3), np.ones(2, np.float32)
    with pytest.raises(ImportModelError, match="expected 3 scales or zero points for axis 1"):
        run("QuantizeLinear", x, scale)
    with pytest.raises(ImportModelError, match="expected a result of int8, uint8, int16 or uint16, got i32"):
        run("QuantizeLinear", x, np.ones((), np.float32), np.zeros((), np.int32))
    with pytest.raises(ImportModelError, match="expected integers to make floats of"):
        run("DequantizeLinear", x, np.ones((), np.float32))
