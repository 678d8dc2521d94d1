"""Functions of the language against numpy in a wider type: how exact each is on every float, NaN and infinities too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from scipy import special
from stepwell import te
from stepwell.backends.oracles.te import run_te
from stepwell.runtime.signature import numpy_dtype

Array = np.ndarray[Any, Any]

COUNT = 1 << 14

UNARY: dict[str, Callable[[Array], Array]] = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "cos": np.cos,
    "cosh": np.cosh,
    "erf": special.erf,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": special.expit,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
BINARY: dict[str, Callable[[Array, Array], Array]] = {"atan2": np.arctan2, "fmod": np.fmod, "pow": np.power}

BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
LEAST_NORMAL = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}
STATED = {"float16": 2.5, "bfloat16": 2.5, "float32": 2.5, "float64": 4.0}
"""The error that is allowed, in units of the last place: each of the operations of `sigmoid` rounds."""


def samples(dtype: str, seed: int = 0) -> Array:
    """Numbers near 0 and near 1, ordinary ones, those of all sizes, and those where something happens."""
    random = np.random.default_rng(seed)
    part = COUNT // 4
    sizes = np.exp(random.uniform(-40, 40, part)) * random.choice([-1, 1], part)
    near_one = 1 + np.exp(random.uniform(-15, 4, part))
    values = np.concatenate([random.uniform(-1, 1, part), random.uniform(-30, 30, part), sizes, near_one])
    values[:12] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 2, -2, 0.5, -0.5, 3]
    with np.errstate(over="ignore"):
        return random.permutation(values).astype(numpy_dtype(dtype))


def assert_close(actual: Array, exact: Array, dtype: str, what: str) -> None:
    """Within the stated error where the result is a normal number; special where it is special."""
    with np.errstate(all="ignore"):
        wanted, got = exact.astype(np.float64), actual.astype(np.float64)
        rounded = wanted.astype(actual.dtype).astype(np.float64)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted), what)
        both = np.isfinite(got) & np.isfinite(rounded)
        largest = float(2.0**1023 if dtype == "float64" else 2.0**15 if dtype == "float16" else 2.0**127)
        # where one overflows, the other is about to
        assert (both | np.isnan(wanted) | ((np.abs(got) >= largest) & (np.abs(wanted) >= largest))).all(), what
        normal = both & (np.abs(wanted) >= LEAST_NORMAL[dtype])
        place = 2.0 ** (np.floor(np.log2(np.abs(rounded[normal]))) - BITS[dtype] + 1)
        error = np.abs(got[normal] - wanted[normal]) / place
        assert error.max(initial=0.0) <= STATED[dtype], (what, actual[normal][error.argmax()])
        small = both & ~normal
        # what is 1 / exp(-x) is 0 before it need be
        allowed = LEAST_NORMAL[dtype] * (1 if what.endswith("sigmoid") else 2.5 * 2.0 ** (1 - BITS[dtype]))
        assert (np.abs(got[small] - wanted[small]) <= allowed).all(), what


@pytest.mark.parametrize("dtype", BITS)
def test_functions(dtype: str) -> None:
    x = samples(dtype)
    a = te.placeholder((COUNT,), dtype, name="A")
    outputs = [te.compute((COUNT,), lambda i, f=name: getattr(te, f)(a[i]), name=name) for name in UNARY]
    results = sw.compile([a, *outputs], threads=1)(x)
    oracle = run_te(te.build_module([a, *outputs]), x)
    with np.errstate(all="ignore"):
        for (name, function), actual, slow in zip(UNARY.items(), results, oracle, strict=True):
            exact = function(x.astype(np.float64))
            assert_close(actual, exact, dtype, name)
            assert_close(slow, exact, dtype, f"the oracle's {name}")


@pytest.mark.parametrize("dtype", BITS)
def test_functions_of_two(dtype: str) -> None:
    x, y = samples(dtype, 1), samples(dtype, 2)
    y[::2] = np.clip(y[::2], -3, 3).round(1)
    a, b = (te.placeholder((COUNT,), dtype, name=name) for name in "AB")
    outputs = [te.compute((COUNT,), lambda i, f=name: getattr(te, f)(a[i], b[i]), name=name) for name in BINARY]
    results = sw.compile([a, b, *outputs], threads=1)(x, y)
    oracle = run_te(te.build_module([a, b, *outputs]), x, y)
    with np.errstate(all="ignore"):
        for (name, function), actual, slow in zip(BINARY.items(), results, oracle, strict=True):
            exact = function(x.astype(np.float64), y.astype(np.float64))
            assert_close(actual, exact, dtype, name)
            assert_close(slow, exact, dtype, f"the oracle's {name}")


def test_integer_powers() -> None:
    a, b = te.placeholder((48,), "int32", name="A"), te.placeholder((48,), "int32", name="B")
    power = sw.compile([a, b, te.compute((48,), lambda i: te.pow(a[i], b[i]), name="P")])
    bases, exponents = np.array([0, 1, -1, 2, -3, 7] * 8, np.int32), np.repeat(np.arange(-2, 6), 6).astype(np.int32)
    expected = [
        int(x) ** int(n) if n >= 0 else (int(x) ** -int(n) if abs(x) == 1 else 0)
        for x, n in zip(bases, exponents, strict=True)
    ]
    np.testing.assert_array_equal(power(bases, exponents), np.array(expected, np.int32))


def test_refusals() -> None:
    from stepwell.errors import CompileError

    a = te.placeholder((4,), "uint8", name="A")
    f = te.placeholder((4,), "bfloat16", name="F")
    for message, body in {
        "expected a float for te.asinh, got uint8; use te.cast": lambda i: te.asinh(a[i]),
        "expected floats for te.atan2, got uint8": lambda i: te.atan2(a[i], a[i]),
        "expected integers for te.truncdiv, got bfloat16": lambda i: te.truncdiv(f[i], f[i]),
        "expected numbers for te.fmod, got bool": lambda i: te.fmod(a[i] > 1, a[i] > 2),
        "expected a number for te.sign, got bool": lambda i: te.sign(a[i] > 1),
        "expected a constant of dtype uint8, got -1": lambda i: a[i] + -1,
        "expected a constant of dtype uint8, got 256": lambda i: a[i] + 256,
        "expected a bfloat16 constant, got 1e[+]39": lambda i: f[i] + 1e39,
        "expected operands of one dtype for [+], got uint8 and bfloat16; use te.cast": lambda i: a[i] + f[i],
    }.items():
        with pytest.raises(CompileError, match=f"^{message}$"):
            te.compute((4,), body)
