"""Operations on contractions as rows times panels: which loops are which, and how panels lie in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i64
from xdsl.dialects.transform import TransformOpHandleType, TransformParamHandleType, TransformValueHandleType
from xdsl.ir import Operation
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import BlockOp, ForOp
from ...errors import ScheduleError
from .. import primitives
from ..interfaces import Effect, Results
from ..panels import crossing_loop, group_loops, panel_loops
from ..structure import buffers_read, is_constant
from ..upstream import syntax
from .layout import only_buffer
from .navigation import Looks, typed_op, typed_ops
from .params import mixed_integers
from .primitives import PrimitiveOp

if TYPE_CHECKING:
    from ..interpreter import Interpreter


@irdl_op_definition
class GetPanelLoopsOp(Looks, IRDLOperation):
    """The loops around a contraction, or around a block that reads its sums, by what moves with them: both inputs or
    none (and loops that run once); the input that is not the panel, the innermost of these loops apart; the panel, the
    longest of these loops apart. With `inside`, only loops inside of that one.

    `%shared, %rows, %row, %lanes, %lane = sched.get_panel_loops %c, %panel in %out inside %o : (…) -> (…)`
    """

    name = "sched.get_panel_loops"
    target = operand_def(TransformOpHandleType)
    panel = operand_def(TransformValueHandleType)
    out = operand_def(TransformOpHandleType)
    inside = opt_operand_def(TransformOpHandleType)
    shared = result_def(TransformOpHandleType)
    rows = result_def(TransformOpHandleType)
    row = result_def(TransformOpHandleType)
    lanes = result_def(TransformOpHandleType)
    lane = result_def(TransformOpHandleType)
    assembly_format = (
        "$target `,` $panel `in` $out (`inside` $inside^)? attr-dict `:` functional-type(operands, results)"
    )

    def apply(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        block, out = typed_op(state, self.target, BlockOp), typed_op(state, self.out, BlockOp)
        around = None if self.inside is None else typed_op(state, self.inside, ForOp)
        found = panel_loops(block, only_buffer(state, self.panel), out, around)
        for loops, what in ((found.rows, "the other input"), (found.lanes, "the panel")):
            if not loops:
                raise ScheduleError(
                    f"expected a loop in which only {what} of '{block.block_name}' moves, got none", out
                )
        lane = longest(found.lanes)
        others = [loop for loop in found.lanes if loop is not lane]
        return [list(found.shared), list(found.rows[:-1]), [found.rows[-1]], others, [lane]]


def longest(loops: Sequence[ForOp]) -> ForOp:
    """The loop with the most iterations, the innermost of several."""
    return max(reversed(loops), key=lambda loop: loop.extent)


class _OneOfLoops(Looks, IRDLOperation):
    """One of some loops, and the others in their order."""

    loops = operand_def(TransformOpHandleType)
    found = result_def(TransformOpHandleType)
    others = result_def(TransformOpHandleType)
    assembly_format = "$loops attr-dict `:` functional-type(operands, results)"

    @staticmethod
    @abstractmethod
    def choose(loops: Sequence[ForOp]) -> ForOp:
        """The one."""

    def apply(self, interpreter: Interpreter) -> Results:
        loops = typed_ops(interpreter.state, self.loops, ForOp)
        if not loops:
            raise ScheduleError("expected at least one loop, got none")
        found = self.choose(loops)
        return [[found], [loop for loop in loops if loop is not found]]


@irdl_op_definition
class GetLongestOp(_OneOfLoops):
    """Of some loops, the one with the most iterations (the last of several), and the others in their order.

    `%k, %others = sched.get_longest %loops : (!transform.any_op) -> (!transform.any_op, !transform.any_op)`
    """

    name = "sched.get_longest"

    @staticmethod
    def choose(loops: Sequence[ForOp]) -> ForOp:
        return longest(loops)


@irdl_op_definition
class GetInnermostOp(_OneOfLoops):
    """Of some loops, the last one, and the others in their order.

    `%s, %others = sched.get_innermost %loops : (!transform.any_op) -> (!transform.any_op, !transform.any_op)`
    """

    name = "sched.get_innermost"

    @staticmethod
    def choose(loops: Sequence[ForOp]) -> ForOp:
        return loops[-1]


@irdl_op_definition
class GetGroupLoopOp(Looks, IRDLOperation):
    """The loop around a block that reads a contraction's sums, along which it reads of one group of results after the
    other, as those of a grouped convolution lie, and how many results a group has. No loop, and 1, if there are none.

    `%loop, %size = sched.get_group_loop %c in %out : (…) -> (!transform.any_op, !transform.any_param)`
    """

    name = "sched.get_group_loop"
    target = operand_def(TransformOpHandleType)
    out = operand_def(TransformOpHandleType)
    loop = result_def(TransformOpHandleType)
    size = result_def(TransformParamHandleType)
    assembly_format = "$target `in` $out attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        block, out = typed_op(state, self.target, BlockOp), typed_op(state, self.out, BlockOp)
        loops, size = group_loops(block, out)
        return [loops, [IntegerAttr(size, i64)]]


@irdl_op_definition
class GetConstantInputsOp(Looks, IRDLOperation):
    """The buffers that a block reads and that are model constants, each once, in program order.

    `%w = sched.get_constant_inputs %c : (!transform.any_op) -> !transform.any_value`
    """

    name = "sched.get_constant_inputs"
    target = operand_def(TransformOpHandleType)
    buffers = result_def(TransformValueHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        block = typed_op(interpreter.state, self.target, BlockOp)
        return [[buffer for buffer in buffers_read(block) if is_constant(buffer)]]


@irdl_op_definition
class GetCrossingLoopOp(Looks, IRDLOperation):
    """The loop along which a block reads neighbours where it does not along its innermost one, as a transpose does.

    `%i = sched.get_crossing_loop %c : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.get_crossing_loop"
    target = operand_def(TransformOpHandleType)
    loop = result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[crossing_loop(typed_op(interpreter.state, self.target, BlockOp))]]


@irdl_op_definition
class PackOp(PrimitiveOp):
    """Lets what a block's accesses of a buffer reach along a loop lie side by side, in panels of some elements.

    `sched.pack %c, %w along %o panel_size [%n] : !transform.any_op, !transform.any_value, !transform.any_op, …`
    """

    name = "sched.pack"
    block = operand_def(TransformOpHandleType)
    buffer = operand_def(TransformValueHandleType)
    loop = operand_def(TransformOpHandleType)
    size = var_operand_def(TransformParamHandleType)
    static_size = prop_def(DenseArrayBase.constr(i64))

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.READS, Effect.FORWARDS, Effect.READS, Effect.READS)

    def verify_(self) -> None:
        static = self.static_size.get_values()
        if len(static) != 1 or static.count(syntax.STATIC_OR_PARAM) != len(self.size):
            raise VerifyException(f"expected one size of panels, an integer or a param, got {list(static)}")

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        block, loop = typed_op(state, self.block, BlockOp), typed_op(state, self.loop, ForOp)
        (size,) = mixed_integers(state, self.static_size.get_values(), self.size)
        primitives.pack(block, only_buffer(state, self.buffer), loop, size)
        return []

    @classmethod
    def parse(cls, parser: Parser) -> PackOp:
        operands = [parser.parse_unresolved_operand()]
        parser.parse_punctuation(",")
        operands.append(parser.parse_unresolved_operand())
        parser.parse_keyword("along")
        operands.append(parser.parse_unresolved_operand())
        parser.parse_keyword("panel_size")
        static, params = syntax.split_mixed(syntax.parse_mixed(parser))
        operands += params
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, operands, syntax.parse_types(parser), pos)
        properties = {"static_size": DenseArrayBase.from_list(i64, static)}
        return cls.create(operands=values, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list((self.block, self.buffer), printer.print_ssa_value)
        printer.print_string(" along ")
        printer.print_ssa_value(self.loop)
        printer.print_string(" panel_size [")
        syntax.print_mixed(printer, self.static_size.get_values(), self.size)
        printer.print_string("]")
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.operands)


PANEL_NAVIGATION_OPS: list[type[Operation]] = [
    GetPanelLoopsOp,
    GetLongestOp,
    GetInnermostOp,
    GetGroupLoopOp,
    GetCrossingLoopOp,
    GetConstantInputsOp,
]
PANEL_OPS: list[type[Operation]] = [PackOp]
