"""The combiner clause that `te.compute` and `loop.reduce` share:
`combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> { … }`.

A combiner region takes `n` accumulators, then `n` new values, and yields the `n` combined values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Attribute, Operation, Region, TypedAttribute
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

_FLAGS = ("associative", "commutative")
_NO_FASTMATH = FastMathFlagsAttr("none")


@dataclass(frozen=True)
class Combiner:
    """What a combiner clause says."""

    region: Region
    identity: tuple[Attribute, ...]
    associative: bool
    commutative: bool
    fastmath: FastMathFlagsAttr


def parse_optional_combiner(parser: Parser) -> Combiner | None:
    """Parses a combiner clause, if there is one."""
    if parser.parse_optional_keyword("combine") is None:
        return None
    arguments = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_argument)
    parser.parse_keyword("identity")
    identity = parser.parse_comma_separated_list(Parser.Delimiter.SQUARE, parser.parse_attribute)
    flags: list[str] = []
    if parser.parse_optional_keyword("flags") is not None:

        def parse_flag() -> None:
            pos = parser.pos
            flag = parser.parse_identifier()
            if flag not in _FLAGS:
                parser.raise_error(f"expected a flag ({', '.join(_FLAGS)}), got '{flag}'", pos)
            flags.append(flag)

        parser.parse_comma_separated_list(Parser.Delimiter.SQUARE, parse_flag)
    fastmath = _NO_FASTMATH
    if parser.parse_optional_keyword("fastmath") is not None:
        fastmath = FastMathFlagsAttr(FastMathFlagsAttr.parse_parameter(parser))
    region = parser.parse_region(arguments)
    return Combiner(region, tuple(identity), "associative" in flags, "commutative" in flags, fastmath)


def parse_combiner(parser: Parser) -> Combiner:
    """Parses a combiner clause."""
    combiner = parse_optional_combiner(parser)
    if combiner is None:
        parser.raise_error("expected a combiner: 'combine(…)'")
    return combiner


def print_combiner(
    printer: Printer,
    region: Region,
    identity: ArrayAttr,
    *,
    associative: bool,
    commutative: bool,
    fastmath: FastMathFlagsAttr,
) -> None:
    """Prints a combiner clause, with a space before it."""
    printer.print_string(" combine")
    with printer.in_parens():
        printer.print_list(region.block.args, printer.print_block_argument)
    printer.print_string(" identity ")
    printer.print_attribute(identity)
    flags = [name for name, given in zip(_FLAGS, (associative, commutative), strict=True) if given]
    if flags:
        printer.print_string(f" flags [{', '.join(flags)}]")
    if fastmath != _NO_FASTMATH:
        printer.print_string(" fastmath")
        fastmath.print_parameter(printer)
    printer.print_string(" ")
    printer.print_region(region, print_entry_block_args=False)


def verify_combiner(
    region: Region, types: Sequence[Attribute], identity: ArrayAttr, terminator: type[Operation]
) -> None:
    """Checks a combiner region over values of `types`.

    Raises:
        VerifyException: if arguments, identity or yielded values do not fit.
    """
    expected = [*types, *types]
    got = [arg.type for arg in region.block.args]
    if got != expected:
        raise VerifyException(f"expected a combiner over ({_list(expected)}), got ({_list(got)})")
    if len(identity.data) != len(types):
        raise VerifyException(f"expected {len(types)} identity values, got {len(identity.data)}")
    for value, type in zip(identity.data, types, strict=True):
        if not isinstance(value, TypedAttribute) or value.get_type() != type:
            raise VerifyException(f"expected an identity of type {type}, got {value}")
    last = region.block.last_op
    if not isinstance(last, terminator):
        raise VerifyException(f"expected a combiner that ends with {terminator.name}")
    yielded = [operand.type for operand in last.operands]
    if yielded != list(types):
        raise VerifyException(f"expected a combiner that yields ({_list(types)}), got ({_list(yielded)})")


def _list(types: Sequence[Attribute]) -> str:
    return ", ".join(str(type) for type in types)
