"""Operators that move elements, or repeat them."""

from __future__ import annotations

import numpy as np

from ...dialects.graph import shape_of, tensor_operand
from .. import shape as ops
from .arrays import Array, SemanticsTable

# Result types may be symbolic: what is not said by attributes follows from the arrays.


def _extents(op: ops.MovementOp, operand: Array) -> list[int]:
    """The extents of the result, the symbolic ones from those of the operand."""
    sizes: dict[str, int] = {}
    for dim, size in zip(shape_of(tensor_operand(op.operand)), operand.shape, strict=True):
        if dim is not None and dim.is_name:
            sizes[str(dim)] = size
    return [
        dim.evaluate(sizes) if dim is not None and sizes.keys() >= set(dim.symbols()) else -1
        for dim in op.given_shape()
    ]


def _reshape(op: ops.ReshapeOp, operand: Array) -> Array:
    return operand.reshape(_extents(op, operand))


def _transpose(op: ops.TransposeOp, operand: Array) -> Array:
    return operand.transpose(op.permutation.get_values())


def _broadcast(op: ops.BroadcastOp, operand: Array) -> Array:
    return np.broadcast_to(operand, _extents(op, operand))


def _tile(op: ops.TileOp, operand: Array) -> Array:
    return np.tile(operand, op.repeats.get_values())


def _slice(op: ops.SliceOp, operand: Array) -> Array:
    places = zip(op.start_list, op.step_list, _extents(op, operand), strict=True)
    return operand[np.ix_(*(start + step * np.arange(size) for start, step, size in places))]


def _concat(op: ops.ConcatOp, *operands: Array) -> Array:
    return np.concatenate(operands, op.axis.value.data)


def _pad(op: ops.PadOp, operand: Array, value: Array | None = None) -> Array:
    pads = list(zip(op.low.get_values(), op.high.get_values(), strict=True))
    if op.mode_name == "constant":
        result = np.full(
            [a + size + b for (a, b), size in zip(pads, operand.shape, strict=True)], value or 0, operand.dtype
        )
        result[tuple(slice(a, a + size) for (a, _), size in zip(pads, operand.shape, strict=True))] = operand
        return result
    match op.mode_name:
        case "edge":
            return np.pad(operand, pads, mode="edge")
        case "reflect":
            return np.pad(operand, pads, mode="reflect")
        case _:
            return np.pad(operand, pads, mode="wrap")


def _trilu(op: ops.TriluOp, operand: Array) -> Array:
    return np.triu(operand, op.k.value.data) if op.upper else np.tril(operand, op.k.value.data)


SEMANTICS: SemanticsTable = {
    ops.ReshapeOp: _reshape,
    ops.TransposeOp: _transpose,
    ops.BroadcastOp: _broadcast,
    ops.TileOp: _tile,
    ops.SliceOp: _slice,
    ops.ConcatOp: _concat,
    ops.PadOp: _pad,
    ops.TriluOp: _trilu,
}
