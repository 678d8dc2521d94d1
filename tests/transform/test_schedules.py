"""The scripts that we ship: every shape computes what it did, and what should be vectorized is."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.dialects.cpu import TARGET, TargetAttr
from stepwell.dialects.loop import ForOp, LoopKind
from stepwell.passes.loop.apply_schedules import ApplySchedulesPass
from stepwell.passes.te.convert_te_to_loop import convert_te_to_loop
from stepwell.transform.interpreter import apply_script
from stepwell.transform.script import shipped_schedules
from stepwell.transform.state import SCHEDULED
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

TARGETS = {
    "avx512": TargetAttr.get("x", vector_bytes=64, vector_registers=32, threads=4),
    "avx2": TargetAttr.get("x", vector_bytes=32, vector_registers=16, threads=2),
    "sse": TargetAttr.get("x", vector_bytes=16, vector_registers=16, threads=1),
}


def matmul(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, b = te.placeholder((m, k), "float32", name="A"), te.placeholder((k, n), "float32", name="B")
    r = te.reduce_axis(k, name="r")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[r, j], axis=r), name="C")]


def transposed(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, b = te.placeholder((m, k), "float32", name="A"), te.placeholder((n, k), "float32", name="B")
    r = te.reduce_axis(k, name="r")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[j, r], axis=r), name="C")]


def dense_relu(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, b, c = matmul(m, n, k)
    bias = te.placeholder((n,), "float32", name="bias")
    d = te.compute((m, n), lambda i, j: c[i, j] + bias[j], name="D")
    return [a, b, bias, te.compute((m, n), lambda i, j: te.maximum(d[i, j], 0.0), name="E")]


def batched(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, b = te.placeholder((2, m, k), "float32", name="A"), te.placeholder((2, k, n), "float32", name="B")
    r = te.reduce_axis(k, name="r")
    return [a, b, te.compute((2, m, n), lambda z, i, j: te.sum(a[z, i, r] * b[z, r, j], axis=r), name="C")]


def vector_matrix(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, b = te.placeholder((k,), "float32", name="A"), te.placeholder((k, n), "float32", name="B")
    r = te.reduce_axis(k, name="r")
    return [a, b, te.compute((n,), lambda j: te.sum(a[r] * b[r, j], axis=r), name="C")]


def matrix_vector(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, b = te.placeholder((n, k), "float32", name="A"), te.placeholder((k,), "float32", name="B")
    r = te.reduce_axis(k, name="r")
    return [a, b, te.compute((n,), lambda i: te.sum(a[i, r] * b[r], axis=r), name="C")]


def convolution(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, w = te.placeholder((1, m + 2, 5, k), "float32", name="A"), te.placeholder((3, 3, k, n), "float32", name="W")
    y, x, c = te.reduce_axis(3, name="y"), te.reduce_axis(3, name="x"), te.reduce_axis(k, name="c")
    return [
        a,
        w,
        te.compute(
            (1, m, 3, n),
            lambda b, i, j, f: te.sum(a[b, i + y, j + x, c] * w[y, x, c, f], axis=[y, x, c]),
            name="C",
        ),
    ]


def rows(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, r = te.placeholder((m, n), "float32", name="A"), te.reduce_axis(n, name="r")
    return [a, te.compute((m,), lambda i: te.sum(a[i, r], axis=r), name="S")]


def columns(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, r = te.placeholder((m, n), "float32", name="A"), te.reduce_axis(m, name="r")
    return [a, te.compute((n,), lambda j: te.sum(a[r, j], axis=r), name="S")]


def centred(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, s = rows(m, n, k)
    largest = te.reduce_axis(n, name="q")
    t = te.compute((m,), lambda i: te.max(a[i, largest] + s[i], axis=largest), name="T")
    return [a, te.compute((m, n), lambda i, j: a[i, j] - s[i] + t[i], name="D")]


def everything(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a = te.placeholder((m, n), "float32", name="A")
    i, j = te.reduce_axis(m, name="i"), te.reduce_axis(n, name="j")
    return [a, te.compute((1,), lambda _: te.sum(a[i, j], axis=[i, j]), name="S")]


def pointwise(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a, b = te.placeholder((m, n), "float32", name="A"), te.placeholder((n,), "float32", name="B")
    c = te.compute((m, n), lambda i, j: a[i, j] + b[j], name="C")
    return [a, b, te.compute((m, n), lambda i, j: c[i, j] * 2.0, name="D")]


def turned(m: int, n: int, k: int) -> Sequence[te.Tensor]:
    a = te.placeholder((m, n), "float32", name="A")
    return [a, te.compute((n, m), lambda j, i: a[i, j] + 1.0, name="B")]


KERNELS = {
    build.__name__: build
    for build in (
        matmul, transposed, dense_relu, batched, vector_matrix, matrix_vector, convolution, rows, columns, centred,
        everything, pointwise, turned,
    )
}  # fmt: skip
REDUCED_IN_LANES = ("matmul", "dense_relu", "batched", "vector_matrix", "convolution", "columns")


def loop_rung(tensors: Sequence[te.Tensor], target: str) -> tuple[ModuleOp, FuncOp]:
    module = te.build_module(tensors)
    convert_te_to_loop(module)
    module.attributes[TARGET] = TARGETS[target]
    (func,) = (op for op in module.ops if isinstance(op, FuncOp))
    return module, func


def kinds(module: ModuleOp) -> set[LoopKind]:
    return {op.kind for op in module.walk() if isinstance(op, ForOp)}


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(KERNELS)),
    st.sampled_from(sorted(TARGETS)),
    st.tuples(st.integers(1, 9), st.sampled_from([1, 2, 3, 7, 16, 17, 33, 70]), st.integers(1, 5)),
)
def test_every_shape_computes_what_it_did(name: str, target: str, sizes: tuple[int, int, int]) -> None:
    module, func = loop_rung(KERNELS[name](*sizes), target)
    rng = np.random.default_rng(0)
    inputs = [rng.integers(-4, 5, arg.type.get_shape()).astype(np.float32) for arg in func.body.block.args[:-1]]
    (expected,) = run_loop(module, *inputs)
    ApplySchedulesPass().apply(Context(), module)
    module.verify()
    for order in ("sequential", "adversarial"):
        (actual,) = run_loop(module, *inputs, order=order)
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", REDUCED_IN_LANES)
@pytest.mark.parametrize("sizes", [(64, 64, 64), (13, 17, 1), (1, 100, 30), (7, 7, 7)])
def test_sums_are_vectorized(name: str, sizes: tuple[int, int, int]) -> None:
    module, func = loop_rung(KERNELS[name](*sizes), "avx512")
    ApplySchedulesPass().apply(Context(), module)
    assert SCHEDULED in func.attributes
    lanes = [op for op in module.walk() if isinstance(op, ForOp) and op.kind is LoopKind.VECTORIZED]
    assert any('"reduce0" ' in str(loop) for loop in lanes)


def test_the_tile_of_a_large_matmul_fills_the_registers() -> None:
    for target, rows_, columns_ in (("avx512", 14, 32), ("avx2", 6, 16), ("sse", 6, 8)):
        module, _ = loop_rung(matmul(512, 512, 512), target)
        ApplySchedulesPass().apply(Context(), module)
        text = str(module)
        assert f": {rows_} unrolled" in text
        assert f": {columns_} vectorized" in text


def test_a_large_right_input_is_packed() -> None:
    for sizes, packed in (((256, 1024, 1024), True), ((8, 1024, 1024), False), ((256, 64, 64), False)):
        module, _ = loop_rung(matmul(*sizes), "avx512")
        ApplySchedulesPass().apply(Context(), module)
        assert ("arg1_local_read" in str(module)) == packed


def test_work_is_shared_where_there_are_threads_and_work() -> None:
    for sizes, target, shared in (
        ((128, 128, 128), "avx2", True),
        ((128, 128, 128), "sse", False),
        ((8, 8, 8), "avx2", False),
    ):
        module, _ = loop_rung(matmul(*sizes), target)
        ApplySchedulesPass().apply(Context(), module)
        assert (LoopKind.PARALLEL in kinds(module)) == shared


def test_a_scheduled_kernel_is_left_alone() -> None:
    module, func = loop_rung(matmul(64, 64, 64), "avx2")
    from xdsl.dialects.builtin import UnitAttr

    func.attributes[SCHEDULED] = UnitAttr()
    before = str(module)
    ApplySchedulesPass().apply(Context(), module)
    assert str(module) == before


def test_without_a_target_kernels_stay_right() -> None:
    module, _ = loop_rung(dense_relu(5, 7, 3), "avx2")
    del module.attributes[TARGET]
    ApplySchedulesPass().apply(Context(), module)
    module.verify()
    assert kinds(module) == {LoopKind.SERIAL}


def test_only_the_scripts_that_a_kernel_needs_are_parsed() -> None:
    _, kernel = loop_rung(dense_relu(64, 64, 64), "avx512")
    files = shipped_schedules()
    apply_script(files[0].module, kernel, libraries=files)
    parsed = {file.path.stem for file in files if "module" in vars(file)}
    assert parsed >= {"default", "contraction", "panels"}
    assert not parsed & {"dot_product", "scan", "window", "winograd"}
