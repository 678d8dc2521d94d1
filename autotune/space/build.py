"""The space of a workload: what all rules say about it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias, cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from ...backends.plugin import PluginError, PluginWarning, describe_failure
from ...backends.registry import plugin_rules, rule_plugins
from ...dialects.loop import BlockOp, blocks_in
from ...errors import ScheduleError, StepwellError, did_you_mean
from ...transform.structure import is_reduction
from ..trial import SHIPPED, is_shipped
from ..workload import Workload
from .constraints import admissible
from .sample import enumerate_all, sizes_of
from .sketch import Sketch, Space
from .writer import Writer, facts_of


@dataclass(frozen=True, eq=False)
class Subject:
    """What a rule looks at: a kernel that nobody has scheduled, and the target."""

    workload: Workload

    @cached_property
    def kernel(self) -> FuncOp:
        """The function. Rules leave it as it is: a `Writer` works on a copy."""
        return self.workload.kernel

    @cached_property
    def blocks(self) -> tuple[BlockOp, ...]:
        """Its blocks in program order."""
        return tuple(blocks_in(self.kernel))

    @cached_property
    def reductions(self) -> tuple[BlockOp, ...]:
        """Those that reduce."""
        return tuple(block for block in self.blocks if is_reduction(block))

    @cached_property
    def backend(self) -> str:
        """The name of what compiles it. A rule that needs more than facts of a target tell looks at it."""
        return self.workload.backend.name

    @cached_property
    def facts(self) -> Mapping[str, int]:
        """What the target says of itself."""
        return facts_of(self.workload)

    def sketch(self, name: str, write: Callable[[Writer], None]) -> Iterator[Sketch]:
        """The sketch that a function writes; none if it does not fit the kernel: if a primitive refuses."""
        writer = Writer(self.workload)
        try:
            write(writer)
        except ScheduleError:
            return
        yield writer.sketch(name)


Rule: TypeAlias = Callable[[Subject], Iterator[Sketch]]
"""Looks at a kernel, and writes sketches for it, or none. Names of sketches begin with that of the rule."""


def our_rules() -> dict[str, Rule]:
    """The rules that we ship, by name."""
    from .rules import RULES

    return dict(RULES)


def rules() -> dict[str, Rule]:
    """Our rules, and those of plugins, by name."""
    owners = rule_plugins()
    return {**our_rules(), **{name: ForeignRule(owners[name], name, load) for name, load in plugin_rules().items()}}


@dataclass(frozen=True)
class ForeignRule:
    """A rule of a plugin: whatever goes wrong in it is an error that names it, and it gets a copy to look at."""

    plugin: str
    name: str
    load: Callable[[], Rule]

    def __call__(self, subject: Subject) -> Iterator[Sketch]:
        """Its sketches, none of which is there if one of them is none.

        Raises:
            PluginError: if it fails.
        """
        workload = subject.workload
        own = replace(workload, module=workload.copy())
        try:
            found = cast(object, self.load()(Subject(own)))
            if not isinstance(found, Iterable):
                raise PluginError(f"expected an iterator of sketches, got {found!r}")
            sketches = [_checked(each) for each in cast(Iterable[object], found)]
            if str(own.module) != workload.text:
                raise PluginError("expected a kernel that stays as it is, got one that the rule has changed")
        # It is foreign code, and what it writes is met far from here.
        except Exception as error:
            if isinstance(error, PluginError) and isinstance(error.__cause__, Exception):
                raise  # it does not load
            what = f"plugin '{self.plugin}': space rule '{self.name}' fails"
            raise PluginError(f"{what}: {describe_failure(error)}") from error
        return iter(sketches)


def _checked(sketch: object) -> Sketch:
    """What a rule says is a sketch, if it is one: it prints, its knobs have options, and constraints can be asked."""
    if not isinstance(sketch, Sketch):
        raise PluginError(f"expected sketches, got {sketch!r}")
    if not isinstance(sketch.name, str) or not sketch.name:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PluginError(f"expected a sketch with a name, got {sketch.name!r}")
    sketch.script.verify()
    first = (0,) * len(sketch.knobs)
    admissible(sketch, np.asarray([first], np.int32))
    assert str(sketch.select(first))
    return sketch


def build_space(workload: Workload, *, shipped: bool = True, rules: Sequence[str | Rule] | None = None) -> Space:
    """All sketches that rules have for a workload.

    `rules`: names of rules, or rules; all there are, if none are given, of which the last one is asked if the others
    have nothing. `shipped`: whether what we ship as a schedule is in the space, too, if no rules are given.

    A plugin's rule that fails is left out with one warning, unless it was asked for.

    Raises:
        StepwellError: if there is no rule of a name.
        PluginError: if a plugin's rule fails that was asked for.
    """
    subject = Subject(workload)
    sketches = _asked(subject, _chosen(rules, shipped), forgiving=rules is None)
    if rules is None and all(is_shipped(sketch.name) for sketch in sketches):
        sketches += _asked(subject, [our_rules()[LAST]])
    return Space(workload, tuple(sketches))


def _asked(subject: Subject, chosen: Sequence[Rule], *, forgiving: bool = False) -> list[Sketch]:
    """The sketches that some rules write, each once."""
    sketches: list[Sketch] = []
    seen: set[str] = set()
    for rule in chosen:
        try:
            found = rule(subject)
        except PluginError as error:
            if not forgiving:
                raise
            _warn_left_out(rule, str(error))
            continue
        for sketch in found:
            text = str(sketch.script)
            if text not in seen:
                seen.add(text)
                sketches.append(sketch)
    return sketches


_left_out: set[tuple[str, str]] = set()
"""The plugins and rules that were warned about."""


def _warn_left_out(rule: Rule, reason: str) -> None:
    if isinstance(rule, ForeignRule) and (rule.plugin, rule.name) not in _left_out:
        _left_out.add((rule.plugin, rule.name))
        warnings.warn(f"{reason}; it is left out", PluginWarning, stacklevel=4)


def _chosen(names: Sequence[str | Rule] | None, shipped: bool) -> list[Rule]:
    known = rules()
    if names is None:
        return [rule for name, rule in known.items() if name != LAST and (shipped or name != SHIPPED)]
    found: list[Rule] = []
    for name in names:
        if isinstance(name, str) and name not in known:
            raise StepwellError(
                f"expected a rule of spaces ({', '.join(known)}), got '{name}'{did_you_mean(name, list(known))}"
            )
        found.append(known[name] if isinstance(name, str) else name)
    return found


LAST = "loops"
"""The rule that is asked if none of the others has a sketch."""


def space_of_script(workload: Workload, script: ModuleOp, name: str = "script") -> Space:
    """The space that a user's script with open knobs is."""
    sketch = Sketch(name, script, facts_of(workload))
    assert sketch.size >= 0  # the knobs are looked at here
    return Space(workload, (sketch,))


def print_space(space: Space) -> str:
    """The space as text: each sketch's script, with how many candidates it has, and what its knobs may be."""
    rng = np.random.default_rng(0)
    lines = [f"// {space.workload}", f"// {len(space.sketches)} sketches, {space.size:,} candidates"]
    for sketch in space.sketches:
        kept = _share(sketch, rng)
        lines += ["", f"// {sketch.name}: {sketch.size:,} candidates, {kept:.0%} of them keep the constraints"]
        lines += [f"//   {knob.name}: {', '.join(map(str, knob.options))}" for knob in sketch.knobs]
        lines.append(str(sketch.script))
    return "\n".join(lines) + "\n"


def _share(sketch: Sketch, rng: np.random.Generator) -> float:
    """How large a part of a sketch keeps its constraints, of all of it if it is small, else of some."""
    if sketch.size <= MOST_COUNTED:
        return len(enumerate_all(sketch)) / sketch.size
    sizes = np.asarray(sizes_of(sketch), np.int64)
    drawn = rng.integers(0, sizes, (MOST_COUNTED, len(sizes)), np.int64).astype(np.int32)
    return float(admissible(sketch, drawn).mean())


MOST_COUNTED = 1 << 14
"""The largest sketch all of whose choices are looked at to say how many keep its constraints."""

__all__ = [
    "Rule",
    "Subject",
    "build_space",
    "our_rules",
    "print_space",
    "rules",
    "space_of_script",
]
