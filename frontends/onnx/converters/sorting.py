"""The first elements of rows."""

from __future__ import annotations

from xdsl.ir import Operation

from ....errors import ImportModelError
from ....operators.sorting import TopKOp
from ..node import Converter, Node, rank_of


def _convert_topk(node: Node) -> Operation:
    operand, _ = node.tensors(2)
    counts = node.integers(1) or []
    if len(counts) != 1:
        raise ImportModelError(f"expected one number as input 1, got {counts}")
    axis = node.axis(-1, rank_of(operand))
    return TopKOp(operand, axis, counts[0], smallest=not node.flag("largest", True))


def _convert_topk_of_attribute(node: Node) -> Operation:
    (operand,) = node.tensors(1)
    return TopKOp(operand, node.axis(-1, rank_of(operand)), node.required("k", int))


CONVERTERS = (
    Converter("TopK", 1, _convert_topk_of_attribute, ("axis", "k")),
    Converter("TopK", 10, _convert_topk, ("axis", "largest", "sorted")),
)
