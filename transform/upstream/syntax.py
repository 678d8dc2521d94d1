"""Assembly that the transform operations share."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache

from xdsl.dialects.builtin import I32, IntegerAttr, i32, i64
from xdsl.dialects.utils import DYNAMIC_INDEX
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

STATIC_OR_PARAM = DYNAMIC_INDEX
"""Stands in an array of integers for one that a param gives."""


class FailureMode(IntEnum):
    """What a sequence does with a refusal; the numbers are upstream's."""

    PROPAGATE = 1
    SUPPRESS = 2


@lru_cache(maxsize=4096)
def integer_param(value: int) -> IntegerAttr:
    """What a param holds for an integer. Making attributes takes long, and most are small."""
    return IntegerAttr(value, i64)


def parse_operands(parser: Parser) -> list[UnresolvedOperand]:
    """Parses `(%a (, %b)*)?`, without parentheses."""
    first = parser.parse_optional_unresolved_operand()
    if first is None:
        return []
    operands = [first]
    while parser.parse_optional_punctuation(",") is not None:
        operands.append(parser.parse_unresolved_operand())
    return operands


def parse_types(parser: Parser) -> list[Attribute]:
    """Parses `type (, type)*`."""
    return parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)


def parse_typed_operands(parser: Parser) -> list[SSAValue]:
    """Parses `%a, %b : type, type`."""
    operands = parse_operands(parser)
    pos = parser.pos
    parser.parse_punctuation(":")
    return resolve(parser, operands, parse_types(parser), pos)


def resolve(
    parser: Parser, operands: Sequence[UnresolvedOperand], types: Sequence[Attribute], pos: int
) -> list[SSAValue]:
    """The operands with their types, of which there must be as many."""
    if len(operands) != len(types):
        parser.raise_error(f"expected {len(operands)} operand types, got {len(types)}", pos)
    return list(parser.resolve_operands(operands, types, pos))


def parse_functional(
    parser: Parser, operands: Sequence[UnresolvedOperand]
) -> tuple[list[SSAValue], Sequence[Attribute]]:
    """Parses `: (types) -> types` after the operands; gives operands and result types."""
    parser.parse_punctuation(":")
    pos = parser.pos
    type = parser.parse_function_type()
    return resolve(parser, operands, type.inputs.data, pos), type.outputs.data


def print_functional(printer: Printer, operands: Sequence[SSAValue], results: Sequence[SSAValue]) -> None:
    """Prints ` : (types) -> types`."""
    printer.print_string(" : (")
    printer.print_list(operands, lambda value: printer.print_attribute(value.type))
    printer.print_string(") -> ")
    if len(results) == 1:
        printer.print_attribute(results[0].type)
    else:
        with printer.in_parens():
            printer.print_list(results, lambda value: printer.print_attribute(value.type))


def print_typed_operands(printer: Printer, operands: Sequence[SSAValue]) -> None:
    """Prints ` %a, %b : type, type`."""
    printer.print_string(" ")
    printer.print_list(operands, printer.print_ssa_value)
    print_types(printer, operands)


def print_types(printer: Printer, values: Sequence[SSAValue]) -> None:
    """Prints ` : type, type`."""
    printer.print_string(" : ")
    printer.print_list(values, lambda value: printer.print_attribute(value.type))


def parse_optional_result_types(parser: Parser) -> list[Attribute]:
    """Parses `(-> type (, type)*)?`."""
    if parser.parse_optional_punctuation("->") is None:
        return []
    return parse_types(parser)


def print_optional_result_types(printer: Printer, results: Sequence[SSAValue]) -> None:
    """Prints ` -> type, type` if there are results."""
    if results:
        printer.print_string(" -> ")
        printer.print_list(results, lambda value: printer.print_attribute(value.type))


def add_implicit_yield(region: Region, yield_op: type[Operation]) -> Region:
    """Ends a region that was parsed without a terminator with an empty one."""
    if not region.blocks:
        region.add_block(Block())
    block = region.blocks[0]
    if not isinstance(block.last_op, yield_op):
        block.add_op(yield_op.create())
    return region


def print_body(printer: Printer, region: Region) -> None:
    """Prints a region, leaving out a terminator that yields nothing."""
    last = region.block.last_op
    printer.print_string(" ")
    printer.print_region(region, print_block_terminators=last is not None and bool(last.operands))


def print_attr_dict(printer: Printer, attributes: dict[str, Attribute]) -> None:
    """Prints ` {…}` unless there is nothing in it; unit attributes as bare names."""
    if attributes:
        printer.print_op_attributes(attributes)


def failure_mode(mode: FailureMode) -> IntegerAttr[I32]:
    """The attribute of a failure mode."""
    return IntegerAttr(int(mode), i32)


def parse_failure_mode(parser: Parser) -> IntegerAttr[I32]:
    """Parses `failures(propagate|suppress)`."""
    parser.parse_keyword("failures")
    with parser.in_parens():
        pos = parser.pos
        word = parser.parse_identifier()
        if word.upper() not in FailureMode.__members__:
            parser.raise_error(f"expected propagate or suppress, got {word}", pos)
    return failure_mode(FailureMode[word.upper()])


def print_failure_mode(printer: Printer, mode: IntegerAttr[I32]) -> None:
    """Prints ` failures(…)`."""
    printer.print_string(f" failures({FailureMode(mode.value.data).name.lower()})")


def parse_mixed(parser: Parser) -> tuple[int | UnresolvedOperand, ...]:
    """Parses `[4, %param, …]`."""
    return tuple(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: parse_integer_or_param(parser)))


def parse_integer_or_param(parser: Parser) -> int | UnresolvedOperand:
    """Parses `4` or `%param`."""
    operand = parser.parse_optional_unresolved_operand()
    return operand if operand is not None else parser.parse_integer(allow_boolean=False)


def split_mixed(values: Sequence[int | UnresolvedOperand]) -> tuple[list[int], list[UnresolvedOperand]]:
    """The static integers, with a placeholder for each param, and the params."""
    static = [value if isinstance(value, int) else STATIC_OR_PARAM for value in values]
    return static, [value for value in values if not isinstance(value, int)]


def print_mixed(printer: Printer, static: Sequence[int], params: Sequence[SSAValue]) -> None:
    """Prints `4, %param, …`, without brackets."""
    remaining = iter(params)
    for index, value in enumerate(static):
        if index:
            printer.print_string(", ")
        if value == STATIC_OR_PARAM:
            printer.print_ssa_value(next(remaining))
        else:
            printer.print_int(value)
