"""Windows of arrays, one tap at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..windows import Window
from .arrays import Array


def padded(array: Array, window: Window, value: float) -> Array:
    """`array` with `value` around its last dimensions; negative pads crop."""
    leading = array.ndim - window.rank
    low, high = window.begin, window.end
    widths = [(0, 0)] * leading + [(max(a, 0), max(b, 0)) for a, b in zip(low, high, strict=True)]
    grown = np.pad(array, widths, constant_values=value)
    kept = [
        slice(max(-a, 0), size + max(a, 0) + max(b, 0) - max(-b, 0))
        for size, a, b in zip(array.shape[leading:], low, high, strict=True)
    ]
    return grown[(..., *kept)]


def tap_views(array: Array, window: Window) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Each index of a window, and that element of all windows of a padded array."""
    sizes = array.shape[array.ndim - window.rank :]
    counts = [(size - span) // step + 1 for size, span, step in zip(sizes, window.span, window.strides, strict=True)]
    for tap in np.ndindex(*window.kernel):
        starts = [index * dilation for index, dilation in zip(tap, window.dilations, strict=True)]
        views = [
            slice(start, start + (count - 1) * step + 1, step)
            for start, count, step in zip(starts, counts, window.strides, strict=True)
        ]
        yield tap, array[(..., *views)]
