"""Regions of images, and convolutions whose windows are deformed."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from ....errors import ImportModelError
from ....operators.convolution import ConvOp
from ....operators.regions import DeformOp, MaxRoiPoolOp, RoiAlignOp
from ....operators.windows import Window
from ..layout import dims_of, reshape
from ..node import Converter, Node
from .convolution import add_bias, kernel_of
from .windows import check_spatial, read_window

_COORDINATES = ("half_pixel", "output_half_pixel")


def _convert_roi_align(node: Node) -> Operation:
    operand, regions, images = node.tensors(3)
    mode = node.attribute("mode", "avg")
    coordinates = node.attribute("coordinate_transformation_mode", _COORDINATES[node.opset < 16])
    samples = node.attribute("sampling_ratio", 0)
    if mode not in ("avg", "max") or coordinates not in _COORDINATES:
        raise ImportModelError(f"expected mode avg or max and coordinates {' or '.join(_COORDINATES)}")
    if samples < 1:
        raise ImportModelError(f"expected a sampling_ratio of 1 or more, got {samples}: regions say how many samples")
    return RoiAlignOp(
        operand,
        regions,
        images,
        [node.attribute("output_height", 1), node.attribute("output_width", 1)],
        scale=node.attribute("spatial_scale", 1.0),
        samples=samples,
        maximum=mode == "max",
        half_pixel=coordinates == "half_pixel",
    )


def _convert_max_roi_pool(node: Node) -> Operation:
    operand, regions = node.tensors(2)
    size = node.required("pooled_shape", list[int])
    return MaxRoiPoolOp(operand, regions, size, scale=node.attribute("spatial_scale", 1.0))


def _convert_deform_conv(node: Node) -> SSAValue:
    """The elements of all windows, then a convolution that looks at one place."""
    input, weight, offsets, bias, mask = node.optional_tensors(3, 5)
    assert input is not None and weight is not None and offsets is not None
    kernel = kernel_of(node, weight)
    check_spatial(input, len(kernel))
    window = read_window(node, input, kernel)
    elements = node.add(DeformOp(input, offsets, mask, window, node.attribute("offset_group", 1)))
    results, channels_each, *taps = dims_of(weight)
    count = channels_each
    for tap in taps:
        count *= tap
    flat = reshape(node, weight, [results, count, 1, 1])
    pointwise = Window((1, 1), (1, 1), (0, 0, 0, 0), (1, 1))
    result = node.add(ConvOp(elements, flat, pointwise, node.attribute("group", 1)))
    return result if bias is None else add_bias(node, result, bias)


_ROI_ALIGN = ("mode", "output_height", "output_width", "sampling_ratio", "spatial_scale")

CONVERTERS = (
    Converter("RoiAlign", 10, _convert_roi_align, _ROI_ALIGN),
    Converter("RoiAlign", 16, _convert_roi_align, (*_ROI_ALIGN, "coordinate_transformation_mode")),
    Converter("MaxRoiPool", 1, _convert_max_roi_pool, ("pooled_shape", "spatial_scale")),
    Converter(
        "DeformConv",
        19,
        _convert_deform_conv,
        ("dilations", "group", "kernel_shape", "offset_group", "pads", "strides"),
    ),
)
