"""Operators that sample images at places, and that put windows of images together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, StringAttr, TensorType, UnitAttr, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import AnyTensor, FusionClass, format_shape, shape_of, tensor_of, tensor_operand, verify_float
from ..te.dtypes import BOOL, INDEX, NARROW_FLOATS
from ..te.expressions import Expr, ExprLike, Reduction, as_expr
from ..te.tensors import Tensor
from .operator import Operator, known_extents, reduce_to

GRID_MODES = ("nearest", "linear", "cubic")
GRID_PADDINGS = ("zeros", "border", "reflection")

CUBIC_COEFFICIENT = -0.75
"""The parameter of the cubic convolution that GridSample's cubic mode is."""


@irdl_op_definition
class GridSampleOp(Operator):
    """Images `NxCx…` at the places that a grid `Nx…xD` says, from -1 to 1 in each of their `D` dimensions, the last
    first: ONNX's GridSample.

    Example: `graph.grid_sample %x, %g mode "linear" padding "zeros" {align_corners} : (…) -> tensor<1x3x5x5xf32>`.
    """

    name = "graph.grid_sample"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE

    operand = operand_def(TensorType)
    grid = operand_def(TensorType)
    mode = prop_def(StringAttr)
    padding = prop_def(StringAttr)
    align_corners = opt_prop_def(UnitAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = (
        "$operand `,` $grid `mode` $mode `padding` $padding attr-dict `:` functional-type(operands, results)"
    )

    def __init__(self, operand: SSAValue, grid: SSAValue, *, mode: str, padding: str, align_corners: bool):
        super().__init__(
            operands=[operand, grid],
            properties={
                "mode": StringAttr(mode),
                "padding": StringAttr(padding),
                "align_corners": UnitAttr() if align_corners else None,
            },
            result_types=[_sampled(operand, grid)],
        )

    @property
    def mode_name(self) -> str:
        """One of `GRID_MODES`."""
        return self.mode.data

    @property
    def padding_name(self) -> str:
        """One of `GRID_PADDINGS`."""
        return self.padding.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        for given, expected in ((self.mode_name, GRID_MODES), (self.padding_name, GRID_PADDINGS)):
            if given not in expected:
                raise VerifyException(f"expected one of {', '.join(expected)}, got '{given}'")
        result = _sampled(self.operand, self.grid)
        if self.mode_name != "nearest":
            verify_float(result)
        return [result]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        image, grid = operands
        sizes = [size for size in image.shape[2:] if isinstance(size, int)]
        assert len(sizes) == image.ndim - 2

        def element(n: ExprLike, c: ExprLike, *place: ExprLike) -> Expr:
            taps: list[list[_Tap]] = []
            for dim, size in enumerate(sizes):
                normalized = grid.read(n, *place, len(sizes) - 1 - dim)
                wide = te.cast(normalized, "float32") if normalized.dtype in NARROW_FLOATS else normalized
                taps.append(self._taps(wide, size))
            value = _weighted(image, [n, c], taps)
            return te.cast(value, image.dtype)

        return te.compute(known_extents(self.result), lambda *indices: element(*indices), name="grid_sample")

    def _taps(self, normalized: Expr, size: int) -> list[_Tap]:
        """The elements around a place in one dimension."""
        if self.align_corners:
            place = (normalized + 1.0) / 2.0 * float(size - 1)
            low, high = 0.0, size - 1.0
        else:
            place = ((normalized + 1.0) * float(size) - 1.0) / 2.0
            low, high = -0.5, size - 0.5
        if self.mode_name == "nearest":
            place = te.round(place)
        if self.padding_name == "border" and self.mode_name != "cubic":
            place = _clamped(place, size)
        elif self.padding_name == "reflection":
            place = _reflected(place, low, high)
        if self.mode_name == "nearest":
            return [self._tap(None, place, size, low, high)]
        base = te.floor(place)
        ratio = place - base
        if self.mode_name == "linear":
            weights = [1.0 - ratio, ratio]
        else:
            weights = [_cubic(ratio + 1.0), _cubic(ratio), _cubic(1.0 - ratio), _cubic(2.0 - ratio)]
        first = 1 - len(weights) // 2
        return [self._tap(weight, base + float(first + i), size, low, high) for i, weight in enumerate(weights)]

    def _tap(self, weight: Expr | None, place: Expr, size: int, low: float, high: float) -> _Tap:
        inside = (place >= 0.0) & (place <= size - 1.0) if self.padding_name == "zeros" else None
        if self.padding_name == "reflection":
            place = _reflected(place, low, high)
        return _Tap(weight, te.cast(_clamped(place, size), INDEX), inside)


class _Tap:
    """An element of one dimension: its weight, where it is, and where that is inside of the image."""

    def __init__(self, weight: Expr | None, index: Expr, inside: Expr | None):
        self.weight = weight
        self.index = index
        self.inside = inside


def _weighted(image: Tensor, indices: list[ExprLike], taps: Sequence[Sequence[_Tap]]) -> Expr:
    """The sum of elements over all dimensions that are left."""
    if not taps:
        value = image.read(*indices)
        return te.cast(value, "float32") if value.dtype in NARROW_FLOATS else value
    total: Expr | None = None
    for tap in taps[0]:
        value = _weighted(image, [*indices, tap.index], taps[1:])
        if tap.inside is not None:
            value = te.select(tap.inside, value, te.const(False if value.dtype == BOOL else 0, value.dtype))
        if tap.weight is not None:
            value *= te.cast(tap.weight, value.dtype)
        total = value if total is None else total + value
    assert total is not None
    return total


def _clamped(place: Expr, size: int) -> Expr:
    return te.minimum(te.maximum(place, 0.0), float(size - 1))


def _reflected(place: Expr, low: float, high: float) -> Expr:
    """A place mirrored at both borders until it is between them."""
    span = high - low
    if span == 0:
        return te.select(place == low, place, low)
    distance = te.select(place < low, low - place, place - high)
    times = te.floor(distance / span)
    rest = distance - times * span
    is_even = times - te.floor(times / 2.0) * 2.0 == 0.0
    from_low = te.select(is_even, low + rest, high - rest)
    from_high = te.select(is_even, high - rest, low + rest)
    return te.select(place < low, from_low, te.select(place > high, from_high, place))


def _cubic(distance: Expr) -> Expr:
    """Keys' cubic convolution at a distance from 0 to 2."""
    a = CUBIC_COEFFICIENT
    near = ((a + 2) * distance - (a + 3)) * distance * distance + 1.0
    far = ((distance - 5.0) * distance + 8.0) * distance * a - 4 * a
    return te.select(distance <= 1.0, near, far)


def _sampled(operand: SSAValue, grid: SSAValue) -> AnyTensor:
    type, places = tensor_operand(operand), tensor_operand(grid)
    verify_float(places)
    shape, grid_shape = shape_of(type), shape_of(places)
    rank = len(shape) - 2
    if rank < 1 or len(grid_shape) != rank + 2 or grid_shape[-1] != Extent.of(rank) or grid_shape[0] != shape[0]:
        raise VerifyException(
            f"expected a grid of places in images {format_shape(shape)}, got {format_shape(grid_shape)}"
        )
    if not all(dim is not None and dim.is_constant for dim in shape[2:]):
        raise VerifyException(f"expected images of static extents, got {format_shape(shape)}")
    return tensor_of(type.element_type, (*shape[:2], *grid_shape[1:-1]))


@irdl_op_definition
class Col2ImOp(Operator):
    """Images whose elements are sums over the windows that they are in: `Nx(C*block)xL` becomes `NxCx…`, where `L`
    counts the places of the window.

    Example: `graph.col2im %x block [2] strides [1] dilations [1] pads [0, 0] : tensor<1x2x4xf32> -> tensor<1x1x5xf32>`.
    """

    name = "graph.col2im"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE

    operand = operand_def(TensorType)
    block = prop_def(DenseArrayBase.constr(i64))
    strides = prop_def(DenseArrayBase.constr(i64))
    dilations = prop_def(DenseArrayBase.constr(i64))
    pads = prop_def(DenseArrayBase.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$operand `block` $block `strides` $strides `dilations` $dilations `pads` $pads attr-dict `:` "
        "type($operand) `->` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue,
        image: Sequence[int],
        block: Sequence[int],
        *,
        strides: Sequence[int],
        dilations: Sequence[int],
        pads: Sequence[int],
    ):
        type = tensor_operand(operand)
        shape = shape_of(type)
        if len(shape) != 3 or shape[1] is None or not shape[1].is_constant or shape[1].constant % math.prod(block):
            raise VerifyException(f"expected windows of {math.prod(block)} elements, got {format_shape(shape)}")
        channels = shape[1].constant // math.prod(block)
        result = tensor_of(type.element_type, (shape[0], Extent.of(channels), *map(Extent.of, image)))
        super().__init__(
            operands=[operand],
            properties={
                "block": DenseArrayBase.from_list(i64, list(block)),
                "strides": DenseArrayBase.from_list(i64, list(strides)),
                "dilations": DenseArrayBase.from_list(i64, list(dilations)),
                "pads": DenseArrayBase.from_list(i64, list(pads)),
            },
            result_types=[result],
        )

    def window_counts(self) -> list[int]:
        """How many places a window has in each dimension of the image.

        Raises:
            VerifyException: if it does not fit.
        """
        image = shape_of(tensor_operand(self.result))[2:]
        block, pads, rank = self.block.get_values(), self.pads.get_values(), len(image)
        strides, dilations = self.strides.get_values(), self.dilations.get_values()
        if not len(block) == len(strides) == len(dilations) == len(pads) // 2 == rank or len(pads) % 2:
            raise VerifyException(f"expected {rank} extents of windows, strides, dilations and pairs of pads")
        if min((*block, *strides, *dilations), default=1) < 1 or min(pads, default=0) < 0:
            raise VerifyException("expected positive extents, strides and dilations, and pads of 0 or more")
        counts: list[int] = []
        for dim, size in enumerate(image):
            if size is None or not size.is_constant:
                raise VerifyException(f"expected images of static extents, got {format_shape(image)}")
            room = size.constant + pads[dim] + pads[rank + dim] - dilations[dim] * (block[dim] - 1) - 1
            if room < 0:
                raise VerifyException(f"expected windows that fit into {format_shape(image)}, got {list(block)}")
            counts.append(room // strides[dim] + 1)
        return counts

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type, result = tensor_operand(self.operand), tensor_operand(self.result)
        shape, image = shape_of(type), shape_of(result)
        if len(image) < 3 or image[1] is None:
            raise VerifyException(f"expected images as result, got {format_shape(image)}")
        windows = math.prod(self.window_counts())
        expected = (image[0], image[1] * math.prod(self.block.get_values()), Extent.of(windows))
        if shape != expected:
            raise VerifyException(f"expected windows {format_shape(expected)}, got {format_shape(shape)}")
        verify_float(type)
        return [tensor_of(type.element_type, image)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        block, strides = self.block.get_values(), self.strides.get_values()
        dilations, pads = self.dilations.get_values(), self.pads.get_values()
        counts = self.window_counts()
        axes = [te.reduce_axis(size, name=f"k{dim}") for dim, size in enumerate(block)]

        def element(n: ExprLike, c: ExprLike, *place: ExprLike) -> Reduction:
            tap, window = as_expr(c), te.const(0, INDEX)
            conditions: list[Expr] = []
            for dim, k in enumerate(axes):
                tap = tap * block[dim] + k
                distance = as_expr(place[dim]) + pads[dim] - k * dilations[dim]
                at = distance // strides[dim]
                window = window * counts[dim] + at
                conditions += [at >= 0, at < counts[dim]]
                conditions += [distance % strides[dim] == 0] if strides[dim] > 1 else []
            value = te.if_then_else(te.all(*conditions), operand.read(n, tap, window), 0.0)
            return te.sum(value, axes)

        return reduce_to(known_extents(self.result), lambda *indices: element(*indices), "col2im")


OPERATORS: tuple[type[Operation], ...] = (GridSampleOp, Col2ImOp)
