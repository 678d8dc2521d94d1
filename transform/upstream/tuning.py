"""Knobs: choices of a script that are still to be made, or that have been made."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import ArrayAttr, IndexType, IntegerAttr, StringAttr
from xdsl.dialects.transform import TransformHandleType, TransformParamHandleType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_region_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from ...errors import ScheduleError, ScriptError
from ..interfaces import Results, TransformOpInterface
from . import syntax
from .control import YieldOp, verify_body

if TYPE_CHECKING:
    from ..interpreter import Interpreter

_OPEN = "non-deterministic choice \"{}\" is only resolved through providing a '{}' attr"


@irdl_op_definition
class KnobOp(TransformOpInterface, IRDLOperation):
    """A param to choose from options. Without a selected value the knob is open, and the script a search space.

    `%t = transform.tune.knob<"t"> = 8 from options = [4, 8] -> !transform.any_param`
    """

    name = "transform.tune.knob"
    name_ = prop_def(StringAttr, prop_name="name")
    options = prop_def(Attribute)
    selected = opt_prop_def(Attribute)
    result = result_def(TransformParamHandleType)

    MATCHER: ClassVar[bool] = True

    @property
    def choices(self) -> list[Attribute] | None:
        """The values to choose from, if they are listed."""
        options = self.options
        return list(options) if isa(options, ArrayAttr) else None

    def verify_(self) -> None:
        choices = self.choices
        if choices is not None and self.selected is not None and self.selected not in choices:
            raise VerifyException(
                "provided `selected` attribute is not an element of `options` array of attributes: expected one of "
                f"{self.options}, got {self.selected}"
            )

    def apply(self, interpreter: Interpreter) -> Results:
        if self.selected is None:
            raise ScriptError(_OPEN.format(self.name_.data, "selected"), self)
        return [[self.selected]]

    @classmethod
    def parse(cls, parser: Parser) -> KnobOp:
        properties: dict[str, Attribute] = {"name": _parse_name(parser)}
        if parser.parse_optional_punctuation("=") is not None:
            properties["selected"] = parser.parse_attribute()
            parser.parse_keyword("from")
        parser.parse_keyword("options")
        parser.parse_punctuation("=")
        properties["options"] = parser.parse_attribute()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation("->")
        return cls.create(properties=properties, attributes=attributes, result_types=[parser.parse_type()])

    def print(self, printer: Printer) -> None:
        _print_name(printer, self.name_)
        if self.selected is not None:
            printer.print_string(" = ")
            printer.print_attribute(self.selected)
            printer.print_string(" from")
        printer.print_string(" options = ")
        printer.print_attribute(self.options)
        syntax.print_attr_dict(printer, self.attributes)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)


def _parse_name(parser: Parser) -> StringAttr:
    with parser.in_angle_brackets():
        return StringAttr(parser.parse_str_literal())


def _print_name(printer: Printer, name: StringAttr) -> None:
    with printer.in_angle_brackets():
        printer.print_string_literal(name.data)


@irdl_op_definition
class TuneAlternativesOp(TransformOpInterface, IRDLOperation):
    """A choice between regions; the selected one runs."""

    name = "transform.tune.alternatives"
    STEERS: ClassVar[bool] = True
    name_ = prop_def(StringAttr, prop_name="name")
    selected_region_attr = opt_prop_def(IntegerAttr)
    selected_region_param = opt_operand_def(TransformParamHandleType)
    results_ = var_result_def(TransformHandleType)
    alternatives = var_region_def()

    def verify_(self) -> None:
        if self.selected_region_attr is not None and self.selected_region_param is not None:
            raise VerifyException("expected the selected region as an attribute or as a param, got both")
        for region in self.regions:
            verify_body(region)
            last = region.block.last_op
            if region.block.args:
                raise VerifyException(f"expected alternatives without arguments, got {len(region.block.args)}")
            if last is not None and [operand.type for operand in last.operands] != list(self.result_types):
                raise VerifyException("expected alternatives to yield values of the types of the results")
        selected = self.selected_region_attr
        if selected is not None and not 0 <= selected.value.data < len(self.regions):
            raise VerifyException(f"expected a selected region below {len(self.regions)}, got {selected.value.data}")

    def apply(self, interpreter: Interpreter) -> Results:
        selected = self._selected(interpreter)
        if not 0 <= selected < len(self.regions):
            raise ScheduleError(f"expected a selected region below {len(self.regions)}, got {selected}")
        return interpreter.run_block(self.regions[selected].block, [])

    def _selected(self, interpreter: Interpreter) -> int:
        if self.selected_region_attr is not None:
            return self.selected_region_attr.value.data
        if self.selected_region_param is not None:
            return interpreter.state.integer(self.selected_region_param)
        raise ScriptError(_OPEN.format(self.name_.data, "selected_region"), self)

    @classmethod
    def parse(cls, parser: Parser) -> TuneAlternativesOp:
        properties: dict[str, Attribute] = {"name": _parse_name(parser)}
        operands: list[SSAValue] = []
        if parser.parse_optional_keyword("selected_region") is not None:
            parser.parse_punctuation("=")
            param = parser.parse_optional_unresolved_operand()
            if param is not None:
                parser.parse_punctuation(":")
                operands.append(parser.resolve_operand(param, parser.parse_type()))
            else:
                properties["selected_region_attr"] = IntegerAttr(parser.parse_integer(), IndexType())
        attributes = parser.parse_optional_attr_dict_with_keyword()
        results = syntax.parse_optional_result_types(parser)
        regions = [syntax.add_implicit_yield(parser.parse_region(), YieldOp)]
        while parser.parse_optional_punctuation(",") is not None:
            regions.append(syntax.add_implicit_yield(parser.parse_region(), YieldOp))
        op = cls.create(properties=properties, operands=operands, result_types=results, regions=regions)
        if attributes is not None:
            op.attributes.update(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        _print_name(printer, self.name_)
        if self.selected_region_attr is not None:
            printer.print_string(f" selected_region = {self.selected_region_attr.value.data}")
        elif self.selected_region_param is not None:
            printer.print_string(" selected_region = ")
            printer.print_ssa_value(self.selected_region_param)
            syntax.print_types(printer, [self.selected_region_param])
        printer.print_op_attributes(self.attributes, print_keyword=True)
        syntax.print_optional_result_types(printer, self.results)
        for index, region in enumerate(self.regions):
            if index:
                printer.print_string(",")
            syntax.print_body(printer, region)


TUNING_OPS: list[type[Operation]] = [KnobOp, TuneAlternativesOp]
