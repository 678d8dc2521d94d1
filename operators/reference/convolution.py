"""Convolutions, summed in float64 or int64."""

from __future__ import annotations

import numpy as np

from .. import convolution as ops
from .arrays import Array, SemanticsTable, wide
from .windows import padded, tap_views


def _conv(op: ops.ConvOp, input: Array, weight: Array) -> Array:
    groups = op.group_count
    data = padded(_widest(input), op.window, 0)
    kernel = _widest(weight).reshape(groups, -1, *weight.shape[1:])
    total: Array = np.zeros((), data.dtype)
    for tap, view in tap_views(data, op.window):
        each = view.reshape(view.shape[0], groups, -1, *view.shape[2:])
        total = total + np.einsum("ngc...,gmc->ngm...", each, kernel[(..., *tap)])
    return total.reshape(total.shape[0], -1, *total.shape[3:])


def _widest(array: Array) -> Array:
    return array.astype(np.int64) if array.dtype.kind in "iu" else wide(array)


SEMANTICS: SemanticsTable = {ops.ConvOp: _conv}
