"""The default schedules on layers of models, at sizes that fit no register: results stay what they were."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_files import load_benchmark
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.dialects.loop import ForOp, LoopKind
from stepwell.tools import driver
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

ABOVE = "convert-te-to-loop"


layers: Any = load_benchmark("layers")

SMALL: dict[str, Callable[[], Sequence[te.Tensor]]] = {
    "conv": lambda: layers.conv2d(3, 7, 5, 3),
    "conv of a wide row": lambda: layers.conv2d(2, 19, 13, 3, residual=True),
    "strided conv": lambda: layers.conv2d(3, 11, 7, 3, 2),
    "conv of stride 4": lambda: layers.conv2d(2, 12, 3, 5, 4, 0),
    "conv without a window": lambda: layers.conv2d(17, 5, 14, 1),
    "strided conv without a window": lambda: layers.conv2d(5, 9, 6, 1, 2, relu=False),
    "dilated conv": lambda: layers.conv2d(2, 9, 3, 3, dilation=2),
    "grouped conv": lambda: layers.conv2d(6, 6, 9, 3, groups=3),
    "depthwise conv": lambda: layers.conv2d(5, 9, 5, 3, groups=5),
    "strided depthwise conv": lambda: layers.conv2d(3, 13, 3, 3, 2, groups=3),
    "conv of one pixel": lambda: layers.conv2d(37, 1, 19, 1),
    "conv to one channel": lambda: layers.conv2d(4, 6, 1, 3, batch=2),
    "conv of int8": lambda: layers.conv2d(3, 7, 5, 3, dtype="int8"),
    "conv of float64": lambda: layers.conv2d(3, 7, 5, 3, dtype="float64"),
    "conv transpose": lambda: layers.conv_transpose2d(3, 5, 7, 4, 2, 1),
    "max pool": lambda: layers.pool(3, 11, 3, 2, 1),
    "mean pool": lambda: layers.pool(3, 9, 2, 2, 0, "mean"),
    "wide pool": lambda: layers.pool(2, 35, 3, 1, 1),
    "global mean": lambda: layers.global_mean(5, 7),
    "global mean of rows": lambda: layers.global_mean(2, 19),
    "gemm": lambda: layers.gemm(13, 21, 9),
    "gemm, transposed": lambda: layers.gemm(9, 33, 18, trans_b=True, act="relu"),
    "a few rows": lambda: layers.gemm(3, 11, 37, act="relu"),
    "one row": lambda: layers.gemm(1, 23, 50),
    "one row, not transposed": lambda: layers.gemm(1, 70, 11, trans_b=False),
    "one column": lambda: layers.gemm(11, 1, 19),
    "one product": lambda: layers.gemm(1, 1, 40),
    "one step": lambda: layers.gemm(7, 9, 1),
    "integers": lambda: layers.gemm(10, 20, 7, dtype="int32"),
    "bytes": lambda: layers.gemm(9, 33, 17, dtype="int8"),
    "half": lambda: layers.gemm(9, 33, 17, trans_b=False, dtype="float16"),
    "batched": lambda: layers.batched_matmul(3, 9, 11, 5, trans_b=True),
    "batched rows": lambda: layers.batched_matmul(2, 1, 35, 5, trans_b=False),
    "heads": lambda: layers.heads_matmul(2, 9, 10, 5),
    "softmax": lambda: layers.softmax(5, 19),
    "long softmax": lambda: layers.softmax(2, 131),
    "softmax of one": lambda: layers.softmax(3, 1),
    "layer norm": lambda: layers.layer_norm(3, 33),
    "residual layer norm": lambda: layers.layer_norm(2, 70, residual=True),
    "lstm": lambda: layers.lstm(3, 4, 7),
    "lstm cell": lambda: layers.lstm_cell(13),
    "embedding": lambda: layers.embedding(9, 21, 4),
    "transpose": lambda: layers.transpose((5, 3, 7), (2, 0, 1)),
    "concat": lambda: layers.concat((2, 3, 1), 5, 7),
    "sum of two": lambda: layers.add_relu(2, 3, 19),
    "argmax": lambda: layers.argmax(5, 37),
    "column sum": lambda: layers.column_sum(13, 21),
    "total": lambda: layers.total(3, 5, 19),
}

WITHOUT_NEIGHBOURS = ("transpose", "softmax of one")


def kernel(module: ModuleOp) -> FuncOp:
    (func,) = (op for op in module.ops if isinstance(op, FuncOp))
    return func


def small_numbers(module: ModuleOp) -> list[np.ndarray[Any, Any]]:
    """Inputs that sums of are exact."""
    rng = np.random.default_rng(0)
    arrays: list[np.ndarray[Any, Any]] = []
    func = kernel(module)
    for argument, attributes in zip(func.body.block.args, func.arg_attrs or (), strict=True):
        if "loop.output" not in attributes.data:
            dtype = np.dtype(driver.dtype_name(argument.type.element_type))
            values = rng.integers(0 if dtype == np.int64 else -2, 3, argument.type.get_shape())
            arrays.append(values.astype(dtype) / dtype.type(4) if dtype.kind == "f" else values.astype(dtype))
    return arrays


def assert_same(found: Sequence[Any], expected: Sequence[Any]) -> None:
    for a, b in zip(found, expected, strict=True):
        if b.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=1e-2 if b.dtype == np.float16 else 2e-5, atol=2e-6)
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", SMALL)
def test_a_small_layer_keeps_its_results(name: str) -> None:
    above = driver.lower(SMALL[name](), until=ABOVE)
    inputs = small_numbers(above)
    expected = run_loop(above, *inputs)
    scheduled = driver.lower(above, until="apply-schedules")
    scheduled.verify()
    vectorized = any(isinstance(op, ForOp) and op.kind is LoopKind.VECTORIZED for op in scheduled.walk())
    assert vectorized or name in WITHOUT_NEIGHBOURS
    for order in ("sequential", "adversarial"):
        assert_same(run_loop(scheduled, *inputs, order=order), expected)
    native = driver.compile(scheduled, threads=1)(*inputs)
    assert_same(native if isinstance(native, tuple) else (native,), expected)


LARGE: dict[str, Callable[[], Sequence[te.Tensor]]] = {
    "conv": lambda: layers.conv2d(17, 29, 23, 3, residual=True),
    "strided conv": lambda: layers.conv2d(16, 43, 31, 3, 2),
    "depthwise conv": lambda: layers.conv2d(37, 61, 37, 3, groups=37),
    "max pool": lambda: layers.pool(33, 81, 3, 2, 1),
    "gemm": lambda: layers.gemm(67, 131, 65),
    "gemm, not transposed": lambda: layers.gemm(67, 131, 65, trans_b=False, act="gelu"),
    "one row": lambda: layers.gemm(1, 523, 777),
    "batched": lambda: layers.batched_matmul(5, 67, 45, 33, trans_b=True),
    "softmax": lambda: layers.softmax(257, 131),
    "layer norm": lambda: layers.layer_norm(131, 260, residual=True),
    "transpose": lambda: layers.transpose((33, 41, 35), (2, 0, 1)),
    "argmax": lambda: layers.argmax(67, 515),
}


@pytest.mark.parametrize("name", LARGE)
def test_threads_share_a_layer(name: str, tmp_path: Path) -> None:
    above = driver.lower(LARGE[name](), until=ABOVE)
    inputs = small_numbers(above)
    scheduled = driver.lower(above, until="apply-schedules")
    assert any(isinstance(op, ForOp) and op.kind is LoopKind.PARALLEL for op in scheduled.walk())
    kernel(above).attributes["loop.scheduled"] = kernel(scheduled).attributes["loop.scheduled"]
    expected = driver.compile(above, threads=1)(*inputs)
    exe = driver.compile(scheduled, threads=1)
    for threads in (1, 2, 3):
        exe.threads = threads
        found = exe(*inputs)
        pairs = (found, expected) if isinstance(found, tuple) else ((found,), (expected,))
        assert_same(*pairs)
