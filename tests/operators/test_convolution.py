"""Convolutions: the reference, the tensor expression and native code agree."""

from __future__ import annotations

import numpy as np
import pytest
from operator_checks import check, module_of, tensor
from stepwell.operators.convolution import ConvOp
from stepwell.operators.windows import Window
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException


def window(kernel: tuple[int, ...], strides: int = 1, pads: int | tuple[int, ...] = 0, dilations: int = 1) -> Window:
    rank = len(kernel)
    all_pads = (pads,) * (2 * rank) if isinstance(pads, int) else pads
    return Window(kernel, (strides,) * rank, all_pads, (dilations,) * rank)


CASES = {
    "pointwise": ((2, 3, 4, 5), (6, 3, 1, 1), window((1, 1)), 1),
    "padded": ((1, 2, 5, 4), (3, 2, 3, 3), window((3, 3), pads=1), 1),
    "uneven pads": ((1, 2, 5, 4), (3, 2, 3, 2), window((3, 2), pads=(0, 1, 2, 0)), 1),
    "cropped": ((1, 2, 7, 6), (3, 2, 2, 2), window((2, 2), pads=(-1, 0, 1, -2)), 1),
    "strided": ((2, 3, 8, 7), (4, 3, 3, 3), window((3, 3), strides=2, pads=1), 1),
    "strided pointwise": ((1, 3, 5, 5), (4, 3, 1, 1), window((1, 1), strides=2), 1),
    "dilated": ((1, 2, 7, 8), (2, 2, 2, 3), window((2, 3), pads=1, dilations=2), 1),
    "groups": ((1, 6, 4, 4), (9, 2, 2, 2), window((2, 2)), 3),
    "depthwise": ((2, 5, 6, 6), (5, 1, 3, 3), window((3, 3), strides=2, pads=1), 5),
    "depthwise multiplied": ((1, 3, 5, 5), (6, 1, 3, 3), window((3, 3), pads=1), 3),
    "depthwise pointwise": ((1, 3, 2, 3), (3, 1, 1, 1), window((1, 1)), 3),
    "1-D": ((2, 3, 9), (4, 3, 3), window((3,), strides=2, pads=1), 1),
    "3-D": ((1, 2, 4, 3, 5), (3, 2, 2, 1, 3), window((2, 1, 3), pads=1), 1),
}


@pytest.mark.parametrize("case", CASES)
def test_convolution(case: str):
    shape, weight_shape, of, groups = CASES[case]
    check(lambda x, w: ConvOp(x, w, of, groups), tensor(*shape), tensor(*weight_shape, seed=1))


@pytest.mark.parametrize("dtype", ["float64", "int32", "int8", "uint16", "float16"])
def test_element_types(dtype: str):
    tolerance = 1e-2 if dtype == "float16" else 1e-5
    arrays = tensor(1, 2, 4, 4, dtype=dtype), tensor(3, 2, 3, 3, dtype=dtype, seed=1)
    check(lambda x, w: ConvOp(x, w, window((3, 3), pads=1)), *arrays, rtol=tolerance, atol=tolerance)


def test_by_hand():
    x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    w = np.array([[[[1, 0], [0, -1]]]], np.float32)
    (result,) = check(lambda x, w: ConvOp(x, w, window((2, 2))), x, w)
    np.testing.assert_array_equal(result, np.full((1, 1, 2, 2), -4))


REFUSED = {
    "3 input channels for 1 groups of 3, got 2": ((1, 2, 4, 4), (3, 3, 2, 2), window((2, 2)), 1),
    "a multiple of 2 result channels, got 3": ((1, 4, 4, 4), (3, 2, 2, 2), window((2, 2)), 2),
    "5 elements or more for a window, got 4": ((1, 1, 4, 4), (1, 1, 5, 1), window((5, 1)), 1),
    "expected 2 positive strides of the window": ((1, 1, 4, 4), (1, 1, 1, 1), window((1, 1), strides=0), 1),
    "expected one group or more, got 0": ((1, 1, 4, 4), (1, 1, 1, 1), window((1, 1)), 0),
    "an input and weights of rank 4, got 1x1x4": ((1, 1, 4), (1, 1, 1, 1), window((1, 1)), 1),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str):
    shape, weight_shape, of, groups = REFUSED[message]

    def build(x: SSAValue, w: SSAValue) -> Operation:
        return ConvOp(x, w, of, groups)

    def module() -> ModuleOp:
        return module_of(build, [tensor(*shape), tensor(*weight_shape)])

    with pytest.raises(VerifyException, match=message):
        module()
