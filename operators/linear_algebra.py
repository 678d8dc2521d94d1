"""Matrix products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Operation

from .. import te
from ..dialects import graph
from ..te.expressions import Expr, ExprLike, Reduction
from ..te.tensors import Size, Tensor
from .broadcasting import read_broadcast
from .operator import Expression, known_extents, reduce_to


def _matmul(op: graph.MatmulOp, lhs: Tensor, rhs: Tensor) -> Tensor:
    """`sum(lhs[batch…, i, k] * rhs[batch…, k, j], k)`; an operand of rank 1 has no `i`, or no `j`."""
    shape = known_extents(op.result)
    rows, columns = int(lhs.ndim > 1), int(rhs.ndim > 1)
    batch = shape[: len(shape) - rows - columns]
    k = te.reduce_axis(lhs.shape[-1], name="k")

    def element(*indices: ExprLike) -> Reduction:
        outer, inner = indices[: len(batch)], indices[len(batch) :]
        left = _read_matrix(lhs, outer, [*inner[:rows], k], batch)
        right = _read_matrix(rhs, outer, [k, *inner[rows:]], batch)
        return te.sum(left * right, axis=k)

    return reduce_to(shape, element, "matmul")


def _read_matrix(tensor: Tensor, outer: Sequence[ExprLike], inner: Sequence[ExprLike], batch: Sequence[Size]) -> Expr:
    """The element at `inner` of the matrix at `outer`, where the dimensions before the matrix broadcast to `batch`."""
    full = [*batch, *tensor.shape[tensor.ndim - len(inner) :]]
    return read_broadcast(tensor, [*outer, *inner], full)


def _gemm(op: graph.GemmOp, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    """`alpha * A' * B' + beta * C`: a matrix product, then what is left of the rest."""
    shape = known_extents(op.result)
    k = te.reduce_axis(a.shape[0 if op.trans_a else 1], name="k")

    def product(i: ExprLike, j: ExprLike) -> Reduction:
        left = a[k, i] if op.trans_a else a[i, k]
        right = b[j, k] if op.trans_b else b[k, j]
        return te.sum(left * right, axis=k)

    result = reduce_to(shape, product, "gemm")
    scale_bias = c is not None and op.beta_value != 0
    if op.alpha_value == 1 and not scale_bias:
        return result

    def epilogue(i: ExprLike, j: ExprLike) -> Expr:
        element = _scaled(result[i, j], op.alpha_value)
        if c is None or not scale_bias:
            return element
        return element + _scaled(read_broadcast(c, [i, j], shape), op.beta_value)

    return te.compute(shape, epilogue, name="gemm_epilogue")


def _scaled(value: Expr, factor: float) -> Expr:
    return value if factor == 1 else value * factor


EXPRESSIONS: Mapping[type[Operation], Expression] = {
    graph.MatmulOp: _matmul,
    graph.GemmOp: _gemm,
}
