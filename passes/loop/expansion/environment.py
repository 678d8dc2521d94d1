"""The partial values of induction variables during the walk of `loop-expand`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from xdsl.ir import SSAValue

from ....dialects.quasi_affine import Atom, Digit, Interval, Lin


class Binding:
    """What an induction variable stands for in the body of a `with` statement."""

    __slots__ = ("_environment", "_form", "_interval", "_variable")

    def __init__(self, environment: Environment, variable: SSAValue, form: Lin, interval: Interval) -> None:
        self._environment = environment
        self._variable = variable
        self._form = form
        self._interval = interval

    def _swap_interval(self) -> None:
        ranges = self._environment.ranges
        ranges[self._variable], self._interval = self._interval, ranges[self._variable]

    def __enter__(self) -> None:
        self._swap_interval()
        self._environment.values[self._variable] = self._form

    def __exit__(self, *_: object) -> None:
        self._swap_interval()
        del self._environment.values[self._variable]


class Environment:
    """What stands for each induction variable: a constant, an emitted value, or itself where it is the lane number.

    Forms over induction variables are evaluated to forms over emitted values and the lane. Bounds hold for both.
    """

    def __init__(self, ranges: dict[SSAValue, Interval]) -> None:
        self.ranges = dict(ranges)
        self.values: dict[SSAValue, Lin] = {}
        self.lane: SSAValue | None = None
        self.width = 1

    def bounds(self, value: SSAValue) -> Interval | None:
        """The interval of an induction variable or of an emitted one."""
        return self.ranges.get(value)

    def bind(self, variable: SSAValue, form: Lin, interval: Interval) -> Binding:
        """Lets `form` stand for an induction variable, in a `with` statement."""
        return Binding(self, variable, form, interval)

    @contextmanager
    def bind_lanes(self, variable: SSAValue, width: int) -> Generator[None]:
        """Lets an induction variable be the lane number."""
        assert self.lane is None
        self.lane, self.width = variable, width
        with self.bind(variable, Lin.of(variable), (0, width - 1)):
            yield
        self.lane, self.width = None, 1

    def evaluate(self, form: Lin) -> Lin:
        """A form over induction variables with their values put in."""
        values = self.values
        const = form.const
        terms: dict[Atom, int] = {}
        for atom, coefficient in form.terms.items():
            if isinstance(atom, Digit):
                return form.substitute(values, self.bounds)
            value = values[atom]
            const += value.const * coefficient
            for part, factor in value.terms.items():
                terms[part] = terms.get(part, 0) + factor * coefficient
        # Distinct variables never share a value's atoms, so no coefficient has become 0.
        return Lin(const, terms)

    def interval(self, form: Lin) -> Interval:
        """The interval of a form over bounded values."""
        interval = form.range(self.bounds)
        assert interval is not None, "expected bounded values"
        return interval

    def in_lanes(self, form: Lin) -> bool:
        """Whether an evaluated form differs between lanes."""
        return self.lane is not None and form.coefficient(self.lane) != 0
