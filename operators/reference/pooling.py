"""Reductions of windows."""

from __future__ import annotations

import numpy as np

from .. import pooling as ops
from .arrays import Array, SemanticsTable, wide
from .windows import padded, tap_views


def _max_pool(op: ops.MaxPoolOp, operand: Array) -> Array:
    least = int(np.iinfo(operand.dtype).min) if operand.dtype.kind in "iu" else -np.inf
    views = [view for _, view in tap_views(padded(operand, op.window, least), op.window)]
    return np.max(np.stack(views), axis=0)


def _sum_pool(op: ops.SumPoolOp, operand: Array) -> Array:
    data = padded(operand.astype(np.int64) if operand.dtype.kind in "iu" else wide(operand), op.window, 0)
    return np.sum(np.stack([view for _, view in tap_views(data, op.window)]), axis=0)


def _arg_max_pool(op: ops.ArgMaxPoolOp, operand: Array) -> Array:
    leading = operand.ndim - op.window.rank
    inner = operand.shape[leading:]
    numbers = np.arange(operand.size).reshape(operand.shape)
    if op.column_major:
        numbers = np.arange(operand.size).reshape(*operand.shape[:leading], *inner[::-1])
        numbers = numbers.transpose(*range(leading), *reversed(range(leading, operand.ndim)))
    values = np.stack([view for _, view in tap_views(padded(wide(operand), op.window, 0), op.window)])
    positions = np.stack([view for _, view in tap_views(padded(numbers, op.window, -1), op.window)])
    candidates = np.where(positions < 0, 0, 1)
    greatest = np.max(values, axis=0, where=candidates == 1, initial=values.min())
    first = np.argmax((values == greatest) & (candidates == 1), axis=0)
    return np.take_along_axis(positions, first[None], axis=0)[0]


SEMANTICS: SemanticsTable = {
    ops.MaxPoolOp: _max_pool,
    ops.SumPoolOp: _sum_pool,
    ops.ArgMaxPoolOp: _arg_max_pool,
}
