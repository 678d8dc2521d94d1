"""The first elements of rows in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import sorting as ops
from .arrays import Array, SemanticsTable, wide


def _topk(op: ops.TopKOp, operand: Array) -> Sequence[Array]:
    axis = op.dim
    if op.smallest is None:
        # equal elements of the reversed row are in reversed order, twice
        order = np.flip(np.argsort(np.flip(wide(operand), axis), axis, kind="stable"), axis)
        order = operand.shape[axis] - 1 - order
    else:
        order = np.argsort(wide(operand), axis, kind="stable")
    indices = order.take(range(op.count), axis)
    return np.take_along_axis(operand, indices, axis), indices


SEMANTICS: SemanticsTable = {ops.TopKOp: _topk}
