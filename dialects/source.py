"""Parsing text into IR whose operations know the file, line and column that they came from."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from xdsl.context import Context
from xdsl.dialects.builtin import (
    UNKNOWN_LOC,
    AnyFloat,
    ComplexType,
    FileLineColLoc,
    IndexType,
    IntAttr,
    IntegerType,
    ModuleOp,
    StringAttr,
)
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.parser import AttrParser, Parser, ParserState
from xdsl.utils.exceptions import DiagnosticException, ParseError, UnregisteredConstructException, VerifyException
from xdsl.utils.lexer import Input, Span
from xdsl.utils.mlir_lexer import MLIRLexer

from ..errors import did_you_mean

_UNKNOWN_OPERATION = re.compile(r"Operation (\S+) is not registered")
_OPERAND_TYPES = re.compile(r"expected (\d+) operand types but had (\d+)")
_NAME = re.compile(r"(?:%[^=\n]*=\s*)?([\w.$]+|\"[^\"\n]+\")")
_WRONG_TYPE = re.compile(
    r"(?:(operand|result) '(\w+)' at position \d+ does not verify:\s+)?(.+) should be of "
    r"(?:attribute subclassing `(\w+)`|base attribute (\S+))"
)
_HANDLES = {
    "TransformOpHandleType": "a handle to operations (!transform.any_op)",
    "TransformValueHandleType": "a handle to values such as buffers (!transform.any_value)",
    "TransformParamHandleType": "a param (!transform.any_param)",
    "TransformHandleType": "a handle or a param (!transform.any_op, !transform.any_value, !transform.any_param)",
}


class InvalidOperation(ParseError, VerifyException):
    """An operation in a text that does not verify, or can't be made."""


class _DenseElement(Parser._TensorLiteralElement):  # pyright: ignore[reportPrivateUsage]
    """A number in `dense<…>`. Hexadecimal floats are bit patterns, which xDSL takes for integers."""

    def to_type(
        self, parser: AttrParser, type: AnyFloat | IntegerType | IndexType | ComplexType
    ) -> float | tuple[float, float]:
        if not isinstance(type, AnyFloat):
            return super().to_type(parser, type)
        if self.span.text[:2] in ("0x", "0X"):
            assert isinstance(self.value, int)
            return next(type.iter_unpack(self.value.to_bytes(type.compile_time_size, "little")))
        return super().to_float(parser)


class _Lexer(MLIRLexer):
    """xDSL's lexer, which takes time exponential in the length of a line that does not close a string."""

    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')


class LocatedParser(Parser):
    """A parser that gives each operation its place in the source, unless a `loc(…)` is written."""

    def __init__(self, ctx: Context, text: str | bytes, name: str = "<unknown>", line_offset: int = 0):
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        super().__init__(ctx, "", name)
        self._parser_state = ParserState(_Lexer(Input(decoded, name)))
        self._file = StringAttr(name)
        self._line_offset = line_offset
        self._newlines = [i for i, char in enumerate(decoded) if char == "\n"]

    def parse_operation(self) -> Operation:
        start = self.pos
        try:
            op = super().parse_operation()
        except ParseError as error:
            raise self._with_hint(error, start) from error.__cause__
        # What an operation's assembly refuses is found when the next token has been read: point at the operation.
        except (VerifyException, ValueError) as error:
            span = _span_of_name(self.lexer.input, start)
            raise InvalidOperation(span, f"'{_name_in(span)}' op: {explain(error)}") from error
        if op.location is UNKNOWN_LOC:
            op.location = self._location(start)
        return op

    def parse_affine_map_of_ssa_ids(self) -> tuple[AffineMap, Sequence[SSAValue[IndexType]]]:
        """`[%i, %j + 7]`: values are dimensions, as in MLIR; xDSL takes them for symbols, which loops do not give."""
        map, operands = super().parse_affine_map_of_ssa_ids()
        dims = [AffineExpr.dimension(position) for position in range(map.num_symbols)]
        results = tuple(expr.replace_dims_and_symbols((), dims) for expr in map.results)
        return AffineMap(map.num_symbols, 0, results), operands

    def _parse_tensor_literal_element(self) -> _DenseElement:
        element = super()._parse_tensor_literal_element()
        return _DenseElement(element.is_negative, element.value, element.span)

    def _with_hint(self, error: ParseError, start: int) -> ParseError:
        """xDSL points behind an operation that it does not know, or whose types are too few or too many; point at it,
        and offer the nearest."""
        miscounted = _OPERAND_TYPES.fullmatch(error.msg)
        if miscounted is not None:
            span = _span_of_name(self.lexer.input, start)
            types, operands = miscounted.groups()
            return ParseError(span, f"'{_name_in(span)}' op: expected {operands} operand types, got {types}")
        unknown = _UNKNOWN_OPERATION.fullmatch(error.msg)
        if unknown is None:
            return error
        name = unknown[1]
        at = self.lexer.input.content.index(name, start)
        hint = _nearest_operation(name, [op.name for op in self.ctx.loaded_ops])
        return ParseError(Span(at, at + len(name), self.lexer.input), f"unknown operation '{name}'{hint}")

    def _location(self, pos: int) -> FileLineColLoc:
        line = bisect_left(self._newlines, pos)
        start_of_line = self._newlines[line - 1] + 1 if line else 0
        return FileLineColLoc(self._file, IntAttr(line + 1 + self._line_offset), IntAttr(pos - start_of_line + 1))


def parse_module(
    ctx: Context,
    text: str | bytes,
    name: str = "<unknown>",
    *,
    line_offset: int = 0,
    implicit_module: bool = True,
) -> ModuleOp:
    """The module that `text` spells; a single top-level `builtin.module` is not wrapped in another.

    Whatever is wrong with the text is a `ParseError` that points at it.
    """
    parser = LocatedParser(ctx, text, name, line_offset)
    try:
        return parser.parse_module(implicit_module)
    except ParseError as error:
        error.span = replace(error.span, line_offset=line_offset)
        raise
    # Constructors of attributes and operations refuse in their own ways.
    except (DiagnosticException, UnregisteredConstructException, ValueError, NotImplementedError) as error:
        span = Span(parser.pos, parser.pos, parser.lexer.input, line_offset)
        raise ParseError(span, explain(error)) from error


def _nearest_operation(name: str, known: Sequence[str]) -> str:
    """A hint at the operation that was meant: names are compared without the dialect, which they have in common."""
    dialect, _, _ = name.partition(".")
    prefix = f"{dialect}."
    names = [each.removeprefix(prefix) for each in known if each.startswith(prefix)]
    if not names:
        return did_you_mean(name, known)
    return did_you_mean(name.removeprefix(prefix), names).replace("'", f"'{prefix}", 1)


def _span_of_name(source: Input[str], start: int) -> Span[str]:
    """Where the name of the operation stands whose text starts at `start`."""
    match = _NAME.match(source.content, start)
    begin, end = (start, start + 1) if match is None else match.span(1)
    return Span(begin, end, source)


def _name_in(span: Span[str]) -> str:
    return span.input.content[span.start : span.end].strip('"')


def explain(error: Exception) -> str:
    """What a verifier says; xDSL names Python classes for types that do not fit."""
    message = str(error)
    wrong = _WRONG_TYPE.fullmatch(message)
    if wrong is None:
        return message
    what, name, got, kind, base = wrong.groups()
    expected = _HANDLES.get(kind) if base is None else f"!{base}" if "." in base else None
    if expected is None or (base is not None and what is None):
        return message
    role = f" as {what} '{name}'" if what else ""
    return f"expected {expected}{role}, got {got}"


def verify_module(module: ModuleOp, text: str | None = None, name: str = "<unknown>") -> None:
    """Verify a module that was parsed; whatever is wrong with it is a `VerifyException`.

    If the text that it was parsed from is given, it is an `InvalidOperation` that points at it there.
    """
    try:
        _verify(module)
    except VerifyException as error:
        if text is None or (op := find_invalid(module)) is None:
            raise
        location = op.location
        message = f"'{op.name}' op: {explain(error)}"
        if not isinstance(location, FileLineColLoc) or location.filename.data != name:
            place = describe_location(op)
            raise VerifyException(f"{place}: {message}" if place else message) from error
        source = Input(text, name)
        start = 0
        for _ in range(location.line.data - 1):
            start = text.find("\n", start) + 1
        raise InvalidOperation(_span_of_name(source, start + location.column.data - 1), message) from error


def _verify(module: ModuleOp) -> None:
    try:
        module.verify()
    except VerifyException:
        raise
    # Upstream's verifiers trust operations around theirs, which are verified later.
    except Exception:
        for op in module.walk():
            op.verify(verify_nested_ops=False)
        raise


def find_invalid(root: Operation) -> Operation | None:
    """The first operation in and below `root` that does not verify, innermost first, as operations are verified."""
    for region in root.regions:
        for block in region.blocks:
            for op in block.ops:
                found = find_invalid(op)
                if found is not None:
                    return found
    try:
        root.verify(verify_nested_ops=False)
    except VerifyException:
        return root
    # Something around it is to blame, which is verified later.
    except Exception:
        return None
    return None


def describe_location(op: Operation) -> str:
    """`file:line:col` of an operation that was parsed from text, else an empty string."""
    location = op.location
    if not isinstance(location, FileLineColLoc):
        return ""
    return f"{location.filename.data}:{location.line.data}:{location.column.data}"
