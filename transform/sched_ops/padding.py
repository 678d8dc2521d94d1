"""Operations on padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import DenseArrayBase, StringAttr, i64
from xdsl.dialects.transform import TransformOpHandleType, TransformParamHandleType
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, var_operand_def, var_result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import BlockOp
from .. import primitives
from ..interfaces import Effect, Results
from ..upstream import syntax
from .navigation import spread, typed_op
from .params import mixed_integers
from .primitives import PrimitiveOp

if TYPE_CHECKING:
    from ..interpreter import Interpreter

_GLOBAL = StringAttr("")


@irdl_op_definition
class DecomposePaddingOp(PrimitiveOp):
    """Makes a block that pads one that writes the constant everywhere, and one that then writes what lies inside.

    `%fill = sched.decompose_padding %p : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.decompose_padding"
    block = operand_def(TransformOpHandleType)
    fill = result_def(TransformOpHandleType)
    assembly_format = "$block attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        return [[primitives.decompose_padding(typed_op(interpreter.state, self.block, BlockOp))]]


@irdl_op_definition
class PadOp(PrimitiveOp):
    """Rounds the extents of a block's iterators up to multiples, with neutral elements beyond their ends.

    `%copies = sched.pad %c to_multiples [8, %lanes, 1] {memory_space = "local"} : (…) -> !transform.any_op`

    Results: none, or the blocks that copy what is read, then those that copy what is written; one each, or one for all.
    """

    name = "sched.pad"
    block = operand_def(TransformOpHandleType)
    multiples = var_operand_def(TransformParamHandleType)
    static_multiples = prop_def(DenseArrayBase.constr(i64))
    memory_space = prop_def(StringAttr, default_value=_GLOBAL)
    copies = var_result_def(TransformOpHandleType)

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.READS)
    COUNTS_RESULTS: ClassVar[bool] = True

    def verify_(self) -> None:
        count = self.static_multiples.get_values().count(syntax.STATIC_OR_PARAM)
        if count != len(self.multiples):
            raise VerifyException(f"expected {count} params among the multiples, got {len(self.multiples)}")

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        multiples = mixed_integers(state, self.static_multiples.get_values(), self.multiples)
        copies = primitives.pad(typed_op(state, self.block, BlockOp), multiples, self.memory_space.data)
        return spread(copies, len(self.copies), "copy") if self.copies else []

    @classmethod
    def parse(cls, parser: Parser) -> PadOp:
        block = parser.parse_unresolved_operand()
        parser.parse_keyword("to_multiples")
        static, params = syntax.split_mixed(syntax.parse_mixed(parser))
        attributes = parser.parse_optional_attr_dict()
        space = attributes.pop("memory_space", _GLOBAL)
        values, results = syntax.parse_functional(parser, [block, *params])
        return cls.create(
            operands=values,
            result_types=results,
            properties={"static_multiples": DenseArrayBase.from_list(i64, static), "memory_space": space},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.block)
        printer.print_string(" to_multiples [")
        syntax.print_mixed(printer, self.static_multiples.get_values(), self.multiples)
        printer.print_string("]")
        space = {} if self.memory_space == _GLOBAL else {"memory_space": self.memory_space}
        syntax.print_attr_dict(printer, {**space, **self.attributes})
        syntax.print_functional(printer, self.operands, self.results)


PADDING_OPS: list[type[Operation]] = [DecomposePaddingOp, PadOp]
