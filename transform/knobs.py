"""The knobs of a script: a script with open knobs is a search space, with all chosen it is a schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Attribute

from ..errors import ScriptError, did_you_mean
from .upstream.tuning import KnobOp, TuneAlternativesOp

KnobValue = int | str | Attribute
"""A value for a knob: of an integer or string knob in Python's terms, else an attribute."""


@dataclass(frozen=True)
class Knob:
    """A choice in a script."""

    name: str
    options: tuple[KnobValue, ...] | None
    """The values to choose from; none if the script does not list them."""
    selected: KnobValue | None
    op: KnobOp | TuneAlternativesOp

    @property
    def is_open(self) -> bool:
        """Whether the choice is still to be made."""
        return self.selected is None


def _to_python(attr: Attribute) -> KnobValue:
    if isinstance(attr, IntegerAttr):
        return attr.value.data
    return attr.data if isinstance(attr, StringAttr) else attr


def _knob(op: KnobOp | TuneAlternativesOp) -> Knob:
    if isinstance(op, KnobOp):
        choices = op.choices
        options = tuple(_to_python(choice) for choice in choices) if choices is not None else None
        return Knob(op.name_.data, options, _to_python(op.selected) if op.selected is not None else None, op)
    selected = op.selected_region_attr
    return Knob(op.name_.data, tuple(range(len(op.regions))), selected.value.data if selected is not None else None, op)


def knobs(script: ModuleOp) -> list[Knob]:
    """The knobs of a script in program order; one that a param decides is none."""
    return [
        _knob(op)
        for op in script.walk()
        if isinstance(op, KnobOp) or (isinstance(op, TuneAlternativesOp) and op.selected_region_param is None)
    ]


def set_knobs(script: ModuleOp, values: Mapping[str, KnobValue]) -> ModuleOp:
    """A copy of a script in which the named knobs have the given values; the others stay as they are.

    Raises:
        ScriptError: for a name that no knob has, or a value that is not among the knob's options.
    """
    copy = script.clone()
    found = knobs(copy)
    names = [knob.name for knob in found]
    for name in values:
        if name not in names:
            listed = ", ".join(names) or "none"
            raise ScriptError(f"expected a knob of the script ({listed}), got '{name}'{did_you_mean(name, names)}")
    for knob in found:
        if knob.name in values:
            _select(knob, values[knob.name])
    return copy


def _select(knob: Knob, value: KnobValue) -> None:
    if knob.options is not None and (isinstance(value, bool) or _comparable(value) not in knob.options):
        listed = ", ".join(str(option) for option in knob.options)
        raise ScriptError(f"expected knob '{knob.name}' to be one of {listed}, got {value}", knob.op)
    if isinstance(knob.op, TuneAlternativesOp):
        assert isinstance(value, int)
        knob.op.selected_region_attr = IntegerAttr(value, IndexType())
    else:
        knob.op.selected = _to_attribute(knob.op, value)


def _comparable(value: KnobValue) -> KnobValue:
    return _to_python(value) if isinstance(value, Attribute) else value


def _to_attribute(op: KnobOp, value: KnobValue) -> Attribute:
    if isinstance(value, Attribute):
        return value
    for choice in op.choices or ():
        if _to_python(choice) == value:
            return choice
    return IntegerAttr(value, i64) if isinstance(value, int) else StringAttr(value)


def reopen_knobs(script: ModuleOp, names: Sequence[str] | None = None) -> ModuleOp:
    """A copy of a script in which the named knobs (else all) are open."""
    copy = script.clone()
    for knob in knobs(copy):
        if names is None or knob.name in names:
            if isinstance(knob.op, KnobOp):
                knob.op.selected = None
            else:
                knob.op.selected_region_attr = None
    return copy
