"""Upstream's `arith` dialect, with `remf`, and vectors where xDSL's takes scalars only: comparisons, conversions.

MLIR's own syntax and meaning. Each op is a subclass of xDSL's, so that code that looks for the one finds the other.
It takes the place of xDSL's `arith` in our contexts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self, cast

from xdsl.dialects import arith as upstream
from xdsl.dialects.arith import boolLike, floatingPointLike, signlessIntegerLike
from xdsl.dialects.builtin import IndexType, IntegerType, VectorType, i1
from xdsl.ir import Attribute, Dialect, Operation
from xdsl.irdl import AttrConstraint, OpDef, OperandDef, ResultDef, irdl_op_definition, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException


def _widened(
    op: type[Any], operands: Mapping[str, AttrConstraint] = {}, results: Mapping[str, AttrConstraint] = {}
) -> OpDef:
    """The definition of an upstream op with other constraints on some operands and results."""
    definition: OpDef = op.get_irdl_definition()
    return replace(
        definition,
        operands=[(name, OperandDef(operands[name]) if name in operands else old) for name, old in definition.operands],
        results=[(name, ResultDef(results[name]) if name in results else old) for name, old in definition.results],
    )


class _Elementwise(Operation):
    """An op on scalars, or on the elements of vectors of one shape."""

    definition: ClassVar[OpDef]

    @classmethod
    def get_irdl_definition(cls) -> OpDef:
        return cls.definition

    def verify_(self) -> None:
        self.definition.verify(self)
        shapes = {_shape(value.type) for value in (*self.operands, *self.results)}
        if len(shapes) > 1:
            raise VerifyException("expected scalars, or vectors of one shape")
        self.verify_elements(_element(self.operands[0].type), _element(self.results[0].type))

    def verify_elements(self, operand: Attribute, result: Attribute) -> None:
        """Checks the element types."""


def _shape(type: Attribute) -> tuple[int, ...] | None:
    return type.get_shape() if isinstance(type, VectorType) else None


def _element(type: Attribute) -> Attribute:
    return cast("VectorType[Attribute]", type).element_type if isinstance(type, VectorType) else type


def _truth_type(type: Attribute) -> Attribute:
    return VectorType(i1, type.shape) if isinstance(type, VectorType) else i1


class CmpiOp(_Elementwise, upstream.CmpiOp):
    """`arith.cmpi slt, %a, %b : vector<4xi32>`"""

    definition = _widened(upstream.CmpiOp, results={"result": boolLike})

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        return _with_truth_type(cls, super().parse(parser))


class CmpfOp(_Elementwise, upstream.CmpfOp):
    """`arith.cmpf ogt, %a, %b : vector<4xf32>`"""

    definition = _widened(upstream.CmpfOp, results={"result": boolLike})

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        return _with_truth_type(cls, super().parse(parser))


def _with_truth_type(cls: type[Any], op: Operation) -> Any:
    """A comparison with the type that its operands give its result."""
    type = _truth_type(op.operands[0].type)
    if op.results[0].type == type:
        return op
    operands, properties, attributes = tuple(op.operands), op.properties, op.attributes
    op.drop_all_references()
    return cls.create(operands=operands, result_types=(type,), properties=properties, attributes=attributes)


class SelectOp(_Elementwise, upstream.SelectOp):
    """`arith.select %c, %a, %b : f32`, or `: vector<4xi1>, vector<4xf32>` to choose for each element."""

    definition = _widened(upstream.SelectOp, operands={"cond": boolLike})

    def verify_(self) -> None:
        self.definition.verify(self)
        if self.cond.type != i1 and _shape(self.cond.type) != _shape(self.result.type):
            raise VerifyException(f"expected a condition of the shape of {self.result.type}, got {self.cond.type}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        operands = parser.parse_comma_separated_list(Parser.Delimiter.NONE, parser.parse_unresolved_operand)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        pos = parser.pos
        types: Sequence[Attribute] = parser.parse_comma_separated_list(Parser.Delimiter.NONE, parser.parse_type)
        condition, type = types if len(types) == 2 else (i1, types[0])
        resolved = parser.resolve_operands(operands, [condition, type, type], pos)
        return cls.create(operands=resolved, result_types=(type,), attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        if self.cond.type != i1:
            printer.print_attribute(self.cond.type)
            printer.print_string(", ")
        printer.print_attribute(self.result.type)


class IndexCastOp(_Elementwise, upstream.IndexCastOp):
    """`arith.index_cast %a : vector<4xindex> to vector<4xi32>`"""

    definition = _widened(upstream.IndexCastOp, {"input": signlessIntegerLike}, {"result": signlessIntegerLike})

    def verify_elements(self, operand: Attribute, result: Attribute) -> None:
        if isinstance(operand, IndexType) == isinstance(result, IndexType):
            raise VerifyException(f"expected one of the types to be index, got {operand} and {result}")


class FPToSIOp(_Elementwise, upstream.FPToSIOp):
    """`arith.fptosi %a : vector<4xf32> to vector<4xi32>`"""

    definition = _widened(upstream.FPToSIOp, {"input": floatingPointLike}, {"result": signlessIntegerLike})


class FPToUIOp(_Elementwise, upstream.FPToUIOp):
    """`arith.fptoui %a : vector<4xf32> to vector<4xi32>`"""

    definition = _widened(upstream.FPToUIOp, {"input": floatingPointLike}, {"result": signlessIntegerLike})


class SIToFPOp(_Elementwise, upstream.SIToFPOp):
    """`arith.sitofp %a : vector<4xi32> to vector<4xf32>`"""

    definition = _widened(upstream.SIToFPOp, {"input": signlessIntegerLike}, {"result": floatingPointLike})


class UIToFPOp(_Elementwise, upstream.UIToFPOp):
    """`arith.uitofp %a : vector<4xi32> to vector<4xf32>`"""

    definition = _widened(upstream.UIToFPOp, {"input": signlessIntegerLike}, {"result": floatingPointLike})


class _Widening(_Elementwise):
    def verify_elements(self, operand: Attribute, result: Attribute) -> None:
        if _width(result) <= _width(operand):
            raise VerifyException(f"expected a wider result, got {operand} and {result}")


class ExtSIOp(_Widening, upstream.ExtSIOp):
    """`arith.extsi %a : vector<4xi8> to vector<4xi32>`"""

    definition = _widened(upstream.ExtSIOp, {"input": signlessIntegerLike}, {"result": signlessIntegerLike})


class ExtUIOp(_Widening, upstream.ExtUIOp):
    """`arith.extui %a : vector<4xi8> to vector<4xi32>`"""

    definition = _widened(upstream.ExtUIOp, {"input": signlessIntegerLike}, {"result": signlessIntegerLike})


class TruncIOp(_Elementwise, upstream.TruncIOp):
    """`arith.trunci %a : vector<4xi32> to vector<4xi8>`"""

    definition = _widened(upstream.TruncIOp, {"input": signlessIntegerLike}, {"result": signlessIntegerLike})

    def verify_elements(self, operand: Attribute, result: Attribute) -> None:
        if _width(result) >= _width(operand):
            raise VerifyException(f"expected a narrower result, got {operand} and {result}")


def _width(type: Attribute) -> int:
    if not isinstance(type, IntegerType):
        raise VerifyException(f"expected an integer type, got {type}")
    return cast(IntegerType, type).width.data


@irdl_op_definition
class RemFOp(upstream.FloatingPointLikeBinaryOperation):
    """`arith.remf %a, %b : f32`: the rest of a division towards zero, which is exact and has the sign of `%a`."""

    name = "arith.remf"

    traits = traits_def(Pure())


WIDENED: Mapping[type[Operation], type[Operation]] = {
    upstream.CmpfOp: CmpfOp,
    upstream.CmpiOp: CmpiOp,
    upstream.ExtSIOp: ExtSIOp,
    upstream.ExtUIOp: ExtUIOp,
    upstream.FPToSIOp: FPToSIOp,
    upstream.FPToUIOp: FPToUIOp,
    upstream.IndexCastOp: IndexCastOp,
    upstream.SIToFPOp: SIToFPOp,
    upstream.SelectOp: SelectOp,
    upstream.TruncIOp: TruncIOp,
    upstream.UIToFPOp: UIToFPOp,
}
"""The op on vectors for each of xDSL's that takes scalars only."""

Arith = Dialect(
    "arith",
    [*(WIDENED.get(op, op) for op in upstream.Arith.operations), RemFOp],
    list(upstream.Arith.attributes),
    [upstream.ArithConstantMaterializationInterface()],
)
