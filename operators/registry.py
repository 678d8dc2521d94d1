"""The tensor expression of every operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Operation

from ..te.tensors import Tensor
from . import elementwise, linear_algebra, reductions
from .operator import Expression

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
    expression = expressions.get(type(op))
    return None if expression is None else expression(op, *operands)
