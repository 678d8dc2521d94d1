"""Symbolic extents: quasi-affine expressions of named sizes, in a canonical form.

An extent is `constant + Σ coefficient * atom`; an atom is a name, or the floor division or remainder of an
extent by a positive constant. Equal extents compare equal, print alike, and can be evaluated once the sizes are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..errors import CompileError

if TYPE_CHECKING:
    from xdsl.parser import AttrParser


@dataclass(frozen=True)
class Division:
    """`dividend floordiv divisor` or `dividend mod divisor`, which does not simplify further."""

    kind: Literal["floordiv", "mod"]
    dividend: Extent
    divisor: int

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The value of this atom, given the size of each name."""
        dividend = self.dividend.evaluate(sizes)
        return dividend // self.divisor if self.kind == "floordiv" else dividend % self.divisor

    def __str__(self) -> str:
        dividend = str(self.dividend)
        if not self.dividend.is_name:
            dividend = f"({dividend})"
        return f"{dividend} {self.kind} {self.divisor}"


Atom: TypeAlias = str | Division


@dataclass(frozen=True, repr=False)
class Extent:
    """A canonical quasi-affine expression of named sizes."""

    terms: tuple[tuple[Atom, int], ...]
    constant: int

    @staticmethod
    def of(value: Extent | int) -> Extent:
        """`value` as an extent."""
        return value if isinstance(value, Extent) else Extent((), value)

    @staticmethod
    def symbol(name: str) -> Extent:
        """The size called `name`."""
        return Extent(((name, 1),), 0)

    @staticmethod
    def _from_terms(terms: Mapping[Atom, int], constant: int) -> Extent:
        kept = [(atom, factor) for atom, factor in terms.items() if factor]
        kept.sort(key=lambda term: (not isinstance(term[0], str), str(term[0])))
        return Extent(tuple(kept), constant)

    @property
    def is_constant(self) -> bool:
        """Whether no size is named."""
        return not self.terms

    @property
    def is_name(self) -> bool:
        """Whether this is a bare name."""
        return (
            self.constant == 0 and len(self.terms) == 1 and self.terms[0][1] == 1 and isinstance(self.terms[0][0], str)
        )

    def __add__(self, other: Extent | int) -> Extent:
        if not isinstance(other, Extent | int):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        other = Extent.of(other)
        terms = dict(self.terms)
        for atom, factor in other.terms:
            terms[atom] = terms.get(atom, 0) + factor
        return Extent._from_terms(terms, self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> Extent:
        return self * -1

    def __sub__(self, other: Extent | int) -> Extent:
        if not isinstance(other, Extent | int):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        return self + Extent.of(other) * -1

    def __rsub__(self, other: int) -> Extent:
        if not isinstance(other, Extent | int):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        return Extent.of(other) - self

    def __mul__(self, other: Extent | int) -> Extent:
        if not isinstance(other, Extent | int):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        if isinstance(other, Extent):
            if self.is_constant:
                return other * self.constant
            if not other.is_constant:
                raise CompileError(f"expected an affine extent, got ({self}) * ({other})")
            other = other.constant
        return Extent._from_terms({atom: factor * other for atom, factor in self.terms}, self.constant * other)

    __rmul__ = __mul__

    def _split(self, divisor: int) -> tuple[Extent, Extent]:
        """`(q, r)` with `self == q * divisor + r`, as much as possible in `q`."""
        quotient = {atom: factor // divisor for atom, factor in self.terms}
        rest = {atom: factor % divisor for atom, factor in self.terms}
        return (
            Extent._from_terms(quotient, self.constant // divisor),
            Extent._from_terms(rest, self.constant % divisor),
        )

    def __floordiv__(self, divisor: int) -> Extent:
        _check_divisor(divisor)
        quotient, rest = self._split(divisor)
        if rest.is_constant:
            return quotient
        return quotient + Extent(((Division("floordiv", rest, divisor), 1),), 0)

    def __mod__(self, divisor: int) -> Extent:
        _check_divisor(divisor)
        _, rest = self._split(divisor)
        if rest.is_constant:
            return rest
        return Extent(((Division("mod", rest, divisor), 1),), 0)

    def symbols(self) -> Iterator[str]:
        """The names in this extent, in printing order, with repetitions."""
        for atom, _ in self.terms:
            if isinstance(atom, str):
                yield atom
            else:
                yield from atom.dividend.symbols()

    def __repr__(self) -> str:
        return str(self)

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The value of this extent, given the size of each name."""
        total = self.constant
        for atom, factor in self.terms:
            total += factor * (sizes[atom] if isinstance(atom, str) else atom.evaluate(sizes))
        return total

    def substitute(self, sizes: Mapping[str, int]) -> Extent:
        """This extent with the names that `sizes` holds replaced by their values."""
        total = Extent.of(self.constant)
        for atom, factor in self.terms:
            total += _substitute_atom(atom, sizes) * factor
        return total

    def lower_bound(self) -> int | None:
        """The least value, all sizes being positive; None where there is none."""
        total = self.constant
        for atom, factor in self.terms:
            low, high = _bounds(atom)
            bound = low if factor > 0 else high
            if bound is None:
                return None
            total += factor * bound
        return total

    def is_at_least(self, other: Extent | int) -> bool:
        """Whether this extent is at least `other` for all positive sizes."""
        bound = (self - other).lower_bound()
        return bound is not None and bound >= 0

    def __str__(self) -> str:
        parts: list[str] = []
        for atom, factor in self.terms:
            sign = "-" if factor < 0 else "+"
            text = str(atom) if abs(factor) == 1 else _scaled(atom, abs(factor))
            if parts:
                parts.append(f" {sign} {text}")
            elif factor > 0:
                parts.append(text)
            else:
                parts.append(f"-{text}" if isinstance(atom, str) else f"-({text})")
        if not parts:
            return str(self.constant)
        if self.constant:
            parts.append(f" {'-' if self.constant < 0 else '+'} {abs(self.constant)}")
        return "".join(parts)


def _check_divisor(divisor: object) -> None:
    if not isinstance(divisor, int) or divisor < 1:
        raise CompileError(f"expected a positive integer to divide an extent by, got {divisor}")


def _scaled(atom: Atom, factor: int) -> str:
    return f"{atom} * {factor}" if isinstance(atom, str) else f"({atom}) * {factor}"


def _bounds(atom: Atom) -> tuple[int | None, int | None]:
    """The least and the greatest value of an atom, all sizes being positive."""
    if isinstance(atom, str):
        return 1, None
    if atom.kind == "mod":
        return 0, atom.divisor - 1
    low, high = atom.dividend.lower_bound(), (-atom.dividend).lower_bound()
    return None if low is None else low // atom.divisor, None if high is None else -high // atom.divisor


def _substitute_atom(atom: Atom, sizes: Mapping[str, int]) -> Extent:
    if isinstance(atom, str):
        return Extent.of(sizes[atom]) if atom in sizes else Extent.symbol(atom)
    dividend = atom.dividend.substitute(sizes)
    return dividend // atom.divisor if atom.kind == "floordiv" else dividend % atom.divisor


def parse_extent(parser: AttrParser) -> Extent:
    """Parses `term ((+|-) term)*`."""
    total = _parse_term(parser)
    while True:
        if parser.parse_optional_punctuation("+"):
            total += _parse_term(parser)
        elif parser.parse_optional_punctuation("-"):
            total -= _parse_term(parser)
        else:
            return total


def _parse_term(parser: AttrParser) -> Extent:
    """Parses `factor ((*|floordiv|mod) integer)*`."""
    total = _parse_factor(parser)
    while True:
        if parser.parse_optional_punctuation("*"):
            position = parser.pos
            factor = _parse_factor(parser)
            if total.is_constant:
                total, factor = factor, total
            if not factor.is_constant:
                parser.raise_error("expected an affine extent, got a product of two sizes", position)
            total = total * factor.constant
        elif kind := parser.parse_optional_keyword_in(("floordiv", "mod")):
            position = parser.pos
            divisor = _parse_factor(parser)
            if not divisor.is_constant or divisor.constant < 1:
                parser.raise_error(f"expected a positive constant divisor, got {divisor}", position)
            total = total // divisor.constant if kind == "floordiv" else total % divisor.constant
        else:
            return total


def _parse_factor(parser: AttrParser) -> Extent:
    if parser.parse_optional_punctuation("("):
        inner = parse_extent(parser)
        parser.parse_punctuation(")")
        return inner
    if parser.parse_optional_punctuation("-"):
        return -_parse_factor(parser)
    if (value := parser.parse_optional_integer(allow_boolean=False, allow_negative=False)) is not None:
        return Extent.of(value)
    return Extent.symbol(parser.parse_identifier(" in an extent"))
