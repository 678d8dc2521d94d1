"""Every dtype under every operation, on edge values: the oracles of te and loop, and native code, agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.te import run_te
from stepwell.errors import ArgumentError
from stepwell.runtime.signature import numpy_dtype
from stepwell.te.dtypes import DTYPES, FLOATS, INTEGERS, UNSIGNED
from stepwell.tools.driver import lower

Array = np.ndarray[Any, Any]
Body = Callable[[te.Expr, te.Expr], te.Expr]

LANES = 16
"""Edge values come in multiples of as many, so that schedules vectorize."""


def edges(dtype: str) -> Array:
    """Numbers where something happens."""
    kind = numpy_dtype(dtype)
    if dtype == "bool":
        return np.array([False, True])
    if dtype in FLOATS:
        finite = [0.0, 0.5, 1.0, 1.5, 2.5, 3.0, 7.75, 127.5, 128.0, 255.5, 256.0, 40000.0, 3e9, 2.0**31, 2.0**63, 1e19]
        tiny = float(np.finfo(np.float16).tiny if dtype == "float16" else np.finfo(np.float32).tiny)
        with np.errstate(over="ignore"):
            positive = np.array([*finite, tiny, 2.0**64, 1e30, np.inf]).astype(np.float32).astype(kind)
        return np.concatenate([positive, -positive, np.array([np.nan], kind)])
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    numbers = [0, 1, 2, 3, 7, 8, 31, 64, 100, low, low + 1, high, high - 1, high // 2, low // 2, -1, -2, -5, -8]
    return np.array(sorted({number for number in numbers if low <= number <= high}), kind)


def pairs(dtype: str) -> tuple[Array, Array]:
    """All pairs of edge values, and more until vectors are full."""
    values = edges(dtype)
    lhs, rhs = (np.array(side) for side in zip(*itertools.product(values, values), strict=True))
    count = -(-len(lhs) // LANES) * LANES
    return np.resize(lhs, count).astype(values.dtype), np.resize(rhs, count).astype(values.dtype)


def built(bodies: Mapping[str, Body], dtype: str, count: int) -> list[te.Tensor]:
    """One kernel with an output for each body of two inputs."""
    a, b = te.placeholder((count,), dtype, name="A"), te.placeholder((count,), dtype, name="B")
    outputs = [
        te.compute((count,), lambda i, body=body: body(a[i], b[i]), name=name)  # pyright: ignore
        for name, body in bodies.items()
    ]
    return [a, b, *outputs]


def same(actual: Array, expected: Array) -> Array:
    """Where numbers are the same, bit for bit; NaN is NaN."""
    if actual.dtype.kind not in "fV":
        return actual == expected
    bits = f"i{actual.dtype.itemsize}"
    return (actual.view(bits) == expected.view(bits)) | ((actual != actual) & (expected != expected))


SCALAR_PIPELINE = (
    "te-simplify,convert-te-to-loop,loop-expand,cpu-outline-parallel,convert-cpu-to-llvm,"
    "arith-emulate-unsupported-floats,math-polynomial-approximation,arith-expand,convert-to-llvm"
)


def differences(bodies: Mapping[str, Body], dtype: str, *, loop: bool = True) -> dict[str, Array]:
    """The results of each body by the te oracle, which the loop oracle and native code give, too."""
    lhs, rhs = pairs(dtype)
    tensors = built(bodies, dtype, len(lhs))
    expected = run_te(te.build_module(tensors), lhs, rhs)
    found = {
        "vectors": sw.compile(tensors, threads=1)(lhs, rhs),
        "scalars": sw.compile(tensors, pipeline=SCALAR_PIPELINE)(lhs, rhs),
    }
    if loop:
        found["loop"] = run_loop(lower(tensors, until="convert-te-to-loop"), lhs, rhs)
    for where, results in found.items():
        results = results if isinstance(results, tuple) else (results,)
        for name, actual, wanted in zip(bodies, results, expected, strict=True):
            assert actual.dtype == wanted.dtype, (where, name)
            wrong = ~same(actual, wanted)
            assert not wrong.any(), (
                f"{where}: {name} of {dtype}: {lhs[wrong][:5]}, {rhs[wrong][:5]}: "
                f"expected {wanted[wrong][:5]}, got {actual[wrong][:5]}"
            )
    return dict(zip(bodies, expected, strict=True))


COMMON: dict[str, Body] = {
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "select": lambda x, y: te.select(x == y, x, y),
    "lazy": lambda x, y: te.if_then_else(x < y, x, y),
}
NUMBERS: dict[str, Body] = {
    **COMMON,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "neg": lambda x, _: -x,
    "abs": lambda x, _: te.abs(x),
    "sign": lambda x, _: te.sign(x),
    "square": lambda x, _: x**2,
}
INTEGER: dict[str, Body] = {
    **NUMBERS,
    "maximum": te.maximum,
    "minimum": te.minimum,
    "floordiv": lambda x, y: x // y,
    "mod": lambda x, y: x % y,
    "truncdiv": te.truncdiv,
    "fmod": te.fmod,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "not": lambda x, _: ~x,
    "shl": lambda x, y: x << y,
    "shr": lambda x, y: x >> y,
    "shl3": lambda x, _: x << 3,
    "shr3": lambda x, _: x >> 3,
    "pow": te.pow,
}
FLOAT: dict[str, Body] = {
    **NUMBERS,
    "div": lambda x, y: x / y,
    "fmod": te.fmod,
    "floor": lambda x, _: te.floor(x),
    "ceil": lambda x, _: te.ceil(x),
    "round": lambda x, _: te.round(x),
    "trunc": lambda x, _: te.trunc(x),
    "sqrt": lambda x, _: te.sqrt(x),
    "isnan": lambda x, _: te.isnan(x),
    "isinf": lambda x, _: te.isinf(x),
}
LOGICAL: dict[str, Body] = {
    **COMMON,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "not": lambda x, _: ~x,
}


def numpy_results(dtype: str) -> dict[str, Callable[[Array, Array], Array]]:
    """What numpy says, where it says something."""
    shared: dict[str, Callable[[Array, Array], Array]] = {
        "lt": np.less,
        "ge": np.greater_equal,
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "neg": np.negative,
        "abs": np.abs,
        "sign": np.sign,
        "maximum": np.maximum,
        "minimum": np.minimum,
    }
    shared = {name: function for name, function in shared.items() if dtype != "bool" or name in ("lt", "ge")}
    if dtype in INTEGERS:
        shared |= {
            "floordiv": np.floor_divide,
            "mod": np.remainder,
            "fmod": np.fmod,
            "and": np.bitwise_and,
            "not": lambda x, _: np.bitwise_not(x),
            "shl": np.left_shift,
            "shr": np.right_shift,
        }
    if dtype in FLOATS:
        shared |= {
            "div": np.divide,
            "fmod": np.fmod,
            "floor": lambda x, _: np.floor(x),
            "round": lambda x, _: np.rint(x),
            "sqrt": lambda x, _: np.sqrt(x),
            "isinf": lambda x, _: np.isinf(x),
        }
    return {
        name: function if function not in (np.negative, np.abs, np.sign) else (lambda x, _, f=function: f(x))
        for name, function in shared.items()
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations(dtype: str) -> None:
    bodies = LOGICAL if dtype == "bool" else FLOAT if dtype in FLOATS else INTEGER
    results = differences(bodies, dtype)
    lhs, rhs = pairs(dtype)
    for name, reference in numpy_results(dtype).items():
        if name not in results:
            continue
        with np.errstate(all="ignore"):
            expected = np.asarray(reference(lhs, rhs))
        defined = rhs != 0 if name in ("floordiv", "mod", "fmod") and dtype in INTEGERS else np.full(lhs.shape, True)
        wrong = (results[name] != expected) & defined & ~((results[name] != results[name]) & (expected != expected))
        assert not wrong.any(), (name, lhs[wrong][:4], rhs[wrong][:4], results[name][wrong][:4], expected[wrong][:4])


@pytest.mark.parametrize("dtype", FLOATS)
def test_extrema_propagate_nan(dtype: str) -> None:
    lhs, rhs = pairs(dtype)
    tensors = built({"maximum": te.maximum, "minimum": te.minimum}, dtype, len(lhs))
    with np.errstate(invalid="ignore"):
        wanted = np.maximum(lhs, rhs), np.minimum(lhs, rhs)
    for results in (sw.compile(tensors)(lhs, rhs), run_te(te.build_module(tensors), lhs, rhs)):
        for actual, expected in zip(results, wanted, strict=True):
            assert ((actual == expected) | ((actual != actual) & (expected != expected))).all()


@pytest.mark.parametrize("source", DTYPES)
def test_casts(source: str) -> None:
    bodies: dict[str, Body] = {
        f"to_{target}": lambda x, _, t=target: x.astype(t) for target in DTYPES if target != source
    }
    results = differences(bodies, source)
    values = pairs(source)[0]
    for name, actual in results.items():
        target = name.removeprefix("to_")
        kind = numpy_dtype(target)
        if source in FLOATS and target in INTEGERS:
            limits = np.iinfo(kind)
            exact = [0 if x != x else min(max(float(x), limits.min), limits.max) for x in values]
            expected = np.array([int(x) for x in exact], object).clip(limits.min, limits.max).astype(kind)
        elif target == "bool":
            expected = values != 0
        else:
            with np.errstate(all="ignore"):
                expected = values.astype(np.float32).astype(kind) if target == "bfloat16" else values.astype(kind)
        assert same(actual, expected).all(), name


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_unsigned_arrays_come_and_go(dtype: str, tmp_path: Any) -> None:
    a, w = te.placeholder((3,), dtype, name="A"), te.placeholder((3,), dtype, name="W", constant=True)
    k = te.reduce_axis(3)
    b = te.compute((3,), lambda i: te.maximum(a[i], w[i]), name="B")
    best, where = te.compute((), lambda: te.argmax(a[k], k), name="best")
    program = sw.compile([a, w, b, best, where])
    program.save(tmp_path / "program")
    values, others = np.array([1, 255, 3], dtype), np.array([2, 2, 2], dtype)
    for each in (program, sw.load(tmp_path / "program")):
        assert [str(d) for d in each.input_dtypes] == [dtype, dtype]
        assert [str(d) for d in each.output_dtypes] == [dtype, "int64", dtype]
        maximum, index, largest = each(values, others)
        assert maximum.tolist() == [2, 255, 3] and index == 1 and largest == 255 and largest.dtype == dtype
        with pytest.raises(ArgumentError, match=f"expected {dtype}"):
            each(values.astype("int8"), others)


def test_unsigned_with_symbolic_sizes() -> None:
    n = te.var("n")
    a = te.placeholder((n,), "uint8", name="A")
    program = sw.compile([a, te.compute((n,), lambda i: a[i] // 2, name="B")])
    assert program(np.array([255, 128], "uint8")).tolist() == [127, 64]
    with pytest.raises(ArgumentError, match="expected uint8"):
        program(np.array([255, 128], "int16"))
