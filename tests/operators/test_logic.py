"""Comparisons, truth values and bits: the reference, the tensor expression and native code agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from operator_checks import Array, check, module_of, tensor
from stepwell.operators import logic as ops
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
UNSIGNED = INTEGERS[4:]


def numbers(dtype: str) -> Array:
    if np.dtype(dtype).kind == "f":
        return np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan], dtype)
    if dtype == "bool":
        return np.array([True, False])
    info = np.iinfo(dtype)
    return np.array([info.min, info.min + 1, 0, 1, 5, info.max - 1, info.max], dtype)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", *INTEGERS])
def test_comparisons(dtype: str):
    kinds = (ops.EqualOp, ops.LessOp, ops.LessOrEqualOp)
    equal, less, less_or_equal = check(
        lambda x, y: [kind(x, y) for kind in kinds], numbers(dtype)[:, None], numbers(dtype), every=True
    )
    np.testing.assert_array_equal(less_or_equal, less | equal)


def test_truth_values_are_equal_or_not():
    (result,) = check(ops.EqualOp, numbers("bool")[:, None], numbers("bool"))
    np.testing.assert_array_equal(result, np.eye(2, dtype=bool))


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS])
def test_bits(dtype: str):
    kinds = (ops.AndOp, ops.OrOp, ops.XorOp)

    def build(x: SSAValue, y: SSAValue) -> list[Operation]:
        return [*(kind(x, y) for kind in kinds), ops.NotOp(x)]

    both, either, one, inverse = check(build, numbers(dtype)[:, None], numbers(dtype), every=True)
    np.testing.assert_array_equal(both ^ either, one)
    np.testing.assert_array_equal(inverse, ~numbers(dtype)[:, None])


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_shifts(dtype: str):
    bits = np.iinfo(dtype).bits
    distances = np.array([0, 1, 3, bits - 1, bits, bits + 1, np.iinfo(dtype).max], dtype)
    kinds = (ops.ShiftLeftOp, ops.ShiftRightOp)
    left, right = check(lambda x, y: [kind(x, y) for kind in kinds], numbers(dtype)[:, None], distances, every=True)
    assert not left[:, 4:].any() and not right[:, 4:].any()
    assert right[-1, 3] == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_kinds_of_numbers(dtype: str):
    def build(x: SSAValue) -> list[Operation]:
        return [ops.IsNanOp(x), ops.IsInfOp(x), ops.IsInfOp(x, positive=True), ops.IsInfOp(x, negative=True)]

    x = numbers(dtype)
    nan, infinite, positive, negative = check(build, x, every=True)
    np.testing.assert_array_equal(nan, np.isnan(x))
    np.testing.assert_array_equal(infinite, positive | negative)
    np.testing.assert_array_equal(positive, x == np.inf)


@pytest.mark.parametrize(
    "build, arrays, message",
    [
        (ops.LessOp, [numbers("bool"), numbers("bool")], "expected numbers as elements, got i1"),
        (ops.AndOp, [tensor(3), tensor(3)], "expected integers or truth values as elements, got f32"),
        (ops.NotOp, [tensor(3)], "expected integers or truth values as elements, got f32"),
        (ops.ShiftLeftOp, [numbers("int8"), numbers("int8")], "expected unsigned integers as elements, got i8"),
        (ops.IsNanOp, [numbers("int8")], "expected floating-point elements, got i8"),
        (
            lambda x: ops.IsInfOp(x, positive=True, negative=True),
            [tensor(3)],
            "expected positive or negative, got both: leave both out",
        ),
    ],
)
def test_refused(build: Any, arrays: list[Array], message: str):
    with pytest.raises(VerifyException, match=message):
        module_of(build, arrays)
