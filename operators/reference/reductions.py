"""Operators that reduce rows, in float64."""

from __future__ import annotations

import numpy as np

from .. import reductions as ops
from .arrays import Array, SemanticsTable, wide


def _softmax(op: ops.SoftmaxOp, operand: Array) -> Array:
    axes = op.axis_list
    powers = np.exp(wide(operand) - wide(operand).max(axis=axes, keepdims=True))
    return powers / powers.sum(axis=axes, keepdims=True)


SEMANTICS: SemanticsTable = {ops.SoftmaxOp: _softmax}
