"""Operators on each element by itself: arithmetic, ReLU, constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from xdsl.ir import Operation

from .. import te
from ..dialects import graph
from ..te.dtypes import BOOL
from ..te.expressions import Expr, ExprLike
from ..te.tensors import Size, Tensor
from .broadcasting import read_broadcast
from .operator import Expression, dtype_of, known_extents

BinaryFunction: TypeAlias = Callable[[Expr, Expr], Expr]


def _binary(function: BinaryFunction) -> Expression:
    def expression(op: Operation, lhs: Tensor, rhs: Tensor) -> Tensor:
        shape: tuple[Size, ...] = known_extents(op.results[0])

        def element(*indices: ExprLike) -> Expr:
            return function(read_broadcast(lhs, indices, shape), read_broadcast(rhs, indices, shape))

        return te.compute(shape, element, name=_mnemonic(op))

    return expression


def _relu(op: graph.ReluOp, operand: Tensor) -> Tensor:
    return te.compute(operand.shape, lambda *indices: te.maximum(operand.read(*indices), 0), name="relu")


def _constant(op: graph.ConstantOp) -> Tensor:
    dtype = dtype_of(op.result)
    value = te.const(bool(op.number) if dtype == BOOL else op.number, dtype)
    return te.compute(known_extents(op.result), lambda *indices: value, name="constant")


def _mnemonic(op: Operation) -> str:
    return op.name.partition(".")[2]


EXPRESSIONS: Mapping[type[Operation], Expression] = {
    graph.AddOp: _binary(lambda lhs, rhs: lhs + rhs),
    graph.SubOp: _binary(lambda lhs, rhs: lhs - rhs),
    graph.MulOp: _binary(lambda lhs, rhs: lhs * rhs),
    graph.DivOp: _binary(lambda lhs, rhs: lhs / rhs),
    graph.ReluOp: _relu,
    graph.ConstantOp: _constant,
}
