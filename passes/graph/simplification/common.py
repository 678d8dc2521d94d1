"""What the patterns have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.ir import Attribute, Operation, OpResult, SSAValue

from ....dialects import graph
from ....dialects.extents import Extent
from ....operators import elementwise, logic

ONE = Extent.of(1)
ELEMENTWISE = frozenset[type[Operation]]((*elementwise.OPERATORS, *logic.OPERATORS))
"""Operators whose every element comes of those at the same place of the operands, as these broadcast."""


def type_of(value: SSAValue) -> graph.AnyTensor:
    """The type of a tensor value."""
    return cast(graph.AnyTensor, value.type)


def shape_of(value: SSAValue) -> graph.Shape:
    """The shape of a tensor value."""
    return graph.shape_of(type_of(value))


def static_shape(value: SSAValue) -> list[int] | None:
    """The extents of a tensor value, if all are numbers."""
    dims = shape_of(value)
    sizes = [dim.constant for dim in dims if dim is not None and dim.is_constant]
    return sizes if len(sizes) == len(dims) else None


def known_shape(value: SSAValue) -> tuple[Extent, ...] | None:
    """The extents of a tensor value, if all are numbers or symbols."""
    dims = shape_of(value)
    known = tuple(dim for dim in dims if dim is not None)
    return known if len(known) == len(dims) else None


def is_single(value: SSAValue) -> bool:
    """Whether a value has one element."""
    return all(dim == ONE for dim in shape_of(value))


def defining(value: SSAValue, kind: type[Operation] | tuple[type[Operation], ...]) -> Operation | None:
    """The operation of a kind that gives a value."""
    return value.op if isinstance(value, OpResult) and isinstance(value.op, kind) else None


def with_operands(op: Operation, operands: Sequence[SSAValue], result_types: Sequence[Attribute]) -> Operation:
    """The same operator on other operands."""
    new = type(op).create(
        operands=operands,
        result_types=result_types,
        properties=op.properties.copy(),
        attributes=op.attributes.copy(),
    )
    for result, old in zip(new.results, op.results, strict=True):
        result.name_hint = old.name_hint
    return new
