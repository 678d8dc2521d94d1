"""The tensor expression of every operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Operation

from ..te.tensors import Tensor
from . import elementwise, linear_algebra, reductions
from .operator import Expression, TensorExpressionInterface

EXPRESSIONS: Mapping[type[Operation], Expression] = {
    **elementwise.EXPRESSIONS,
    **linear_algebra.EXPRESSIONS,
    **reductions.EXPRESSIONS,
}
"""By op; whoever converts may hand in more."""


def tensor_expression(
    op: Operation, operands: Sequence[Tensor], expressions: Mapping[type[Operation], Expression] = EXPRESSIONS
) -> Tensor | None:
    """The result of `op` as a tensor expression of its operands; None if no expression of it is known."""
    if (expression := expressions.get(type(op))) is not None:
        return expression(op, *operands)
    return op.tensor_expression(*operands) if isinstance(op, TensorExpressionInterface) else None


def has_expression(op: Operation, expressions: Mapping[type[Operation], Expression] = EXPRESSIONS) -> bool:
    """Whether `tensor_expression` gives one."""
    return type(op) in expressions or isinstance(op, TensorExpressionInterface)
