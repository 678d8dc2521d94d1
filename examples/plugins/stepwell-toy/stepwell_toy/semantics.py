"""What the unit computes, for Stepwell's oracles: numpy, and nothing of the compiler's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dialect import RequantizeOp


def requantize(op: RequantizeOp, x: NDArray[Any]) -> NDArray[Any]:
    """`toy.requantize` on 32-bit integers."""
    shift, low, high = (attr.value.data for attr in (op.shift, op.low, op.high))
    rounded = x.astype(np.int64) + (1 << (shift - 1))
    wrapped = rounded.astype(np.int32)
    return np.clip(wrapped >> shift, low, high).astype(np.int8)
