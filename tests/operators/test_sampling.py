"""Sampled images, and windows put together: the reference, the tensor expression and native code agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from operator_checks import Array, check, module_of, tensor
from stepwell.operators.sampling import GRID_MODES, GRID_PADDINGS, Col2ImOp, GridSampleOp
from xdsl.utils.exceptions import VerifyException


def grid(*shape: int, dtype: str = "float32") -> Array:
    """Places inside of images and around them."""
    return (1.7 * tensor(*shape, seed=3)).astype(dtype)


@pytest.mark.parametrize("mode", GRID_MODES)
@pytest.mark.parametrize("padding", GRID_PADDINGS)
@pytest.mark.parametrize("align_corners", [False, True])
def test_images(mode: str, padding: str, align_corners: bool):
    check(
        lambda x, g: GridSampleOp(x, g, mode=mode, padding=padding, align_corners=align_corners),
        *(tensor(2, 3, 4, 5), grid(2, 3, 6, 2)),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_volumes(mode: str):
    check(
        lambda x, g: GridSampleOp(x, g, mode=mode, padding="reflection", align_corners=False),
        *(tensor(1, 2, 3, 2, 4), grid(1, 2, 3, 2, 3)),
        rtol=1e-4,
        atol=1e-4,
    )


def test_corners_are_the_corners():
    x = tensor(1, 1, 3, 4)
    corners = np.array([[[[-1, -1], [1, -1]], [[-1, 1], [1, 1]]]], np.float32)
    (result,) = check(lambda x, g: GridSampleOp(x, g, mode="linear", padding="zeros", align_corners=True), x, corners)
    np.testing.assert_allclose(result[0, 0], x[0, 0][::2, ::3], rtol=1e-6)


@pytest.mark.parametrize("padding", GRID_PADDINGS)
def test_images_of_one_element(padding: str):
    check(
        lambda x, g: GridSampleOp(x, g, mode="linear", padding=padding, align_corners=True),
        *(tensor(1, 1, 1, 2), grid(1, 2, 2, 2)),
    )


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "bool"])
def test_element_types(dtype: str):
    check(
        lambda x, g: GridSampleOp(x, g, mode="nearest", padding="zeros", align_corners=False),
        *(tensor(1, 2, 4, 4).astype(dtype), grid(1, 3, 3, 2)),
    )


def windows_of(image: Array, block: tuple[int, int], stride: int, pad: int, dilation: int) -> Array:
    """The windows of images, one in each column."""
    padded = np.pad(image, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    spans = [dilation * (size - 1) + 1 for size in block]
    rows, columns = (range(0, size - span + 1, stride) for size, span in zip(padded.shape[2:], spans, strict=True))
    found = [
        padded[:, :, y : y + spans[0] : dilation, x : x + spans[1] : dilation].reshape(len(image), -1)
        for y in rows
        for x in columns
    ]
    return np.stack(found, axis=-1)


@pytest.mark.parametrize("stride, pad, dilation", [(1, 0, 1), (2, 1, 1), (1, 1, 2), (3, 0, 1)])
def test_windows_put_together(stride: int, pad: int, dilation: int):
    image = tensor(2, 3, 6, 7)
    columns = windows_of(image, (2, 3), stride, pad, dilation)
    (result,) = check(
        lambda x: Col2ImOp(x, [6, 7], [2, 3], strides=[stride] * 2, dilations=[dilation] * 2, pads=[pad] * 4),
        columns,
    )
    counts = windows_of(np.ones_like(image), (2, 3), stride, pad, dilation)
    (times,) = check(
        lambda x: Col2ImOp(x, [6, 7], [2, 3], strides=[stride] * 2, dilations=[dilation] * 2, pads=[pad] * 4),
        counts,
    )
    np.testing.assert_allclose(result, image * times, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "build, arrays, message",
    [
        (
            lambda x, g: GridSampleOp(x, g, mode="odd", padding="zeros", align_corners=False),
            [tensor(1, 1, 2, 2), grid(1, 2, 2, 2)],
            "expected one of nearest, linear, cubic, got 'odd'",
        ),
        (
            lambda x, g: GridSampleOp(x, g, mode="linear", padding="zeros", align_corners=False),
            [tensor(1, 1, 2, 2, dtype="int32"), grid(1, 2, 2, 2)],
            "expected floating-point elements, got i32",
        ),
        (
            lambda x, g: GridSampleOp(x, g, mode="linear", padding="zeros", align_corners=False),
            [tensor(1, 1, 2, 2), grid(1, 2, 2, 3)],
            "expected a grid of places in images 1x1x2x2, got 1x2x2x3",
        ),
        (
            lambda x: Col2ImOp(x, [3], [2], strides=[1], dilations=[1], pads=[0, 0]),
            [tensor(1, 2, 4)],
            "expected windows 1x2x2, got 1x2x4",
        ),
        (
            lambda x: Col2ImOp(x, [3], [4], strides=[1], dilations=[1], pads=[0, 0]),
            [tensor(1, 4, 4)],
            r"expected windows that fit into 3, got \[4\]",
        ),
    ],
)
def test_refused(build: Any, arrays: list[Array], message: str):
    with pytest.raises(VerifyException, match=message):
        module_of(build, arrays)
