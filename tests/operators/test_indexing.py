"""Gathers and scatters: the reference, the tensor expression and native code agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_checks import Array, check, module_of, tensor
from stepwell.operators import indexing as ops
from xdsl.utils.exceptions import VerifyException


def indices(*shape: int, extent: int, dtype: str = "int64", seed: int = 0) -> Array:
    """Indices that count from both ends."""
    low = 0 if np.dtype(dtype).kind == "u" else -extent
    return np.random.default_rng([seed, *shape]).integers(low, extent, shape).astype(dtype)


# Taking elements


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_gather(axis: int, shape: tuple[int, ...]):
    x = tensor(4, 3, 5)
    where = indices(*shape, extent=x.shape[axis])
    (result,) = check(lambda x, i: ops.GatherOp(x, i, axis), x, where)
    np.testing.assert_array_equal(result, np.take(x, where, axis))


@pytest.mark.parametrize("dtype", ["int32", "int8", "uint8", "uint64"])
def test_element_types_of_indices(dtype: str):
    check(ops.GatherOp, tensor(6, 2), indices(4, extent=6, dtype=dtype))


@pytest.mark.parametrize("dtype", ["bool", "uint16", "float16", "float64"])
def test_element_types_of_what_is_taken(dtype: str):
    check(ops.GatherOp, tensor(6, 2).astype(dtype), indices(4, extent=6))


def test_indices_out_of_range_take_the_nearest():
    (result,) = check(ops.GatherOp, np.arange(4, dtype=np.float32), np.array([-9, -5, 4, 100, 2**62, -(2**62)]))
    np.testing.assert_array_equal(result, [0, 0, 3, 3, 3, 0])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gather_elements(axis: int):
    x = tensor(4, 3, 5)
    shape = [2, 2, 3]
    shape[axis] = 7
    where = indices(*shape, extent=x.shape[axis])
    (result,) = check(lambda x, i: ops.GatherElementsOp(x, i, axis), x, where)
    own = tuple(slice(None) if dim == axis else slice(size) for dim, size in enumerate(shape))
    np.testing.assert_array_equal(result, np.take_along_axis(x[own], where, axis))


@pytest.mark.parametrize(
    "shape, where, batch",
    [((4, 3, 5), (2, 1), 0), ((4, 3, 5), (2, 6, 3), 0), ((2, 3, 5), (2, 4, 1), 1), ((2, 3, 5), (2, 3, 4, 1), 2)],
)
def test_gather_nd(shape: tuple[int, ...], where: tuple[int, ...], batch: int):
    x = tensor(*shape)
    places = np.stack([indices(*where[:-1], extent=shape[batch + i], seed=i) for i in range(where[-1])], -1)
    (result,) = check(lambda x, i: ops.GatherNDOp(x, i, batch), x, places)
    if batch == 0:
        np.testing.assert_array_equal(result, x[tuple(np.moveaxis(places, -1, 0))])


@pytest.mark.parametrize("time", [0, 1])
def test_reverse_sequence(time: int):
    x = tensor(4, 4, 2)
    lengths = np.array([1, 4, 2, 0])
    (result,) = check(lambda x, n: ops.ReverseSequenceOp(x, n, time=time, batch=1 - time), x, lengths)
    rows, reversed_rows = (array.swapaxes(0, 1) if time == 0 else array for array in (x, result))
    for row, got, length in zip(rows, reversed_rows, lengths, strict=True):
        np.testing.assert_array_equal(got, np.concatenate([row[:length][::-1], row[length:]]))


# Putting elements


@pytest.mark.parametrize("reduction", ops.REDUCTIONS)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
def test_scatter_elements(reduction: str, axis: int, dtype: str):
    x, updates = tensor(4, 5, dtype=dtype), tensor(3, 4, dtype=dtype, seed=1)
    where = indices(3, 4, extent=x.shape[axis])
    check(lambda x, i, u: ops.ScatterElementsOp(x, i, u, axis, reduction=reduction), x, where, updates)


@pytest.mark.parametrize("reduction", ops.REDUCTIONS)
@pytest.mark.parametrize("where", [(1,), (3, 1), (2, 2, 2), (6, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_scatter_nd(reduction: str, where: tuple[int, ...], dtype: str):
    x = tensor(4, 3, 2, dtype=dtype)
    places = np.stack([indices(*where[:-1], extent=x.shape[i], seed=i) for i in range(where[-1])], -1)
    updates = tensor(*where[:-1], *x.shape[where[-1] :], dtype=dtype, seed=1)
    tolerance = 1e-2 if dtype == "float16" else 1e-5
    check(
        lambda x, i, u: ops.ScatterNDOp(x, i, u, reduction=reduction),
        *(x, places, updates),
        rtol=tolerance,
        atol=tolerance,
    )


def test_the_last_of_several_updates_wins():
    x, where = np.zeros((2, 3), np.float32), np.array([[1, 1, 0], [0, 1, 0], [-1, 0, 1]])
    updates = np.arange(1, 10, dtype=np.float32).reshape(3, 3)
    (result,) = check(ops.ScatterElementsOp, x, where, updates)
    np.testing.assert_array_equal(result, [[4, 8, 6], [7, 5, 9]])
    rows = np.array([[1], [0], [-1], [0]])
    (result,) = check(ops.ScatterNDOp, x, rows, np.arange(12, dtype=np.float32).reshape(4, 3))
    np.testing.assert_array_equal(result, [[9, 10, 11], [6, 7, 8]])


def test_an_update_that_is_not_a_number_stays_where_it_is_put():
    x = np.zeros(4, np.float32)
    (result,) = check(ops.ScatterElementsOp, x, np.array([1, 2]), np.array([np.nan, np.inf], np.float32))
    np.testing.assert_array_equal(result, [0, np.nan, np.inf, 0])
    (result,) = check(
        lambda *v: ops.ScatterElementsOp(*v, reduction="max"), x, np.array([1]), np.array([np.nan], np.float32)
    )
    np.testing.assert_array_equal(result, [0, np.nan, 0, 0])


def test_updates_out_of_range_are_left_out():
    x = np.zeros(3, np.float32)
    (result,) = check(ops.ScatterElementsOp, x, np.array([5, -4, 1]), np.array([1, 2, 3], np.float32))
    np.testing.assert_array_equal(result, [0, 3, 0])


@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_any_scatter(data: st.DataObject):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    axis = data.draw(st.integers(0, len(shape) - 1))
    own = [data.draw(st.integers(1, 5 if dim == axis else size)) for dim, size in enumerate(shape)]
    reduction = data.draw(st.sampled_from(ops.REDUCTIONS))
    seed = data.draw(st.integers(0, 9))
    arrays = [
        tensor(*shape, dtype="int32", seed=seed),
        indices(*own, extent=shape[axis], seed=seed),
        tensor(*own, dtype="int32", seed=seed + 1),
    ]
    check(lambda *v: ops.ScatterElementsOp(*v, axis, reduction=reduction), *arrays, native=False)


@pytest.mark.parametrize(
    "build, arrays, message",
    [
        (lambda x, i: ops.GatherOp(x, i, 2), [tensor(2, 3), indices(1, extent=2)], "expected an axis from 0 to 1"),
        (ops.GatherOp, [tensor(2, 3), tensor(1)], "expected integers as elements, got f32"),
        (
            lambda x, i: ops.GatherElementsOp(x, i, 0),
            [tensor(2, 3), indices(2, 4, extent=2)],
            "expected indices inside of 2x3, got 2x4",
        ),
        (ops.GatherNDOp, [tensor(2, 3), indices(2, 3, extent=2)], "expected indices of 2x3, got 2x3 with 0 batch"),
        (
            lambda x, i: ops.GatherNDOp(x, i, 1),
            [tensor(2, 3), indices(4, 1, extent=2)],
            "expected equal batch dimensions, got 2 and 4",
        ),
        (
            ops.ScatterNDOp,
            [tensor(2, 3), indices(4, 1, extent=2), tensor(4, 2)],
            "expected updates of shape 4x3, got 4x2",
        ),
        (
            ops.ScatterElementsOp,
            [tensor(2, 3), indices(2, 3, extent=2), tensor(2, 2)],
            "expected an index for each update, got 2x3 and 2x2",
        ),
        (
            lambda *v: ops.ScatterElementsOp(*v, reduction="sum"),
            [tensor(2, 3), indices(2, 3, extent=2), tensor(2, 3)],
            "expected a reduction of none, add, mul, max, min, got 'sum'",
        ),
        (
            lambda x, n: ops.ReverseSequenceOp(x, n, time=0, batch=2),
            [tensor(2, 3, 4), indices(3, extent=2)],
            "expected axes 0 and 1 of",
        ),
    ],
)
def test_refused(build: Any, arrays: list[Array], message: str):
    with pytest.raises(VerifyException, match=message):
        module_of(build, arrays)
