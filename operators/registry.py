"""The `graph` dialect with all of its operators, and their tensor expressions."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i1
from xdsl.ir import Dialect, Operation

from .. import te
from ..dialects import graph
from ..dialects.resources import ResourceAttr
from ..te.tensors import Tensor
from . import (
    contractions,
    convolution,
    determinants,
    elementwise,
    indexing,
    linear_algebra,
    logic,
    pooling,
    recurrent,
    reductions,
    regions,
    sampling,
    shape,
    sorting,
    winograd,
)
from .operator import TensorExpressionInterface, dtype_of, known_extents

OPERATORS: tuple[type[Operation], ...] = (
    *elementwise.OPERATORS,
    *logic.OPERATORS,
    *shape.OPERATORS,
    *indexing.OPERATORS,
    *sampling.OPERATORS,
    *linear_algebra.OPERATORS,
    *reductions.OPERATORS,
    *convolution.OPERATORS,
    *winograd.OPERATORS,
    *pooling.OPERATORS,
    *recurrent.OPERATORS,
    *contractions.OPERATORS,
    *sorting.OPERATORS,
    *determinants.OPERATORS,
    *regions.OPERATORS,
)
"""The operators of the `graph` dialect, one family a file."""

Graph = Dialect("graph", [*graph.OPERATIONS, *OPERATORS], [ResourceAttr], [ResourceAttr.table])


def has_expression(op: Operation) -> bool:
    """Whether `tensor_expressions` knows the op."""
    return isinstance(op, graph.ConstantOp | TensorExpressionInterface)


def tensor_expressions(op: Operation, operands: Sequence[Tensor]) -> Sequence[Tensor]:
    """The results of an op that `has_expression` as tensor expressions of its operands."""
    if isinstance(op, graph.ConstantOp):
        return [_constant(op)]
    assert isinstance(op, TensorExpressionInterface)
    results = op.tensor_expression(*operands)
    return [results] if isinstance(results, Tensor) else results


def _constant(op: graph.ConstantOp) -> Tensor:
    dtype = dtype_of(op.result)
    is_bool = graph.tensor_operand(op.result).element_type == i1
    value = te.const(bool(op.number) if is_bool else op.number, dtype)
    return te.compute(known_extents(op.result), lambda *indices: value, name="constant")
