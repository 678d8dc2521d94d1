"""The first elements of rows: the reference, the tensor expression and native code agree."""

from __future__ import annotations

import numpy as np
import pytest
from operator_checks import check, module_of, tensor
from stepwell.operators.sorting import TopKOp
from xdsl.utils.exceptions import VerifyException


@pytest.mark.parametrize("smallest", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes(axis: int, smallest: bool):
    check(lambda x: TopKOp(x, axis, 2, smallest=smallest), tensor(3, 4, 5))


@pytest.mark.parametrize("smallest", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "int64", "float64", "float16"])
def test_ties(dtype: str, smallest: bool):
    x = np.array([[3, 1, 3, 1, 2, 3], [0, 0, 0, 0, 0, 0]], dtype)
    check(lambda x: TopKOp(x, 1, 6, smallest=smallest), x)


def test_by_hand():
    x = np.array([2, -np.inf, np.nan, 5, np.inf, 5, np.nan], np.float32)
    values, indices = check(lambda x: TopKOp(x, 0, 7), x)
    np.testing.assert_array_equal(indices, [2, 6, 4, 3, 5, 0, 1])
    np.testing.assert_array_equal(values, x[indices])
    _, indices = check(lambda x: TopKOp(x, 0, 7, smallest=True), x)
    np.testing.assert_array_equal(indices, [1, 0, 3, 5, 4, 2, 6])


def test_the_ends_of_the_range():
    info = np.iinfo(np.int8)
    x = np.array([info.min, info.max, info.min, info.max], np.int8)
    np.testing.assert_array_equal(check(lambda x: TopKOp(x, 0, 4), x)[1], [1, 3, 0, 2])
    np.testing.assert_array_equal(check(lambda x: TopKOp(x, 0, 4, smallest=True), x)[1], [0, 2, 1, 3])


def test_refused():
    with pytest.raises(VerifyException, match="expected from 1 to 3 elements of each row, got 4"):
        module_of(lambda x: TopKOp(x, 0, 4), [tensor(3)])
    with pytest.raises(VerifyException, match="expected an axis from 0 to 0, got 1"):
        module_of(lambda x: TopKOp(x, 1, 1), [tensor(3)])
