"""Transcendental functions in arithmetic: as exact as stated, and the same for scalars and vectors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special
from stepwell.passes.mlir.expand_math import expand_math

from ..mlir_judge import judge
from .native import Array, compile_text, elementwise, parse

COUNT = 1 << 17

FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exp": (np.exp, 1.0),
    "exp2": (np.exp2, 1.5),
    "expm1": (np.expm1, 1.5),
    "log": (np.log, 1.0),
    "log1p": (np.log1p, 1.5),
    "log2": (np.log2, 1.5),
    "log10": (np.log10, 1.5),
    "tanh": (np.tanh, 1.5),
    "erf": (special.erf, 1.0),
    "sin": (np.sin, 1.5),
    "cos": (np.cos, 1.5),
    "tan": (np.tan, 3.0),
    "acos": (np.arccos, 1.0),
    "acosh": (np.arccosh, 1.0),
    "asin": (np.arcsin, 1.0),
    "asinh": (np.arcsinh, 1.0),
    "atan": (np.arctan, 1.0),
    "atanh": (np.arctanh, 1.0),
    "cosh": (np.cosh, 1.0),
    "sinh": (np.sinh, 1.0),
}
"""The reference in float64, and the error that is stated, in units of the last place."""

SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 2.0**-126, -(2.0**-126), 3.4e38, -3.4e38, -1.0, -2.0)
EDGES = (88.72283, 88.72284, 89.0, -87.3, -103.97, -103.98, -105.0, 127.99, 128.0, -149.0, -150.0, 0.625, 0.9375, 4.0)


def _samples() -> Array:
    random = np.random.default_rng(0)
    part = COUNT // 4
    bits = random.integers(0, 1 << 32, part, dtype=np.uint64).astype(np.uint32).view(np.float32)
    middle = random.uniform(-105, 90, part).astype(np.float32)
    near = random.uniform(-4, 4, part).astype(np.float32)
    around_one = np.exp(random.uniform(-0.7, 0.7, COUNT - 3 * part)).astype(np.float32)
    samples = np.concatenate([bits, middle, near, around_one])
    samples[: len(SPECIAL + EDGES)] = SPECIAL + EDGES
    return samples


def _reference(function: Callable[[Any], Any], samples: Array) -> tuple[Array, Array]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        exact = function(samples.astype(np.float64))
        return exact, exact.astype(np.float32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_is_as_stated(name: str) -> None:
    function, stated = FUNCTIONS[name]
    samples = _samples()
    result = compile_text(elementwise(f"%y = math.{name} %x0 : $0", COUNT, ["float32"], "float32", 16))(samples)
    exact, rounded = _reference(function, samples)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(rounded))
    finite = np.isfinite(rounded) & np.isfinite(result)
    # Where one side overflows, the other is the largest number.
    overflow = ~np.isnan(rounded) & ~finite
    limit = np.finfo(np.float32).max
    np.testing.assert_array_equal(np.clip(result[overflow], -limit, limit), np.clip(rounded[overflow], -limit, limit))
    normal = finite & (np.abs(exact) >= np.finfo(np.float32).tiny)
    error = np.abs(result[normal] - exact[normal]) / np.spacing(np.abs(rounded[normal])).astype(np.float64)
    assert error.max() <= stated, f"at {samples[normal][error.argmax()]}"
    subnormal = finite & ~normal
    assert np.abs(result[subnormal] - exact[subnormal]).max(initial=0.0) <= 1.5 * 2.0**-149
    zero = finite & (rounded == 0)
    np.testing.assert_array_equal(np.signbit(result[zero]), np.signbit(rounded[zero]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_scalars_and_vectors_agree(name: str) -> None:
    samples = _samples()
    body = f"%y = math.{name} %x0 : $0"
    scalar = compile_text(elementwise(body, COUNT, ["float32"], "float32"))(samples)
    vector = compile_text(elementwise(body, COUNT, ["float32"], "float32", 8))(samples)
    np.testing.assert_array_equal(scalar, vector)


def _powers() -> tuple[Array, Array]:
    random = np.random.default_rng(3)
    part = COUNT // 4
    bases = np.exp(random.uniform(-60, 60, COUNT)) * random.choice([1, 1, 1, -1], COUNT)
    bases[:part] = random.uniform(0, 4, part)
    bases[part : 2 * part] = 1 + random.uniform(-1e-3, 1e-3, part)
    exponents = random.uniform(-3, 3, COUNT)
    exponents[part : 2 * part] = random.uniform(-9e4, 9e4, part)
    exponents[2 * part : 3 * part] = random.integers(-7, 8, part)
    special = np.array([*SPECIAL, 0.5, 1.0, 2.0, 3.0, 16777217.0, 1e9, -0.5, -3.0])
    bases[: len(special) ** 2], exponents[: len(special) ** 2] = (
        np.repeat(special, len(special)),
        np.tile(special, len(special)),
    )
    return bases.astype(np.float32), exponents.astype(np.float32)


@pytest.mark.parametrize("lanes", [None, 16], ids=["scalar", "vector"])
@pytest.mark.parametrize(("name", "function"), [("powf", np.power), ("atan2", np.arctan2)])
def test_functions_of_two(name: str, function: Callable[[Any, Any], Any], lanes: int | None) -> None:
    x, y = _powers()
    text = elementwise(f"%y = math.{name} %x0, %x1 : $0", COUNT, ["float32", "float32"], "float32", lanes)
    result = compile_text(text)(x, y)
    with np.errstate(all="ignore"):
        exact = function(x.astype(np.float64), y.astype(np.float64))
        rounded = exact.astype(np.float32)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(rounded))
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(result[~finite], rounded[~finite])
    error = np.abs(result[finite] - exact[finite]) / np.spacing(np.abs(rounded[finite])).astype(np.float64)
    assert error.max() <= 1.0
    np.testing.assert_array_equal(np.signbit(result[finite]), np.signbit(rounded[finite]))


def test_large_angles_are_left_to_the_c_library() -> None:
    random = np.random.default_rng(4)
    angles = (np.exp(random.uniform(0, 88, COUNT)) * random.choice([-1, 1], COUNT)).astype(np.float32)
    for name, function in (("sin", np.sin), ("cos", np.cos)):
        result = compile_text(elementwise(f"%y = math.{name} %x0 : $0", COUNT, ["float32"], "float32", 16))(angles)
        np.testing.assert_allclose(result, function(angles.astype(np.float64)), rtol=0, atol=1.2e-7)


def test_f16_is_computed_in_f32() -> None:
    samples = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    result = compile_text(elementwise("%y = math.tanh %x0 : $0", 1 << 16, ["float16"], "float16", 16))(samples)
    exact, _ = _reference(np.tanh, samples)
    finite = np.isfinite(exact)
    error = np.abs(result[finite] - exact[finite]) / np.spacing(np.abs(exact[finite]).astype(np.float16))
    assert error.max() <= 0.51
    np.testing.assert_array_equal(np.isnan(result), np.isnan(exact))


def test_f64_is_left_to_the_c_library() -> None:
    samples = np.linspace(-3, 3, 64)
    result = compile_text(elementwise("%y = math.exp %x0 : $0", 64, ["float64"], "float64", 8))(samples)
    np.testing.assert_allclose(result, np.exp(samples), rtol=1e-15)


def test_vectors_call_no_library() -> None:
    from stepwell.backends.registry import get_backend
    from stepwell.tools.driver import lower

    for name in FUNCTIONS.keys() - {"sin", "cos", "tan"}:
        text = elementwise(f"%y = math.{name} %x0 : $0", 64, ["float32"], "float32", 16)
        pipeline = "math-polynomial-approximation, convert-to-llvm"
        assembly = get_backend("llvm-cpu").emit(lower(parse(text), pipeline=pipeline), "assembly")
        assert isinstance(assembly, str)
        assert "call" not in assembly


def test_expansion_is_upstream_ir() -> None:
    body = "%a = math.erf %x0 : $0\n%b = math.log2 %a : $0\n%c = math.expm1 %b : $0\n"
    body += "%d = math.sin %c : $0\n%y = math.powf %c, %d : $0"
    module = parse(elementwise(body, 64, ["float32"], "float32", 16))
    expand_math(module)
    module.verify()
    judge(module)
