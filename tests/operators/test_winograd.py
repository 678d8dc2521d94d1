"""Winograd's algorithm: the reference, the tensor expression and native code agree, within documented bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
import stepwell as sw
from operator_checks import Array, check, module_of, tensor
from stepwell.backends.oracles.graph import run_graph
from stepwell.dialects.loop import AllocOp, BlockOp, LoopKind, enclosing_loops
from stepwell.errors import CompileError
from stepwell.operators.convolution import ConvOp
from stepwell.operators.reference.winograd import transformed_weights
from stepwell.operators.windows import Window
from stepwell.operators.winograd import ERROR_BOUNDS, WinogradConvOp
from stepwell.tools.driver import lower
from stepwell.transform.structure import contraction_of
from xdsl.utils.exceptions import VerifyException

TILES = (2, 4)


def window(pads: Sequence[int]) -> Window:
    return Window((3, 3), (1, 1), tuple(pads), (1, 1))


CASES: dict[str, tuple[tuple[int, ...], int, tuple[int, ...], int]] = {
    "same": ((1, 3, 6, 6), 5, (1, 1, 1, 1), 4),
    "odd": ((2, 2, 3, 5), 3, (1, 1, 1, 1), 2),
    "uneven pads": ((1, 2, 4, 3), 4, (2, 0, 1, 3), 4),
    "cropped": ((1, 2, 7, 6), 2, (-1, 0, 0, -2), 2),
    "one window": ((1, 2, 3, 3), 1, (0, 0, 0, 0), 4),
    "panels": ((1, 1, 3, 4), 37, (1, 0, 1, 0), 2),
}


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_the_convolution(case: str):
    shape, channels, pads, tile = CASES[case]
    x, w = tensor(*shape), tensor(channels, shape[1], 3, 3, seed=1)
    weights = transformed_weights(w, tile).astype(np.float32)
    (result,) = check(lambda a, u: WinogradConvOp(a, u, tile, pads, channels), x, weights, atol=1e-4)
    (wanted,) = run_graph(module_of(lambda a, u: ConvOp(a, u, window(pads)), [x, w]), [x, w])
    np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


def model(x: Array, w: Array, pads: Sequence[int], residual: bool, static: bool = True) -> onnx.ModelProto:
    """A convolution with a bias, perhaps a residual, and a ReLU."""
    element_type = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    batch = x.shape[0] if static else "n"
    shape = [batch, w.shape[0], *(s + pads[i] + pads[i + 2] - 2 for i, s in enumerate(x.shape[2:]))]
    bias = np.linspace(-1, 2, w.shape[0]).astype(x.dtype) * np.abs(x).max()
    nodes = [onnx.helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=list(pads), kernel_shape=[3, 3])]
    inputs = [onnx.helper.make_tensor_value_info("x", element_type, [batch, *x.shape[1:]])]
    if residual:
        nodes.append(onnx.helper.make_node("Add", ["c", "r"], ["a"]))
        inputs.append(onnx.helper.make_tensor_value_info("r", element_type, shape))
    nodes.append(onnx.helper.make_node("Relu", [nodes[-1].output[0]], ["y"]))
    outputs = [onnx.helper.make_tensor_value_info("y", element_type, shape)]
    weights = [onnx.numpy_helper.from_array(w, "w"), onnx.numpy_helper.from_array(bias, "b")]
    body = onnx.helper.make_graph(nodes, "g", inputs, outputs, weights)
    return onnx.helper.make_model(body, opset_imports=[onnx.helper.make_opsetid("", 17)])


def expected(x: Array, w: Array, pads: Sequence[int], residual: Array | None, data: Array | None = None) -> Array:
    """What the model of `x` computes of `data`, or of `x`, in float64."""
    wide, taps = (x if data is None else data).astype(np.float64), w.astype(np.float64)
    (sums,) = run_graph(module_of(lambda a, u: ConvOp(a, u, window(pads)), [wide, taps]), [wide, taps])
    bias = np.linspace(-1, 2, w.shape[0]).astype(x.dtype) * np.abs(x).max()
    total = sums + bias.astype(np.float64)[:, None, None]
    return np.maximum(total if residual is None else total + residual, 0)


def run(x: Array, w: Array, pads: Sequence[int], algorithm: str, *, residual: bool = False, static: bool = True):
    """The greatest error of a model, as a part of the greatest result."""
    program = sw.compile(model(x, w, pads, residual, static), conv_algorithm=algorithm, threads=1, cache=False)
    shape = [x.shape[0], w.shape[0], *(s + pads[i] + pads[i + 2] - 2 for i, s in enumerate(x.shape[2:]))]
    more = [tensor(*shape, seed=5).astype(x.dtype)] if residual else []
    result = program(x, *more)
    assert isinstance(result, np.ndarray)
    wanted = expected(x, w, pads, more[0] if more else None)
    return float(np.abs(result - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("tile", TILES)
def test_error_bounds(tile: int):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((1, 512, 9, 9)).astype(np.float32)
    w = rng.standard_normal((48, 512, 3, 3)).astype(np.float32)
    program = sw.compile(model(x, w, (1, 1, 1, 1), True), conv_algorithm=f"winograd-{tile}", threads=1, cache=False)
    for scale in (1e-4, 1.0, 1e5):
        scaled = (x * scale).astype(np.float32)
        for spread in (1.0, np.exp2(rng.integers(-8, 8, x.shape)).astype(np.float32)):
            data = scaled * spread
            # The bias is one of `x`.
            residual = np.zeros((1, 48, 9, 9), np.float32)
            wanted = expected(x, w, (1, 1, 1, 1), residual, data)
            error = np.abs(program(data, residual) - wanted).max() / np.abs(wanted).max()
            assert 1e-9 < error < ERROR_BOUNDS[tile]


SHAPES = {
    "small": ((1, 5, 6, 6), 7, (1, 1, 1, 1), True, 4),
    "batch": ((3, 16, 7, 7), 32, (1, 1, 1, 1), False, 2),
    "wide": ((1, 18, 5, 39), 20, (0, 1, 1, 0), True, 4),
    "tall": ((2, 8, 41, 6), 33, (0, 1, 2, 0), False, 4),
    "one window": ((1, 17, 3, 3), 2, (0, 0, 0, 0), False, 2),
}


@pytest.mark.parametrize("case", SHAPES)
def test_any_size(case: str):
    shape, channels, pads, residual, tile = SHAPES[case]
    x, w = tensor(*shape, seed=2), tensor(channels, shape[1], 3, 3, seed=3)
    assert run(x, w, pads, f"winograd-{tile}", residual=residual) < ERROR_BOUNDS[tile]


def test_doubles_and_a_symbolic_batch():
    x, w = tensor(2, 6, 7, 8, dtype="float64"), tensor(5, 6, 3, 3, dtype="float64")
    assert run(x, w, (1, 1, 1, 1), "winograd-2") < 1e-13
    x, w = tensor(2, 6, 7, 8), tensor(5, 6, 3, 3)
    assert run(x, w, (1, 1, 1, 1), "winograd-2", static=False) < ERROR_BOUNDS[2]


@pytest.mark.parametrize("algorithm", ["direct", "gemm"])
def test_other_algorithms(algorithm: str):
    x, w = tensor(2, 6, 7, 8), tensor(5, 6, 3, 3)
    assert run(x, w, (1, 1, 1, 1), algorithm) < 1e-6


def test_what_the_driver_chooses():
    x, w = tensor(1, 64, 24, 24), tensor(64, 64, 3, 3)
    source = model(x, w, (1, 1, 1, 1), False)
    found = {
        name: str(lower(source, until="graph-select-conv-algorithm", **options))
        for name, options in {
            "auto": {},
            "exact": {"exact": True},
            "two": {"conv_algorithm": "winograd-2"},
            "gemm": {"conv_algorithm": "gemm", "exact": True},
        }.items()
    }
    assert "graph.winograd_conv" in found["auto"]
    assert "tile 2" in found["two"]
    assert 'algorithm "gemm"' in found["gemm"]
    assert "graph.winograd_conv" not in found["exact"]
    assert "algorithm" not in found["exact"]
    with pytest.raises(CompileError, match="expected an exact convolution algorithm"):
        sw.compile(source, conv_algorithm="winograd-4", exact=True, cache=False)
    with pytest.raises(CompileError, match="expected a convolution algorithm of auto, direct"):
        sw.compile(source, conv_algorithm="fft", cache=False)


REFUSED = {
    "f32 or f64": (np.int32, 2, (1, 1, 1, 1), 3),
    "tiles of 2 or 4, got 3": (np.float32, 3, (1, 1, 1, 1), 3),
    "one channel of the result or more, got 0": (np.float32, 2, (1, 1, 1, 1), 0),
    "4 pads of the window": (np.float32, 2, (1, 1), 3),
    r"weights of 4x4x2x2x32": (np.float32, 2, (1, 1, 1, 1), 33),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str):
    dtype, tile, pads, channels = REFUSED[message]
    arrays = [np.zeros(shape, dtype) for shape in ((1, 2, 5, 5), (4, 4, 1, 2, 32))]
    with pytest.raises(VerifyException, match=message):
        module_of(lambda x, w: WinogradConvOp(x, w, tile, pads, channels), arrays)


def test_steps_are_scheduled_together():
    x, w = tensor(1, 40, 30, 30), tensor(48, 40, 3, 3)
    source = model(x, w, (1, 1, 1, 1), True)
    module = lower(source, until="apply-schedules", conv_algorithm="winograd-4")
    blocks = {block.block_name: block for block in module.walk() if isinstance(block, BlockOp)}
    sums = next(block for block in blocks.values() if contraction_of(block) is not None)
    kinds = [loop.kind for loop in enclosing_loops(sums)]
    assert kinds[-2:] == [LoopKind.UNROLLED, LoopKind.VECTORIZED]
    group = enclosing_loops(sums)[1]
    # The image, its tiles, their products, results, and what follows: all in the loop over groups.
    assert sum(group in enclosing_loops(block) for block in blocks.values()) >= 7
    copy = next(block for block in blocks.values() if block.block_name.endswith("_write"))
    (products,) = copy.written_buffers()
    assert isinstance(products.owner, AllocOp)
    assert products.owner.tiling is not None


@pytest.mark.parametrize(("shape", "tile"), [((3, 8, 112, 57), 4), ((2, 64, 13, 57), 2)])
def test_groups_that_images_do_not_divide_into_are_scheduled_together(shape: tuple[int, ...], tile: int):
    """What a group of rows of one of several images holds is not always proven: groups are whole images then."""
    weights = tensor(64, shape[1], 3, 3, seed=1)
    case = model(tensor(*shape), weights, (1, 1, 1, 1), False)
    module = lower(case, until="apply-schedules", conv_algorithm=f"winograd-{tile}", threads=1)
    blocks = [op for op in module.walk() if isinstance(op, BlockOp)]
    products = next(block for block in blocks if contraction_of(block) is not None)
    group = enclosing_loops(products)[1]
    assert sum(group in enclosing_loops(block) for block in blocks) >= 7


def test_weights_that_are_not_finite_are_not_transformed():
    x, w = np.ones((1, 32, 20, 20), np.float32), np.ones((32, 32, 3, 3), np.float32)
    assert "graph.winograd_conv" in _chosen(x, w)
    w[3, 5, 1, 1] = np.inf
    assert "graph.winograd_conv" not in _chosen(x, w)


def _chosen(x: Array, w: Array) -> str:
    source = model(x, w, (1, 1, 1, 1), residual=False)
    return str(lower(source, until="graph-select-conv-algorithm", conv_algorithm="winograd-2"))
