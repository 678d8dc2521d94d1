"""Regions of images and places in windows, one element after the other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from .. import regions as ops
from .arrays import Array, SemanticsTable, wide


def _around(coordinate: float, size: int) -> list[tuple[int, float]]:
    """The two elements around a coordinate, with their weights."""
    first = math.floor(coordinate)
    return [(first, 1 - (coordinate - first)), (min(first + 1, size - 1), coordinate - first)]


def _roi_align(op: ops.RoiAlignOp, operand: Array, regions: Array, images: Array) -> Array:
    data, samples = wide(operand), op.sample_count
    height, width = data.shape[2:]
    offset = 0.5 if op.half_pixel else 0.0
    result = np.zeros((len(regions), data.shape[1], *op.sizes))
    for r, region in enumerate(wide(regions)):
        x1, y1, x2, y2 = region * op.scale_value - offset
        extents = (y2 - y1, x2 - x1) if op.half_pixel else (max(y2 - y1, 1.0), max(x2 - x1, 1.0))
        image = data[np.clip(images[r], 0, len(data) - 1)]
        for i, j in np.ndindex(*op.sizes):
            values: list[Array] = []
            for a, b in np.ndindex(samples, samples):
                y = y1 + (i + (a + 0.5) / samples) * extents[0] / op.sizes[0]
                x = x1 + (j + (b + 0.5) / samples) * extents[1] / op.sizes[1]
                if not (-1 <= y <= height and -1 <= x <= width):
                    values.append(np.zeros((4, data.shape[1])))
                    continue
                rows = _around(min(max(y, 0), height - 1), height)
                columns = _around(min(max(x, 0), width - 1), width)
                values.append(np.stack([p * q * image[:, row, column] for row, p in rows for column, q in columns]))
            stacked = np.stack(values)
            result[r, :, i, j] = stacked.max(axis=(0, 1)) if op.maximum else stacked.sum(axis=1).mean(axis=0)
    return result


def _max_roi_pool(op: ops.MaxRoiPoolOp, operand: Array, regions: Array) -> Array:
    data = wide(operand)
    result = np.zeros((len(regions), data.shape[1], *op.sizes))
    for r, region in enumerate(wide(regions)):
        corners = [int(math.copysign(math.floor(abs(x) + 0.5), x)) for x in region[1:] * op.scale_value]
        parts: list[list[slice]] = []
        for dim in (0, 1):
            first, last, size = corners[1 - dim], corners[3 - dim], data.shape[2 + dim]
            part = max(last - first + 1, 1) / op.sizes[dim]
            ends = [(math.floor(k * part) + first, math.ceil((k + 1) * part) + first) for k in range(op.sizes[dim])]
            parts.append([slice(min(max(low, 0), size), min(max(high, 0), size)) for low, high in ends])
        for i, rows in enumerate(parts[0]):
            for j, columns in enumerate(parts[1]):
                inside = data[int(region[0]), :, rows, columns]
                if inside.size:
                    result[r, :, i, j] = inside.max(axis=(1, 2))
    return result


def _deform(op: ops.DeformOp, operand: Array, offsets: Array, mask: Array | None = None) -> Array:
    data, window, groups = wide(operand), op.window, op.group_count
    batch, channels, height, width = data.shape
    taps = list(itertools.product(range(window.kernel[0]), range(window.kernel[1])))
    shape = offsets.shape[2:]
    moved = wide(offsets).reshape(batch, groups, len(taps), 2, *shape)
    factors = np.ones((batch, groups, len(taps), *shape))
    factors = factors if mask is None else wide(mask).reshape(factors.shape)
    result = np.zeros((batch, groups, channels // groups, len(taps), *shape))
    grouped = data.reshape(batch, groups, -1, height, width)
    steps: Sequence[int] = (batch, groups, len(taps), *shape)
    for n, g, t, i, j in itertools.product(*map(range, steps)):
        start = [
            place * stride - low
            for place, stride, low in zip((int(i), int(j)), window.strides, window.begin, strict=True)
        ]
        y = start[0] + taps[t][0] * window.dilations[0] + float(moved[n, g, t, 0, i, j])
        x = start[1] + taps[t][1] * window.dilations[1] + float(moved[n, g, t, 1, i, j])
        for row in (math.floor(y), math.floor(y) + 1):
            for column in (math.floor(x), math.floor(x) + 1):
                if 0 <= row < height and 0 <= column < width:
                    weight = (1 - abs(y - row)) * (1 - abs(x - column)) * factors[n, g, t, i, j]
                    result[n, g, :, t, i, j] += weight * grouped[n, g, :, row, column]
    return result.reshape(batch, channels * len(taps), *shape)


SEMANTICS: SemanticsTable = {
    ops.RoiAlignOp: _roi_align,
    ops.MaxRoiPoolOp: _max_roi_pool,
    ops.DeformOp: _deform,
}
