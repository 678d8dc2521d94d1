"""Pass pipelines as text: MLIR's nested syntax, to and from a frozen tree.

    pipeline ::= (element (`,` element)*)?
    element  ::= pass | anchor
    pass     ::= name (`{` option* `}`)?
    anchor   ::= (`builtin.module` | `func.func`) `(` pipeline `)`
    option   ::= name (`=` (value (`,` value)* | `[` (value (`,` value)*)? `]`))?
    value    ::= word | `"` … `"`

Spaces and newlines may stand between any two tokens. What a word means is for the pass that it is given to, see
`pass_options`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import PipelineError, did_you_mean

ANCHORS = ("builtin.module", "func.func")
"""The operations that a nested pipeline may run on."""


@dataclass(frozen=True)
class Span:
    """A place in a pipeline's text, to point a caret at."""

    text: str
    start: int
    end: int

    def error(self, message: str) -> PipelineError:
        """A `PipelineError` that shows the line and the place in it."""
        first = self.text.rfind("\n", 0, self.start) + 1
        newline = self.text.find("\n", first)
        last = len(self.text) if newline < 0 else newline
        width = max(1, min(self.end, last) - self.start)
        return PipelineError(f"{message}\n  {self.text[first:last]}\n  {' ' * (self.start - first)}{'^' * width}")


def error_at(span: Span | None, message: str) -> PipelineError:
    """A `PipelineError`, with a caret if the place in the text is known."""
    return PipelineError(message) if span is None else span.error(message)


_PLAIN_WORD = re.compile(r"[^\s,={}()\[\]\"]+\Z")


def is_plain_word(text: str) -> bool:
    """Whether `text` needs no quotes to be one value."""
    return _PLAIN_WORD.match(text) is not None


@dataclass(frozen=True)
class Value:
    """One value of an option, as written; quoted ones are strings whatever they look like."""

    text: str
    quoted: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if not self.quoted and is_plain_word(self.text):
            return self.text
        escaped = self.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{escaped}"'


@dataclass(frozen=True)
class Option:
    """An option of a pass. `values` is None where only its name is written."""

    name: str
    values: tuple[Value, ...] | None = None
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if self.values is None:
            return self.name
        return f"{self.name}={','.join(map(str, self.values)) or '[]'}"


@dataclass(frozen=True)
class PassNode:
    """A pass with its options."""

    name: str
    options: tuple[Option, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name}{{{' '.join(map(str, self.options))}}}" if self.options else self.name


@dataclass(frozen=True)
class AnchorNode:
    """A pipeline that runs on each operation of one kind."""

    op_name: str
    nested: tuple[PassNode | AnchorNode, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.op_name}({', '.join(map(str, self.nested))})"


Node = PassNode | AnchorNode


@dataclass(frozen=True)
class Pipeline:
    """A parsed pipeline; `str` gives text that parses to an equal one."""

    nodes: tuple[Node, ...] = ()

    def __str__(self) -> str:
        return ", ".join(map(str, self.nodes))


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    span: Span


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>"(?:\\.|[^"\\])*")
      | (?P<punctuation>[,={}()\[\]])
      | (?P<word>[^\s,={}()\[\]"]+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t"}


def _tokens(text: str) -> Iterator[_Token]:
    pos = 0
    while pos < len(text):
        match = _TOKEN.match(text, pos)
        if match is None:
            raise Span(text, pos, len(text)).error("expected a closing '\"'")
        pos = match.end()
        kind = match.lastgroup
        assert kind is not None
        if kind != "space":
            yield _Token(kind, match.group(), Span(text, match.start(), match.end()))
    yield _Token("end", "end of pipeline", Span(text, pos, pos + 1))


class _Parser:
    """Recursive descent over the grammar above."""

    def __init__(self, text: str):
        self.tokens = tuple(_tokens(text))
        self.index = 0

    @property
    def current(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.current
        self.index += 1
        return token

    def at(self, punctuation: str) -> bool:
        return self.current.kind == "punctuation" and self.current.text == punctuation

    def accept(self, punctuation: str) -> bool:
        if not self.at(punctuation):
            return False
        self.index += 1
        return True

    def fail(self, expected: str) -> PipelineError:
        got = self.current.text if self.current.kind == "end" else f"'{self.current.text}'"
        return self.current.span.error(f"expected {expected}, got {got}")

    def expect_word(self, what: str) -> _Token:
        if self.current.kind != "word":
            raise self.fail(what)
        return self.take()

    def pipeline(self, closing: str | None) -> tuple[Node, ...]:
        """The elements up to `closing` (`None`: the end), which stays unread."""
        nodes: list[Node] = []
        if self.at_end(closing):
            return ()
        while True:
            nodes.append(self.element())
            if not self.accept(","):
                break
        if not self.at_end(closing):
            raise self.fail(f"',' or '{closing}'" if closing else "',' or end of pipeline")
        return tuple(nodes)

    def at_end(self, closing: str | None) -> bool:
        return self.current.kind == "end" if closing is None else self.at(closing)

    def element(self) -> Node:
        name = self.expect_word("the name of a pass")
        if self.accept("("):
            return self.anchor(name)
        return PassNode(name.text, self.options(), name.span)

    def anchor(self, name: _Token) -> AnchorNode:
        if name.text not in ANCHORS:
            hint = did_you_mean(name.text, ANCHORS)
            raise name.span.error(f"expected {' or '.join(ANCHORS)} before '(', got '{name.text}'{hint}")
        nested = self.pipeline(")")
        self.take()
        return AnchorNode(name.text, nested, name.span)

    def options(self) -> tuple[Option, ...]:
        options: dict[str, Option] = {}
        if not self.accept("{"):
            return ()
        while not self.accept("}"):
            option = self.option()
            if option.name in options:
                raise error_at(option.span, f"expected option '{option.name}' once, got it twice")
            options[option.name] = option
        return tuple(options.values())

    def option(self) -> Option:
        name = self.expect_word("an option or '}'")
        key = name.text.replace("_", "-")
        if not self.accept("="):
            return Option(key, None, name.span)
        if self.accept("["):
            values = () if self.at("]") else self.values()
            if not self.accept("]"):
                raise self.fail("',' or ']'")
        else:
            values = self.values()
        return Option(key, values, name.span)

    def values(self) -> tuple[Value, ...]:
        values = [self.value()]
        while self.accept(","):
            values.append(self.value())
        return tuple(values)

    def value(self) -> Value:
        match self.current.kind:
            case "word":
                token = self.take()
                return Value(token.text, False, token.span)
            case "string":
                token = self.take()
                text = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), token.text[1:-1], flags=re.DOTALL)
                return Value(text, True, token.span)
            case _:
                raise self.fail("a value")


def parse_pipeline(text: str) -> Pipeline:
    """The tree of a pipeline's text; a `PipelineError` points at what is malformed."""
    return Pipeline(_Parser(text).pipeline(None))
