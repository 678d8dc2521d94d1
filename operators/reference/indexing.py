"""Operators that take elements from where, or put them to where, other tensors say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import indexing as ops
from .arrays import Array, SemanticsTable


def _places(indices: Array, size: int) -> Array:
    """Indices counted from the front."""
    wide = indices.astype(np.int64)
    return np.where(wide < 0, wide + size, wide)


def _nearest(indices: Array, size: int) -> Array:
    return np.clip(_places(indices, size), 0, size - 1)


def _gather(op: ops.GatherOp, operand: Array, indices: Array) -> Array:
    return np.take(operand, _nearest(indices, operand.shape[op.dim]), op.dim)


def _gather_elements(op: ops.GatherElementsOp, operand: Array, indices: Array) -> Array:
    own = tuple(slice(size) for size in indices.shape)
    own = (*own[: op.dim], slice(None), *own[op.dim + 1 :])
    return np.take_along_axis(operand[own], _nearest(indices, operand.shape[op.dim]), op.dim)


def _gather_nd(op: ops.GatherNDOp, operand: Array, indices: Array) -> Array:
    batch = op.batch_dims
    result = np.empty((*indices.shape[:-1], *operand.shape[batch + indices.shape[-1] :]), operand.dtype)
    for row in np.ndindex(indices.shape[:-1]):
        inner = operand[row[:batch]]
        result[row] = inner[
            tuple(_nearest(index, size) for index, size in zip(indices[row], inner.shape, strict=False))
        ]
    return result


def _reverse_sequence(op: ops.ReverseSequenceOp, operand: Array, lengths: Array) -> Array:
    rows = np.array(operand.swapaxes(0, 1) if op.time.value.data == 0 else operand)
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = row[:length][::-1].copy()
    return rows.swapaxes(0, 1) if op.time.value.data == 0 else rows


_COMBINE: dict[str, Callable[[Array, Array], Array]] = {
    "none": lambda old, new: new,
    "add": lambda old, new: old + new,
    "mul": lambda old, new: old * new,
    "max": np.maximum,
    "min": np.minimum,
}


def _scatter(op: ops.ScatterBase, result: Array, place: tuple[int, ...], value: Array) -> None:
    if all(0 <= index < size for index, size in zip(place, result.shape, strict=False)):
        result[place] = _COMBINE[op.reduction_name](result[place], value)


def _scatter_elements(op: ops.ScatterElementsOp, operand: Array, indices: Array, updates: Array) -> Array:
    result, axis = operand.copy(), op.dim
    places = _places(indices, operand.shape[axis])
    for own in np.ndindex(indices.shape):
        _scatter(op, result, (*own[:axis], int(places[own]), *own[axis + 1 :]), updates[own])
    return result


def _scatter_nd(op: ops.ScatterNDOp, operand: Array, indices: Array, updates: Array) -> Array:
    result = operand.copy()
    for row in np.ndindex(indices.shape[:-1]):
        pairs = zip(indices[row], operand.shape, strict=False)
        _scatter(op, result, tuple(int(_places(index, size)) for index, size in pairs), updates[row])
    return result


SEMANTICS: SemanticsTable = {
    ops.GatherOp: _gather,
    ops.GatherElementsOp: _gather_elements,
    ops.GatherNDOp: _gather_nd,
    ops.ReverseSequenceOp: _reverse_sequence,
    ops.ScatterElementsOp: _scatter_elements,
    ops.ScatterNDOp: _scatter_nd,
}
