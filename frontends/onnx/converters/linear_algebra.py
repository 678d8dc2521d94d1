"""Matrix products."""

from __future__ import annotations

from xdsl.ir import Operation

from ....operators import linear_algebra as ops
from ....operators.determinants import DetOp
from ..node import Converter, Node


def _convert_matmul(node: Node) -> Operation:
    return ops.MatmulOp(*node.tensors(2))


def _convert_gemm(node: Node) -> Operation:
    return ops.GemmOp(
        *node.tensors(2, 3),
        alpha=node.attribute("alpha", 1.0),
        beta=node.attribute("beta", 1.0),
        trans_a=node.flag("transA"),
        trans_b=node.flag("transB"),
    )


def _convert_det(node: Node) -> Operation:
    return DetOp(*node.tensors(1))


CONVERTERS = (
    Converter("MatMul", 1, _convert_matmul),
    Converter("Det", 11, _convert_det),
    Converter("Gemm", 7, _convert_gemm, ("alpha", "beta", "transA", "transB")),
)
