"""Normalisations, Fourier transforms and top-k against numpy, natively."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import stepwell as sw
from onnx import TensorProto, helper, numpy_helper
from stepwell.errors import ImportModelError

Array = np.ndarray[Any, Any]


def run(
    op: str, *arrays: Array | None, weights: int = 0, outputs: int = 1, opset: int = 22, **attributes: Any
) -> list[Array]:
    """What one node gives; the last `weights` operands are part of the model."""
    names = ["" if array is None else f"x{i}" for i, array in enumerate(arrays)]
    first = len(arrays) - weights
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in zip(names[:first], arrays[:first], strict=True)
        if array is not None
    ]
    data = [
        numpy_helper.from_array(array, name)
        for name, array in zip(names[first:], arrays[first:], strict=True)
        if array is not None
    ]
    results = [f"y{i}" for i in range(outputs)]
    infos = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in results]
    graph = helper.make_graph([helper.make_node(op, names, results, **attributes)], op, inputs, infos, data)
    proto: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    got = sw.compile(proto)(*(array for array in arrays[:first] if array is not None))
    return list(got) if isinstance(got, tuple) else [got]


def floats(*shape: int, seed: int = 0, dtype: str = "float32") -> Array:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    wide = x.astype(np.float64)
    return (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + epsilon)


def assert_close(got: Array, wanted: Array, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(got.astype(np.float64), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("weights", [0, 4])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (1, 3, 2, 4)])
def test_batch_normalization(shape: tuple[int, ...], weights: int):
    x, scale, bias, average = floats(*shape), floats(3, seed=1), floats(3, seed=2), floats(3, seed=3)
    variance = np.abs(floats(3, seed=4))
    each = [vector.reshape(-1, *[1] * (len(shape) - 2)) for vector in (scale, bias, average, variance)]
    expected = (x - each[2]) / np.sqrt(each[3] + 0.25) * each[0] + each[1]
    operands = (x, scale, bias, average, variance)
    (result,) = run("BatchNormalization", *operands, weights=weights, epsilon=0.25)
    assert_close(result, expected)


def test_batch_normalization_of_half_precision():
    """Statistics may be of another element type."""
    x, average = floats(2, 3, 4, dtype="float16"), floats(3, seed=1)
    statistics = (np.ones(3, np.float16), np.zeros(3, np.float16), average, np.ones(3, np.float32))
    (result,) = run("BatchNormalization", x, *statistics, epsilon=0.0)
    assert result.dtype == np.float16
    assert_close(result, x - average[:, None], 1e-3)


def test_batch_normalization_in_training():
    x, average, variance = floats(4, 2, 3), np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    ones, zeros = np.ones(2, np.float32), np.zeros(2, np.float32)
    operands = (x, ones, zeros, average, variance)
    results = run("BatchNormalization", *operands, outputs=3, training_mode=1, momentum=0.75)
    assert_close(results[0], standardized(x, (0, 2), 1e-5), 1e-4)
    assert_close(results[1], average * 0.75 + x.mean((0, 2)) * 0.25)
    assert_close(results[2], variance * 0.75 + x.var((0, 2)) * 0.25)


def test_layer_normalization():
    x, scale, bias = floats(3, 4, 5), floats(4, 5), floats(4, 5, seed=1)
    results = run("LayerNormalization", x, scale, bias, outputs=3, axis=1, epsilon=0.1)
    assert_close(results[0], standardized(x, (1, 2), 0.1) * scale + bias)
    assert_close(results[1], x.mean((1, 2), keepdims=True))
    assert_close(results[2], 1 / np.sqrt(x.var((1, 2), keepdims=True) + 0.1))


def test_half_precision_is_normalized_in_single_precision():
    x = (100 + floats(2, 64)).astype(np.float16)
    (result,) = run("LayerNormalization", x, np.ones(64, np.float16))
    assert_close(result, standardized(x, (1,), 1e-5), 5e-3)


def test_instances_and_groups():
    x, scale, bias = floats(2, 6, 3, 2), floats(6), floats(6, seed=1)
    weights = scale[:, None, None], bias[:, None, None]
    (result,) = run("InstanceNormalization", x, scale, bias)
    assert_close(result, standardized(x, (2, 3), 1e-5) * weights[0] + weights[1], 1e-4)
    (result,) = run("GroupNormalization", x, scale, bias, num_groups=3)
    normal = standardized(x.reshape(2, 3, 2, 3, 2), (2, 3, 4), 1e-5).reshape(x.shape)
    assert_close(result, normal * weights[0] + weights[1], 1e-4)
    (result,) = run("GroupNormalization", x, scale[:2], bias[:2], num_groups=2, opset=18)
    normal = standardized(x.reshape(2, 2, 3, 3, 2), (2, 3, 4), 1e-5).reshape(x.shape)
    assert_close(result, normal * np.repeat(weights[0][:2], 3, 0) + np.repeat(weights[1][:2], 3, 0), 1e-4)


@pytest.mark.parametrize(("size", "beta"), [(1, 0.75), (4, 0.75), (5, 0.5)])
def test_local_responses(size: int, beta: float):
    x = floats(2, 7, 3, 2)
    squares = np.stack([(x[:, max(c - (size - 1) // 2, 0) : c + size // 2 + 1] ** 2).sum(1) for c in range(7)], axis=1)
    (result,) = run("LRN", x, size=size, beta=beta, alpha=0.5, bias=2.0)
    assert_close(result, x / (2 + 0.5 / size * squares) ** beta)


def test_rows_of_zeros_stay():
    x = np.array([[3, 4], [0, 0]], np.float32)
    assert_close(run("LpNormalization", x, axis=1)[0], np.array([[0.6, 0.8], [0, 0]]))
    assert_close(run("LpNormalization", x, axis=1, p=1)[0], np.array([[3 / 7, 4 / 7], [0, 0]]))


@pytest.mark.parametrize("length", [1, 6, 7])
@pytest.mark.parametrize("onesided", [0, 1])
def test_fourier_transforms(length: int, onesided: int):
    x = floats(2, 6, 3, 1)
    axis, count = np.array(1), np.array(length)
    (result,) = run("DFT", x, count, axis, weights=2, onesided=onesided)
    forward = np.fft.rfft if onesided else np.fft.fft
    expected = forward(x[..., 0].astype(np.float64), length, axis=1)
    np.testing.assert_allclose(result[..., 0] + 1j * result[..., 1], expected, rtol=1e-5, atol=1e-5)
    spectrum = result if onesided else result.astype(np.float64)
    (back,) = run("DFT", spectrum, count, axis, weights=2, onesided=onesided, inverse=1)
    padded = np.zeros((2, length, 3))
    padded[:, : min(length, 6)] = x[:, :length, :, 0]
    np.testing.assert_allclose(back[..., 0], padded, rtol=1e-5, atol=1e-5)


def test_short_time_fourier_transforms():
    signal, window = floats(2, 20, 2), floats(6)
    (result,) = run("STFT", signal, np.array(3), window, weights=2, onesided=0)
    numbers = signal[..., 0] + 1j * signal[..., 1]
    frames = np.stack([numbers[:, start : start + 6] * window for start in range(0, 15, 3)], axis=1)
    np.testing.assert_allclose(result[..., 0] + 1j * result[..., 1], np.fft.fft(frames), rtol=1e-4, atol=1e-5)


def test_the_first_of_rows():
    x = floats(3, 8)
    values, indices = run("TopK", x, np.array([3]), weights=1, outputs=2)
    np.testing.assert_array_equal(indices, np.argsort(-x)[:, :3])
    np.testing.assert_array_equal(values, -np.sort(-x)[:, :3])
    values, _ = run("TopK", x, np.array([2]), weights=1, outputs=2, axis=0, largest=0)
    np.testing.assert_array_equal(values, np.sort(x, 0)[:2])


def test_nothing_grows():
    """Operands that would broadcast further than ONNX lets them."""
    x, ones = floats(1, 1, 4), np.ones(4, np.float32)
    with pytest.raises(ImportModelError, match="expected a number for each channel of 1x1x4, got 4"):
        run("BatchNormalization", x, ones, ones, ones, ones)
    with pytest.raises(ImportModelError, match="expected operands that broadcast to 1x1x4, got 1x3x4"):
        run("LayerNormalization", x, np.ones((3, 4), np.float32))
    with pytest.raises(ImportModelError, match="expected operands that broadcast to 1x1x4, got 4x1x4"):
        run("RMSNormalization", x, np.ones((4, 1, 1), np.float32), opset=23)
    with pytest.raises(ImportModelError, match="expected a number for each channel of 1x1x3, got 2"):
        run("Conv", x, np.ones((1, 1, 2), np.float32), np.ones(2, np.float32))


def test_refused():
    x = floats(1, 6, 2, 2)
    with pytest.raises(ImportModelError, match="expected a multiple of 4 channels, got 6"):
        run("GroupNormalization", x, np.ones(6, np.float32), np.ones(6, np.float32), num_groups=4)
    with pytest.raises(ImportModelError, match="expected p of 1 or 2, got 3"):
        run("LpNormalization", x, p=3)
    with pytest.raises(ImportModelError, match="expected real or complex numbers in the last dimension, got 3 parts"):
        run("DFT", floats(1, 5, 3))
    with pytest.raises(ImportModelError, match="expected float64 for the inverse transform of complex numbers"):
        run("DFT", floats(1, 5, 2), inverse=1)
    with pytest.raises(ImportModelError, match="expected frames of at most 4 elements, got 5, 1 apart"):
        run("STFT", floats(1, 4, 1), np.array(1), None, np.array(5), weights=3)
