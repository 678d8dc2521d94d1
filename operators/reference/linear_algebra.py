"""Matrix products, summed in float64."""

from __future__ import annotations

import numpy as np

from .. import linear_algebra as ops
from .arrays import Array, SemanticsTable, wide


def _matmul(op: ops.MatmulOp, lhs: Array, rhs: Array) -> Array:
    return np.matmul(wide(lhs), wide(rhs))


def _matmul_integer(op: ops.MatmulIntegerOp, lhs: Array, rhs: Array) -> Array:
    return np.matmul(lhs.astype(np.int32), rhs.astype(np.int32))


def _gemm(op: ops.GemmOp, a: Array, b: Array, c: Array | None = None) -> Array:
    product = (wide(a.T) if op.trans_a else wide(a)) @ (wide(b.T) if op.trans_b else wide(b))
    result = op.alpha_value * product
    return result if c is None else result + op.beta_value * wide(c)


SEMANTICS: SemanticsTable = {ops.MatmulOp: _matmul, ops.MatmulIntegerOp: _matmul_integer, ops.GemmOp: _gemm}
