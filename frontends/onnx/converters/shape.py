"""Operators that move elements, or repeat them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BytesAttr, DenseIntOrFPElementsAttr
from xdsl.ir import SSAValue
from xdsl.utils.exceptions import VerifyException

from ....dialects import graph
from ....dialects.extents import Extent
from ....errors import ImportModelError
from ....operators import shape as ops
from ....operators.reference.arrays import numpy_dtype
from ..layout import broadcast, concat, count_of, dims_of, missing_extent, part, reshape, take, transpose
from ..node import Converter, Node, UnknownValueError, normalized_axis, rank_of, static_shape, type_of
from ..tensors import element_type, tensor_array, tensor_type_of

_MAX_ELEMENTS = 2**28  # of a tensor that is known, or has an axis that is looked at element by element


def check_size(sizes: Sequence[int]) -> None:
    """Checks that a tensor of these extents may be made here."""
    if any(size < 1 for size in sizes):
        raise ImportModelError(f"expected positive extents, got {list(sizes)}")
    if math.prod(sizes) > _MAX_ELEMENTS:
        raise ImportModelError(f"expected at most {_MAX_ELEMENTS} elements, got extents {list(sizes)}")


# Reshape


def _convert_reshape(node: Node) -> SSAValue:
    (operand, _) = node.tensors(2)
    target = node.integers(1)
    assert target is not None
    source = dims_of(operand)
    if not node.flag("allowzero"):
        if any(size == 0 and dim >= len(source) for dim, size in enumerate(target)):
            raise ImportModelError(f"expected extents of the operand where 0 stands, got {target}")
        shape = [source[dim] if size == 0 else Extent.of(size) for dim, size in enumerate(target)]
    else:
        shape = [Extent.of(size) for size in target]
    free = [dim for dim, size in enumerate(target) if size == -1]
    if any(size < -1 for size in target) or len(free) > 1:
        raise ImportModelError(f"expected extents and at most one -1, got {target}")
    if free:
        shape[free[0]] = missing_extent(source, [size for dim, size in enumerate(shape) if dim != free[0]], target)
    return reshape(node, operand, shape)


def _convert_flatten(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    extents = dims_of(operand)
    axis = node.attribute("axis", 1)
    axis = axis if axis == len(extents) else normalized_axis(axis, max(len(extents), 1))
    return reshape(node, operand, [count_of(extents[:axis]), count_of(extents[axis:])])


def _axes(node: Node, rank: int) -> list[int] | None:
    """Axes from operand 1, or from the attribute of old; None if they are left out."""
    axes = node.integers(1) if node.opset >= 13 else node.int_list("axes")
    return None if axes is None else _normalized_axes(axes, rank)


def _normalized_axes(axes: Sequence[int], rank: int) -> list[int]:
    normalized = [normalized_axis(axis, rank) for axis in axes]
    if len(set(normalized)) != len(normalized):
        raise ImportModelError(f"expected each axis once, got {list(axes)}")
    return normalized


def _convert_squeeze(node: Node) -> SSAValue:
    operand = node.tensors(1, 2)[0]
    extents = dims_of(operand)
    axes = _axes(node, len(extents))
    for axis in range(len(extents)) if axes is None else axes:
        if not extents[axis].is_constant:
            raise UnknownValueError(f"expected a static extent at axis {axis}, got {extents[axis]}", ())
        if axes is not None and extents[axis] != Extent.of(1):
            raise ImportModelError(f"expected an extent of 1 at axis {axis}, got {extents[axis]}")
    if axes is None:
        axes = [dim for dim, extent in enumerate(extents) if extent == Extent.of(1)]
    return reshape(node, operand, [extent for dim, extent in enumerate(extents) if dim not in axes])


def _convert_unsqueeze(node: Node) -> SSAValue:
    operand = node.tensors(1, 2)[0]
    extents = iter(dims_of(operand))
    axes = node.integers(1) if node.opset >= 13 else node.required_int_list("axes")
    if axes is None:
        raise ImportModelError("expected axes, got none")
    rank = rank_of(operand) + len(axes)
    added = _normalized_axes(axes, rank)
    return reshape(node, operand, [Extent.of(1) if dim in added else next(extents) for dim in range(rank)])


# Other shapes


def _convert_transpose(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    permutation = node.int_list("perm") or list(reversed(range(rank_of(operand))))
    return transpose(node, operand, permutation)


def _convert_concat(node: Node) -> SSAValue:
    operands = node.tensors(1, -1)
    axis = normalized_axis(node.required("axis", int), rank_of(operands[0]))
    return concat(node, operands, axis)


def _convert_split(node: Node) -> list[SSAValue]:
    operand = node.tensors(1, 2)[0]
    axis = node.axis(0, rank_of(operand))
    sizes = node.integers(1) if node.opset >= 13 else node.int_list("split")
    count = len(node.proto.output)
    if node.attribute("num_outputs", count) != count or not count:
        raise ImportModelError(f"expected as many outputs as num_outputs says, got {count}")
    if sizes is None:
        extent = dims_of(operand)[axis]
        if not extent.is_constant:
            raise UnknownValueError(f"expected a static extent to split, got {extent}", ())
        size = -(-extent.constant // count)
        if node.opset < 18 and extent.constant % count:
            raise ImportModelError(f"expected an extent that {count} parts divide, got {extent}")
        sizes = [min(size, extent.constant - size * part) for part in range(count)]
    starts, extent = accumulate(sizes, initial=0), dims_of(operand)[axis]
    if Extent.of(sum(sizes)) != extent or min(sizes) < 0:
        message = f"expected parts of {extent}, got {sizes}"
        raise ImportModelError(message) if extent.is_constant else UnknownValueError(message, ())
    return [take(node, operand, axis, start, start + size) for start, size in zip(starts, sizes, strict=False)]


def _convert_slice(node: Node) -> SSAValue:
    operand = node.tensors(3, 5)[0]
    return _slice(node, operand, node.integers(1), node.integers(2), node.integers(3), node.integers(4))


def _convert_slice_by_attributes(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    starts, ends = node.required_int_list("starts"), node.required_int_list("ends")
    return _slice(node, operand, starts, ends, node.int_list("axes"), None)


def _slice(
    node: Node,
    operand: SSAValue,
    starts: Sequence[int] | None,
    ends: Sequence[int] | None,
    axes: Sequence[int] | None,
    steps: Sequence[int] | None,
) -> SSAValue:
    assert starts is not None and ends is not None
    extents = list(dims_of(operand))
    rank = len(extents)
    axes = _normalized_axes(range(len(starts)) if axes is None else axes, rank)
    steps = [1] * len(axes) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise ImportModelError(f"expected a start, an end and a step for each axis, got {starts}, {ends} and {steps}")
    all_starts, all_steps = [0] * rank, [1] * rank
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        extent = extents[axis]
        if not extent.is_constant:
            if start == 0 and step == 1 and end >= np.iinfo(np.int32).max:
                continue
            raise UnknownValueError(f"expected a static extent to slice, got {extent}", ())
        places = range(*slice(start, _end(end, step, extent.constant), step).indices(extent.constant))
        all_starts[axis] = places.start if len(places) else 0
        all_steps[axis] = step if len(places) > 1 else 1
        extents[axis] = Extent.of(len(places))
    return part(node, operand, all_starts, extents, all_steps)


def _end(end: int, step: int, extent: int) -> int | None:
    """The end as Python's slices have it: before the first element is None where steps go back."""
    return None if step < 0 and end < -extent else end


def _convert_expand(node: Node) -> SSAValue:
    (operand, _) = node.tensors(2)
    sizes = node.integers(1)
    assert sizes is not None
    extents = dims_of(operand)
    try:
        shape = graph.broadcast_shapes(tuple(extents), tuple(map(Extent.of, sizes)))
    except VerifyException as error:
        if all(extent.is_constant for extent in extents):
            raise
        raise UnknownValueError(str(error), ()) from None
    return broadcast(node, operand, shape)


def _convert_tile(node: Node) -> SSAValue:
    (operand, _) = node.tensors(2)
    repeats = node.integers(1)
    assert repeats is not None
    if all(times == 1 for times in repeats):
        return operand
    return node.add(ops.TileOp(operand, repeats))


# Blocks


def _convert_depth_to_space(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    size = node.required("blocksize", int)
    n, c, h, w = _image(operand)
    if size < 1 or c % size**2:
        raise ImportModelError(f"expected channels in blocks of {size} x {size}, got {c}")
    match node.attribute("mode", "DCR"):
        case "DCR":
            blocks = reshape(node, operand, [n, size, size, c // size**2, h, w])
            moved = transpose(node, blocks, [0, 3, 4, 1, 5, 2])
        case "CRD":
            blocks = reshape(node, operand, [n, c // size**2, size, size, h, w])
            moved = transpose(node, blocks, [0, 1, 4, 2, 5, 3])
        case other:
            raise ImportModelError(f"expected mode DCR or CRD, got '{other}'")
    return reshape(node, moved, [n, c // size**2, h * size, w * size])


def _convert_space_to_depth(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    size = node.required("blocksize", int)
    n, c, h, w = _image(operand)
    if size < 1 or h % size or w % size:
        raise ImportModelError(f"expected an image of blocks of {size} x {size}, got {h} x {w}")
    blocks = reshape(node, operand, [n, c, h // size, size, w // size, size])
    moved = transpose(node, blocks, [0, 3, 5, 1, 2, 4])
    return reshape(node, moved, [n, c * size**2, h // size, w // size])


def _image(operand: SSAValue) -> tuple[Extent, int, int, int]:
    extents = dims_of(operand)
    if len(extents) != 4:
        raise ImportModelError(f"expected a batch of images, got {graph.format_shape(tuple(extents))}")
    batch, *rest = extents
    if not all(extent.is_constant for extent in rest):
        raise UnknownValueError(f"expected images of static extents, got {graph.format_shape(tuple(extents))}", ())
    c, h, w = (extent.constant for extent in rest)
    return batch, c, h, w


# Pads


def _convert_pad(node: Node) -> SSAValue:
    operands = node.optional_tensors(2, 4)
    operand = operands[0]
    assert operand is not None
    pads, axes = node.integers(1), node.integers(3)
    assert pads is not None
    return _pad(node, operand, pads, axes, operands[2])


def _convert_pad_by_attributes(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    value = node.attribute("value", 0.0)
    return _pad(node, operand, node.required_int_list("pads"), None, node.splat(value, operand) if value else None)


def _pad(
    node: Node, operand: SSAValue, pads: Sequence[int], axes: Sequence[int] | None, value: SSAValue | None
) -> SSAValue:
    rank = rank_of(operand)
    axes = _normalized_axes(range(rank) if axes is None else axes, rank)
    if len(pads) != 2 * len(axes):
        raise ImportModelError(f"expected {2 * len(axes)} pads, got {len(pads)}")
    low, high = [0] * rank, [0] * rank
    for axis, before, after in zip(axes, pads, pads[len(axes) :], strict=False):
        low[axis], high[axis] = before, after
    mode = node.attribute("mode", "constant")
    if mode not in ops.PAD_MODES:
        raise ImportModelError(f"expected a mode of {', '.join(ops.PAD_MODES)}, got '{mode}'")
    if min((*low, *high), default=0) < 0:
        operand = _cropped(node, operand, low, high)
        low, high = [max(size, 0) for size in low], [max(size, 0) for size in high]
    if not any((*low, *high)):
        return operand
    if mode in ("reflect", "wrap"):
        for size, before, after in zip(dims_of(operand), low, high, strict=True):
            if (before or after) and not size.is_constant:
                raise UnknownValueError(f"expected a static extent to pad, got {size}", ())
    if value is not None:
        value = reshape(node, value, ())
    return node.add(ops.PadOp(operand, low, high, value=value if mode == "constant" else None, mode=mode))


def _cropped(node: Node, operand: SSAValue, low: Sequence[int], high: Sequence[int]) -> SSAValue:
    """The operand without what negative pads take away."""
    sizes = static_shape(operand, "to crop")
    starts = [max(-before, 0) for before in low]
    left = [size - start - max(-after, 0) for size, start, after in zip(sizes, starts, high, strict=True)]
    if min(left) < 0:
        raise ImportModelError(f"expected pads that leave something of {list(sizes)}, got {list(low)} and {list(high)}")
    return part(node, operand, starts, [Extent.of(size) for size in left], [1] * len(sizes))


def _convert_trilu(node: Node) -> SSAValue:
    operand = node.tensors(1, 2)[0]
    k = node.integers(1)
    return node.add(ops.TriluOp(operand, k[0] if k else 0, upper=node.flag("upper", True)))


# Tensors that follow from numbers


def _convert_range(node: Node) -> SSAValue:
    node.tensors(3)
    numbers = [node.constant(index) for index in range(3)]
    start, limit, delta = (number.reshape(-1)[0] for number in numbers if number is not None)
    if delta == 0:
        raise ImportModelError("expected a delta other than 0, got 0")
    if not all(math.isfinite(number) for number in (start, limit, delta)):
        raise ImportModelError(f"expected finite numbers, got {start}, {limit} and {delta}")
    if start.dtype.kind not in "iu":
        count = max(math.ceil((float(limit) - float(start)) / float(delta)), 0)
    else:
        count = max(-(-(int(limit) - int(start)) // int(delta)), 0)
    if count:
        check_size([count])
    return node.weight((start + np.arange(count).astype(start.dtype) * delta).astype(start.dtype))


def _convert_constant_of_shape(node: Node) -> SSAValue:
    sizes = node.integers(0)
    assert sizes is not None
    value = np.zeros(1, np.float32)
    if "value" in node.attributes:
        value = tensor_array(node.attributes["value"]).reshape(-1)
    if len(value) != 1 or any(size < 0 for size in sizes):
        raise ImportModelError(f"expected one number and extents, got {len(value)} numbers and {sizes}")
    check_size([max(size, 1) for size in sizes])
    if 0 in sizes:
        return node.weight(np.zeros(sizes, value.dtype))
    return _constant(node, np.full(sizes, value[0], value.dtype))


def _constant(node: Node, array: NDArray[Any]) -> SSAValue:
    """A tensor of one number."""
    dense = DenseIntOrFPElementsAttr(cast(Any, tensor_type_of(array)), BytesAttr(array.tobytes()))
    return node.add(graph.ConstantOp(cast(graph.AnyDense, dense)))


def _convert_eye_like(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    sizes = static_shape(operand, "for EyeLike")
    if len(sizes) != 2:
        raise ImportModelError(f"expected a matrix, got rank {len(sizes)}")
    check_size(sizes)
    element = element_type(node.required("dtype", int)) if "dtype" in node.attributes else type_of(operand).element_type
    return node.weight(np.eye(*sizes, k=node.attribute("k", 0)).astype(numpy_dtype(element)))


CONVERTERS = (
    Converter("Reshape", 5, _convert_reshape, ("allowzero",)),
    Converter("Flatten", 1, _convert_flatten, ("axis",)),
    Converter("Squeeze", 1, _convert_squeeze, ("axes",)),
    Converter("Unsqueeze", 1, _convert_unsqueeze, ("axes",)),
    Converter("Transpose", 1, _convert_transpose, ("perm",)),
    Converter("Concat", 4, _convert_concat, ("axis",)),
    Converter("Split", 2, _convert_split, ("axis", "split")),
    Converter("Split", 18, _convert_split, ("axis", "num_outputs")),
    Converter("Slice", 1, _convert_slice_by_attributes, ("starts", "ends", "axes")),
    Converter("Slice", 10, _convert_slice),
    Converter("Pad", 2, _convert_pad_by_attributes, ("pads", "mode", "value")),
    Converter("Pad", 11, _convert_pad, ("mode",)),
    Converter("Expand", 8, _convert_expand),
    Converter("Tile", 6, _convert_tile),
    Converter("DepthToSpace", 1, _convert_depth_to_space, ("blocksize", "mode")),
    Converter("SpaceToDepth", 1, _convert_space_to_depth, ("blocksize",)),
    Converter("Trilu", 14, _convert_trilu, ("upper",)),
    Converter("Range", 11, _convert_range),
    Converter("ConstantOfShape", 9, _convert_constant_of_shape, ("value",)),
    Converter("EyeLike", 9, _convert_eye_like, ("dtype", "k")),
)
