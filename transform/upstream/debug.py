"""Operations that show, check or mark the payload."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr, UnitAttr
from xdsl.dialects.transform import TransformHandleType, TransformOpHandleType, TransformParamHandleType
from xdsl.ir import Attribute, Operation
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...dialects.source import describe_location
from ...errors import ScheduleError, ScriptError
from ..diagnostics import first_line
from ..interfaces import Results, TransformOpInterface
from ..layouts import pack_operands
from . import syntax

if TYPE_CHECKING:
    from ..interpreter import Interpreter


@irdl_op_definition
class AnnotateOp(TransformOpInterface, IRDLOperation):
    """Sets an attribute of the payload ops: a unit, or what the param holds."""

    name = "transform.annotate"
    name_ = prop_def(StringAttr, prop_name="name")
    target = operand_def(TransformOpHandleType)
    param = opt_operand_def(TransformParamHandleType)

    def apply(self, interpreter: Interpreter) -> Results:
        value = self._value(interpreter)
        for op in interpreter.state.ops(self.target):
            op.attributes[self.name_.data] = value
        return []

    def _value(self, interpreter: Interpreter) -> Attribute:
        if self.param is None:
            return UnitAttr()
        values = interpreter.state.params(self.param)
        if not values:
            raise ScheduleError("expected a param with a value, got none")
        return values[0] if len(values) == 1 else ArrayAttr(values)

    @classmethod
    def parse(cls, parser: Parser) -> AnnotateOp:
        operands = [parser.parse_unresolved_operand()]
        name = StringAttr(parser.parse_str_literal())
        if parser.parse_optional_punctuation("=") is not None:
            operands.append(parser.parse_unresolved_operand())
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, operands, syntax.parse_types(parser), pos)
        return cls.create(operands=values, properties={"name": name}, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.target)
        printer.print_string(" ")
        printer.print_string_literal(self.name_.data)
        if self.param is not None:
            printer.print_string(" = ")
            printer.print_ssa_value(self.param)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.operands)


@irdl_op_definition
class PrintOp(TransformOpInterface, IRDLOperation):
    """Prints the payload ops, or the whole payload."""

    name = "transform.print"
    target = opt_operand_def(TransformHandleType)
    name_ = opt_prop_def(StringAttr, prop_name="name")
    assume_verified = opt_prop_def(UnitAttr)
    use_local_scope = opt_prop_def(UnitAttr)
    skip_regions = opt_prop_def(UnitAttr)

    def apply(self, interpreter: Interpreter) -> Results:
        stream = interpreter.output or sys.stdout
        title = self.name_.data if self.name_ is not None else ""
        if self.target is None:
            stream.write(f"[[[ IR printer: {title} top-level ]]]\n".replace("  ", " "))
            self._print(interpreter, interpreter.state.root)
            return []
        stream.write(f"[[[ IR printer: {title} ]]]\n".replace("  ", " "))
        for item in interpreter.state.payload(self.target):
            if isinstance(item, Operation):
                self._print(interpreter, item)
            else:
                stream.write(f"{item}\n")
        return []

    def _print(self, interpreter: Interpreter, op: Operation) -> None:
        stream = interpreter.output or sys.stdout
        if self.skip_regions is not None:
            stream.write(first_line(op))
        else:
            Printer(stream).print_op(op)
        stream.write("\n")

    @classmethod
    def parse(cls, parser: Parser) -> PrintOp:
        operand = parser.parse_optional_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        names = ("name", "assume_verified", "use_local_scope", "skip_regions")
        properties = {name: attributes.pop(name) for name in names if name in attributes}
        operands = []
        if operand is not None:
            parser.parse_punctuation(":")
            operands = [parser.resolve_operand(operand, parser.parse_type())]
        return cls.create(operands=operands, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        if self.target is not None:
            printer.print_string(" ")
            printer.print_ssa_value(self.target)
        syntax.print_attr_dict(printer, self.properties | self.attributes)
        if self.target is not None:
            syntax.print_types(printer, [self.target])


@irdl_op_definition
class VerifyOp(TransformOpInterface, IRDLOperation):
    """Verifies the payload ops; what does not verify is a definite failure."""

    name = "transform.verify"
    target = operand_def(TransformHandleType)
    assembly_format = "$target attr-dict `:` type($target)"

    def apply(self, interpreter: Interpreter) -> Results:
        for op in interpreter.state.payload(self.target):
            if isinstance(op, Operation):
                if isinstance(op, ModuleOp):
                    pack_operands(op)
                try:
                    op.verify()
                except VerifyException as error:
                    raise ScriptError(f"failed to verify payload op: {error}", op) from error
        return []


@irdl_op_definition
class EmitRemarkAtOp(TransformOpInterface, IRDLOperation):
    """Says something about the payload ops."""

    name = "transform.debug.emit_remark_at"
    message = prop_def(StringAttr)
    at = operand_def(TransformHandleType)
    assembly_format = "$at `,` $message attr-dict `:` type($at)"

    def apply(self, interpreter: Interpreter) -> Results:
        for item in interpreter.state.payload(self.at):
            op = item if isinstance(item, Operation) else self
            emit_remark(interpreter, self.message.data, op)
        return []


@irdl_op_definition
class EmitParamAsRemarkOp(TransformOpInterface, IRDLOperation):
    """Tells the values of a param."""

    name = "transform.debug.emit_param_as_remark"
    message = opt_prop_def(StringAttr)
    param = operand_def(TransformParamHandleType)
    anchor = opt_operand_def(TransformOpHandleType)

    def apply(self, interpreter: Interpreter) -> Results:
        values = ", ".join(str(value) for value in interpreter.state.params(self.param))
        text = f"{self.message.data} {values}" if self.message is not None else values
        anchors = interpreter.state.ops(self.anchor) if self.anchor is not None else [self]
        for op in anchors:
            emit_remark(interpreter, text, op)
        return []

    @classmethod
    def parse(cls, parser: Parser) -> EmitParamAsRemarkOp:
        operands = [parser.parse_unresolved_operand()]
        properties: dict[str, Attribute] = {}
        if parser.parse_optional_punctuation(",") is not None:
            properties["message"] = StringAttr(parser.parse_str_literal())
        if parser.parse_optional_keyword("at") is not None:
            operands.append(parser.parse_unresolved_operand())
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, operands, syntax.parse_types(parser), pos)
        return cls.create(operands=values, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.param)
        if self.message is not None:
            printer.print_string(", ")
            printer.print_string_literal(self.message.data)
        if self.anchor is not None:
            printer.print_string(" at ")
            printer.print_ssa_value(self.anchor)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.operands)


def emit_remark(interpreter: Interpreter, message: str, op: Operation) -> None:
    """Records a remark, and writes it where `print` writes."""
    interpreter.remarks.append((message, op))
    place = describe_location(op)
    (interpreter.output or sys.stdout).write(f"{f'{place}: ' if place else ''}remark: {message}\n")


DEBUG_OPS: list[type[Operation]] = [AnnotateOp, EmitParamAsRemarkOp, EmitRemarkAtOp, PrintOp, VerifyOp]
