"""Moving elements about, for converters that compose operators: what moves nothing adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from ...dialects import graph
from ...dialects.extents import Extent
from ...errors import ImportModelError
from ...operators.reference.arrays import numpy_dtype
from ...operators.shape import (
    AnyDim,
    BroadcastOp,
    ConcatOp,
    Count,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    dims_of_shape,
    reshape_groups,
)
from .node import Node, UnknownValueError, rank_of, type_of


def dims_of(value: SSAValue) -> list[Extent]:
    """The extents of a tensor value, symbolic ones too."""
    dims = [dim for dim in graph.shape_of(type_of(value)) if dim is not None]
    if len(dims) != rank_of(value):
        raise ImportModelError(f"expected a known shape, got {type_of(value)}")
    return dims


# Reshape


def reshape(node: Node, value: SSAValue, shape: Sequence[Extent | int]) -> SSAValue:
    """The elements in the same order in another shape."""
    dims, source = [Extent.of(size) for size in shape], dims_of(value)
    if dims == source:
        return value
    if is_empty(value):
        return node.weight(empty_array(node, value).reshape([size.constant for size in dims]))
    counts = Count.of(source), Count.of(dims)
    if counts[0] == counts[1]:
        _check_strides(source, dims)
    elif counts[0].symbols:
        raise UnknownValueError(f"expected a shape of {counts[0]} elements, got {graph.format_shape(tuple(dims))}", ())
    return node.add(ReshapeOp(value, dims))


def _check_strides(source: Sequence[Extent], target: Sequence[Extent]) -> None:
    """Checks that a reshape does not multiply sizes that are not known yet."""
    for groups in reshape_groups(source, target):
        for dims, extents in zip(groups, (source, target), strict=True):
            if not all(extents[dim].is_constant for dim in dims[1:]):
                shapes = f"{graph.format_shape(tuple(source))} as {graph.format_shape(tuple(target))}"
                raise UnknownValueError(f"expected static extents to reshape {shapes}", ())


def missing_extent(source: Sequence[Extent], known: Sequence[Extent], target: Sequence[int]) -> Extent:
    """The extent that is missing in a shape of as many elements as `source`; errors say `target`."""
    full, rest = Count.of(source), Count.of(known)
    if rest.factor == 0:
        raise ImportModelError(f"expected extents other than 0 beside -1, got {list(target)}")
    if full.factor == 0:
        return Extent.of(0)
    if not rest.divides(full):
        message = f"expected a shape of {full} elements, got {list(target)}"
        raise UnknownValueError(message, ()) if full.symbols else ImportModelError(message)
    symbols = list(full.symbols)
    for symbol in rest.symbols:
        symbols.remove(symbol)
    if len(symbols) > 1:
        raise UnknownValueError(f"expected static extents to multiply, got {' and '.join(map(str, symbols))}", ())
    return Extent.of(full.factor // rest.factor) * (symbols[0] if symbols else 1)


def count_of(dims: Sequence[Extent]) -> Extent:
    """How many elements a shape has, as an extent."""
    return missing_extent(dims, (), (-1,))


# Other movements


def transpose(node: Node, value: SSAValue, permutation: Sequence[int]) -> SSAValue:
    """The dimensions in another order."""
    identity = list(range(rank_of(value)))
    return value if list(permutation) == identity else node.add(TransposeOp(value, permutation))


def broadcast(node: Node, value: SSAValue, shape: Sequence[AnyDim]) -> SSAValue:
    """The elements, repeated to be of a shape."""
    return value if dims_of_shape(shape) == graph.shape_of(type_of(value)) else node.add(BroadcastOp(value, shape))


def part(
    node: Node, value: SSAValue, starts: Sequence[int], dims: Sequence[Extent], steps: Sequence[int] | None = None
) -> SSAValue:
    """The elements `starts, starts + steps, …` of all dimensions, `dims` of them."""
    steps = [1] * len(starts) if steps is None else steps
    if list(dims) == dims_of(value) and not any(starts) and all(step == 1 for step in steps):
        return value
    if Extent.of(0) in dims:
        if not all(extent.is_constant for extent in dims):
            raise UnknownValueError(f"expected static extents, got {graph.format_shape(tuple(dims))}", ())
        dtype = numpy_dtype(type_of(value).element_type)
        return node.weight(np.zeros([extent.constant for extent in dims], dtype))
    return node.add(SliceOp(value, starts, dims, steps))


def take(node: Node, value: SSAValue, axis: int, start: int, stop: int, step: int = 1) -> SSAValue:
    """The elements `start, start + step, …` before `stop` of one dimension."""
    dims = dims_of(value)
    starts, steps = [0] * len(dims), [1] * len(dims)
    starts[axis], steps[axis] = start, step
    dims[axis] = Extent.of(len(range(start, stop, step)))
    return part(node, value, starts, dims, steps)


def concat(node: Node, values: Sequence[SSAValue], axis: int) -> SSAValue:
    """Values one after the other along a dimension; empty ones add nothing."""
    full = [value for value in values if not is_empty(value)]
    if not full:
        return node.weight(np.concatenate([empty_array(node, value) for value in values], axis))
    return full[0] if len(full) == 1 else node.add(ConcatOp(full, axis))


# What is known of values


def is_empty(value: SSAValue) -> bool:
    """Whether a tensor has no elements."""
    return 0 in type_of(value).get_shape()


def empty_array(node: Node, value: SSAValue) -> NDArray[Any]:
    """An empty tensor, which only shape arithmetic may have."""
    array = node.builder.constant(value)
    if array is None:
        raise ImportModelError(f"expected positive extents, got {type_of(value)}")
    return array


def is_splat(node: Node, value: SSAValue, number: float) -> bool:
    """Whether every element of a value is a number, in every run."""
    array = node.builder.constant(value)
    return array is not None and bool((array == number).all())
