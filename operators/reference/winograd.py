"""Winograd's algorithm in float64: the weights that it takes, and what it computes."""

from __future__ import annotations

import numpy as np

from .. import winograd as ops
from .arrays import Array, SemanticsTable, wide
from .windows import padded

_DATA: dict[int, list[list[float]]] = {
    2: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    4: [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
}
_SUMS: dict[int, list[list[float]]] = {
    2: [[1, 1, 1, 0], [0, 1, -1, -1]],
    4: [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
}


def transformed_weights(weight: Array, tile: int) -> Array:
    """`G g Gᵀ` of a convolution's weights `M×C×3×3`, in panels, in float64. What fills the last panel is zero."""
    matrix = np.array(ops.WEIGHTS[tile], np.float64)
    results, channels = weight.shape[:2]
    filled = np.zeros((-(-results // ops.PANEL) * ops.PANEL, channels, 9))
    filled[:results] = weight.reshape(results, channels, 9)
    panels = np.ascontiguousarray(filled.reshape(-1, ops.PANEL, channels, 9).transpose(3, 0, 2, 1))
    both = np.kron(matrix, matrix) @ panels.reshape(9, -1)
    return both.reshape(tile + 2, tile + 2, *panels.shape[1:])


def _winograd_conv(op: ops.WinogradConvOp, input: Array, weight: Array) -> Array:
    tile = op.tile_size
    height, width = op.result.type.get_shape()[2:]
    down, across = -(-height // tile), -(-width // tile)
    window = padded(wide(input), op.window, 0)
    room = [(0, 0), (0, 0), (0, down * tile - height), (0, across * tile - width)]
    image = np.pad(window, room)
    views = np.lib.stride_tricks.sliding_window_view(image, (tile + 2, tile + 2), axis=(2, 3))[:, :, ::tile, ::tile]
    data, sums = np.array(_DATA[tile]), np.array(_SUMS[tile])
    tiles = np.einsum("xr,ncijrs,ys->xyncij", data, views, data, optimize=True)
    channels = op.channels.value.data
    weights = wide(weight).swapaxes(2, 3).reshape(tile + 2, tile + 2, input.shape[1], -1)[..., :channels]
    products = np.einsum("xyncij,xycm->xynmij", tiles, weights, optimize=True)
    results = np.einsum("rx,xynmij,sy->nmirjs", sums, products, sums, optimize=True)
    batch = results.shape[0]
    return results.reshape(batch, channels, down * tile, across * tile)[:, :, :height, :width]


SEMANTICS: SemanticsTable = {ops.WinogradConvOp: _winograd_conv}
