"""Facts of the target that a module names in an attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, cast, runtime_checkable

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, Operation

from ..errors import ScheduleError, did_you_mean

FEATURE = "feature."
"""Before the name of a feature of the target's instruction set, as LLVM calls it: `feature.avx512vnni` is 0 or 1."""

TARGET_SUFFIX = ".target"
"""A module names its target in an attribute `<dialect>.target`, such as `cpu.target`."""


@runtime_checkable
class TargetFacts(Protocol):
    """A target attribute whose facts scripts may ask for."""

    def facts(self) -> Mapping[str, int]:
        """The facts by name."""
        ...


def target_of(op: Operation) -> Attribute | None:
    """The target attribute of the nearest op around `op` that has one."""
    for candidate in _nearby(op):
        for name, attr in candidate.attributes.items():
            if name.endswith(TARGET_SUFFIX):
                return attr
    return None


_last: tuple[Attribute, Mapping[str, int]] | None = None


def _facts(target: Attribute) -> Mapping[str, int] | None:
    """The facts of a target; a script asks for those of one again and again."""
    global _last
    if _last is None or _last[0] is not target:
        if not hasattr(target, "facts"):  # what the protocol asks, without its slow check
            return None
        _last = target, cast(TargetFacts, target).facts()
    return _last[1]


def _nearby(op: Operation) -> Iterator[Operation]:
    current: Operation | None = op
    while current is not None:
        yield current
        current = current.parent_op()


def target_fact(op: Operation, name: str) -> int:
    """A fact of the target that `op` is compiled for."""
    target = target_of(op)
    if target is None:
        raise ScheduleError(
            f"expected a module with a target to ask for '{name}', got none; stepwell compile sets it, else give the "
            "module an attribute cpu.target = #cpu.target<…>",
            op,
        )
    if name.startswith(FEATURE) and isinstance(features := getattr(target, "features", None), StringAttr):
        return int(f"+{name.removeprefix(FEATURE)}" in features.data.split(","))
    facts = _facts(target)
    if facts is None:
        raise ScheduleError(f"expected a target with facts, got {target}", op)
    if name not in facts:
        listed = ", ".join(facts)
        raise ScheduleError(f"expected a fact of the target ({listed}), got '{name}'{did_you_mean(name, facts)}", op)
    return facts[name]
