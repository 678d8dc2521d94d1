"""Operators on each element: the reference, the tensor expression and native code agree, on extreme values too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from operator_checks import Array, check, module_of, tensor
from stepwell.frontends.onnx.tensors import tensor_type_of
from stepwell.operators import elementwise as ops
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

FLOATS = ("float16", "bfloat16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
DTYPES = (*FLOATS, *SIGNED, *UNSIGNED, "bool")
TOLERANCES = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-5, "float64": 1e-7}


def dtype_of(name: str) -> np.dtype[Any]:
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def extremes(name: str) -> Array:
    """Numbers of a dtype that operators get wrong."""
    dtype = dtype_of(name)
    if dtype.kind == "b":
        return np.array([True, False])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        numbers = [info.min, info.min + 1, -2, -1, 0, 1, 2, 3, 7, 100, info.max - 1, info.max]
        return np.array([n for n in dict.fromkeys(numbers) if info.min <= n <= info.max], dtype)
    numbers = [0.0, -0.0, 0.3, -0.3, 0.5, -0.5, 0.999, 1.0, -1.0, 1.5, 2.5, -2.5, 3.7, -9.25, 30.0, -100.0, 1e4]
    return np.array([*numbers, np.inf, -np.inf, np.nan], dtype)


FLOAT_FUNCTIONS = (
    ops.CeilOp,
    ops.FloorOp,
    ops.RoundOp,
    ops.SqrtOp,
    ops.ExpOp,
    ops.LogOp,
    ops.SinOp,
    ops.CosOp,
    ops.TanOp,
    ops.AsinOp,
    ops.AcosOp,
    ops.AtanOp,
    ops.SinhOp,
    ops.CoshOp,
    ops.TanhOp,
    ops.AsinhOp,
    ops.AcoshOp,
    ops.AtanhOp,
    ops.ErfOp,
    ops.SigmoidOp,
)
NUMBER_FUNCTIONS = (ops.ReluOp, ops.AbsOp, ops.NegOp, ops.SignOp)
ARITHMETIC = (ops.AddOp, ops.SubOp, ops.MulOp, ops.DivOp, ops.RemOp, ops.MinOp, ops.MaxOp)


def functions(kinds: Sequence[type[ops.UnaryElementwiseOp]]) -> Any:
    return lambda x: [kind(x) for kind in kinds]


def operators(kinds: Sequence[type[ops.BinaryOp]]) -> Any:
    return lambda x, y: [kind(x, y) for kind in kinds]


def test_all_operators_are_tried():
    tried = {*FLOAT_FUNCTIONS, *NUMBER_FUNCTIONS, *ARITHMETIC, ops.ModOp, ops.PowOp, ops.SelectOp, ops.CastOp}
    assert tried == set(ops.OPERATORS)


@pytest.mark.parametrize("name", FLOATS)
def test_functions_of_floats(name: str):
    tolerance = TOLERANCES[name]
    numbers = extremes(name)
    check(functions(FLOAT_FUNCTIONS), numbers, every=True, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [*FLOATS, *SIGNED, *UNSIGNED])
def test_functions_of_numbers(name: str):
    check(functions(NUMBER_FUNCTIONS), extremes(name), every=True, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_negative_zero(name: str):
    zeros = np.array([0.0, -0.0], name)
    (negated,) = check(ops.NegOp, zeros)
    np.testing.assert_array_equal(np.signbit(negated), [True, False])


def pairs(name: str) -> tuple[Array, Array]:
    numbers = extremes(name)
    return numbers[:, None], numbers[None, :]


@pytest.mark.parametrize("name", [*FLOATS, *SIGNED, *UNSIGNED])
def test_arithmetic(name: str):
    tolerance = TOLERANCES.get(name, 0)
    check(operators(ARITHMETIC), *pairs(name), every=True, rtol=tolerance, atol=0)


@pytest.mark.parametrize("name", [*SIGNED, *UNSIGNED])
def test_modulo(name: str):
    check(ops.ModOp, *pairs(name))


@pytest.mark.parametrize("name", [*FLOATS, "int8", "int32", "int64", "uint8", "uint64"])
def test_powers(name: str):
    numbers = extremes(name)
    exponents = np.array([0, 1, 2, 3, 5, 8, 31], dtype_of(name))
    if numbers.dtype.kind != "u":
        exponents = np.concatenate([exponents, np.array([-1, -2, -3], exponents.dtype)])
    if numbers.dtype.kind in "fV":
        exponents = np.concatenate([exponents, np.array([0.5, -0.5, np.inf, -np.inf, np.nan], exponents.dtype)])
    tolerance = TOLERANCES.get(name, 0)
    check(ops.PowOp, numbers[:, None], exponents[None, :], rtol=tolerance, atol=tolerance)


def test_integer_division_rounds_towards_zero():
    x, y = np.array([7, -7, 7, -7, -128, 5], np.int8), np.array([2, 2, -2, -2, -1, 0], np.int8)
    quotient, rest = check(operators([ops.DivOp, ops.RemOp]), x, y, every=True)
    np.testing.assert_array_equal(quotient, [3, -3, -3, 3, -128, 5])
    np.testing.assert_array_equal(rest, [1, -1, 1, -1, 0, 5])
    (modulo,) = check(ops.ModOp, x, y)
    np.testing.assert_array_equal(modulo, [1, 1, -1, -1, 0, 5])


@pytest.mark.parametrize("name", DTYPES)
def test_casts(name: str):
    targets = [tensor_type_of(np.zeros((), dtype_of(target))).element_type for target in DTYPES if target != name]
    check(lambda x: [ops.CastOp(x, target) for target in targets], extremes(name), every=True, rtol=1e-6, atol=0)


def test_floats_to_integers_saturate():
    numbers = np.array([-1e10, -128.9, -0.9, 0.9, 127.9, 300.0, np.nan, np.inf, -np.inf], np.float32)
    types = [tensor_type_of(np.zeros((), dtype)).element_type for dtype in (np.int8, np.uint8)]
    signed, unsigned = check(lambda x: [ops.CastOp(x, type) for type in types], numbers, every=True)
    np.testing.assert_array_equal(signed, [-128, -128, 0, 0, 127, 127, 0, 127, -128])
    np.testing.assert_array_equal(unsigned, [0, 0, 0, 0, 127, 255, 0, 255, 0])


@pytest.mark.parametrize("name", ["float32", "float16", "int8", "uint32", "bool"])
def test_select(name: str):
    x, y = extremes(name), extremes(name)[::-1].copy()
    condition = np.array([[True], [False]])
    (result,) = check(ops.SelectOp, condition, x, y)
    assert result.shape == (2, len(x))


def test_select_of_scalars():
    (result,) = check(ops.SelectOp, np.array([True, False]), tensor(2, 1), np.array(5, np.float32))
    assert result.shape == (2, 2)


@pytest.mark.parametrize(
    "build, arrays, message",
    [
        (ops.ExpOp, [tensor(3, dtype="int32")], "expected floating-point elements, got i32"),
        (ops.AbsOp, [np.array([True])], "expected numbers as elements, got i1"),
        (ops.ModOp, [tensor(3), tensor(3)], "expected integers as elements, got f32"),
        (ops.AddOp, [tensor(3), tensor(3, dtype="int32")], "expected operands of one element type, got f32 and i32"),
        (ops.AddOp, [tensor(3), tensor(4)], "expected shapes that broadcast, got 3 and 4"),
        (ops.SelectOp, [tensor(3), tensor(3), tensor(3)], "expected a condition of i1, got f32"),
    ],
)
def test_refused(build: Any, arrays: list[Array], message: str):
    def build_on(*values: SSAValue) -> Operation:
        return build(*values)

    with pytest.raises(VerifyException, match=message):
        module_of(build_on, arrays)
