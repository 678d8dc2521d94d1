"""Reading operands that broadcast."""

from __future__ import annotations

from collections.abc import Sequence

from ..te.expressions import Expr, ExprLike
from ..te.tensors import Size, Tensor


def read_broadcast(tensor: Tensor, indices: Sequence[ExprLike], shape: Sequence[Size]) -> Expr:
    """The element of `tensor` at `indices` of `shape`, which `tensor` broadcasts to by numpy's rule."""
    skipped = len(shape) - tensor.ndim
    dims = zip(tensor.shape, shape[skipped:], indices[skipped:], strict=True)
    return tensor.read(*(0 if own == 1 and full != 1 else index for own, full, index in dims))
