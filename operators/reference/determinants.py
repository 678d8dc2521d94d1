"""Determinants."""

from __future__ import annotations

import numpy as np

from .. import determinants as ops
from .arrays import Array, SemanticsTable, wide


def _det(op: ops.DetOp, operand: Array) -> Array:
    return np.asarray(np.linalg.det(wide(operand)))


SEMANTICS: SemanticsTable = {ops.DetOp: _det}
