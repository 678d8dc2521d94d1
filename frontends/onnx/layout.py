"""Moving elements about, for converters that compose operators: what moves nothing adds nothing."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from ...dialects import graph
from ...dialects.extents import Extent
from ...errors import ImportModelError
from ...operators.shape import ConcatOp, ReshapeOp, SliceOp, TransposeOp
from .node import Node, type_of


def dims_of(value: SSAValue) -> list[Extent]:
    """The extents of a tensor value."""
    dims = [dim for dim in graph.shape_of(type_of(value)) if dim is not None]
    if len(dims) != type_of(value).get_num_dims():
        raise ImportModelError(f"expected a known shape, got {type_of(value)}")
    return dims


def reshape(node: Node, value: SSAValue, shape: Sequence[Extent | int]) -> SSAValue:
    """The elements in the same order in another shape."""
    dims = [Extent.of(size) for size in shape]
    return value if dims == dims_of(value) else node.add(ReshapeOp(value, dims))


def transpose(node: Node, value: SSAValue, permutation: Sequence[int]) -> SSAValue:
    """The dimensions in another order."""
    if list(permutation) == list(range(len(permutation))):
        return value
    return node.add(TransposeOp(value, permutation))


def take(node: Node, value: SSAValue, axis: int, start: int, stop: int, step: int = 1) -> SSAValue:
    """The elements `start, start + step, …` before `stop` of one dimension."""
    dims = dims_of(value)
    if start == 0 and step == 1 and dims[axis] == Extent.of(stop):
        return value
    starts, steps = [0] * len(dims), [1] * len(dims)
    starts[axis], steps[axis] = start, step
    dims[axis] = Extent.of(len(range(start, stop, step)))
    return node.add(SliceOp(value, starts, dims, steps))


def concat(node: Node, values: Sequence[SSAValue], axis: int) -> SSAValue:
    """Values one after the other along a dimension."""
    return values[0] if len(values) == 1 else node.add(ConcatOp(values, axis))


def is_splat(node: Node, value: SSAValue, number: float) -> bool:
    """Whether every element of a value is a number, in every run."""
    array = node.builder.constant(value)
    return array is not None and bool((array == number).all())
