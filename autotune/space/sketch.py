"""Sketches: scripts with open knobs. A space is some of them for one workload, a candidate a choice of all knobs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from ...errors import ScriptError
from ...transform.knobs import KnobValue, knobs, set_knobs
from ..workload import Workload

Choices: TypeAlias = NDArray[np.int32]
"""Some candidates of one sketch: a row each, a column for each knob, the index of the option that is chosen."""


@dataclass(frozen=True, order=True)
class Candidate:
    """A point of a space: one option for each knob of a sketch."""

    sketch: int
    """The position of the sketch in its space."""
    choice: tuple[int, ...]
    """For each knob, in program order, the index of its option."""


@dataclass(frozen=True)
class Choice:
    """A knob of a sketch, and what it may be."""

    name: str
    options: tuple[KnobValue, ...]
    """Each once."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """A script with open knobs for a workload."""

    name: str
    """Which rule wrote it, and which of its sketches it is: `contraction/panels`."""
    script: ModuleOp
    facts: Mapping[str, int] = field(default_factory=dict[str, int])
    """What its constraints may ask of the target."""

    @cached_property
    def knobs(self) -> tuple[Choice, ...]:
        """Its knobs in program order.

        Raises:
            ScriptError: if one does not list its options, or two have one name.
        """
        found = [knob for knob in knobs(self.script) if knob.is_open]
        names = [knob.name for knob in found]
        for knob in found:
            if knob.options is None or not knob.options:
                raise ScriptError(f"expected knob '{knob.name}' to list its options, got none", knob.op)
            if names.count(knob.name) > 1:
                raise ScriptError(f"expected knobs with names of their own, got two called '{knob.name}'", knob.op)
        return tuple(Choice(knob.name, tuple(dict.fromkeys(knob.options or ()))) for knob in found)

    @property
    def size(self) -> int:
        """How many candidates it has, legal or not."""
        return math.prod(len(knob.options) for knob in self.knobs)

    def values(self, choice: Sequence[int]) -> dict[str, KnobValue]:
        """The options that a candidate has chosen, by the names of knobs."""
        return {knob.name: knob.options[index] for knob, index in zip(self.knobs, choice, strict=True)}

    def select(self, choice: Sequence[int]) -> ModuleOp:
        """The script of a candidate: a copy with all knobs chosen."""
        return set_knobs(self.script, self.values(choice))


@dataclass(frozen=True, eq=False)
class Space:
    """All scripts that are considered for a workload."""

    workload: Workload
    sketches: tuple[Sketch, ...]

    @property
    def size(self) -> int:
        """How many candidates there are, legal or not."""
        return sum(sketch.size for sketch in self.sketches)

    def script(self, candidate: Candidate) -> ModuleOp:
        """The script of a candidate."""
        return self.sketches[candidate.sketch].select(candidate.choice)
