"""Assembly of affine expressions over SSA values, shared by `te` and `loop`: `%io * 16 + %ii`, `%f floordiv 8`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import IndexType
from xdsl.ir import SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

_INDEX = IndexType()
_PRECEDENCE = {AffineBinaryOpKind.Add: 0}


@dataclass
class AffineOperands:
    """Collects the SSA operands of the expressions of one op; each distinct operand is one dimension."""

    parser: Parser
    names: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    unresolved: list[UnresolvedOperand] = field(default_factory=list[UnresolvedOperand])

    def dimension(self, operand: UnresolvedOperand) -> AffineExpr:
        key = (operand.operand_name, operand.index)
        position = self.names.setdefault(key, len(self.names))
        if position == len(self.unresolved):
            self.unresolved.append(operand)
        return AffineDimExpr(position)

    def resolve(self) -> list[SSAValue]:
        return [self.parser.resolve_operand(operand, _INDEX) for operand in self.unresolved]


def parse_affine_expr(parser: Parser, operands: AffineOperands) -> AffineExpr:
    """
    expr   ::= term ((`+` | `-`) term)*
    term   ::= factor (`*` int | `floordiv` int | `mod` int)*
    factor ::= ssa-use | int | `-` factor | `(` expr `)`
    """
    expr = _parse_term(parser, operands)
    while True:
        if parser.parse_optional_characters("+") is not None:
            expr = expr + _parse_term(parser, operands)
        elif parser.parse_optional_characters("-") is not None:
            expr = expr + _parse_term(parser, operands) * -1
        else:
            return expr


def _parse_term(parser: Parser, operands: AffineOperands) -> AffineExpr:
    expr = _parse_factor(parser, operands)
    while True:
        if parser.parse_optional_characters("*") is not None:
            expr = expr * _parse_constant(parser)
        elif parser.parse_optional_keyword("floordiv") is not None:
            expr = expr // _parse_positive(parser)
        elif parser.parse_optional_keyword("mod") is not None:
            expr = expr % _parse_positive(parser)
        else:
            return expr


def _parse_constant(parser: Parser) -> int:
    return parser.parse_integer(allow_boolean=False, allow_negative=True)


def _parse_positive(parser: Parser) -> int:
    pos = parser.pos
    value = _parse_constant(parser)
    if value <= 0:
        parser.raise_error(f"expected a positive divisor, got {value}", pos)
    return value


def _parse_factor(parser: Parser, operands: AffineOperands) -> AffineExpr:
    if (operand := parser.parse_optional_unresolved_operand()) is not None:
        return operands.dimension(operand)
    if (value := parser.parse_optional_integer(allow_boolean=False, allow_negative=True)) is not None:
        return AffineConstantExpr(value)
    if parser.parse_optional_characters("-") is not None:
        return _parse_factor(parser, operands) * -1
    if parser.parse_optional_punctuation("(") is not None:
        expr = parse_affine_expr(parser, operands)
        parser.parse_punctuation(")")
        return expr
    parser.raise_error("expected an affine expression: an SSA value, an integer or '('")


def parse_affine_indices(parser: Parser) -> tuple[AffineMap, list[SSAValue]]:
    """Parses `[expr, …]`; gives the map and its operands."""
    operands = AffineOperands(parser)
    exprs = parser.parse_comma_separated_list(Parser.Delimiter.SQUARE, lambda: parse_affine_expr(parser, operands))
    return AffineMap(len(operands.unresolved), 0, tuple(exprs)), operands.resolve()


def print_affine_expr(printer: Printer, expr: AffineExpr, operands: Sequence[SSAValue]) -> None:
    """Prints an affine expression with `operands` in place of its dimensions."""
    _print_expr(printer, expr, lambda position: printer.print_ssa_value(operands[position]), 0)


def _print_expr(printer: Printer, expr: AffineExpr, dimension: Callable[[int], object], level: int) -> None:
    match expr:
        case AffineConstantExpr(value=value):
            printer.print_string(str(value))
        case AffineDimExpr(position=position):
            dimension(position)
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            own = _PRECEDENCE.get(kind, 1)
            if own < level:
                printer.print_string("(")
            _print_expr(printer, lhs, dimension, own)
            if kind is AffineBinaryOpKind.Add and isinstance(rhs, AffineConstantExpr) and rhs.value < 0:
                printer.print_string(f" - {-rhs.value}")
            else:
                printer.print_string(f" {kind.get_token()} ")
                _print_expr(printer, rhs, dimension, own + 1 if own else own)
            if own < level:
                printer.print_string(")")
        case _:
            raise ValueError(f"expected an affine expression over dimensions, got {expr}")


def print_affine_indices(printer: Printer, map: AffineMap, operands: Sequence[SSAValue]) -> None:
    """Prints `[expr, …]`."""
    with printer.in_square_brackets():
        printer.print_list(map.results, lambda expr: print_affine_expr(printer, expr, operands))
