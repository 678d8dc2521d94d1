"""Contractions: what candidates of all sketches compute, whichever way the inputs lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from space_candidates import check, narrow_target, workload_of, zero_padded
from stepwell import te
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sketch import Space
from stepwell.autotune.workload import Workload
from stepwell.passes.loop.name_kernels import kernels
from stepwell.tools.driver import prepare


def product(
    m: int, n: int, k: int, *, left: bool = False, right: bool = False, batch: int = 0, epilogue: bool = False
) -> list[te.Tensor]:
    """A product of matrices, of which inputs may be transposed, perhaps with a bias and a ReLU."""
    outer = (batch,) if batch else ()
    a = te.placeholder((*outer, *((k, m) if left else (m, k))), "float32", name="A")
    b = te.placeholder((*outer, *((n, k) if right else (k, n))), "float32", name="B")
    r = te.reduce_axis(k, name="r")

    def element(*at: te.IterVar) -> te.Expr:
        *before, i, j = at
        x = a[*before, r, i] if left else a[*before, i, r]
        return te.sum(x * (b[*before, j, r] if right else b[*before, r, j]), axis=r)

    c = te.compute((*outer, m, n), element, name="C")
    if not epilogue:
        return [a, b, c]
    bias = te.placeholder((n,), "float32", name="bias")
    return [a, b, bias, te.compute((*outer, m, n), lambda *at: te.maximum(c[at] + bias[at[-1]], 0.0), name="D")]


def convolution(
    images: int, channels: int, size: tuple[int, int], outputs: int, window: tuple[int, int], stride: int, border: int
) -> list[te.Tensor]:
    """A direct convolution with weights that are no constants, a bias and a ReLU."""
    x = te.placeholder((images, channels, *size), "float32", name="X")
    w = te.placeholder((outputs, channels, *window), "float32", name="W")
    bias = te.placeholder((outputs,), "float32", name="bias")
    p = zero_padded(x, border, border) if border else x
    height, width = ((e + 2 * border - k) // stride + 1 for e, k in zip(size, window, strict=True))
    c, r, s = (te.reduce_axis(extent, name) for extent, name in zip((channels, *window), "crs", strict=True))
    z = te.compute(
        (images, outputs, height, width),
        lambda n, o, i, j: te.sum(p[n, c, i * stride + r, j * stride + s] * w[o, c, r, s], axis=[c, r, s]),
        name="Z",
    )
    y = te.compute(z.shape, lambda n, o, i, j: te.maximum(z[n, o, i, j] + bias[o], 0.0), name="Y")
    return [x, w, bias, y]


def with_constants(op: str, x: tuple[int, ...], w: tuple[int, ...], **attributes: Any) -> Workload:
    """A layer whose weights are constants."""
    weights = (np.random.default_rng(0).integers(-4, 5, w) / 8).astype(np.float32)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(op, ["x", "w"], ["z"], **attributes), onnx.helper.make_node("Relu", ["z"], ["y"])],
        "layer",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x)],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    ctx, module, manager = prepare(onnx.shape_inference.infer_shapes(model), exact=True, conv_algorithm="direct")
    names = [step.pass_.name for step in manager.steps]
    replace(manager, steps=manager.steps[: names.index("apply-schedules")]).run(ctx, module)
    return Workload.of_kernel(kernels(module)[0])


def kinds(space: Space) -> set[str]:
    return {sketch.name.partition(",")[0] for sketch in space.sketches}


def knobs(space: Space) -> set[str]:
    return {knob.name for sketch in space.sketches for knob in sketch.knobs}


@pytest.mark.parametrize("shape", [(32, 48, 16), (13, 37, 150), (70, 5, 9)])
def test_products_of_matrices(shape: tuple[int, int, int]) -> None:
    space = check(product(*shape), "contraction", 5)
    assert "contraction/tiles" in kinds(space)
    assert ("contraction/parts" in kinds(space)) == (shape[2] >= 128)
    assert {"vectors", "rows", "panels", "step"} & knobs(space)


@pytest.mark.parametrize(("left", "right"), [(True, False), (False, True), (True, True)])
def test_transposed_inputs(left: bool, right: bool) -> None:
    check(product(19, 33, 21, left=left, right=right), "contraction", 4)


def test_batches_and_what_follows() -> None:
    space = check(product(9, 40, 17, batch=3, epilogue=True), "contraction", 5)
    assert "contraction/blocks" in kinds(space)


@pytest.mark.parametrize("right", [False, True])
def test_vectors(right: bool) -> None:
    space = check(product(1, 100, 70, right=right), "contraction", 5)
    assert kinds(space) == {"contraction/vector"}


def test_short_vectors_few_registers_and_threads() -> None:
    workload = workload_of(product(70, 72, 70), narrow_target())
    space = check(workload, "contraction", 5)
    assert any("sched.parallelize" in str(sketch.script) for sketch in space.sketches)


@pytest.mark.parametrize(
    ("images", "size", "window", "stride", "border"),
    [(1, (9, 18), (3, 3), 1, 1), (2, (8, 11), (1, 1), 2, 0), (1, (7, 20), (2, 5), 1, 0)],
)
def test_convolutions(images: int, size: tuple[int, int], window: tuple[int, int], stride: int, border: int) -> None:
    space = check(convolution(images, 5, size, 18, window, stride, border), "contraction", 5)
    assert "contraction/blocks" in kinds(space)
    assert any("staged" in sketch.name for sketch in space.sketches) == bool(border)


def test_constants_are_packed_when_the_program_is_compiled() -> None:
    for workload in (
        with_constants("Conv", (1, 6, 9, 13), (20, 6, 3, 3), pads=[1, 1, 1, 1]),
        with_constants("MatMul", (12, 30), (30, 50)),
    ):
        space = build_space(workload, rules=["contraction"])
        assert space.sketches
        assert any("sched.pack" in str(sketch.script) for sketch in space.sketches)
        for sketch in space.sketches:
            assert "cache_read %reduce0, %w0" not in str(sketch.script)


@pytest.mark.parametrize(
    ("size", "outputs", "strides"), [((9, 8), 18, [2, 2]), ((11, 6), 18, [1, 1]), ((8, 8), 40, [2, 2])]
)
def test_groups_of_outputs(size: tuple[int, int], outputs: int, strides: list[int]) -> None:
    """Outputs of one group are lanes, where neighbouring pixels are not, or are few; so are these."""
    layer = with_constants("Conv", (1, 6, *size), (outputs, 3, 3, 3), pads=[1] * 4, group=2, strides=strides)
    space = check(layer, "contraction", 6)
    names = {sketch.name for sketch in space.sketches}
    assert {"contraction/blocks, left, rows outside", "contraction/blocks, left, columns outside"} <= names
    assert any("panel as it lies" in name for name in names) == (strides == [1, 1])


def test_names_of_blocks_and_extents_do_not_matter() -> None:
    """Kernels that differ in extents alone have the same sketches."""
    one, other = (build_space(workload_of(product(m, 64, 64)), rules=["contraction"]) for m in (64, 96))
    assert [sketch.name for sketch in one.sketches] == [sketch.name for sketch in other.sketches]


def test_other_kernels_are_left_to_other_rules() -> None:
    x = te.placeholder((8, 8), "float32", name="X")
    k = te.reduce_axis(8, name="k")
    for y in (
        te.compute((8, 8), lambda i, j: x[i, j] + 1.0, name="Y"),
        te.compute((8,), lambda i: te.sum(x[i, k], axis=k), name="S"),
    ):
        assert not build_space(workload_of([x, y]), rules=["contraction"]).sketches
