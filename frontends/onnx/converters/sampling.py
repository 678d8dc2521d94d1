"""Operators that sample images at places, and that put windows of images together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue

from ....errors import ImportModelError
from ....operators.linear_algebra import MatmulOp
from ....operators.reference.arrays import numpy_dtype
from ....operators.sampling import GRID_MODES, Col2ImOp, GridSampleOp
from ..layout import dims_of, reshape, transpose
from ..node import Converter, Node, static_shape, type_of
from .shape import check_size

_OLD_MODES = {"bilinear": "linear", "bicubic": "cubic"}


def _convert_grid_sample(node: Node) -> Operation:
    operand, grid = node.tensors(2)
    static_shape(operand, "of images to sample")
    mode = node.attribute("mode", GRID_MODES[1])
    return GridSampleOp(
        operand,
        grid,
        mode=_OLD_MODES.get(mode, mode),
        padding=node.attribute("padding_mode", "zeros"),
        align_corners=node.flag("align_corners"),
    )


def _convert_col2im(node: Node) -> Operation:
    operand, _, _ = node.tensors(3)
    image, block = node.integers(1), node.integers(2)
    assert image is not None and block is not None
    ones = [1] * len(image)
    return Col2ImOp(
        operand,
        image,
        block,
        strides=node.int_list("strides") or ones,
        dilations=node.int_list("dilations") or ones,
        pads=node.int_list("pads") or [0] * (2 * len(image)),
    )


def _convert_affine_grid(node: Node) -> SSAValue:
    """The places of all elements, times the transpose transformations."""
    theta, _ = node.tensors(2)
    size = node.integers(1)
    assert size is not None
    sizes = size[2:]
    rows, columns = len(sizes), len(sizes) + 1
    if not sizes or static_shape(theta, "of transformations") != (size[0], rows, columns):
        raise ImportModelError(f"expected a transformation for each of {size}, got {type_of(theta)}")
    check_size(size)
    places = [_places(length, node.flag("align_corners")) for length in sizes]
    # the last dimension comes first, and a 1 at the end
    corners = np.meshgrid(*places, indexing="ij")[::-1]
    base = np.stack([*corners, np.ones(sizes)], axis=-1).reshape(-1, columns)
    known = node.weight(base.astype(numpy_dtype(type_of(theta).element_type)))
    product = node.add(MatmulOp(known, transpose(node, theta, [0, 2, 1])))
    return reshape(node, product, [dims_of(theta)[0], *sizes, rows])


def _places(length: int, align_corners: bool) -> NDArray[np.float64]:
    """The elements of one dimension, from -1 to 1."""
    if align_corners:
        return np.linspace(-1, 1, length) if length > 1 else np.zeros(1)
    return (2 * np.arange(length) + 1) / length - 1


CONVERTERS = (
    Converter("GridSample", 16, _convert_grid_sample, ("mode", "padding_mode", "align_corners")),
    Converter("Col2Im", 18, _convert_col2im, ("dilations", "pads", "strides")),
    Converter("AffineGrid", 20, _convert_affine_grid, ("align_corners",)),
)
