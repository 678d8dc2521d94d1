"""Resize: along each axis by itself, a weighted sum of the elements around a place. Places and weights follow from
extents, so that each axis is gathers at known indices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import bf16, f16, f32
from xdsl.ir import SSAValue

from ....errors import ImportModelError
from ....operators.linear_algebra import MatmulOp
from ....operators.reference.arrays import numpy_dtype
from ..layout import broadcast, dims_of, reshape, transpose
from ..node import Converter, Node, static_shape, type_of
from ..terms import Term
from .indexing import gathered
from .shape import check_size

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MAX_GATHERS = 8  # more terms are a matrix product

COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
)
NEAREST_MODES = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@dataclass(frozen=True)
class Resizing:
    """How places and weights are computed."""

    mode: str
    coordinates: str
    nearest_mode: str
    cubic_coefficient: float
    antialias: bool
    exclude_outside: bool

    def __post_init__(self) -> None:
        for given, expected in (
            (self.mode, ("nearest", "linear", "cubic")),
            (self.coordinates, COORDINATES),
            (self.nearest_mode, NEAREST_MODES),
        ):
            if given not in expected:
                raise ImportModelError(f"expected one of {', '.join(expected)}, got '{given}'")
        if self.antialias and self.mode == "nearest":
            raise ImportModelError("expected mode linear or cubic with antialias, got nearest")


@dataclass(frozen=True)
class Axis:
    """One dimension: its extents, and the part of it that is resized to the whole."""

    source: int
    target: int
    scale: float
    start: float = 0.0
    end: float = 1.0

    @property
    def is_whole(self) -> bool:
        """Whether nothing changes."""
        return self.source == self.target and math.isclose(self.scale, 1) and (self.start, self.end) == (0, 1)

    def places(self, coordinates: str) -> Floats:
        """Where each element of the result lies in the operand."""
        x = np.arange(self.target, dtype=np.float64)
        last, length = self.source - 1, self.scale * self.source
        match coordinates:
            case "align_corners":
                return x * last / (length - 1) if length != 1 else np.zeros_like(x)
            case "asymmetric":
                return x / self.scale
            case "tf_crop_and_resize":
                part = self.end - self.start
                inside = x * part * last / (length - 1) if length != 1 else np.full_like(x, part * last / 2)
                return inside + self.start * last
            case "pytorch_half_pixel" if length == 1:
                return np.full_like(x, -0.5)
            case "half_pixel_symmetric":
                return (x + 0.5) / self.scale - 0.5 + self.source / 2 * (1 - self.target / length)
            case _:
                return (x + 0.5) / self.scale - 0.5


def taps(axis: Axis, places: Floats, how: Resizing) -> tuple[Integers, Floats]:
    """The elements of the operand that each element of the result is a sum of, and their weights."""
    # an integral place is to the right of the element before it
    base = np.ceil(places).astype(np.int64) - 1
    ratio = places - base
    if how.mode == "nearest":
        take_next = {
            "round_prefer_floor": ratio > 0.5,
            "round_prefer_ceil": ratio >= 0.5,
            "floor": ratio == 1,
            "ceil": ratio > 0,
        }[how.nearest_mode]
        nearest = np.clip(base + take_next, 0, axis.source - 1)
        return nearest[:, None], np.ones((axis.target, 1))
    scale = min(axis.scale, 1.0) if how.antialias else 1.0
    radius = math.ceil((1 if how.mode == "linear" else 2) / scale)
    offsets = np.arange(1 - radius, radius + 1)
    distance = np.abs((offsets - ratio[:, None]) * scale)
    weights = np.clip(1 - distance, 0, 1) if how.mode == "linear" else _cubic(distance, how.cubic_coefficient)
    elements = base[:, None] + offsets
    if how.antialias:
        weights = weights / weights.sum(axis=1, keepdims=True)
    if how.exclude_outside:
        weights = np.where((elements < 0) | (elements >= axis.source), 0.0, weights)
        total = weights.sum(axis=1, keepdims=True)
        weights = weights / np.where(total == 0, 1.0, total)
    return np.clip(elements, 0, axis.source - 1), weights


def _cubic(distance: Floats, a: float) -> Floats:
    """Keys' cubic convolution."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))


# Building


def _resized(node: Node, operand: SSAValue, dim: int, elements: Integers, weights: Floats, how: Resizing) -> SSAValue:
    """The operand resized along one dimension."""
    if how.mode == "nearest":
        return _picked(node, operand, dim, elements[:, 0])
    dtype = numpy_dtype(type_of(operand).element_type)
    if elements.shape[1] > _MAX_GATHERS:
        return _contracted(node, operand, dim, elements, weights.astype(dtype))
    rank = len(dims_of(operand))
    shape = [-1, *[1] * (rank - 1 - dim)]
    terms: list[Term] = []
    for tap in range(elements.shape[1]):
        if weights[:, tap].any():
            part = Term(node, _picked(node, operand, dim, elements[:, tap]))
            terms.append(part * Term(node, node.weight(weights[:, tap].astype(dtype).reshape(shape))))
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total.value


def _picked(node: Node, operand: SSAValue, dim: int, elements: Integers) -> SSAValue:
    """Elements along one dimension; each several times is a broadcast."""
    extents = list(dims_of(operand))
    size = extents[dim].constant
    times = len(elements) // size
    if times > 1 and np.array_equal(elements, np.arange(len(elements)) // times):
        before, after = extents[:dim], extents[dim + 1 :]
        apart = reshape(node, operand, [*before, size, 1, *after])
        repeated = broadcast(node, apart, [*before, size, times, *after])
        return reshape(node, repeated, [*before, size * times, *after])
    return gathered(node, operand, node.weight(elements), dim)


def _contracted(node: Node, operand: SSAValue, dim: int, elements: Integers, weights: NDArray[Any]) -> SSAValue:
    """The same as a product with a matrix that is mostly zeros."""
    matrix = np.zeros((dims_of(operand)[dim].constant, len(elements)), weights.dtype)
    for row, (places, values) in enumerate(zip(elements, weights, strict=True)):
        np.add.at(matrix, (places, row), values)
    order = list(range(len(dims_of(operand))))
    order[dim], order[-1] = order[-1], order[dim]
    last = transpose(node, operand, order)
    return transpose(node, node.add(MatmulOp(last, node.weight(matrix))), order)


def resize(
    node: Node, operand: SSAValue, axes: Sequence[tuple[int, Axis]], how: Resizing, extrapolation: float = 0.0
) -> SSAValue:
    """The operand resized along some dimensions."""
    original = Term(node, operand)
    if how.mode != "nearest" and not original.is_float:
        raise ImportModelError(f"expected floats in mode {how.mode}, got elements of type {original.element_type}")
    narrow = how.mode != "nearest" and original.element_type in (f16, bf16)
    value = original.cast(f32).value if narrow else operand
    rank = len(dims_of(operand))
    outside: Term | None = None
    for dim, axis in axes:
        if axis.is_whole:
            continue
        places = axis.places(how.coordinates)
        elements, weights = taps(axis, places, how)
        value = _resized(node, value, dim, elements, weights, how)
        missing = (places < 0) | (places > axis.source - 1)
        if how.coordinates == "tf_crop_and_resize" and missing.any():
            mask = Term(node, node.weight(missing.reshape([-1, *[1] * (rank - 1 - dim)])))
            outside = mask if outside is None else outside | mask
    result = Term(node, value)
    if outside is not None:
        result = outside.select(result.number(extrapolation), result)
    return result.cast(original.element_type).value


# The nodes


def _scale_axes(sizes: Sequence[int], dims: Sequence[int], scales: NDArray[Any]) -> list[tuple[int, Axis]]:
    if len(scales) != len(dims) or not all(scale > 0 and math.isfinite(scale) for scale in scales):
        raise ImportModelError(f"expected {len(dims)} positive scales, got {scales.tolist()}")
    targets = [int(scale * sizes[dim]) for dim, scale in zip(dims, scales, strict=True)]
    check_size(targets)
    return [
        (dim, Axis(sizes[dim], target, float(scale))) for dim, target, scale in zip(dims, targets, scales, strict=True)
    ]


def _size_axes(
    sizes: Sequence[int], dims: Sequence[int], targets: Sequence[int], policy: str
) -> list[tuple[int, Axis]]:
    if len(targets) != len(dims):
        raise ImportModelError(f"expected {len(dims)} extents, got {list(targets)}")
    check_size(targets)
    scales = [target / sizes[dim] for dim, target in zip(dims, targets, strict=True)]
    if policy not in ("stretch", "not_larger", "not_smaller"):
        raise ImportModelError(f"expected stretch, not_larger or not_smaller, got '{policy}'")
    if policy != "stretch" and scales:
        scales = [min(scales) if policy == "not_larger" else max(scales)] * len(dims)
        targets = [math.floor(scale * sizes[dim] + 0.5) for dim, scale in zip(dims, scales, strict=True)]
        check_size(targets)
    return [(dim, Axis(sizes[dim], target, scale)) for dim, target, scale in zip(dims, targets, scales, strict=True)]


def _convert_resize(node: Node) -> SSAValue:
    operand = node.optional_tensors(1, 4)[0]
    assert operand is not None
    sizes = static_shape(operand, "to resize")
    rank = len(sizes)
    given = node.int_list("axes")
    dims = list(range(rank)) if given is None else [axis % rank for axis in given]
    if len(set(dims)) != len(dims) or not all(-rank <= axis < rank for axis in given or ()):
        raise ImportModelError(f"expected different axes from {-rank} to {rank - 1}, got {given}")
    scales, targets = node.constant(2), node.integers(3)
    if scales is not None and scales.size:
        axes = _scale_axes(sizes, dims, scales.reshape(-1))
    elif targets:
        axes = _size_axes(sizes, dims, targets, node.attribute("keep_aspect_ratio_policy", "stretch"))
    else:
        raise ImportModelError("expected scales or sizes, got none")
    how = Resizing(
        node.attribute("mode", "nearest"),
        node.attribute("coordinate_transformation_mode", "half_pixel"),
        node.attribute("nearest_mode", "round_prefer_floor"),
        node.attribute("cubic_coeff_a", -0.75),
        node.flag("antialias"),
        node.flag("exclude_outside"),
    )
    if how.coordinates == "tf_crop_and_resize":
        axes = _cropped(node, axes)
    return resize(node, operand, axes, how, node.attribute("extrapolation_value", 0.0))


def _cropped(node: Node, axes: Sequence[tuple[int, Axis]]) -> list[tuple[int, Axis]]:
    """Axes with the part of each that `roi` says."""
    roi = node.constant(1)
    if roi is None or roi.size != 2 * len(axes):
        raise ImportModelError(f"expected a roi of {2 * len(axes)} numbers, got {0 if roi is None else roi.size}")
    starts, ends = roi.reshape(2, -1).astype(np.float64)
    return [
        (dim, Axis(axis.source, axis.target, axis.scale, float(start), float(end)))
        for (dim, axis), start, end in zip(axes, starts, ends, strict=True)
    ]


def _convert_resize_by_scales(node: Node) -> SSAValue:
    """Resize of opset 10 and Upsample: places are `x / scale`, the nearest element is the one before."""
    operand = node.tensors(1, 2)[0]
    sizes = static_shape(operand, "to resize")
    if "scales" in node.attributes:
        scales = np.array(node.required("scales", list), np.float32)
    else:
        known = node.constant(1)
        if known is None:
            raise ImportModelError("expected scales, got none")
        scales = known.reshape(-1)
    how = Resizing(node.attribute("mode", "nearest"), "asymmetric", "floor", -0.75, False, False)
    return resize(node, operand, _scale_axes(sizes, range(len(sizes)), scales), how)


CONVERTERS = (
    Converter("Upsample", 7, _convert_resize_by_scales, ("mode", "scales")),
    Converter("Upsample", 9, _convert_resize_by_scales, ("mode",)),
    Converter("Resize", 10, _convert_resize_by_scales, ("mode",)),
    Converter(
        "Resize",
        11,
        _convert_resize,
        (
            "antialias",
            "axes",
            "coordinate_transformation_mode",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "keep_aspect_ratio_policy",
            "mode",
            "nearest_mode",
        ),
    ),
)
