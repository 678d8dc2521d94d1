"""Finds the functions of knobs that give what was seen at some samples: several simple ones, not one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from .forms import OPERATIONS, Form, Forms, Numbers

MOST_FORMS = 200
"""How many functions are given that give the same numbers."""
MOST_LOOKED_AT = 120
MOST_OPERATIONS = 9
"""What takes more operations than this is there by chance."""
MOST_EXTENT = 4096
"""The largest extent of loops that were made one."""
MOST_TILED, MOST_PAIRED = 600, 120
"""How many functions are tiled once more, and how many are looked at in pairs."""
LEAST_SOMETIMES = 3
"""At how many samples something has to be seen that is 0 at others."""
TILING = ("min", "ceildiv", "tail", "cover")
"""What a tile of a size makes of an extent."""
OTHERS = ("round_up", "floordiv", "max", "mod", "sub", "add", "round_down", "eq", "gt", "divides")


@dataclass(frozen=True)
class _Members:
    """Some functions, which are made when they are asked for, and what they are at the samples."""

    rows: Numbers
    form: Callable[[int], Form]

    def distinct(self) -> _Members:
        """The first of those that are the same at all samples."""
        return self.chosen(_first_of_each(self.rows))

    def chosen(self, places: Sequence[int]) -> _Members:
        """Those at some places."""
        return _Members(self.rows[places], lambda at: self.form(places[at]))

    def first(self, count: int) -> _Members:
        """As many of them as that, or all there are."""
        return _Members(self.rows[:count], self.form)


@dataclass(frozen=True)
class _Level:
    """Functions that are operations on two of others, and what they are at the samples."""

    rows: Numbers
    kinds: tuple[str, ...]
    left: _Members
    right: _Members

    def form(self, forms: Forms, at: int) -> Form:
        """The function of a row."""
        each = len(self.left.rows) * len(self.right.rows)
        kind, rest = self.kinds[at // each], at % each
        left, right = divmod(rest, len(self.right.rows))
        return forms.operation(kind, self.left.form(left), self.right.form(right))


class Pool:
    """Functions that numbers of a kernel may be.

    What becomes of extents `e` that are tiled by sizes `s` is `min(e, s)` and `ceildiv(e, s)`; these may be tiled once
    more. Strides and sizes of buffers are products of what there is, windows are linear in it. Where loops were made
    one (`wide`), extents are products of others and of sizes, too.
    """

    def __init__(
        self,
        forms: Forms,
        knobs: Mapping[str, Numbers],
        params: Sequence[Form],
        extents: Iterable[int],
        numbers: Iterable[int] = (),
        alignments: Iterable[tuple[int, int]] = (),
        *,
        wide: bool = False,
    ) -> None:
        self.forms = forms
        self.count = len(next(iter(knobs.values()))) if knobs else 1
        self._arguments = (forms, knobs, params, tuple(extents), tuple(numbers), tuple(dict.fromkeys(alignments)))
        self._alignments = tuple(dict.fromkeys(alignments))
        self._value = forms.evaluator(knobs)
        names = [forms.knob(name) for name in knobs]
        sizes = list(dict.fromkeys([*names, *params]))
        if wide or sizes == names:
            sizes += [forms.operation("mul", a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        known = {1, *self._arguments[3]}
        if wide:
            known |= {a * b for a in known for b in known if a * b <= MOST_EXTENT}
        constants = [forms.constant(extent) for extent in sorted(known)]
        few = [forms.constant(extent) for extent in sorted(self._arguments[3]) if extent > 1]
        products = [forms.operation("mul", a, b) for a in few for b in sizes] if wide else []
        sizes += [forms.constant(number) for number in self._arguments[4] if number > 1]
        if wide:
            sizes += constants[1:]
        self._basic = basic = self._members(list(dict.fromkeys([*sizes, *products, *constants])))
        self._sizes = self._members(sizes).distinct()
        self._first = first = self._level(TILING, basic.distinct(), self._sizes)
        count = len(basic.rows)
        both = _Members(
            np.concatenate([basic.rows, first.rows]),
            lambda at: basic.form(at) if at < count else first.form(forms, at - count),
        )
        self._simple = both.distinct()
        self._is_wide = wide
        self._wider: Pool | None = None

    @cached_property
    def _second(self) -> _Level:
        return self._level(TILING, self._simple.first(MOST_TILED), self._sizes)

    @cached_property
    def _third(self) -> _Level:
        few = self._simple.first(MOST_PAIRED)
        return self._level(OTHERS, few, few)

    def _members(self, members: Sequence[Form]) -> _Members:
        rows = np.empty((len(members), self.count), np.int64)
        for row, form in zip(rows, members, strict=True):
            row[:] = self._value(form)
        return _Members(rows, members.__getitem__)

    def _level(self, kinds: tuple[str, ...], left: _Members, right: _Members) -> _Level:
        a, b = left.rows[:, None], right.rows[None]
        rows = np.stack([OPERATIONS[kind](a, b) for kind in kinds]).reshape(-1, self.count)
        return _Level(rows, kinds, left, right)

    def matches(self, wanted: Numbers, where: NDArray[np.bool_]) -> list[Form]:
        """Functions that are `wanted` at the samples of a mask, the simplest ones first; none if there are none."""
        wanted_whole = wanted
        wanted, at = wanted[where], np.flatnonzero(where)
        found = self._plain(wanted, at)
        found += self._padded(wanted, at)
        if not found:
            found = self._products(wanted, at)
        if not found and (wanted != wanted[0]).any():
            found = self._linear(wanted, at)
        if not found and not self._is_wide:
            if self._wider is None:
                self._wider = Pool(*self._arguments, wide=True)
            found = self._wider.matches(wanted_whole, where)
        if not found and len(np.unique(wanted)) > 2:
            found = self._in(self._third, wanted, at)
        if not found and self._is_wide:
            found = self._either(wanted, at) or self._sometimes(wanted, at)
        found = [form for form in found if self.forms.cost[form] <= MOST_OPERATIONS]
        return sorted(set(found), key=lambda form: self.forms.cost[form])[:MOST_FORMS]

    def _plain(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """What tiling makes."""
        found = [self._basic.form(i) for i in _equal(self._basic.rows, wanted, at)]
        return found + self._in(self._first, wanted, at) + self._in(self._second, wanted, at)

    def _in(self, level: _Level, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        return [level.form(self.forms, i) for i in _equal(level.rows, wanted, at)[:MOST_LOOKED_AT]]

    def _padded(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """What fills registers: powers of two; and what is longer so that a stride is aligned."""
        simple, forms = self._simple.rows[:, at], self.forms
        zero = forms.constant(0)
        found = [
            forms.operation("power_of_two", self._simple.form(i), zero)
            for i in _equal(OPERATIONS["power_of_two"](simple, simple), wanted, np.arange(len(at)))
        ]
        for factor, offset in self._alignments:
            for i in _equal(simple + (offset - simple) % factor, wanted, np.arange(len(at))):
                rest = forms.operation("sub", forms.constant(offset), self._simple.form(i))
                rest = forms.operation("mod", rest, forms.constant(factor))
                found.append(forms.operation("add", self._simple.form(i), rest))
        return found

    def _products(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """Products of two or three."""
        simple = self._simple.rows[:, at]
        usable = np.greater(simple, 1).any(1) & np.greater(simple, 0).all(1)
        divides = usable & np.equal(wanted % np.maximum(simple, 1), 0).all(1)
        found: list[Form] = []
        places = {row.tobytes(): i for i, row in enumerate(np.ascontiguousarray(simple))}
        rests: list[tuple[int, Numbers]] = [(int(i), wanted // simple[i]) for i in np.flatnonzero(divides)]
        for i, rest in rests:
            if (j := places.get(np.ascontiguousarray(rest).tobytes())) is not None and j >= i:
                found.append(self.forms.operation("mul", self._simple.form(i), self._simple.form(j)))
        if found or self._is_wide:
            return found
        members = np.asarray([i for i, _ in rests[:MOST_PAIRED]], np.intp)
        factors = simple[members]
        for i, rest in rests[:MOST_PAIRED]:
            for number in np.flatnonzero(np.equal(rest % factors, 0).all(1)).tolist():
                j = int(members[number])
                last = places.get(np.ascontiguousarray(rest // simple[j]).tobytes()) if j >= i else None
                if last is not None and last >= j:
                    pair = self.forms.operation("mul", self._simple.form(i), self._simple.form(j))
                    found.append(self.forms.operation("mul", pair, self._simple.form(last)))
        return found

    @cached_property
    def _asked(self) -> _Level:
        members = self._basic.distinct().first(MOST_PAIRED)
        return self._level(("gt", "divides"), members, members)

    def _either(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """One of two numbers, as a comparison says."""
        values = np.unique(wanted)
        if len(values) != 2:
            return []
        forms, found = self.forms, list[Form]()
        low, high = (int(value) for value in values)
        for form in self._in(self._asked, (wanted == high).astype(np.int64), at):
            scaled = forms.operation("mul", forms.constant(high - low), form)
            found.append(scaled if low == 0 else forms.operation("add", scaled, forms.constant(low)))
        return found

    def _sometimes(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """Something where a comparison says so, and 0 elsewhere: what a tail that may not be there moves."""
        here = wanted != 0
        if here.all() or here.sum() < LEAST_SOMETIMES:
            return []
        forms = self.forms
        values = self._plain(wanted[here], at[here]) or self._linear(wanted[here], at[here])
        one = forms.constant(1)
        asked = self._in(self._asked, here.astype(np.int64), at)
        asked += [forms.operation("sub", one, each) for each in self._in(self._asked, (~here).astype(np.int64), at)]
        pairs = [forms.operation("mul", value, each) for value in values for each in asked]
        return sorted(pairs, key=lambda form: forms.cost[form])[:MOST_LOOKED_AT]

    def _linear(self, wanted: Numbers, at: NDArray[np.intp]) -> list[Form]:
        """Multiples of something and a number: what windows read."""
        forms = self.forms
        sources: list[tuple[Numbers, Callable[[int], Form]]] = [
            (self._simple.rows, self._simple.form),
            (self._second.rows, partial(self._second.form, forms)),
        ]
        found = list[Form]()
        other = int(np.argmax(wanted != wanted[0]))
        for rows, form in sources:
            x, y = rows[:, at[0]], rows[:, at[other]]
            moved = np.where(x != y, y - x, 1)
            scale = (wanted[other] - wanted[0]) // moved
            offset = wanted[0] - scale * x
            alike = np.flatnonzero((x != y) & (scale * moved == wanted[other] - wanted[0]) & (np.abs(scale) <= 64))
            for number, sample in enumerate(at):
                alike = alike[scale[alike] * rows[alike, sample] + offset[alike] == wanted[number]]
            for i in alike[:MOST_LOOKED_AT].tolist():
                scaled = form(i)
                if scale[i] != 1:
                    scaled = forms.operation("mul", forms.constant(int(scale[i])), scaled)
                found.append(forms.operation("add", scaled, forms.constant(int(offset[i]))))
            if found:
                break
        return found


def _first_of_each(rows: Numbers) -> list[int]:
    """The first of the rows that are the same."""
    width = rows.shape[1] * rows.itemsize
    data = np.ascontiguousarray(rows).tobytes()
    seen: dict[bytes, int] = {}
    for at in range(len(rows)):
        seen.setdefault(data[at * width : (at + 1) * width], at)
    return list(seen.values())


def _equal(rows: Numbers, wanted: Numbers, at: NDArray[np.intp]) -> list[int]:
    """The rows that are as wanted at some samples."""
    alike = np.flatnonzero(rows[:, at[0]] == wanted[0])
    for number, sample in enumerate(at[1:], 1):
        if not len(alike):
            break
        alike = alike[rows[alike, sample] == wanted[number]]
    return alike.tolist()


__all__ = ["MOST_FORMS", "Pool"]
