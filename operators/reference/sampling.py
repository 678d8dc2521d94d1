"""Operators that sample images at places, and that put windows of images together; in float64."""

from __future__ import annotations

import itertools
import math

import numpy as np

from .. import sampling as ops
from .arrays import Array, SemanticsTable, wide


def _grid_sample(op: ops.GridSampleOp, operand: Array, grid: Array) -> Array:
    images, sizes = wide(operand), operand.shape[2:]
    result = np.zeros((*images.shape[:2], *grid.shape[1:-1]))
    for place in np.ndindex(grid.shape[:-1]):
        # the grid says the last dimension first
        taps = [_taps(op, float(x), size) for x, size in zip(grid[place][::-1], sizes, strict=True)]
        for choice in itertools.product(*taps):
            indices = tuple(index for index, _ in choice)
            weight = math.prod(weight for _, weight in choice)
            result[(place[0], slice(None), *place[1:])] += weight * images[(place[0], slice(None), *indices)]
    return result


def _taps(op: ops.GridSampleOp, x: float, size: int) -> list[tuple[int, float]]:
    """Elements of one dimension and their weights."""
    if op.align_corners:
        place, low, high = (x + 1) / 2 * (size - 1), 0.0, size - 1.0
    else:
        place, low, high = ((x + 1) * size - 1) / 2, -0.5, size - 0.5
    if op.mode_name == "nearest":
        place = float(np.rint(np.float32(place)))
    if op.padding_name == "border" and op.mode_name != "cubic":  # there the elements around are clamped only
        place = min(max(place, 0.0), size - 1.0)
    elif op.padding_name == "reflection":
        place = _reflected(place, low, high)
    base = math.floor(place)
    match op.mode_name:
        case "nearest":
            taps = [(base, 1.0)]
        case "linear":
            taps = [(base, 1 - (place - base)), (base + 1, place - base)]
        case _:
            taps = [(base + step, _cubic(abs(place - base - step))) for step in range(-1, 3)]
    if op.padding_name == "zeros":
        return [(index, weight) for index, weight in taps if 0 <= index < size]
    if op.padding_name == "reflection":
        taps = [(int(_reflected(index, low, high)), weight) for index, weight in taps]
    return [(min(max(index, 0), size - 1), weight) for index, weight in taps]


def _reflected(place: float, low: float, high: float) -> float:
    if low == high:
        return low
    while not low <= place <= high:
        place = 2 * low - place if place < low else 2 * high - place
    return place


def _cubic(distance: float) -> float:
    a = ops.CUBIC_COEFFICIENT
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    return a * distance**3 - 5 * a * distance**2 + 8 * a * distance - 4 * a


def _col2im(op: ops.Col2ImOp, operand: Array) -> Array:
    block, strides = op.block.get_values(), op.strides.get_values()
    dilations, pads = op.dilations.get_values(), op.pads.get_values()
    counts = op.window_counts()
    rank = len(block)
    type = ops.tensor_operand(op.result)
    sizes = type.get_shape()[2:]
    padded = [size + pads[dim] + pads[rank + dim] for dim, size in enumerate(sizes)]
    channels = operand.shape[1] // math.prod(block)
    windows = wide(operand).reshape(operand.shape[0], channels, *block, *counts)
    image = np.zeros((operand.shape[0], channels, *padded))
    for tap in np.ndindex(*block):
        starts = [k * dilation for k, dilation in zip(tap, dilations, strict=True)]
        where = tuple(
            slice(start, start + stride * (count - 1) + 1, stride)
            for start, stride, count in zip(starts, strides, counts, strict=True)
        )
        image[(slice(None), slice(None), *where)] += windows[(slice(None), slice(None), *tap)]
    return image[(..., *(slice(pads[dim], pads[dim] + size) for dim, size in enumerate(sizes)))]


SEMANTICS: SemanticsTable = {ops.GridSampleOp: _grid_sample, ops.Col2ImOp: _col2im}
