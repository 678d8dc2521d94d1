"""The exception types of Stepwell: one per kind of failure that a user can cause."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StepwellError(Exception):
    """What a user did cannot work. The tools print the message and exit with 1."""


class PipelineError(StepwellError):
    """A pass pipeline is malformed, or names an unknown pass or option."""


class ImportModelError(StepwellError):
    """A model file cannot be imported."""


class ArgumentError(StepwellError):
    """An executable was called with arguments that do not fit its signature."""


class TargetError(StepwellError):
    """A target is unknown, malformed, or not available on this machine."""


class CompileError(StepwellError):
    """A program is outside of what a rung of the staircase can express."""


class DatabaseError(StepwellError):
    """A database of trials cannot be opened, read or written, or is given what no record is."""


class ScheduleError(StepwellError):
    """A schedule primitive refuses: what it was asked cannot be proven legal, or does not apply.

    The IR is as it was before the primitive was called. `op` is the payload operation the refusal is about,
    `notes` are further (message, operation) pairs.
    """

    def __init__(self, message: str, op: object = None, notes: tuple[tuple[str, object], ...] = ()):
        super().__init__(message)
        self.op = op
        self.notes = notes


class ScriptError(StepwellError):
    """A transform script is wrong: it uses a dead handle, an unknown symbol, an open knob. Never silenced.

    `op` is the script's or the payload's operation that the error is about, `notes` are further (message, operation)
    pairs.
    """

    def __init__(self, message: str, op: object = None, notes: tuple[tuple[str, object], ...] = ()):
        super().__init__(message)
        self.op = op
        self.notes = notes


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the candidate nearest to `name`, or an empty string."""
    nearest = difflib.get_close_matches(name, list(candidates), n=1)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""
