"""Operators that reduce rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from xdsl.ir import Operation

from .. import te
from ..dialects import graph
from ..te.expressions import ExprLike, IterVar, Reduction
from ..te.tensors import Tensor
from .operator import Expression, reduce_to

RowReduction: TypeAlias = Callable[[ExprLike, Sequence[IterVar]], Reduction]


def _softmax(op: graph.SoftmaxOp, operand: Tensor) -> Tensor:
    """Less the row's maximum, so that no power overflows."""
    axes = op.axis_list
    greatest = _reduce_rows(operand, axes, te.max, "row_max")
    powers = te.compute(
        operand.shape,
        lambda *indices: te.exp(operand.read(*indices) - greatest.read(*_kept(indices, axes))),
        name="power",
    )
    total = _reduce_rows(powers, axes, te.sum, "row_sum")
    return te.compute(
        operand.shape, lambda *indices: powers.read(*indices) / total.read(*_kept(indices, axes)), name="softmax"
    )


def _kept(indices: Sequence[ExprLike], axes: Sequence[int]) -> list[ExprLike]:
    return [index for dim, index in enumerate(indices) if dim not in axes]


def _reduce_rows(tensor: Tensor, axes: Sequence[int], reduce: RowReduction, name: str) -> Tensor:
    """`tensor` reduced over `axes`, which the result does not have."""
    kept = [size for dim, size in enumerate(tensor.shape) if dim not in axes]
    reduced = {dim: te.reduce_axis(tensor.shape[dim], name=f"k{dim}") for dim in axes}

    def element(*indices: ExprLike) -> Reduction:
        outer = iter(indices)
        full = [reduced[dim] if dim in reduced else next(outer) for dim in range(tensor.ndim)]
        return reduce(tensor.read(*full), list(reduced.values()))

    return reduce_to(kept, element, name)


EXPRESSIONS: Mapping[type[Operation], Expression] = {graph.SoftmaxOp: _softmax}
