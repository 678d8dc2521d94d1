"""Operators on each element by itself."""

from __future__ import annotations

from xdsl.ir import Operation

from ....operators import elementwise as ops
from ..node import Convert, Converter, Node


def _binary(op: type[ops.BinaryOp]) -> Convert:
    def convert(node: Node) -> Operation:
        lhs, rhs = node.tensors(2)
        return op(lhs, rhs)

    return convert


def _convert_relu(node: Node) -> Operation:
    return ops.ReluOp(*node.tensors(1))


CONVERTERS = (
    Converter("Add", 7, _binary(ops.AddOp)),
    Converter("Sub", 7, _binary(ops.SubOp)),
    Converter("Mul", 7, _binary(ops.MulOp)),
    Converter("Div", 7, _binary(ops.DivOp)),
    Converter("Relu", 6, _convert_relu),
)
