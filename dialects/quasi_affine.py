"""Quasi-affine forms over SSA index values: linear sums with `floordiv` and `mod` by constants.

A `Lin` is `const + sum(coefficient * atom)`. An atom is an SSA value (a loop's induction variable, a block's
iterator) or a `Digit`, `(inner floordiv divisor) mod modulus`, which both `floordiv` and `mod` normalise to.
Forms are immutable, hashable, and kept in a normal form, so that equal functions that schedules produce compare
equal: the analyses of the loop rung (coverage, regions, disjointness) and the expansion of loops share them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.ir import SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)

Interval = tuple[int, int]
"""Inclusive lower and upper bound."""

Bounds = Callable[[SSAValue], Interval | None]
"""The interval that an SSA value lies in, or None where nothing is known."""


@dataclass(frozen=True, eq=True)
class Digit:
    """`(inner floordiv divisor) mod modulus`; `modulus` None means no reduction."""

    inner: Lin
    divisor: int
    modulus: int | None
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.inner, self.divisor, self.modulus)))

    def __hash__(self) -> int:
        return self._hash


Atom = SSAValue | Digit


class Lin:
    """An immutable `const + sum(coefficient * atom)` in normal form (no zero coefficients)."""

    __slots__ = ("_hash", "const", "terms")

    const: int
    terms: Mapping[Atom, int]

    def __init__(self, const: int = 0, terms: Mapping[Atom, int] | None = None) -> None:
        self.const = const
        self.terms = terms if terms is not None else {}
        self._hash: int | None = None

    @staticmethod
    def of(value: SSAValue | int) -> Lin:
        """The form of one value, or of a constant."""
        if isinstance(value, int):
            return Lin(value)
        return Lin(0, {value: 1})

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.const, frozenset(self.terms.items())))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lin) and self.const == other.const and self.terms == other.terms

    def __repr__(self) -> str:
        parts = [f"{c}*{a!r}" for a, c in self.terms.items()]
        return " + ".join([*parts, str(self.const)])

    @property
    def is_const(self) -> bool:
        return not self.terms

    def __add__(self, other: Lin | int) -> Lin:
        if isinstance(other, int):
            return Lin(self.const + other, self.terms) if other else self
        if not other.terms:
            return Lin(self.const + other.const, self.terms) if other.const else self
        if not self.terms:
            return Lin(self.const + other.const, other.terms)
        terms = dict(self.terms)
        for atom, coefficient in other.terms.items():
            total = terms.get(atom, 0) + coefficient
            if total:
                terms[atom] = total
            else:
                del terms[atom]
        for atom in other.terms:
            if isinstance(atom, Digit):
                return _joined(Lin(self.const + other.const, terms))
        return Lin(self.const + other.const, terms)

    def __neg__(self) -> Lin:
        return self * -1

    def __sub__(self, other: Lin | int) -> Lin:
        return self + (-other)

    def __mul__(self, factor: int) -> Lin:
        if factor == 1 or not (self.terms or self.const):
            return self
        if factor == 0:
            return ZERO
        return Lin(self.const * factor, {a: c * factor for a, c in self.terms.items()})

    def range(self, bounds: Bounds) -> Interval | None:
        """The interval the form lies in, by interval arithmetic; None where an atom is unbounded."""
        lo = hi = self.const
        for atom, coefficient in self.terms.items():
            interval = atom_range(atom, bounds) if isinstance(atom, Digit) else bounds(atom)
            if interval is None:
                return None
            if coefficient > 0:
                lo += interval[0] * coefficient
                hi += interval[1] * coefficient
            else:
                lo += interval[1] * coefficient
                hi += interval[0] * coefficient
        return lo, hi

    def floordiv(self, divisor: int, bounds: Bounds) -> Lin:
        """`self floordiv divisor`, `divisor > 0`."""
        return _digit(self, divisor, None, bounds)

    def mod(self, modulus: int, bounds: Bounds) -> Lin:
        """`self mod modulus`, `modulus > 0`; the result lies in `0..modulus-1`."""
        return _digit(self, 1, modulus, bounds)

    def values(self) -> list[SSAValue]:
        """The SSA values the form depends on, in order of first use."""
        values: list[SSAValue] = []
        for atom in self.terms:
            if isinstance(atom, Digit):
                seen: dict[SSAValue, None] = {}
                _collect(self, seen)
                return list(seen)
            values.append(atom)
        return values

    def substitute(self, replacement: Mapping[SSAValue, Lin], bounds: Bounds) -> Lin:
        """The form with SSA values replaced by forms; `bounds` are those of the replacements' values."""
        result = Lin(self.const)
        for atom, coefficient in self.terms.items():
            if isinstance(atom, Digit):
                inner = atom.inner.substitute(replacement, bounds)
                part = _digit(inner, atom.divisor, atom.modulus, bounds) * coefficient
            else:
                part = replacement.get(atom)
                part = Lin(0, {atom: coefficient}) if part is None else part * coefficient
            result = result + part
        return result

    def split(self, inner: Callable[[SSAValue], bool]) -> tuple[Lin, Lin] | None:
        """`(outer, inner)` parts whose sum is the form: atoms whose values are all inner go to the second (its constant
        is 0). None where a digit mixes both."""
        outer_terms: dict[Atom, int] = {}
        inner_terms: dict[Atom, int] = {}
        for atom, coefficient in self.terms.items():
            if not isinstance(atom, Digit):
                (inner_terms if inner(atom) else outer_terms)[atom] = coefficient
                continue
            flags = {inner(v) for v in atom.inner.values()}
            if len(flags) != 1:
                return None
            (inner_terms if flags.pop() else outer_terms)[atom] = coefficient
        return Lin(self.const, outer_terms), Lin(0, inner_terms)

    def coefficient(self, value: SSAValue) -> int | None:
        """How much the form grows per unit of `value`; None where it is inside of a digit."""
        for atom in self.terms:
            if isinstance(atom, Digit) and value in atom.inner.values():
                return None
        return self.terms.get(value, 0)


ZERO = Lin()


def assuming(form: Lin, limits: Mapping[Lin, int], bounds: Bounds) -> Lin:
    """The form where each of some other forms, without a constant, is below a limit: `x mod 61` is `x` if `x < 61`."""
    if not any(isinstance(atom, Digit) for atom in form.terms):
        return form
    result = Lin(form.const, {atom: c for atom, c in form.terms.items() if not isinstance(atom, Digit)})
    for atom, coefficient in form.terms.items():
        if isinstance(atom, Digit):
            result = result + _digit_assuming(atom, limits, bounds) * coefficient
    return result


def _digit_assuming(atom: Digit, limits: Mapping[Lin, int], bounds: Bounds) -> Lin:
    inner = assuming(atom.inner, limits, bounds)
    limit = limits.get(Lin(0, inner.terms))
    interval = inner.range(bounds)
    if limit is not None and interval is not None and interval[0] >= 0:
        below = limit + inner.const
        if atom.modulus is None and below <= atom.divisor:
            return ZERO
        if atom.modulus is not None and below <= atom.divisor * atom.modulus:
            return _digit(inner, atom.divisor, None, bounds)
    return _digit(inner, atom.divisor, atom.modulus, bounds)


def atom_range(atom: Atom, bounds: Bounds) -> Interval | None:
    """The interval that an atom lies in."""
    # Classes of values are abstract to Python, which makes `isinstance` slow.
    if not isinstance(atom, Digit):
        return bounds(atom)
    inner = atom.inner.range(bounds)
    if atom.modulus is not None:
        if inner is not None:
            lo, hi = inner[0] // atom.divisor, inner[1] // atom.divisor
            if lo // atom.modulus == hi // atom.modulus:
                return lo % atom.modulus, hi % atom.modulus
        return 0, atom.modulus - 1
    if inner is None:
        return None
    return inner[0] // atom.divisor, inner[1] // atom.divisor


def _collect(form: Lin, seen: dict[SSAValue, None]) -> None:
    for atom in form.terms:
        if isinstance(atom, Digit):
            _collect(atom.inner, seen)
        else:
            seen[atom] = None


def _digit(form: Lin, divisor: int, modulus: int | None, bounds: Bounds) -> Lin:
    """`(form floordiv divisor) mod modulus` in normal form."""
    assert divisor > 0 and (modulus is None or modulus > 0), "expected positive divisors"
    if modulus == 1:
        return ZERO
    # A single digit inside: (((x div a) mod b) div c) mod d.
    if len(form.terms) == 1 and form.const == 0:
        ((atom, coefficient),) = form.terms.items()
        if coefficient == 1 and isinstance(atom, Digit):
            merged = _digit_of_digit(atom, divisor, modulus, bounds)
            if merged is not None:
                return merged
    if divisor > 1 or modulus is None:
        whole, rest = _split_multiples(form, divisor)
        interval = rest.range(bounds)
        if interval is not None and interval[0] // divisor == interval[1] // divisor:
            quotient = whole + interval[0] // divisor
            return quotient if modulus is None else _digit(quotient, 1, modulus, bounds)
        if modulus is None:
            # Without the multiples, the rest may be a digit alone.
            alone = not whole.terms and not whole.const
            return _atom(rest, divisor, None, bounds) if alone else whole + _digit(rest, divisor, None, bounds)
        if not whole.is_const or whole.const:
            # (whole + rest div d) mod m: multiples of m in `whole` vanish.
            _, kept = _split_multiples(whole, modulus)
            if kept.is_const and kept.const == 0:
                return _digit(rest, divisor, modulus, bounds)
            form = kept * divisor + rest
            interval = form.range(bounds)
            if interval is not None and interval[0] >= 0 and interval[1] < divisor * modulus:
                return _digit(form, divisor, None, bounds)
            return _atom(form, divisor, modulus, bounds)
        if interval is not None and interval[0] >= 0 and interval[1] < divisor * modulus:
            return _digit(rest, divisor, None, bounds)
        return _atom(rest, divisor, modulus, bounds)
    # divisor == 1 and a modulus
    assert modulus is not None
    _, rest = _split_multiples(form, modulus)
    interval = rest.range(bounds)
    if interval is not None and interval[0] // modulus == interval[1] // modulus:
        return rest - (interval[0] // modulus) * modulus
    split = _low_digit(rest, modulus, bounds)
    if split is not None:
        # (g*high + low) mod (g*m) == g*(high mod m) + low for 0 <= low < g
        radix, high, low = split
        return _digit(high, 1, modulus // radix, bounds) * radix + low
    return _atom(rest, 1, modulus, bounds)


def _digit_of_digit(atom: Digit, divisor: int, modulus: int | None, bounds: Bounds) -> Lin | None:
    if atom.modulus is None:
        return _digit(atom.inner, atom.divisor * divisor, modulus, bounds)
    if divisor > 1 and atom.modulus % divisor == 0:
        inner_modulus = atom.modulus // divisor
        if modulus is None or modulus >= inner_modulus:
            return _digit(atom.inner, atom.divisor * divisor, inner_modulus, bounds)
        if inner_modulus % modulus == 0:
            return _digit(atom.inner, atom.divisor * divisor, modulus, bounds)
    if divisor == 1 and modulus is not None and atom.modulus % modulus == 0:
        return _digit(atom.inner, atom.divisor, modulus, bounds)
    return None


def _joined(form: Lin) -> Lin:
    """The form with digits that follow one another joined: `(x floordiv 4) * 4 + x mod 4` is `x`."""
    digits = [atom for atom in form.terms if isinstance(atom, Digit)]
    for low in digits:
        if low.modulus is None:
            continue
        for high in digits:
            if (
                high.divisor == low.divisor * low.modulus
                and form.terms[high] == form.terms[low] * low.modulus
                and high.inner == low.inner
            ):
                modulus = None if high.modulus is None else high.modulus * low.modulus
                rest = Lin(form.const, {a: c for a, c in form.terms.items() if a is not low and a is not high})
                if modulus is None and low.divisor == 1:
                    return rest + low.inner * form.terms[low]
                return rest + Lin(0, {Digit(low.inner, low.divisor, modulus): form.terms[low]})
    return form


def _split_multiples(form: Lin, divisor: int) -> tuple[Lin, Lin]:
    """`(whole, rest)` with `form = whole * divisor + rest`; no coefficient of rest is a multiple of the divisor."""
    whole: dict[Atom, int] = {}
    rest: dict[Atom, int] = {}
    for atom, coefficient in form.terms.items():
        if coefficient % divisor == 0:
            whole[atom] = coefficient // divisor
        else:
            rest[atom] = coefficient
    return Lin(form.const // divisor, whole), Lin(form.const % divisor, rest)


def _low_digit(form: Lin, divisor: int, bounds: Bounds) -> tuple[int, Lin, Lin] | None:
    """`(radix, high, low)` with `form = radix * high + low`, `0 <= low < radix`, for the largest radix that divides
    `divisor`; None where only 1 does."""
    radices = {divisor}
    for coefficient in form.terms.values():
        radices |= {math.gcd(radix, coefficient) for radix in radices}
    for radix in sorted(radices, reverse=True):
        if radix == 1:
            return None
        high, low = _split_multiples(form, radix)
        interval = low.range(bounds)
        if interval is not None and interval[0] // radix == interval[1] // radix:
            carry = interval[0] // radix
            return radix, high + carry, low - carry * radix
    return None


def _atom(form: Lin, divisor: int, modulus: int | None, bounds: Bounds) -> Lin:
    if divisor > 1:
        split = _low_digit(form, divisor, bounds)
        if split is not None:
            # floor((g*high + low) / (g*d)) == floor(high / d) for 0 <= low < g
            return _digit(split[1], divisor // split[0], modulus, bounds)
    if modulus is None and divisor == 1:
        return form
    return Lin(0, {Digit(form, divisor, modulus): 1})


def from_affine(expr: AffineExpr, operands: Sequence[Lin], bounds: Bounds, num_dims: int | None = None) -> Lin:
    """The form of an affine expression whose dimensions (then symbols) stand for `operands`.

    Raises:
        ValueError: for semi-affine expressions.
    """
    # Most are dimensions; patterns of classes that are abstract to Python take long.
    if type(expr) is AffineDimExpr:
        return operands[expr.position]
    if type(expr) is AffineConstantExpr:
        return Lin(expr.value)
    if type(expr) is AffineBinaryOpExpr and expr.kind is AffineBinaryOpKind.Add:
        left, right = (from_affine(part, operands, bounds, num_dims) for part in (expr.lhs, expr.rhs))
        return left + right
    match expr:
        case AffineSymExpr(position=position):
            return operands[position + (num_dims or 0)]
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            left = from_affine(lhs, operands, bounds, num_dims)
            right = from_affine(rhs, operands, bounds, num_dims)
            match kind:
                case AffineBinaryOpKind.Mul:
                    if right.is_const:
                        return left * right.const
                    if left.is_const:
                        return right * left.const
                case AffineBinaryOpKind.FloorDiv if right.is_const and right.const > 0:
                    return left.floordiv(right.const, bounds)
                case AffineBinaryOpKind.Mod if right.is_const and right.const > 0:
                    return left.mod(right.const, bounds)
                case AffineBinaryOpKind.CeilDiv if right.is_const and right.const > 0:
                    return (left + (right.const - 1)).floordiv(right.const, bounds)
                case _:
                    pass
            raise ValueError(f"expected a quasi-affine expression, got {expr}")
        case _:
            raise ValueError(f"expected a quasi-affine expression, got {expr}")


def to_affine_expr(form: Lin, position: Mapping[SSAValue, int]) -> AffineExpr:
    """The affine expression of a form, given each value's dimension."""
    result: AffineExpr | None = None
    for atom, coefficient in form.terms.items():
        if isinstance(atom, Digit):
            part = to_affine_expr(atom.inner, position)
            if atom.divisor != 1:
                part = AffineBinaryOpExpr(AffineBinaryOpKind.FloorDiv, part, AffineConstantExpr(atom.divisor))
            if atom.modulus is not None:
                part = AffineBinaryOpExpr(AffineBinaryOpKind.Mod, part, AffineConstantExpr(atom.modulus))
        else:
            part = AffineDimExpr(position[atom])
        if coefficient != 1:
            part = AffineBinaryOpExpr(AffineBinaryOpKind.Mul, part, AffineConstantExpr(coefficient))
        result = part if result is None else AffineBinaryOpExpr(AffineBinaryOpKind.Add, result, part)
    if result is None:
        return AffineConstantExpr(form.const)
    if form.const:
        result = AffineBinaryOpExpr(AffineBinaryOpKind.Add, result, AffineConstantExpr(form.const))
    return result


def to_affine_map(forms: Iterable[Lin]) -> tuple[AffineMap, list[SSAValue]]:
    """The affine map whose results are `forms`, and the values of its dimensions, in order of first use."""
    forms = list(forms)
    position: dict[SSAValue, int] = {}
    for form in forms:
        for value in form.values():
            position.setdefault(value, len(position))
    results = tuple(to_affine_expr(form, position) for form in forms)
    return AffineMap(len(position), 0, results), list(position)
