"""Convolution of 3×3 windows by Winograd's algorithm F(m×m, 3×3): `m×m` results of a tile with `(m+2)²` products for
each pair of channels in place of `9m²`.

A tile of `(m+2)×(m+2)` elements is transformed, `Bᵀ d B`, multiplied element by element with the transformed weights,
`G g Gᵀ`, summed over the channels, and transformed to its results, `Aᵀ s A`. The transforms go along rows, then along
columns. Channels are the last dimension on the way, so that every step works on neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, TensorType, f32, f64, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import (
    AnyTensor,
    FusionClass,
    common_element_type,
    format_shape,
    shape_of,
    tensor_of,
    tensor_operand,
)
from ..te.expressions import Expr, Reduction
from ..te.tensors import Tensor
from .operator import Operator, known_extents, reduce_to
from .windows import Window

Line = Callable[[int], Expr]
"""The elements of a row or column by their place."""

TILES = (2, 4)
"""How many results a tile may have in each dimension."""

WEIGHTS: dict[int, tuple[tuple[float, float, float], ...]] = {
    2: ((1, 0, 0), (1 / 2, 1 / 2, 1 / 2), (1 / 2, -1 / 2, 1 / 2), (0, 0, 1)),
    4: (
        (1 / 4, 0, 0),
        (-1 / 6, -1 / 6, -1 / 6),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6),
        (1 / 24, -1 / 12, 1 / 6),
        (0, 0, 1),
    ),
}
"""The matrix G of each tile: weights `g` become `G g Gᵀ`."""

PANEL = 32
"""How many channels of the result have their weights beside one another: what registers take of them at a time."""

ERROR_BOUNDS = {2: 2e-6, 4: 2e-5}
"""The most that results in f32 are off, as a part of the greatest one."""


def _data_2(d: Line) -> list[Expr]:
    return [d(0) - d(2), d(1) + d(2), d(2) - d(1), d(1) - d(3)]


def _data_4(d: Line) -> list[Expr]:
    even, odd = te.fma(-4.0, d(2), d(4)), te.fma(-4.0, d(1), d(3))
    near, far = d(4) - d(2), d(3) - d(1)
    return [
        te.fma(4.0, d(0), te.fma(-5.0, d(2), d(4))),
        even + odd,
        even - odd,
        te.fma(2.0, far, near),
        te.fma(-2.0, far, near),
        te.fma(4.0, d(1), te.fma(-5.0, d(3), d(5))),
    ]


def _sums_2(s: Line) -> list[Expr]:
    return [s(0) + s(1) + s(2), s(1) - s(2) - s(3)]


def _sums_4(s: Line) -> list[Expr]:
    even, odd = s(1) + s(2), s(1) - s(2)
    even_2, odd_2 = s(3) + s(4), s(3) - s(4)
    return [s(0) + even + even_2, te.fma(2.0, odd_2, odd), te.fma(4.0, even_2, even), te.fma(8.0, odd_2, odd) + s(5)]


DATA: dict[int, Callable[[Line], list[Expr]]] = {2: _data_2, 4: _data_4}
"""Bᵀ of each tile: a line of a tile, transformed."""
SUMS: dict[int, Callable[[Line], list[Expr]]] = {2: _sums_2, 4: _sums_4}
"""Aᵀ of each tile: a line of sums as a line of results."""


@irdl_op_definition
class WinogradConvOp(Operator):
    """A convolution with 3×3 windows, `tile×tile` results at a time: `input` is `N×C×H×W`, the result `N×M×…`, `weight`
    the weights of `graph.conv` after `G g Gᵀ`, in panels of 32 channels of the result, of which there are `channels`:
    `(tile+2)×(tile+2)×ceil(M/32)×C×32`.

    Strides, dilations and groups are 1. `pads` are zeros, as in `graph.conv`.

    Example: `graph.winograd_conv %x, %w tile 4 pads [1, 1, 1, 1] channels 64 : (…) -> …`.
    """

    name = "graph.winograd_conv"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.COMPLEX_OUT_FUSABLE

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    tile = prop_def(IntegerAttr.constr(i64))
    pads = prop_def(DenseArrayBase.constr(i64))
    channels = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `,` $weight `tile` $tile `pads` $pads `channels` $channels attr-dict"
        " `:` functional-type(operands, results)"
    )

    def __init__(self, input: SSAValue, weight: SSAValue, tile: int, pads: Sequence[int], channels: int):
        super().__init__(
            operands=[input, weight],
            properties={
                "tile": IntegerAttr(tile, i64),
                "pads": DenseArrayBase.from_list(i64, pads),
                "channels": IntegerAttr(channels, i64),
            },
            result_types=[_type(input, weight, tile, tuple(pads), channels)],
        )

    @property
    def tile_size(self) -> int:
        """How many results a tile has in each dimension."""
        return self.tile.value.data

    @property
    def window(self) -> Window:
        """The window of the convolution."""
        return _window(self.pads.get_values())

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_type(self.input, self.weight, self.tile_size, self.pads.get_values(), self.channels.value.data)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """Computes for the image, its tiles transformed along one dimension, and both; products; results likewise."""
        input, weight = operands
        tile, shape = self.tile_size, known_extents(self.result)
        batch, channels = input.extents[:2]
        results = shape[1]
        down, across = (-(-extent.constant // tile) for extent in shape[2:])
        each, size = down * across, tile + 2
        image = _image(input, self.window, (down * tile + 2, across * tile + 2))

        def row(n: Expr, i: Expr, x: Expr, w: Expr, c: Expr) -> Expr:
            return _choose(x, DATA[tile](lambda r: image[n, i * tile + r, w, c]))

        rows = te.compute((batch, down, size, across * tile + 2, channels), row, name="rows")

        def transformed(x: Expr, y: Expr, p: Expr, c: Expr) -> Expr:
            n, i, j = p // each, p // across % down, p % across
            return _choose(y, DATA[tile](lambda r: rows[n, i, x, j * tile + r, c]))

        tiles = te.compute((size, size, batch * each, channels), transformed, name="tiles")
        channel = te.reduce_axis(channels.constant, name="k")

        def product(x: Expr, y: Expr, p: Expr, m: Expr) -> Reduction:
            return te.sum(tiles[x, y, p, channel] * weight[x, y, m // PANEL, channel, m % PANEL], axis=channel)

        sums = reduce_to((size, size, batch * each, results), product, "products")

        def line(n: Expr, h: Expr, y: Expr, j: Expr, m: Expr) -> Expr:
            p = (n * down + h // tile) * across + j
            return _choose(h % tile, SUMS[tile](lambda r: sums[r, y, p, m]))

        lines = te.compute((batch, down * tile, size, across, results), line, name="lines")

        def pixel(n: Expr, h: Expr, w: Expr, m: Expr) -> Expr:
            return _choose(w % tile, SUMS[tile](lambda r: lines[n, h, r, w // tile, m]))

        pixels = te.compute((batch, down * tile, across * tile, results), pixel, name="pixels")

        def result(n: Expr, m: Expr, h: Expr, w: Expr) -> Expr:
            return pixels[n, h, w, m]

        return te.compute(shape, result, name="conv")


def _image(input: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
    """The padded input, as large as its tiles, with its channels last."""
    ends = [
        wanted - extent.constant - low
        for wanted, extent, low in zip(size, input.extents[2:], window.begin, strict=True)
    ]
    whole = _window((*window.begin, *ends)).pad(input, te.const(0, input.dtype))
    batch, channels = input.extents[:2]

    def element(n: Expr, h: Expr, w: Expr, c: Expr) -> Expr:
        return whole[n, c, h, w]

    return te.compute((batch, *size, channels), element, name="image")


def _choose(index: Expr, values: Sequence[Expr]) -> Expr:
    """The value at an index."""
    result = values[-1]
    for place in reversed(range(len(values) - 1)):
        result = te.if_then_else(index == place, values[place], result)
    return result


def _window(pads: Sequence[int]) -> Window:
    return Window((3, 3), (1, 1), tuple(pads), (1, 1))


def _type(input: SSAValue, weight: SSAValue, tile: int, pads: tuple[int, ...], channels: int) -> AnyTensor:
    types = [tensor_operand(input), tensor_operand(weight)]
    element_type = common_element_type(types)
    if element_type not in (f32, f64):
        raise VerifyException(f"expected f32 or f64, got {element_type}")
    if tile not in TILES:
        raise VerifyException(f"expected tiles of {' or '.join(map(str, TILES))}, got {tile}")
    if channels < 1:
        raise VerifyException(f"expected one channel of the result or more, got {channels}")
    window = _window(pads)
    window.verify()
    data, panels = map(shape_of, types)
    if len(data) != 4 or any(dim is None or not dim.is_constant for dim in data[1:]):
        raise VerifyException(f"expected an input of rank 4, static except the first extent, got {format_shape(data)}")
    wanted = tuple(
        Extent.of(size) for size in (tile + 2, tile + 2, -(-channels // PANEL), cast(Extent, data[1]).constant, PANEL)
    )
    if panels != wanted:
        raise VerifyException(f"expected weights of {format_shape(wanted)}, got {format_shape(panels)}")
    return tensor_of(element_type, (data[0], Extent.of(channels), *window.count(data[2:])))


OPERATORS: tuple[type[Operation], ...] = (WinogradConvOp,)
