"""What the families of operators have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias, cast

from xdsl.dialects.builtin import IntegerType, Signedness, TensorType, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import VarConstraint, base, operand_def, result_def, traits_def
from xdsl.traits import Pure

from ..dialects import graph
from ..dialects.extents import Extent
from ..errors import CompileError
from ..te.dtypes import BOOL
from ..te.expressions import Reduction
from ..te.tensors import Size, Tensor, compute

Expression: TypeAlias = Tensor | Sequence[Tensor]
"""The results of an operator as tensor expressions of its operands."""


class TensorExpressionInterface(Operation, ABC):
    """The interface of an op, a plugin's say, that gives its own tensor expression."""

    @abstractmethod
    def tensor_expression(self, *operands: Tensor) -> Expression:
        """The results of this op as tensor expressions of its operands."""


class Operator(graph.TensorOp, TensorExpressionInterface, ABC):
    """An operator of the `graph` dialect: result types, fusion class and tensor expression together."""


class UnaryOp(Operator, ABC):
    """An operator on one tensor that keeps its type."""

    T: ClassVar = VarConstraint("T", base(TensorType[Attribute]))

    operand = operand_def(T)
    result = result_def(T)

    traits = traits_def(Pure())

    assembly_format = "$operand attr-dict `:` type($operand)"

    def __init__(self, operand: SSAValue):
        super().__init__(operands=[operand], result_types=[operand.type])

    def infer_result_types(self) -> Sequence[graph.AnyTensor]:
        return [graph.tensor_operand(self.operand)]


_DTYPES: dict[Attribute, str] = {
    f16: "float16",
    f32: "float32",
    f64: "float64",
    i1: BOOL,
    i8: "int8",
    i16: "int16",
    i32: "int32",
    i64: "int64",
    bf16: "bfloat16",
    **{IntegerType(width, Signedness.UNSIGNED): f"uint{width}" for width in (8, 16, 32, 64)},
}


def dtype_of(value: SSAValue) -> str:
    """The element type of a tensor value, by its name in the tensor-expression language."""
    return _DTYPES[cast(graph.AnyTensor, value.type).element_type]


def known_extents(value: SSAValue) -> tuple[Extent, ...]:
    """The extents of a tensor value.

    Raises:
        CompileError: if one is not known.
    """
    type = cast(graph.AnyTensor, value.type)
    if not graph.has_known_shape(type):
        raise CompileError(f"expected extents that are static or named by #te.shape, got {type}")
    return cast(tuple[Extent, ...], graph.shape_of(type))


def mnemonic(op: Operation) -> str:
    """The name of an op without its dialect's."""
    return op.name.partition(".")[2]


def reduce_to(shape: Sequence[Size], element: Callable[..., Reduction], name: str) -> Tensor:
    """A `te.compute` whose elements are reductions of one value."""
    return cast(Tensor, compute(shape, element, name=name))
