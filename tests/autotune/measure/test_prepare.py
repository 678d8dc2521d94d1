"""The reference is what kernels mean, and whatever differs from it by more than rounding is found."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from kernels import KERNELS, Kernel
from measured import LOOPS, matmul, script, workload_of
from stepwell import te
from stepwell.autotune.measure.arrays import Pages
from stepwell.autotune.measure.check import check_results, difference, tolerance
from stepwell.autotune.measure.compile import Built, Compiler
from stepwell.autotune.measure.prepare import Prepared, prepare, random_array, run_once
from stepwell.backends.oracles.loop import run_loop
from stepwell.runtime.signature import Parameter


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_the_oracle_agrees_with_the_reference(kernel: Kernel):
    if kernel.name == "parallel_map":  # too large for the oracle
        x = te.placeholder((4, 96), "float32", name="X")
        tensors = [x, te.compute((4, 96), lambda i, j: te.tanh(x[i, j]) * 0.5, name="Y")]
    else:
        tensors = kernel.build()
    workload = workload_of(tensors)
    prepared = prepare(workload, 3)
    expected = run_loop(workload.kernel, *prepared.given)
    assert check_results(prepared.signature.role("output"), prepared.results, expected, prepared.tolerances) == ""
    assert any(np.count_nonzero(result) for result in prepared.results)


def test_sums_of_products_are_exact():
    workload = matmul(16, 24, 512)
    prepared = prepare(workload, 0)
    left, right = (array.astype(np.float64) for array in prepared.given)
    assert np.array_equal(prepared.results[0], left @ right)
    assert np.abs(left).max() <= 1 and np.count_nonzero(left) == left.size


def test_the_same_seed_gives_the_same_arrays():
    first, second, other = (prepare(matmul(), seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first.given, second.given, strict=True))
    assert not np.array_equal(first.given[0], other.given[0])


def test_a_number_is_an_array_of_rank_zero(tmp_path: Path):
    a, flag = te.placeholder((), "float32", name="A"), te.placeholder((), "bool", name="F")
    x = te.placeholder((8,), "int32", name="X")
    n = te.placeholder((), "int32", name="N")
    y = te.compute((8,), lambda i: te.select(flag[()], a[()] * 2.0, te.cast(x[i] + n[()], "float32")), name="Y")
    total = te.compute((), lambda: a[()] + 1.0, name="T")
    for tensors, numbers in (([a, flag, x, n, y], 3), ([a, total], 1)):
        prepared = prepare(workload_of(tensors), 0)
        prepared.save(tmp_path / "reference")
        found = Prepared.load(tmp_path / "reference", prepared.signature, prepared.tolerances)
        for one in (prepared, found):
            arrays = [*one.given, *one.results, *Pages.of(one.given).arrays, *Pages.of(one.results).arrays]
            assert all(isinstance(array, np.ndarray) for array in arrays)
        assert sum(array.ndim == 0 for array in found.given) == numbers


def test_what_is_saved_is_loaded(tmp_path: Path):
    prepared = prepare(matmul(3, 5, 7), 0)
    prepared.save(tmp_path / "reference")
    found = Prepared.load(tmp_path / "reference", prepared.signature, prepared.tolerances)
    for before, after in ((prepared.given, found.given), (prepared.results, found.results)):
        assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(before, after, strict=True))


def test_roots_of_negative_numbers_do_not_hide_results():
    x = te.placeholder((64,), "float32", name="X")
    workload = workload_of([x, te.compute((64,), lambda i: te.sqrt(x[i]), name="Y")])
    prepared = prepare(workload, 0)
    assert np.isfinite(prepared.results[0]).all() and (prepared.given[0] > 0).all()


def test_packed_constants_are_packed():
    workload = matmul(constant=True)
    prepared = prepare(workload, 0)
    packed = script(
        *LOOPS,
        "%A, %B = sched.get_reads %c : (!op) -> (!transform.any_value, !transform.any_value)",
        "%jo, %ji = sched.tile %j tile_sizes [8] : (!op) -> (!op, !op)",
        "sched.reorder %jo, %k, %ji : !op, !op, !op",
        "sched.pack %c, %B along %ji panel_size [8] : !op, !transform.any_value, !op",
        "sched.vectorize %ji : !op",
    )
    built = Compiler(workload).build(packed)
    assert isinstance(built, Built), built
    assert built.layouts[1] is not None
    assert np.array_equal(run_once(built, prepared.given)[0], prepared.results[0])


def test_elements_of_integers():
    generator = np.random.default_rng(0)
    small = random_array(generator, Parameter("x", "int8", (4096,)), 7, signed=True)
    assert (small.min(), small.max()) == (-128, 127)
    index = random_array(generator, Parameter("x", "int64", (4096,)), 7, signed=True)
    assert (index.min(), index.max()) == (0, 6)


def test_what_is_wrong_is_found():
    parameter = Parameter("y", "float32", (2, 3), "output")
    expected = np.array([[1, 2, 3], [4, 5, 1e4]], np.float32)
    allowed = tolerance(expected.dtype, 100)
    assert difference(parameter, expected * np.float32(1 + 1e-7), expected, allowed) == ""
    wrong = expected.copy()
    wrong[1, 0] = 6
    message = "expected 4.0 at y[1, 0], got 6.0; 1 of 6 elements are wrong"
    assert difference(parameter, wrong, expected, allowed) == message
    wrong[1, 0] = np.nan
    assert "got nan" in difference(parameter, wrong, expected, allowed)
    assert difference(parameter, wrong, wrong, allowed) == ""
    expected[1, 0] = np.inf
    assert "expected inf" in difference(parameter, wrong, expected, allowed)
    assert difference(parameter, expected, expected, allowed) == ""


def test_tolerances_grow_with_sums():
    single = np.dtype(np.float32)
    assert tolerance(np.dtype(np.int32), 10) == 0
    assert tolerance(single, 1) < tolerance(single, 10_000) < 2e-4
    assert tolerance(np.dtype(np.float64), 10_000) < 1e-12


def test_arguments_are_not_written():
    pages = Pages.of([np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(5, dtype=np.int8)])
    first, second = pages.arrays
    assert np.array_equal(first, np.arange(6).reshape(2, 3)) and np.array_equal(second, np.arange(5))
    assert first.ctypes.data % 64 == second.ctypes.data % 64 == 0
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1


def test_arrays_of_users_start_where_those_of_numpy_do():
    large = np.zeros(5 << 20, np.uint8)
    arrays = [np.arange(48, dtype=np.float32), np.arange(5, dtype=np.int8), large, np.arange(7.0)]
    pages = Pages.of(arrays, [True, False, True, True])
    assert [array.ctypes.data % 64 for array in pages.arrays] == [16, 0, 16, 16]
    assert all(np.array_equal(a, b) for a, b in zip(pages.arrays, arrays, strict=True))
    spans = sorted((array.ctypes.data, array.ctypes.data + array.nbytes) for array in pages.arrays)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_a_wrong_number_is_found():
    parameter = Parameter("R", "float32", (), "output")
    one, two = np.array(1, np.float32), np.array(2, np.float32)
    assert difference(parameter, one, one, 1e-5) == ""
    assert difference(parameter, one, two, 1e-5) == "expected 2.0 at R[], got 1.0; 1 of 1 elements are wrong"
