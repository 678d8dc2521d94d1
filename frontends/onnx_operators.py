"""What each ONNX operator is in graph IR: the table that `import_onnx` looks nodes up in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from xdsl.ir import Operation, SSAValue

from ..dialects import graph
from ..errors import ImportModelError

if TYPE_CHECKING:
    from onnx import NodeProto


@dataclass(frozen=True)
class Node:
    """A node to convert: its operands (None where an optional one is left out) and its attributes."""

    proto: NodeProto
    opset: int
    operands: Sequence[SSAValue | None]
    attributes: Mapping[str, Any]

    def tensors(self, least: int, most: int | None = None) -> list[SSAValue]:
        """The operands, checked to be that many, none before the last left out."""
        most = least if most is None else most
        operands = list(self.operands)
        while operands and operands[-1] is None:
            operands.pop()
        given = [operand for operand in operands if operand is not None]
        if not least <= len(operands) <= most or len(given) != len(operands):
            expected = str(least) if least == most else f"{least} to {most}"
            raise ImportModelError(f"expected {expected} inputs, got {len(given)}")
        return given

    def attribute(self, name: str, default: float) -> float:
        """A number attribute of the type of `default`, or `default` if it is left out."""
        value = self.attributes.get(name, default)
        if not isinstance(value, type(default)):
            raise ImportModelError(f"expected attribute '{name}' of type {type(default).__name__}, got {value!r}")
        return value

    def axis(self, default: int, rank: int) -> int:
        """The attribute `axis`, counted from the front."""
        axis = cast(int, self.attribute("axis", default))
        if not -rank <= axis < rank:
            raise ImportModelError(f"expected an axis from {-rank} to {rank - 1}, got {axis}")
        return axis % rank


Convert: TypeAlias = Callable[[Node], Operation]


@dataclass(frozen=True)
class Converter:
    """What an ONNX operator is in graph IR, from an opset version on, up to the next converter's."""

    op_type: str
    since: int
    convert: Convert
    attributes: tuple[str, ...] = ()
    domain: str = ""


def _binary(op: type[graph.BinaryOp]) -> Convert:
    def convert(node: Node) -> Operation:
        lhs, rhs = node.tensors(2)
        return op(lhs, rhs)

    return convert


def _convert_matmul(node: Node) -> Operation:
    return graph.MatmulOp(*node.tensors(2))


def _convert_gemm(node: Node) -> Operation:
    return graph.GemmOp(
        *node.tensors(2, 3),
        alpha=node.attribute("alpha", 1.0),
        beta=node.attribute("beta", 1.0),
        trans_a=bool(node.attribute("transA", 0)),
        trans_b=bool(node.attribute("transB", 0)),
    )


def _convert_relu(node: Node) -> Operation:
    return graph.ReluOp(*node.tensors(1))


def _convert_softmax(node: Node) -> Operation:
    (operand,) = node.tensors(1)
    return graph.SoftmaxOp(operand, [node.axis(-1, _rank(operand))])


def _convert_flattening_softmax(node: Node) -> Operation:
    """Before opset 13: over all dimensions from `axis` on."""
    (operand,) = node.tensors(1)
    rank = _rank(operand)
    return graph.SoftmaxOp(operand, range(node.axis(1, rank), rank))


def _rank(value: SSAValue) -> int:
    return cast(graph.AnyTensor, value.type).get_num_dims()


CONVERTERS: tuple[Converter, ...] = (
    Converter("Add", 7, _binary(graph.AddOp)),
    Converter("Sub", 7, _binary(graph.SubOp)),
    Converter("Mul", 7, _binary(graph.MulOp)),
    Converter("Div", 7, _binary(graph.DivOp)),
    Converter("MatMul", 1, _convert_matmul),
    Converter("Gemm", 7, _convert_gemm, ("alpha", "beta", "transA", "transB")),
    Converter("Relu", 6, _convert_relu),
    Converter("Softmax", 1, _convert_flattening_softmax, ("axis",)),
    Converter("Softmax", 13, _convert_softmax, ("axis",)),
)
"""The operators that can be imported; a caller may hand in more."""
