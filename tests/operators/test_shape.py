"""Operators that move elements: the reference, the tensor expression and native code agree, and with numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_checks import Array, check, module_of, tensor
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects.extents import Extent
from stepwell.dialects.source import parse_module
from stepwell.operators import shape as ops
from stepwell.passes.graph.convert_graph_to_te import convert_graph_to_te
from xdsl.utils.exceptions import VerifyException

# Reshape


@pytest.mark.parametrize(
    "source, target",
    [
        ((2, 3, 4), (24,)),
        ((24,), (2, 3, 4)),
        ((2, 3, 4), (6, 4)),
        ((6, 4), (8, 3)),
        ((4, 6), (3, 8)),
        ((2, 6), (2, 1, 3, 2)),
        ((1, 5, 1), (5,)),
        ((1, 1), ()),
        ((), (1, 1, 1)),
        ((2, 3, 4, 5), (6, 20)),
        ((2, 3, 5, 7), (7, 5, 3, 2)),
        ((4, 1, 9), (1, 6, 6)),
    ],
)
def test_reshape(source: tuple[int, ...], target: tuple[int, ...]):
    x = tensor(*source)
    (result,) = check(lambda x: ops.ReshapeOp(x, target), x)
    np.testing.assert_array_equal(result, x.reshape(target))


def factors(number: int) -> list[list[int]]:
    """The ways to write a number as an ordered product."""
    if number == 1:
        return [[]]
    return [[d, *rest] for d in range(2, number + 1) if number % d == 0 for rest in factors(number // d)]


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_reshape(data: st.DataObject):
    shapes = st.sampled_from([12, 16, 24, 30]).flatmap(lambda count: st.tuples(*[st.sampled_from(factors(count))] * 2))
    source, target = data.draw(shapes)
    for shape in (source, target):
        shape.insert(data.draw(st.integers(0, len(shape))), 1)
    x = tensor(*source)
    (result,) = check(lambda x: ops.ReshapeOp(x, target), x, native=False)
    np.testing.assert_array_equal(result, x.reshape(target))


def test_groups_are_as_small_as_can_be():
    def groups(source: tuple[int, ...], target: tuple[int, ...]) -> object:
        return ops.reshape_groups([*map(Extent.of, source)], [*map(Extent.of, target)])

    assert groups((2, 3, 4), (6, 4)) == [([0, 1], [0]), ([2], [1])]
    assert groups((2, 12), (2, 3, 4)) == [([0], [0]), ([1], [1, 2])]
    assert groups((6, 4), (8, 3)) == [([0, 1], [0, 1])]
    assert groups((1, 5, 1), (5,)) == [([1], [0])]


@pytest.mark.parametrize(
    "source, target, build",
    [
        ("?x64xf32, #te.shape<n, 64>", "?x4x16xf32, #te.shape<n, 4, 16>", (3, 4, 16)),
        ("?x4x16xf32, #te.shape<n, 4, 16>", "?x64xf32, #te.shape<n, 64>", (3, 64)),
        ("?x4x16xf32, #te.shape<n, 4, 16>", "?x16xf32, #te.shape<n * 4, 16>", (12, 16)),
        ("?x?x6xf32, #te.shape<n, m, 6>", "?x?x2x3xf32, #te.shape<n, m, 2, 3>", (3, 5, 2, 3)),
    ],
)
def test_symbolic_reshape(source: str, target: str, build: tuple[int, ...]):
    sizes = {"n": 3, "m": 5}
    shape = [sizes.get(size.strip()) or int(size) for size in source.partition("<")[2].rstrip(">").split(",")]
    text = f"""
      func.func @main(%x: tensor<{source}>) -> tensor<{target}> {{
        %y = graph.reshape %x : tensor<{source}> -> tensor<{target}>
        func.return %y : tensor<{target}>
      }}"""
    module = parse_module(make_context(), text)
    module.verify()
    convert_graph_to_te(module)
    module.verify()
    x = tensor(*shape)
    (result,) = run_te(module, x)
    np.testing.assert_array_equal(result, x.reshape(build))


# Moving


@pytest.mark.parametrize("permutation", [(0, 1, 2), (2, 0, 1), (1, 0, 2), (2, 1, 0)])
def test_transpose(permutation: tuple[int, ...]):
    x = tensor(2, 3, 4)
    (result,) = check(lambda x: ops.TransposeOp(x, permutation), x)
    np.testing.assert_array_equal(result, x.transpose(permutation))


@pytest.mark.parametrize(
    "source, target", [((1, 3), (4, 3)), ((3,), (2, 2, 3)), ((), (2, 2)), ((2, 1, 3), (2, 4, 3)), ((2, 3), (2, 3))]
)
def test_broadcast(source: tuple[int, ...], target: tuple[int, ...]):
    x = tensor(*source)
    (result,) = check(lambda x: ops.BroadcastOp(x, target), x)
    np.testing.assert_array_equal(result, np.broadcast_to(x, target))


def test_tile():
    x = tensor(2, 1, 3, dtype="int32")
    (result,) = check(lambda x: ops.TileOp(x, [1, 3, 2]), x)
    np.testing.assert_array_equal(result, np.tile(x, [1, 3, 2]))


@pytest.mark.parametrize(
    "slices",
    [
        (slice(0, 5), slice(1, 3)),
        (slice(4, None, -1), slice(0, 4)),
        (slice(1, 5, 3), slice(3, 0, -2)),
        (slice(2, 3), slice(3, 4)),
    ],
)
def test_slice(slices: tuple[slice, slice]):
    x = tensor(5, 4)
    ranges = [range(*each.indices(size)) for each, size in zip(slices, x.shape, strict=True)]
    (result,) = check(
        lambda x: ops.SliceOp(x, [r.start for r in ranges], [len(r) for r in ranges], [r.step for r in ranges]), x
    )
    np.testing.assert_array_equal(result, x[slices])


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["float32", "int8", "bool"])
def test_concat(axis: int, dtype: str):
    sizes = [[2, 3, 4], [2, 3, 4], [2, 3, 4]]
    sizes[1][axis] = 1
    arrays = [tensor(*size, seed=seed).astype(dtype) for seed, size in enumerate(sizes)]
    (result,) = check(lambda *values: ops.ConcatOp(values, axis), *arrays)
    np.testing.assert_array_equal(result, np.concatenate(arrays, axis))


def test_concat_of_many():
    arrays = [tensor(2, 1 + seed % 3, seed=seed) for seed in range(37)]
    (result,) = check(lambda *values: ops.ConcatOp(values, 1), *arrays)
    np.testing.assert_array_equal(result, np.concatenate(arrays, 1))


# Pads


@pytest.mark.parametrize("mode", ["edge", "reflect", "wrap"])
@pytest.mark.parametrize("low, high", [((1, 0), (0, 2)), ((2, 3), (2, 3)), ((0, 7), (5, 9)), ((0, 0), (0, 1))])
def test_pads_of_own_elements(mode: Any, low: tuple[int, ...], high: tuple[int, ...]):
    x = tensor(3, 4)
    (result,) = check(lambda x: ops.PadOp(x, low, high, mode=mode), x)
    np.testing.assert_array_equal(result, np.pad(x, list(zip(low, high, strict=True)), mode=mode))


@pytest.mark.parametrize("mode", ["edge", "reflect", "wrap"])
def test_pads_of_one_element(mode: Any):
    (result,) = check(lambda x: ops.PadOp(x, [2, 0], [1, 1], mode=mode), tensor(1, 3))
    assert result.shape == (4, 4)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "bool"])
def test_constant_pads(dtype: str):
    x, value = np.ones((3, 4), dtype), np.array(1 if dtype == "bool" else 7, dtype)
    given_value, zero = check(
        lambda x, v: [ops.PadOp(x, [1, 0], [2, 3], value=v), ops.PadOp(x, [0, 2], [0, 0])], x, value, every=True
    )
    np.testing.assert_array_equal(given_value, np.pad(x, [(1, 2), (0, 3)], constant_values=value))
    np.testing.assert_array_equal(zero, np.pad(x, [(0, 0), (2, 0)]))


def test_pad_of_nothing():
    check(lambda x: ops.PadOp(x, [0, 0], [0, 0]), tensor(2, 3))


@pytest.mark.parametrize("k", [-5, -1, 0, 2, 9])
@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_trilu(k: int, dtype: str):
    x = tensor(2, 3, 5).astype(dtype)
    upper, lower = check(lambda x: [ops.TriluOp(x, k, upper=True), ops.TriluOp(x, k)], x, every=True)
    np.testing.assert_array_equal(upper, np.triu(x, k))
    np.testing.assert_array_equal(lower, np.tril(x, k))


def test_what_is_not_a_number_is_moved_and_cut():
    x = np.array([[np.nan, np.inf], [-np.inf, np.nan]], np.float32)
    (result,) = check(lambda x: ops.TriluOp(x, 1), x)
    np.testing.assert_array_equal(result, x)
    (result,) = check(ops.TriluOp, x)
    np.testing.assert_array_equal(result, [[np.nan, 0], [-np.inf, np.nan]])


def test_moves_of_moves():
    """What reads through several moves at once."""
    x = tensor(2, 3, 4)

    def build(x: Any) -> list[Any]:
        transposed = ops.TransposeOp(x, [2, 0, 1])
        reshaped = ops.ReshapeOp(transposed.result, [8, 3])
        padded = ops.PadOp(reshaped.result, [1, 1], [0, 2], mode="reflect")
        sliced = ops.SliceOp(padded.result, [8, 1], [4, 5], [-2, 1])
        return [transposed, reshaped, padded, sliced, ops.ConcatOp([sliced.result, sliced.result], 0)]

    (result,) = check(build, x)
    part = np.pad(x.transpose(2, 0, 1).reshape(8, 3), [(1, 0), (1, 2)], mode="reflect")[8::-2, 1:6][:4]
    np.testing.assert_array_equal(result, np.concatenate([part, part]))


@pytest.mark.parametrize(
    "build, shapes, message",
    [
        (lambda x: ops.ReshapeOp(x, [5]), [(2, 3)], "expected a shape of 6 elements, got 5"),
        (lambda x: ops.TransposeOp(x, [0, 0]), [(2, 3)], r"expected a permutation of 2 dimensions, got \[0, 0\]"),
        (lambda x: ops.BroadcastOp(x, [2, 4]), [(2, 3)], "expected shapes that broadcast, got 2x3 and 2x4"),
        (lambda x: ops.BroadcastOp(x, [2, 1]), [(2, 3)], "expected an operand that broadcasts to 2x1, got 2x3"),
        (lambda x: ops.TileOp(x, [2]), [(2, 3)], r"expected 2 positive repeats, got \[2\]"),
        (lambda x: ops.SliceOp(x, [0, 2], [2, 2]), [(2, 3)], "expected a slice of 2x3, got one that leaves it"),
        (lambda x: ops.SliceOp(x, [0, 1], [2, 3], [1, -1]), [(2, 3)], "expected a slice of 2x3"),
        (lambda x, y: ops.ConcatOp([x, y], 0), [(2, 3), (2, 4)], "expected equal extents, got 3 and 4"),
        (lambda x, y: ops.ConcatOp([x, y], 2), [(2, 3), (2, 3)], "expected an axis from 0 to 1, got 2"),
        (lambda x, y: ops.ConcatOp([x, y], 0), [(2, 3), (2,)], "expected operands of one rank, got 2x3 and 2"),
        (lambda x: ops.PadOp(x, [-1], [0]), [(3,)], r"expected 1 pads of 0 or more, got \[-1\] and \[0\]"),
        (lambda x: ops.PadOp(x, [1], [0], mode="odd"), [(3,)], "expected a mode of constant, edge, reflect, wrap"),
        (lambda x, y: ops.PadOp(x, [1], [0], value=y), [(3,), (1,)], "expected a scalar as value, in mode constant"),
        (lambda x: ops.TriluOp(x), [(3,)], "expected matrices"),
    ],
)
def test_refused(build: Any, shapes: list[tuple[int, ...]], message: str):
    arrays: list[Array] = [tensor(*shape) for shape in shapes]
    with pytest.raises(VerifyException, match=message):
        module_of(build, arrays)
