"""Finds the functions of knobs that give what was seen at some samples: several simple ones, not one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .forms import OPERATIONS, Form, Forms, Numbers

MOST_FORMS = 6
"""How many functions are kept that give the same numbers so far."""
TILING = ("min", "ceildiv", "tail", "cover")
"""What a tile of a size makes of an extent."""
OTHERS = ("round_up", "floordiv", "max", "mod", "sub", "add", "round_down", "eq", "gt", "divides")


@dataclass(frozen=True)
class _Level:
    """Functions that are operations on two of others, and what they are at the samples."""

    rows: Numbers
    kinds: tuple[str, ...]
    left: Sequence[Form]
    right: Sequence[Form]

    def form(self, forms: Forms, at: int) -> Form:
        """The function of a row."""
        each = len(self.left) * len(self.right)
        kind, rest = self.kinds[at // each], at % each
        return forms.operation(kind, self.left[rest // len(self.right)], self.right[rest % len(self.right)])


class Pool:
    """Functions that numbers of a kernel may be.

    What becomes of extents `e` that are tiled by sizes `s` is `min(e, s)` and `ceildiv(e, s)`; these may be tiled once
    more. Strides and sizes of buffers are products of what there is.
    """

    def __init__(
        self,
        forms: Forms,
        knobs: Mapping[str, Numbers],
        params: Sequence[Form],
        extents: Iterable[int],
        numbers: Iterable[int] = (),
        alignments: Iterable[tuple[int, int]] = (),
    ) -> None:
        self.forms = forms
        self._alignments = tuple(dict.fromkeys(alignments))
        self.count = len(next(iter(knobs.values()))) if knobs else 1
        self._value = forms.evaluator(knobs)
        names = [forms.knob(name) for name in knobs]
        products = [forms.operation("mul", a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        sizes = list(dict.fromkeys([*names, *params]))
        if sizes == names:
            sizes += products
        constants = [forms.constant(extent) for extent in sorted({1, *extents})]
        sizes += [forms.constant(number) for number in numbers if number > 1]
        self._basic = list(dict.fromkeys([*constants, *sizes]))
        self._basic_rows = self._rows(self._basic)
        sizes = self._distinct(sizes)
        self._sizes = sizes
        first = self._level(TILING, self._distinct(self._basic), sizes)
        self._first = first
        chosen = _first_of_each(np.concatenate([self._basic_rows, first.rows]))
        self._simple = [
            self._basic[at] if at < len(self._basic) else first.form(forms, at - len(self._basic)) for at in chosen
        ]
        self._simple_rows = self._rows(self._simple)
        self._second: _Level | None = None
        self._third: _Level | None = None

    def _rows(self, members: Sequence[Form]) -> Numbers:
        return np.stack([np.broadcast_to(self._value(form), self.count) for form in members])

    def _distinct(self, members: Sequence[Form]) -> list[Form]:
        return [members[at] for at in _first_of_each(self._rows(members))]

    def _level(self, kinds: tuple[str, ...], left: Sequence[Form], right: Sequence[Form]) -> _Level:
        a, b = self._rows(left)[:, None], self._rows(right)[None]
        rows = np.stack([OPERATIONS[kind](a, b) for kind in kinds]).reshape(-1, self.count)
        return _Level(rows, kinds, left, right)

    def matches(self, wanted: Numbers, where: NDArray[np.bool_]) -> list[Form]:
        """Functions that are `wanted` at the samples of a mask, the simplest ones first; none if there are none."""
        wanted, at = wanted[where], np.flatnonzero(where)
        found = [self._basic[i] for i in _equal(self._basic_rows, wanted, at)]
        found += self._in(self._first, wanted, at)
        if self._second is None:
            self._second = self._level(TILING, self._simple, self._sizes)
        found += self._in(self._second, wanted, at)
        found += self._padded(wanted, at)
        if not found:
            found = self._products(wanted, at)
        if not found:
            if self._third is None:
                self._third = self._level(OTHERS, self._simple, self._simple)
            found = self._in(self._third, wanted, at)
        if not found:
            found = self._sums(wanted, at)
        return sorted(set(found), key=lambda form: self.forms.cost[form])[:MOST_FORMS]

    def _in(self, level: _Level, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        return [level.form(self.forms, int(i)) for i in _equal(level.rows, wanted, at)]

    def _padded(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """What fills registers: powers of two; and what is longer so that a stride is aligned."""
        simple, forms = self._simple_rows[:, at], self.forms
        zero = forms.constant(0)
        found = [
            forms.operation("power_of_two", self._simple[i], zero)
            for i in _equal(OPERATIONS["power_of_two"](simple, simple), wanted, np.arange(len(at)))
        ]
        for factor, offset in self._alignments:
            for i in _equal(simple + (offset - simple) % factor, wanted, np.arange(len(at))):
                rest = forms.operation("sub", forms.constant(offset), self._simple[i])
                rest = forms.operation("mod", rest, forms.constant(factor))
                found.append(forms.operation("add", self._simple[i], rest))
        return found

    def _products(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """Products of two or three."""
        simple = self._simple_rows[:, at]
        divides = (simple > 1).any(1) & (simple > 0).all(1)
        divides[divides] &= (wanted % simple[divides] == 0).all(1)
        found: list[Form] = []
        places = {row.tobytes(): i for i, row in enumerate(np.ascontiguousarray(simple))}
        rests: list[tuple[int, Numbers]] = [(int(i), wanted // simple[i]) for i in np.flatnonzero(divides)]
        for i, rest in rests:
            if (j := places.get(np.ascontiguousarray(rest).tobytes())) is not None and j >= i:
                found.append(self.forms.operation("mul", self._simple[i], self._simple[j]))
        for i, rest in rests if not found else ():
            for j, other in rests:
                if j < i or (rest % simple[j]).any():
                    continue
                last = places.get(np.ascontiguousarray(rest // simple[j]).tobytes())
                if last is not None and last >= j:
                    pair = self.forms.operation("mul", self._simple[i], self._simple[j])
                    found.append(self.forms.operation("mul", pair, self._simple[last]))
        return found

    def _sums(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """A product of two, and something that is added."""
        simple = self._simple_rows[:, at]
        found: list[Form] = []
        for i, row in enumerate(simple[:64]):
            if (rest := wanted - row).min() > 0:
                for form in self._products(rest, at)[:1]:
                    found.append(self.forms.operation("add", form, self._simple[i]))
        return found


def _first_of_each(rows: Numbers) -> list[int]:
    """The first of the rows that are the same."""
    seen: dict[bytes, int] = {}
    for at, row in enumerate(np.ascontiguousarray(rows)):
        seen.setdefault(row.tobytes(), at)
    return list(seen.values())


def _equal(rows: Numbers, wanted: Numbers, at: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows that are as wanted at some samples."""
    alike = np.flatnonzero(rows[:, at[0]] == wanted[0])
    for number, sample in enumerate(at[1:], 1):
        if not len(alike):
            break
        alike = alike[rows[alike, sample] == wanted[number]]
    return alike


__all__ = ["MOST_FORMS", "Pool"]
