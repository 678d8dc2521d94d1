"""Depthwise convolutions and pools under the scripts that we ship: rows in lanes, padding where it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.dialects.cpu import TARGET, TargetAttr
from stepwell.dialects.loop import AllocOp, ForOp, LoopKind
from stepwell.passes.loop.apply_schedules import ApplySchedulesPass
from stepwell.passes.te.convert_te_to_loop import convert_te_to_loop
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from .native import Native

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A reduction over windows of each channel."""

    channels: int = 2
    size: Pair = (9, 20)
    window: Pair = (3, 3)
    stride: Pair = (1, 1)
    pad: Pair = (1, 1)
    dilation: Pair = (1, 1)
    kind: str = "conv"
    follows: bool = True

    def image(self) -> Pair:
        height, width = (
            (extent + 2 * pad - dilation * (window - 1) - 1) // stride + 1
            for extent, pad, dilation, window, stride in zip(
                self.size, self.pad, self.dilation, self.window, self.stride, strict=True
            )
        )
        return height, width

    def tensors(self) -> Sequence[te.Tensor]:
        (h, w), (ph, pw), (sh, sw), (dh, dw) = self.size, self.pad, self.stride, self.dilation
        x = te.placeholder((self.channels, h, w), "float32", name="X")
        outside = te.const(-100.0 if self.kind == "max" else 0.0, "float32")
        padded = x
        if max(self.pad):
            padded = te.compute(
                (self.channels, h + 2 * ph, w + 2 * pw),
                lambda c, i, j: te.if_then_else(
                    (i >= ph) & (i < h + ph) & (j >= pw) & (j < w + pw), x[c, i - ph, j - pw], outside
                ),
                name="P",
            )
        ky, kx = (te.reduce_axis(extent, name=name) for extent, name in zip(self.window, ("ky", "kx"), strict=True))
        shape = (self.channels, *self.image())
        inputs = [x]

        def read(c: te.Expr, i: te.Expr, j: te.Expr) -> te.Expr:
            return padded[c, i * sh + ky * dh, j * sw + kx * dw]

        if self.kind == "conv":
            weight = te.placeholder((self.channels, *self.window), "float32", name="W")
            inputs.append(weight)
            y = te.compute(shape, lambda c, i, j: te.sum(read(c, i, j) * weight[c, ky, kx], axis=(ky, kx)), name="Y")
        else:
            reduce = te.max if self.kind == "max" else te.sum
            y = te.compute(shape, lambda c, i, j: reduce(read(c, i, j), axis=(ky, kx)), name="Y")
        if self.follows:
            y = te.compute(shape, lambda c, i, j: te.maximum(y[c, i, j] + 1.0, 0.0), name="Z")
        return [*inputs, y]


def scheduled(window: Window, vector_bytes: int = 64, threads: int = 1) -> tuple[ModuleOp, ModuleOp]:
    """A kernel before and after."""
    module = te.build_module(window.tensors())
    convert_te_to_loop(module)
    before = module.clone()
    registers = 32 if vector_bytes == 64 else 16
    module.attributes[TARGET] = TargetAttr.get(
        "x", vector_bytes=vector_bytes, vector_registers=registers, threads=threads
    )
    ApplySchedulesPass().apply(Context(), module)
    module.verify()
    return before, module


def inputs_of(module: ModuleOp) -> list[np.ndarray]:
    (func,) = (op for op in module.ops if isinstance(op, FuncOp))
    rng = np.random.default_rng(0)
    return [rng.integers(-4, 5, arg.type.get_shape()).astype(np.float32) for arg in func.body.block.args[:-1]]


def test_padding_takes_no_memory_and_rows_are_in_lanes() -> None:
    for window in (Window(), Window(stride=(2, 2)), Window(kind="max"), Window(window=(5, 5), pad=(2, 2))):
        _, module = scheduled(window)
        names = [op.sym_name.data for op in module.walk() if isinstance(op, AllocOp)]
        assert "P" not in names
        kinds = [op.kind for op in module.walk() if isinstance(op, ForOp)]
        assert kinds.count(LoopKind.VECTORIZED) == 2  # of the windows, and of what follows


def test_what_has_no_lanes_keeps_its_own_schedule() -> None:
    """A target whose loads are not masked, one column, a window as large as the image."""
    for window, vector_bytes in (
        (Window(), 16),
        (Window(size=(30, 1), window=(3, 1), pad=(1, 0)), 64),
        (Window(size=(9, 9), window=(9, 9), pad=(0, 0)), 64),
    ):
        before, module = scheduled(window, vector_bytes)
        inputs = inputs_of(before)
        np.testing.assert_array_equal(run_loop(module, *inputs)[0], run_loop(before, *inputs)[0])


def test_channels_are_shared_by_threads() -> None:
    _, module = scheduled(Window(channels=64, size=(28, 28)), threads=2)
    assert any(op.kind is LoopKind.PARALLEL for op in module.walk() if isinstance(op, ForOp))


SIZES = st.tuples(st.sampled_from([1, 2, 3, 7, 9, 15, 16]), st.sampled_from([2, 3, 7, 8, 15, 16, 17, 33, 40]))
WINDOWS = st.builds(
    Window,
    channels=st.integers(1, 3),
    size=SIZES,
    window=st.tuples(st.sampled_from([1, 2, 3, 5]), st.sampled_from([1, 2, 3, 5])),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pad=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    kind=st.sampled_from(["conv", "max", "sum"]),
    follows=st.booleans(),
).filter(lambda window: min(window.image()) >= 1)


@settings(max_examples=25)
@given(WINDOWS, st.sampled_from([64, 32]))
def test_every_window_computes_what_it_did(window: Window, vector_bytes: int) -> None:
    before, module = scheduled(window, vector_bytes)
    inputs = inputs_of(before)
    (expected,) = run_loop(before, *inputs)
    np.testing.assert_array_equal(run_loop(module, *inputs, order="adversarial")[0], expected)
    np.testing.assert_array_equal(Native(module)(*inputs)[0], expected)


@pytest.mark.parametrize("width", [13, 16, 31, 32, 40])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", ["conv", "max"])
def test_images_of_any_width(width: int, stride: int, kind: str) -> None:
    before, module = scheduled(Window(size=(11, width), stride=(stride, stride), kind=kind))
    inputs = inputs_of(before)
    np.testing.assert_array_equal(Native(module)(*inputs)[0], run_loop(before, *inputs)[0])
