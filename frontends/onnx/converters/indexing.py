"""Operators that take elements from where, or put them to where, other tensors say."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import Operation, SSAValue

from ....dialects import graph
from ....dialects.extents import Extent
from ....errors import ImportModelError
from ....operators import indexing as ops
from ..layout import count_of, dims_of, part, reshape, take
from ..node import Converter, Node, normalized_axis, rank_of, type_of
from ..terms import Term
from .shape import check_size

_AXIS = ("axis",)


def _convert_gather(node: Node) -> SSAValue:
    operand, indices = node.tensors(2)
    axis = node.axis(0, rank_of(operand))
    return gathered(node, operand, indices, axis)


def gathered(node: Node, operand: SSAValue, indices: SSAValue, axis: int) -> SSAValue:
    """Slices of the operand along an axis; known indices at equal distances are one slice."""
    extents = list(dims_of(operand))
    known = node.builder.constant(indices)
    if known is None or not extents[axis].is_constant:
        return node.add(ops.GatherOp(operand, indices, axis))
    size = extents[axis].constant
    places = np.where(known < 0, known + size, known)
    if places.size and (places.min() < 0 or places.max() >= size):
        raise ImportModelError(f"expected indices from {-size} to {size - 1}, got {known.tolist()}")
    flat = [int(place) for place in places.reshape(-1)]
    step = flat[1] - flat[0] if len(flat) > 1 else 1
    if step == 0 or not flat or flat != list(range(flat[0], flat[0] + step * len(flat), step)):
        if not flat:
            raise ImportModelError("expected indices, got none")
        return node.add(ops.GatherOp(operand, indices, axis))
    rank = len(extents)
    starts, steps = [0] * rank, [1] * rank
    starts[axis], steps[axis] = flat[0], step
    dims = [*extents[:axis], Extent.of(len(flat)), *extents[axis + 1 :]]
    found = part(node, operand, starts, dims, steps)
    return reshape(node, found, [*extents[:axis], *map(Extent.of, known.shape), *extents[axis + 1 :]])


def _convert_gather_elements(node: Node) -> Operation:
    operand, indices = node.tensors(2)
    return ops.GatherElementsOp(operand, indices, node.axis(0, rank_of(operand)))


def _convert_gather_nd(node: Node) -> Operation:
    operand, indices = node.tensors(2)
    return ops.GatherNDOp(operand, indices, node.attribute("batch_dims", 0))


def _convert_scatter_elements(node: Node) -> Operation:
    operand, indices, updates = node.tensors(3)
    axis = node.axis(0, rank_of(operand))
    return ops.ScatterElementsOp(operand, indices, updates, axis, reduction=node.attribute("reduction", "none"))


def _convert_scatter_nd(node: Node) -> Operation:
    operand, indices, updates = node.tensors(3)
    return ops.ScatterNDOp(operand, indices, updates, reduction=node.attribute("reduction", "none"))


def _convert_reverse_sequence(node: Node) -> Operation:
    operand, lengths = node.tensors(2)
    time, batch = node.attribute("time_axis", 0), node.attribute("batch_axis", 1)
    return ops.ReverseSequenceOp(operand, lengths, time=time, batch=batch)


def _convert_one_hot(node: Node) -> SSAValue:
    """Whether indices are `0, 1, …` along a new axis."""
    indices, _, values = node.tensors(3)
    depth = node.constant(1)
    if depth is None or depth.size != 1 or not np.isfinite(depth).all() or depth.reshape(-1)[0] < 1:
        raise ImportModelError(f"expected a positive number as depth, got {None if depth is None else depth.tolist()}")
    if graph.shape_of(type_of(values)) != (Extent.of(2),):
        raise ImportModelError(f"expected two values, got {type_of(values)}")
    size = int(depth.reshape(-1)[0])
    check_size([size])
    extents = dims_of(indices)
    axis = normalized_axis(node.attribute("axis", -1), len(extents) + 1)
    index = Term(node, indices).cast(i64)
    index = (index < 0).select(index + size, index)
    place = Term(node, reshape(node, index.value, [*extents[:axis], Extent.of(1), *extents[axis:]]))
    numbers = np.arange(size, dtype=np.int64).reshape([size] + [1] * (len(extents) - axis))
    off, on = (Term(node, reshape(node, take(node, values, 0, number, number + 1), ())) for number in range(2))
    return place.equals(Term(node, node.weight(numbers))).select(on, off).value


def _convert_compress(node: Node) -> SSAValue:
    """A gather of the places where the condition, which has to be known, holds."""
    operand, _ = node.tensors(2)
    condition = node.constant(1)
    assert condition is not None
    axis = node.optional("axis", int)
    if axis is None:
        operand = reshape(node, operand, [count_of(dims_of(operand))])
    dim = 0 if axis is None else normalized_axis(axis, rank_of(operand))
    return gathered(node, operand, node.weight(np.flatnonzero(condition)), dim)


def _convert_nonzero(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    known = node.builder.constant(operand)
    if known is None:
        raise ImportModelError("expected a constant: the elements decide the shape of the result")
    return node.weight(np.array(np.nonzero(known), np.int64))


def _convert_array_feature_extractor(node: Node) -> SSAValue:
    operand, indices = node.tensors(2)
    rank = rank_of(operand)
    flat = reshape(node, indices, [count_of(dims_of(indices))])
    found = gathered(node, operand, flat, rank - 1)
    return reshape(node, found, [Extent.of(1), *dims_of(found)]) if rank == 1 else found


CONVERTERS = (
    Converter("Gather", 1, _convert_gather, _AXIS),
    Converter("GatherElements", 11, _convert_gather_elements, _AXIS),
    Converter("GatherND", 11, _convert_gather_nd, ("batch_dims",)),
    Converter("Scatter", 9, _convert_scatter_elements, _AXIS),
    Converter("ScatterElements", 11, _convert_scatter_elements, ("axis", "reduction")),
    Converter("ScatterND", 11, _convert_scatter_nd, ("reduction",)),
    Converter("ReverseSequence", 10, _convert_reverse_sequence, ("time_axis", "batch_axis")),
    Converter("OneHot", 9, _convert_one_hot, _AXIS),
    Converter("Compress", 9, _convert_compress, _AXIS),
    Converter("NonZero", 9, _convert_nonzero),
    Converter("ArrayFeatureExtractor", 1, _convert_array_feature_extractor, domain="ai.onnx.ml"),
)
