"""Determinants: the reference, the tensor expression and native code agree."""

from __future__ import annotations

import numpy as np
import pytest
from operator_checks import check, module_of, tensor
from stepwell.operators.determinants import DetOp
from xdsl.utils.exceptions import VerifyException


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 4, 4), (2, 3, 5, 5)])
def test_shapes(shape: tuple[int, ...]):
    check(DetOp, tensor(*shape, dtype="float64"))


def test_rows_change_places():
    x = np.array([[0, 2, 0], [3, 0, 0], [0, 0, 5]], np.float32)
    (result,) = check(DetOp, x)
    assert result == -30


def test_singular_matrices():
    x = np.array([[[1, 2], [2, 4]], [[0, 0], [0, 0]]], np.float32)
    np.testing.assert_array_equal(check(DetOp, x)[0], [0, 0])


def test_refused():
    with pytest.raises(VerifyException, match="expected square matrices of static extents, got 2x3"):
        module_of(DetOp, [tensor(2, 3)])
