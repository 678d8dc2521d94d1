"""Pools: the reference, the tensor expression and native code agree."""

from __future__ import annotations

import numpy as np
import pytest
from operator_checks import check, module_of, tensor
from stepwell.operators.pooling import ArgMaxPoolOp, MaxPoolOp, SumPoolOp
from stepwell.operators.windows import Window
from xdsl.utils.exceptions import VerifyException

WINDOWS = {
    "halved": ((2, 3, 4, 6), Window((2, 2), (2, 2), (0, 0, 0, 0), (1, 1))),
    "padded": ((1, 2, 5, 5), Window((3, 3), (2, 2), (1, 1, 1, 1), (1, 1))),
    "uneven": ((1, 2, 6, 5), Window((3, 2), (1, 2), (2, 0, 0, 1), (1, 1))),
    "cropped": ((1, 2, 7, 5), Window((2, 2), (2, 1), (0, -1, -1, 0), (1, 1))),
    "dilated": ((1, 2, 7, 8), Window((2, 3), (1, 2), (0, 1, 1, 0), (3, 2))),
    "one element": ((2, 2, 3, 3), Window((1, 1), (2, 2), (0, 0, 0, 0), (1, 1))),
    "1-D": ((2, 3, 9), Window((4,), (3,), (1,) * 2, (1,))),
    "3-D": ((1, 2, 4, 3, 5), Window((2, 1, 3), (2, 1, 2), (0, 0, 1, 0, 0, 1), (1, 1, 1))),
    "over channels": ((1, 5, 3, 2), Window((3, 1, 1), (1, 1, 1), (1, 0, 0, 1, 0, 0), (1, 1, 1))),
}


@pytest.mark.parametrize("case", WINDOWS)
@pytest.mark.parametrize("op", [MaxPoolOp, SumPoolOp, ArgMaxPoolOp])
def test_windows(op: type[MaxPoolOp | SumPoolOp | ArgMaxPoolOp], case: str):
    shape, window = WINDOWS[case]
    check(lambda x: op(x, window), tensor(*shape))


@pytest.mark.parametrize("op", [MaxPoolOp, SumPoolOp, ArgMaxPoolOp])
@pytest.mark.parametrize("dtype", ["float64", "int8", "int32", "uint8", "uint64"])
def test_element_types(op: type[MaxPoolOp | SumPoolOp | ArgMaxPoolOp], dtype: str):
    check(lambda x: op(x, WINDOWS["padded"][1]), tensor(1, 2, 5, 5, dtype=dtype))


def test_by_hand():
    x = np.array([[[1, 3, 3, 2, 9]]], np.float32)
    window = Window((2,), (1,), (1, 0), (1,))
    np.testing.assert_array_equal(check(lambda x: MaxPoolOp(x, window), x)[0], [[[1, 3, 3, 3, 9]]])
    np.testing.assert_array_equal(check(lambda x: SumPoolOp(x, window), x)[0], [[[1, 4, 6, 5, 11]]])
    np.testing.assert_array_equal(check(lambda x: ArgMaxPoolOp(x, window), x)[0], [[[0, 1, 1, 2, 4]]])


def test_positions_of_columns():
    """The first of equal elements is the first of its window row by row, however positions are counted."""
    x = np.array([[[[1, 5], [5, 0], [0, 0]]], [[[0, 0], [7, 7], [8, 1]]]], np.float32)
    window = Window((2, 2), (1, 1), (0, 0, 0, 0), (1, 1))
    (result,) = check(lambda x: ArgMaxPoolOp(x, window, column_major=True), x)
    np.testing.assert_array_equal(result, [[[[3], [1]]], [[[7], [8]]]])


def test_the_least_number_is_found_beside_padding():
    x = np.full((1, 1, 3), -np.inf, np.float32)
    window = Window((2,), (2,), (1, 0), (1,))
    np.testing.assert_array_equal(check(lambda x: ArgMaxPoolOp(x, window), x)[0], [[[0, 1]]])


def test_refused():
    with pytest.raises(VerifyException, match="expected 4 elements or more for a window, got 3"):
        module_of(lambda x: MaxPoolOp(x, Window((4,), (1,), (0, 0), (1,))), [tensor(1, 1, 3)])
    with pytest.raises(VerifyException, match="expected rank 2 or more, got 3"):
        module_of(lambda x: MaxPoolOp(x, Window((1, 1), (1, 1), (0,) * 4, (1, 1))), [tensor(3)])
