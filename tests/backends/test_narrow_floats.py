"""Floats of 16 bits, on machines that compute with them and on those that do not."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import get_backend
from stepwell.dialects.cpu import TargetAttr
from stepwell.errors import ArgumentError, CompileError
from stepwell.runtime.signature import numpy_dtype
from stepwell.tools.driver import lower

from ..mlir_judge import judge
from .native import PIPELINE, Array, compile_text, elementwise, parse

DTYPES = ("float16", "bfloat16")
BARE = TargetAttr.get("x86_64-unknown-linux-gnu", "nehalem", "", vector_bytes=16, vector_registers=16, threads=1)
"""A machine without instructions for any of them."""


def everything(dtype: str) -> Array:
    """All numbers of a dtype."""
    return np.arange(1 << 16, dtype=np.uint16).view(numpy_dtype(dtype))


def many_floats() -> Array:
    """Numbers of f32 of all sizes, and those in the middle between two neighbours of fewer bits."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 1 << 32, 1 << 16, dtype=np.uint64).astype(np.uint32)
    bits[: 1 << 14] &= 0xFFFF8000
    bits[1 << 14 : 1 << 15] = bits[1 << 14 : 1 << 15] & 0xFFFFF000 | random.integers(-1, 2, 1 << 14) & 0xFFFFFFFF
    # of the sizes that f16 has, and half of the last one
    bits[1 << 15 : 3 << 14] = (bits[1 << 15 : 3 << 14] & 0x87FFFFFF) | 0x30000000
    special = np.array(
        [0.0, -0.0, np.inf, -np.inf, np.nan, 65504, 65519, 65520, 65536, 2**-24, 2**-25, 3e-8], np.float32
    )
    return np.concatenate([bits.view(np.float32)[len(special) :], special])


def assert_same(actual: Array, expected: Array) -> None:
    """Bit for bit, and NaN where NaN is."""
    bits = f"u{actual.dtype.itemsize}"
    same = (actual.view(bits) == expected.view(bits)) | (np.isnan(actual) & np.isnan(expected))
    assert same.all(), (actual[~same][:5], expected[~same][:5])


@pytest.mark.parametrize("target", [None, BARE], ids=["host", "bare"])
@pytest.mark.parametrize("lanes", [None, 8], ids=["scalar", "vector"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_conversions_round_to_nearest_even(dtype: str, lanes: int | None, target: TargetAttr | None) -> None:
    options: dict[str, Any] = {} if target is None else {"target": target}
    narrow, values = everything(dtype), many_floats()
    extend = compile_text(elementwise("%y = arith.extf %x0 : $0 to $y", 1 << 16, [dtype], "float32", lanes), **options)
    truncate = compile_text(
        elementwise("%y = arith.truncf %x0 : $0 to $y", 1 << 16, ["float32"], dtype, lanes), **options
    )
    with np.errstate(all="ignore"):
        assert_same(extend(narrow), narrow.astype(np.float32))
        assert_same(truncate(values), values.astype(narrow.dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_f64_is_rounded_once(dtype: str) -> None:
    narrow = everything(dtype)
    with np.errstate(all="ignore"):
        exact = narrow.astype(np.float64)
        neighbours = (narrow.view(np.uint16) + 1).view(narrow.dtype).astype(np.float64)
        values = (exact + neighbours) / 2 * (1 + np.resize([-1, 0, 1], 1 << 16) * 2.0**-40)
        below = np.abs(values) < np.abs((exact + neighbours) / 2)
        ordinary = np.isfinite(exact) & np.isfinite(neighbours) & (exact * neighbours > 0)
        is_tie = values == (exact + neighbours) / 2
    up = np.where(is_tie, narrow.view(np.uint16) % 2 == 1, ~below)
    expected = np.where(up, neighbours, exact)
    text = elementwise("%y = arith.truncf %x0 : $0 to $y", 1 << 16, ["float64"], dtype, 8)
    for program in (compile_text(text), compile_text(text, target=BARE)):
        np.testing.assert_array_equal(program(values).astype(np.float64)[ordinary], expected[ordinary])


def kernels(dtype: str) -> list[te.Tensor]:
    """A few of each kind of operation, and choices between numbers that nothing is computed with."""
    a, b = te.placeholder((64,), dtype, name="A"), te.placeholder((64,), dtype, name="B")
    bodies = (
        lambda i: a[i] + b[i],
        lambda i: a[i] * b[i] - 1.5,
        lambda i: te.select(a[i] < b[i], a[i], b[i]),
        lambda i: te.if_then_else(i > 3, a[i - 4], 1.5),
        lambda i: te.maximum(a[i], b[i]),
        lambda i: te.floor(a[i]),
        lambda i: te.sqrt(te.abs(a[i])),
        lambda i: te.cast(a[i], "int32"),
        lambda i: te.cast(te.cast(a[i], "int64"), dtype),
        lambda i: te.cast(te.cast(a[i], "float64"), dtype),
        lambda i: te.fmod(a[i], b[i]),
    )
    return [a, b, *(te.compute((64,), body, name=f"C{n}") for n, body in enumerate(bodies))]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_bare_machine_gives_the_same(dtype: str) -> None:
    tensors = kernels(dtype)
    random = np.random.default_rng(1)
    a, b = ((random.standard_normal(64) * 100).astype(numpy_dtype(dtype)) for _ in range(2))
    expected = run_te(te.build_module(tensors), a, b)
    for options in ({}, {"target": BARE}):
        for actual, wanted in zip(sw.compile(tensors, **options)(a, b), expected, strict=True):
            np.testing.assert_array_equal(actual, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_library_converts(dtype: str) -> None:
    assembly = get_backend("llvm-cpu").emit(lower(kernels(dtype)[:-1], target=BARE), "assembly")
    assert isinstance(assembly, str)
    assert not [line for line in assembly.splitlines() if "hf" in line or "bf2" in line]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lanes", [None, 8], ids=["scalar", "vector"])
def test_mlir_opt_accepts_what_becomes_of_it(dtype: str, lanes: int | None) -> None:
    body = "%c = arith.cmpf olt, %x0, %x1 : $0\n%z = arith.addf %x0, %x1 : $0\n%y = arith.select %c, %z, %x1 : "
    body += "vector<8xi1>, $0" if lanes else "$0"
    text = elementwise(body, 64, [dtype, dtype], dtype, lanes)
    for until in ("arith-emulate-unsupported-floats", "arith-expand", "convert-to-llvm"):
        judge(lower(parse(text), pipeline=PIPELINE, until=until, target=BARE))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_are_made_in_f32(dtype: str) -> None:
    a, b = te.placeholder((4, 4096), dtype, name="A"), te.placeholder((4096, 4), dtype, name="B")
    k = te.reduce_axis(4096)
    total = te.compute((4,), lambda i: te.sum(a[i, k], k), name="total")
    product = te.compute((4, 4), lambda i, j: te.sum(a[i, k] * b[k, j], k), name="product")
    random = np.random.default_rng(2)
    x, y = (random.random(shape).astype(numpy_dtype(dtype)) for shape in ((4, 4096), (4096, 4)))
    tensors = [a, b, total, product]
    assert total.dtype == product.dtype == dtype
    last_place = 2.0**-8 if dtype == "bfloat16" else 2.0**-11
    for results in (sw.compile(tensors)(x, y), run_te(te.build_module(tensors), x, y)):
        exact = x.astype(np.float64).sum(axis=1), x.astype(np.float64) @ y.astype(np.float64)
        for actual, wanted in zip(results, exact, strict=True):
            np.testing.assert_allclose(actual.astype(np.float64), wanted, rtol=last_place * 1.01)


def test_extrema_keep_the_dtype() -> None:
    a, k = te.placeholder((64,), "bfloat16", name="A"), te.reduce_axis(64)
    index, largest = te.compute((), lambda: te.argmax(a[k], k), name="M")
    least = te.compute((), lambda: te.min(a[k], k), name="least")
    values = np.random.default_rng(3).standard_normal(64).astype(numpy_dtype("bfloat16"))
    results = sw.compile([a, index, largest, least])(values)
    assert results[0] == values.astype(np.float32).argmax()
    assert [results[1], results[2]] == [values.max(), values.min()]
    assert results[1].dtype == results[2].dtype == values.dtype


def test_programs_with_bf16_constants_are_saved(tmp_path: Any) -> None:
    text = """
    graph.data @w = dense<[1.5, -2.5]> : tensor<2xbf16>
    func.func @main(%x: tensor<2xbf16>) -> tensor<2xbf16> {
      %w = graph.weight @w : tensor<2xbf16>
      %y = graph.add %x, %w : (tensor<2xbf16>, tensor<2xbf16>) -> tensor<2xbf16>
      func.return %y : tensor<2xbf16>
    }"""
    program = sw.compile(parse(text))
    program.save(tmp_path / "program")
    x = np.array([1.0, 2.0], numpy_dtype("bfloat16"))
    for each in (program, sw.load(tmp_path / "program")):
        assert each.input_dtypes == (x.dtype,)
        assert each(x).tolist() == [2.5, -0.5]
        with pytest.raises(ArgumentError, match=r"expected bfloat16\[2\], got float32\[2\]"):
            each(x.astype(np.float32))


def test_files_of_numpy_hold_bf16(tmp_path: Any) -> None:
    a = te.placeholder((3,), "bfloat16", name="A")
    program = sw.compile([a, te.compute((3,), lambda i: a[i] * 2.0, name="B")])
    np.savez(tmp_path / "in.npz", A=np.array([1.0, -2.5, np.inf], numpy_dtype("bfloat16")))
    with np.load(tmp_path / "in.npz") as loaded:
        assert program(loaded["A"]).tolist() == [2.0, -5.0, np.inf]
    with pytest.raises(ArgumentError, match=r"expected bfloat16\[3\], got \|V2\[2\]|got bfloat16\[2\]"):
        program(np.zeros(2, "V2"))


def test_what_the_passes_left_is_refused() -> None:
    for body in ("arith.addf %x0, %x0", "math.exp %x0"):
        text = elementwise(f"%y = {body} : $0", 16, ["bfloat16"], "bfloat16", 8)
        with pytest.raises(CompileError, match="expected no arithmetic on bf16 after arith-emulate-unsupported-floats"):
            lower(parse(text), pipeline="convert-to-llvm")
    with pytest.raises(CompileError, match="expected a type to emulate of bf16 or f16, got 'f61'; did you mean 'f16'"):
        lower(parse(text), pipeline="arith-emulate-unsupported-floats{source-types=f61}")


def test_bfloat16_needs_ml_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ArgumentError, match="expected the package ml_dtypes for arrays of bfloat16, which is not"):
        sw.compile(kernels("bfloat16"))
