"""Operators that look at regions of images, or at places in windows, that other tensors say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, IntegerAttr, TensorType, UnitAttr, f32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import (
    AnyTensor,
    FusionClass,
    Shape,
    common_element_type,
    format_shape,
    shape_of,
    tensor_of,
    tensor_operand,
    verify_float,
    verify_integer,
)
from ..te.dtypes import INDEX, lowest
from ..te.expressions import Expr, ExprLike, Reduction, as_expr
from ..te.tensors import Size, Tensor
from .operator import Operator, known_extents, reduce_to
from .windows import Window, WindowOp, window_properties


def _verify_images(type: AnyTensor) -> Shape:
    verify_float(type)
    shape = shape_of(type)
    if len(shape) != 4:
        raise VerifyException(f"expected images of rank 4, got {format_shape(shape)}")
    return shape


def _number(index: ExprLike, dtype: str) -> Expr:
    """An index as a float."""
    return te.cast(te.cast(as_expr(index), "int64"), dtype)


def _place(number: Expr) -> Expr:
    """An integral float as an index."""
    return te.cast(te.cast(number, "int64"), INDEX)


def _coordinates(dtype: str) -> str:
    """The dtype that places in images of a dtype are computed in."""
    return "float64" if dtype == "float64" else "float32"


# Regions


class RegionOp(Operator):
    """An operator that makes of each region of some images one of `size` elements."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE

    size = prop_def(DenseArrayBase.constr(i64))
    scale = prop_def(FloatAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)

    @property
    def sizes(self) -> tuple[int, int]:
        """How high and how wide results are."""
        return cast("tuple[int, int]", self.size.get_values())

    @property
    def scale_value(self) -> float:
        """What coordinates of regions are multiplied with to be those of the images."""
        return self.scale.value.data


def _region_type(operand: SSAValue, regions: SSAValue, numbers: int, size: Sequence[int]) -> AnyTensor:
    type, places = tensor_operand(operand), tensor_operand(regions)
    shape, rows = _verify_images(type), shape_of(places)
    common_element_type([type, places])
    if len(rows) != 2 or (rows[1] is not None and rows[1] != Extent.of(numbers)):
        raise VerifyException(f"expected {numbers} numbers for each region, got {format_shape(rows)}")
    if len(size) != 2 or min(size) < 1:
        raise VerifyException(f"expected a positive height and width, got {list(size)}")
    return tensor_of(type.element_type, (rows[0], shape[1], *map(Extent.of, size)))


@irdl_op_definition
class RoiAlignOp(RegionOp):
    """ONNX's RoiAlign: each element is the mean, or with `maximum` the greatest, of `samples` by `samples` places in
    its part of a region `x1, y1, x2, y2` of image `images[r]`, where the image is interpolated.

    With `half_pixel`, coordinates are those of pixels' corners, and regions may be as small as they are.

    Example: `graph.roi_align %x, %r, %b size [5, 5] scale 1.0 : f32 samples 2 {half_pixel} : (…) -> …`.
    """

    name = "graph.roi_align"

    operand = operand_def(TensorType)
    rois = operand_def(TensorType)
    images = operand_def(TensorType)
    samples = prop_def(IntegerAttr.constr(i64))
    maximum = opt_prop_def(UnitAttr)
    half_pixel = opt_prop_def(UnitAttr)

    assembly_format = (
        "$operand `,` $rois `,` $images `size` $size `scale` $scale `samples` $samples"
        " attr-dict `:` functional-type(operands, results)"
    )

    def __init__(
        self,
        operand: SSAValue,
        regions: SSAValue,
        images: SSAValue,
        size: Sequence[int],
        *,
        scale: float = 1.0,
        samples: int = 1,
        maximum: bool = False,
        half_pixel: bool = False,
    ):
        super().__init__(
            operands=[operand, regions, images],
            properties={
                "size": DenseArrayBase.from_list(i64, list(size)),
                "scale": FloatAttr(scale, f32),
                "samples": IntegerAttr(samples, i64),
                "maximum": UnitAttr() if maximum else None,
                "half_pixel": UnitAttr() if half_pixel else None,
            },
            result_types=[_region_type(operand, regions, 4, size)],
        )

    @property
    def sample_count(self) -> int:
        """How many places there are in each dimension of an element."""
        return self.samples.value.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        images = tensor_operand(self.images)
        verify_integer(images)
        if shape_of(images) != shape_of(tensor_operand(self.rois))[:1]:
            raise VerifyException(f"expected an image for each region, got {images}")
        if self.sample_count < 1:
            raise VerifyException(f"expected one sample or more, got {self.sample_count}")
        return [_region_type(self.operand, self.rois, 4, self.sizes)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        operand, regions, images = operands
        samples, dtype = self.sample_count, _coordinates(operand.dtype)
        offset = 0.5 if self.half_pixel else 0.0
        axes = [te.reduce_axis(samples, name=name) for name in ("sy", "sx")]

        def place(r: ExprLike, dim: int, index: ExprLike, sample: Expr) -> Expr:
            """The coordinate in dimension `dim`, 0 for y, of a sample."""
            low, high = (te.cast(regions.read(r, side + 1 - dim), dtype) * self.scale_value - offset for side in (0, 2))
            extent = high - low if self.half_pixel else te.maximum(high - low, 1.0)
            part = extent / float(self.sizes[dim])
            return low + _number(index, dtype) * part + (_number(sample, dtype) + 0.5) * part / float(samples)

        def element(*indices: ExprLike) -> Reduction:
            r, c, *at = indices
            image = te.cast(images.read(r), INDEX)
            y, x = (place(r, dim, index, axis) for dim, (index, axis) in enumerate(zip(at, axes, strict=True)))
            corners = _inner_corners(lambda i, j: operand.read(image, c, i, j), y, x, operand.shape[2:])
            values = [te.cast(weight, operand.dtype) * value for weight, value in corners]
            if self.maximum:
                return te.max(te.maximum(te.maximum(values[0], values[1]), te.maximum(values[2], values[3])), axes)
            return te.sum(values[0] + values[1] + values[2] + values[3], axes)

        shape = known_extents(self.result)
        reduced = reduce_to(shape, element, "roi_align")
        if self.maximum:
            return reduced
        return te.compute(shape, lambda *indices: reduced.read(*indices) / float(samples**2), name="roi_mean")


def _inner_corners(
    read: Callable[[Expr, Expr], Expr], y: Expr, x: Expr, sizes: Sequence[Size]
) -> list[tuple[Expr, Expr]]:
    """The four elements around a place, each with its weight. A place outside counts as the nearest one inside, if it
    is less than one element away, else as zeros."""
    near: list[Expr] = []
    inside: list[Expr] = []
    for coordinate, size in ((y, sizes[0]), (x, sizes[1])):
        count = _number(as_expr(size), coordinate.dtype)
        inside += [coordinate >= -1.0, coordinate <= count]
        near.append(te.minimum(te.maximum(coordinate, 0.0), count - 1.0))
    corners: list[tuple[Expr, Expr]] = []
    for far_y in (False, True):
        for far_x in (False, True):
            weight = te.const(1.0, y.dtype)
            places: list[Expr] = []
            for coordinate, far, size in zip(near, (far_y, far_x), sizes, strict=True):
                first = te.floor(coordinate)
                fraction = coordinate - first
                weight = weight * (fraction if far else 1.0 - fraction)
                last = _number(as_expr(size), coordinate.dtype) - 1.0
                places.append(_place(te.minimum(first + 1.0, last) if far else first))
            corners.append((te.select(te.all(*inside), weight, 0.0), read(*places)))
    return corners


@irdl_op_definition
class MaxRoiPoolOp(RegionOp):
    """ONNX's MaxRoiPool: the greatest element of each part of a region `image, x1, y1, x2, y2`, whose corners are
    rounded and belong to it; 0 where a part lies outside of the image.

    Example: `graph.max_roi_pool %x, %r size [2, 2] scale 0.5 : f32 : (…) -> tensor<4x3x2x2xf32>`.
    """

    name = "graph.max_roi_pool"

    operand = operand_def(TensorType)
    rois = operand_def(TensorType)

    assembly_format = "$operand `,` $rois `size` $size `scale` $scale attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue, regions: SSAValue, size: Sequence[int], *, scale: float = 1.0):
        super().__init__(
            operands=[operand, regions],
            properties={"size": DenseArrayBase.from_list(i64, list(size)), "scale": FloatAttr(scale, f32)},
            result_types=[_region_type(operand, regions, 5, size)],
        )

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_region_type(self.operand, self.rois, 5, self.sizes)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        operand, regions = operands
        dtype = _coordinates(operand.dtype)
        axes = [te.reduce_axis(size, name=name) for size, name in zip(operand.shape[2:], "yx", strict=True)]

        def bounds(r: ExprLike, dim: int, index: ExprLike) -> tuple[Expr, Expr]:
            """The first element of a part in dimension `dim`, 0 for y, and the one behind its last."""
            first, last = (_rounded(te.cast(regions.read(r, side - dim), dtype) * self.scale_value) for side in (2, 4))
            part = te.maximum(last - first + 1.0, 1.0) / float(self.sizes[dim])
            start = _number(index, dtype)
            return te.floor(start * part) + first, te.ceil((start + 1.0) * part) + first

        def element(*indices: ExprLike) -> Reduction:
            r, c, *at = indices
            image = _place(te.cast(regions.read(r, 0), dtype))
            inside: list[Expr] = []
            for dim, (index, axis) in enumerate(zip(at, axes, strict=True)):
                low, high = bounds(r, dim, index)
                inside += [_number(axis, dtype) >= low, _number(axis, dtype) < high]
            value = operand.read(image, c, *axes)
            return te.max(te.select(te.all(*inside), value, te.const(lowest(operand.dtype), operand.dtype)), axes)

        shape = known_extents(self.result)
        greatest = reduce_to(shape, element, "region_max")
        least = te.const(lowest(operand.dtype), operand.dtype)

        def or_zero(*indices: ExprLike) -> Expr:
            value = greatest.read(*indices)
            return te.select(value == least, te.const(0, operand.dtype), value)

        return te.compute(shape, or_zero, name="max_roi_pool")


def _rounded(number: Expr) -> Expr:
    """The nearest integral value, halves away from zero."""
    return te.select(number < 0.0, te.ceil(number - 0.5), te.floor(number + 0.5))


# Places in windows


@irdl_op_definition
class DeformOp(WindowOp):
    """The elements that windows of a deformable convolution have: channel `c * taps + t` of the result is element `t`
    of the windows over channel `c`, each `offsets` away from where it would be, times `mask`.

    An image is interpolated, and zero around. Channels are divided into `groups`, which have their own offsets and
    masks: channel `2 * (g * taps + t)` of `offsets` for y, the one after it for x, and `g * taps + t` of `mask`.

    Example: `graph.deform %x, %o window [3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1] groups 1 : (…) -> …`.
    """

    name = "graph.deform"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE

    operand = operand_def(TensorType)
    offsets = operand_def(TensorType)
    mask = opt_operand_def(TensorType)
    kernel = prop_def(DenseArrayBase.constr(i64))
    groups = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$operand `,` $offsets (`,` $mask^)? `window` $kernel `strides` $strides `pads` $pads `dilations` $dilations"
        " `groups` $groups attr-dict `:` functional-type(operands, results)"
    )

    def __init__(self, operand: SSAValue, offsets: SSAValue, mask: SSAValue | None, window: Window, groups: int = 1):
        super().__init__(
            operands=[operand, offsets, mask],
            properties={
                **window_properties(window),
                "kernel": DenseArrayBase.from_list(i64, window.kernel),
                "groups": IntegerAttr(groups, i64),
            },
            result_types=[_deform_type(operand, offsets, mask, window, groups)],
        )

    @property
    def window(self) -> Window:
        """The window."""
        return self.window_of(self.kernel.get_values())

    @property
    def group_count(self) -> int:
        """Into how many groups the channels are divided."""
        return self.groups.value.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_deform_type(self.operand, self.offsets, self.mask, self.window, self.group_count)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        operand, offsets, *masks = operands
        window, dtype = self.window, _coordinates(operand.dtype)
        taps = window.kernel[0] * window.kernel[1]
        channels_each = operand.extents[1].constant // self.group_count

        def element(*indices: ExprLike) -> Expr:
            n, number, *position = indices
            channel, tap = as_expr(number) // taps, as_expr(number) % taps
            in_group = (channel // channels_each) * taps + tap
            at = window.element(position, [tap // window.kernel[1], tap % window.kernel[1]])
            y, x = (
                _number(as_expr(index) - low, dtype) + te.cast(offsets.read(n, in_group * 2 + dim, *position), dtype)
                for dim, (index, low) in enumerate(zip(at, window.begin, strict=True))
            )
            value = _interpolated(lambda i, j: operand.read(n, channel, i, j), y, x, operand.shape[2:], operand.dtype)
            return value * masks[0].read(n, in_group, *position) if masks else value

        return te.compute(known_extents(self.result), element, name="deform")


def _interpolated(read: Callable[[Expr, Expr], Expr], y: Expr, x: Expr, sizes: Sequence[Size], dtype: str) -> Expr:
    """An image at a place; it is zero around."""
    total = te.const(0, dtype)
    for far_y in (0.0, 1.0):
        for far_x in (0.0, 1.0):
            weight = te.const(1.0, y.dtype)
            inside: list[Expr] = []
            places: list[Expr] = []
            for coordinate, far, size in zip((y, x), (far_y, far_x), sizes, strict=True):
                first = te.floor(coordinate)
                fraction = coordinate - first
                weight = weight * (fraction if far else 1.0 - fraction)
                place = first + far
                inside += [place >= 0.0, place < _number(as_expr(size), coordinate.dtype)]
                places.append(_place(place))
            zero = te.const(0, dtype)
            total = total + te.select(te.all(*inside), te.cast(weight, dtype) * read(*places), zero)
    return total


def _deform_type(operand: SSAValue, offsets: SSAValue, mask: SSAValue | None, window: Window, groups: int) -> AnyTensor:
    types = [tensor_operand(value) for value in (operand, offsets, mask) if value is not None]
    element_type = common_element_type(types)
    shape = _verify_images(types[0])
    window.verify()
    if window.rank != 2:
        raise VerifyException(f"expected a window over 2 dimensions, got {window.rank}")
    channels = shape[1]
    if channels is None or not channels.is_constant or groups < 1 or channels.constant % groups:
        raise VerifyException(f"expected a multiple of {groups} channels, got {channels}")
    taps = window.kernel[0] * window.kernel[1]
    counts = window.count(shape[2:])
    for type, parts, what in zip(types[1:], (2, 1), ("offsets", "a mask"), strict=False):
        expected = (shape[0], Extent.of(groups * taps * parts), *counts)
        given = shape_of(type)
        if len(given) != 4 or any(
            a is not None and b is not None and a != b for a, b in zip(expected, given, strict=True)
        ):
            raise VerifyException(f"expected {what} of shape {format_shape(expected)}, got {format_shape(given)}")
    return tensor_of(element_type, (shape[0], channels * taps, *counts))


OPERATORS: tuple[type[Operation], ...] = (RoiAlignOp, MaxRoiPoolOp, DeformOp)
