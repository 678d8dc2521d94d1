"""Convolution of 3×3 windows by Winograd's algorithm F(m×m, 3×3): `m×m` results of a tile with `(m+2)²` products for
each pair of channels in place of `9m²`.

A tile of `(m+2)×(m+2)` elements is transformed, `Bᵀ d B`, multiplied element by element with the transformed weights,
`G g Gᵀ`, summed over the channels, and transformed to its results, `Aᵀ s A`. The transforms go along rows, then along
columns. Channels are the last dimension on the way, so that every step works on neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from ..te.expressions import Expr, ExprLike, Reduction
from ..te.tensors import Tensor
from .operator import Operator, known_extents, reduce_to
from .windows import Window

Line = Callable[[ExprLike], Expr]
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


def _data_2(line: Line, x: Expr) -> Expr:
    """`d0 - d2, d2 + d1, d2 - d1, d1 - d3`."""
    last = x // 3
    inner = te.fma(_constant(x, {1: 1.0}, -1.0, line), line(1), line(2))
    return te.if_then_else(te.any(x == 0, x == 3), line(last) - line(last + 2), inner)


def _data_4(line: Line, x: Expr) -> Expr:
    """`4 d0 - 5 d2 + d4`, `even ± odd` of `d4 - 4 d2` and `d3 - 4 d1`, `even ± 2 odd` of `d4 - d2` and `d3 - d1`, and
    `4 d1 - 5 d3 + d5`."""
    last = x // 5
    outer = te.fma(4.0, line(last), te.fma(-5.0, line(last + 2), line(last + 4)))
    scale = _constant(x, {1: -4.0, 2: -4.0}, -1.0, line)
    even, odd = te.fma(scale, line(2), line(4)), te.fma(scale, line(1), line(3))
    inner = te.fma(_constant(x, {1: 1.0, 2: -1.0, 3: 2.0}, -2.0, line), odd, even)
    return te.if_then_else(te.any(x == 0, x == 5), outer, inner)


def _sum_2(line: Line, r: Expr) -> Expr:
    """`s0 + (s1 + s2), (s1 - s2) - s3`."""
    inner = te.fma(_constant(r, {0: 1.0}, -1.0, line), line(2), line(1))
    return te.if_then_else(r == 0, inner + line(0), inner - line(3))


def _sum_4(line: Line, r: Expr) -> Expr:
    """`(s1 ± s2) + 2ʳ (s3 ± s4)`, of which the first one has `s0`, too, and the last one `s5`."""
    sign = _constant(r, {0: 1.0, 2: 1.0}, -1.0, line)
    near, far = te.fma(sign, line(2), line(1)), te.fma(sign, line(4), line(3))
    inner = te.fma(_constant(r, {0: 1.0, 1: 2.0, 2: 4.0}, 8.0, line), far, near)
    return te.if_then_else(r == 0, inner + line(0), te.if_then_else(r == 3, inner + line(5), inner))


def _constant(place: Expr, values: Mapping[int, float], otherwise: float, line: Line) -> Expr:
    """A number that depends on a place, of the element type of a line."""
    dtype = line(0).dtype
    result: Expr = te.const(otherwise, dtype)
    for index, value in values.items():
        result = te.if_then_else(place == index, te.const(value, dtype), result)
    return result


DATA: dict[int, Callable[[Line, Expr], Expr]] = {2: _data_2, 4: _data_4}
"""Bᵀ of each tile: an element of a line of a tile, transformed."""
SUMS: dict[int, Callable[[Line, Expr], Expr]] = {2: _sum_2, 4: _sum_4}
"""Aᵀ of each tile: a result of a line of sums."""


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
            return DATA[tile](lambda r: image[n, i * tile + r, w, c], x)

        rows = te.compute((batch, down, size, across * tile + 2, channels), row, name="rows")

        def transformed(x: Expr, y: Expr, p: Expr, c: Expr) -> Expr:
            n, i, j = p // each, p // across % down, p % across
            return DATA[tile](lambda r: rows[n, i, x, j * tile + r, c], y)

        tiles = te.compute((size, size, batch * each, channels), transformed, name="tiles")
        channel = te.reduce_axis(channels.constant, name="k")

        def product(x: Expr, y: Expr, p: Expr, m: Expr) -> Reduction:
            return te.sum(tiles[x, y, p, channel] * weight[x, y, m // PANEL, channel, m % PANEL], axis=channel)

        sums = reduce_to((size, size, batch * each, results), product, "products")

        def line(n: Expr, h: Expr, y: Expr, j: Expr, m: Expr) -> Expr:
            p = (n * down + h // tile) * across + j
            return SUMS[tile](lambda r: sums[r, y, p, m], h % tile)

        lines = te.compute((batch, down * tile, size, across, results), line, name="lines")

        def pixel(n: Expr, h: Expr, w: Expr, m: Expr) -> Expr:
            return SUMS[tile](lambda r: lines[n, h, r, w // tile, m], w % tile)

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
