"""Operators that reduce rows."""

from __future__ import annotations

from xdsl.ir import Operation

from ....operators import reductions as ops
from ..node import Converter, Node, rank_of


def _convert_softmax(node: Node) -> Operation:
    (operand,) = node.tensors(1)
    return ops.SoftmaxOp(operand, [node.axis(-1, rank_of(operand))])


def _convert_flattening_softmax(node: Node) -> Operation:
    """Before opset 13: over all dimensions from `axis` on."""
    (operand,) = node.tensors(1)
    rank = rank_of(operand)
    return ops.SoftmaxOp(operand, range(node.axis(1, rank), rank))


CONVERTERS = (
    Converter("Softmax", 1, _convert_flattening_softmax, ("axis",)),
    Converter("Softmax", 13, _convert_softmax, ("axis",)),
)
