"""Errors of scripts: where in the script, and which part of the payload. Text is built when it is asked for."""

from __future__ import annotations

from io import StringIO

from xdsl.dialects.builtin import IntegerAttr, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.printer import Printer
from xdsl.utils.diagnostic import Diagnostic

from ..dialects.source import describe_location
from ..errors import ScheduleError, ScriptError
from .interfaces import TransformOpInterface

_CONTEXT_LINES = 4


class ScriptFailure(Exception):
    """What refusals and definite errors share: the operation of the script that failed, and those that called it."""

    script_op: Operation
    cause: ScheduleError | ScriptError
    frames: list[Operation]

    def __init__(self, cause: ScheduleError | ScriptError, script_op: Operation):
        Exception.__init__(self, cause.args[0])
        self.cause = cause
        self.script_op = script_op
        self.frames = []

    @property
    def message(self) -> str:
        """The bare message, without place and notes."""
        return str(self.cause.args[0])

    def __str__(self) -> str:
        return render(self)


class Refusal(ScriptFailure, ScheduleError):
    """A silenceable failure: an operation of a script was refused; the payload is as it was before it."""

    def __init__(self, cause: ScheduleError, script_op: Operation):
        ScriptFailure.__init__(self, cause, script_op)
        self.op = cause.op
        self.notes = cause.notes


class DefiniteFailure(ScriptFailure, ScriptError):
    """A definite failure: the script itself is wrong. It is never silenced."""

    def __init__(self, cause: ScriptError, script_op: Operation):
        ScriptFailure.__init__(self, cause, script_op)
        self.op = cause.op
        self.notes = cause.notes


def locate(error: ScheduleError | ScriptError, script_op: Operation) -> Refusal | DefiniteFailure:
    """The error with the place in the script where it happened; an error that has one remembers who called."""
    if isinstance(error, Refusal | DefiniteFailure):
        error.frames.append(script_op)
        return error
    if isinstance(error, ScheduleError):
        return Refusal(error, script_op)
    return DefiniteFailure(error, script_op)


def render(failure: ScriptFailure) -> str:
    """The whole text of a failure: message, script line, payload underlined, notes."""
    place = describe_location(failure.script_op)
    lines = [f"{place}: {failure.message}" if place else failure.message]
    lines.append(f"  in script: {first_line(failure.script_op)}")
    for frame in failure.frames:
        place = describe_location(frame)
        lines.append(f"  called from: {f'{place}: ' if place else ''}{first_line(frame)}")
    if isinstance(failure.cause.op, Operation) and failure.cause.op is not failure.script_op:
        lines += _indented(point_at(failure.cause.op, _describe(failure.cause.op)))
    for message, op in failure.cause.notes:
        lines += _note(message, op)
    return "\n".join(lines)


def _describe(op: Operation) -> str:
    what = "script op" if isinstance(op, TransformOpInterface) or op.name.startswith("transform.") else "payload op"
    place = describe_location(op)
    return f"{what} at {place}" if place else what


def _note(message: str, op: object) -> list[str]:
    if not isinstance(op, Operation):
        return [f"  note: {message}"]
    place = describe_location(op)
    return [f"  note: {message}: {f'{place}: ' if place else ''}{label(op)}"]


def _indented(text: str) -> list[str]:
    return ["    " + line for line in text.splitlines()]


def first_line(op: Operation) -> str:
    """The first line of the op's assembly."""
    stream = StringIO()
    Printer(stream).print_op(op)
    return stream.getvalue().split("\n", 1)[0].rstrip(" {")


def label(op: Operation) -> str:
    """A name for a payload op that can be told even when the op has been erased."""
    if op.parent is not None and not op.regions:
        return first_line(op)
    words = [op.name]
    name = op.properties.get("sym_name")
    if isinstance(name, StringAttr):
        words.append(f'"{name.data}"')
    for region in op.regions[:1]:
        for block in region.blocks:
            words += [f"%{arg.name_hint}" for arg in block.args if arg.name_hint]
            break
    extent = op.properties.get("extent")
    if isinstance(extent, IntegerAttr):
        words.append(f": {extent.value.data}")
    return " ".join(words)


def point_at(op: Operation, message: str) -> str:
    """The lines around an op in its function, with the op underlined."""
    scope: Operation = op
    while (parent := scope.parent_op()) is not None and not isinstance(scope, FuncOp):
        scope = parent
    stream = StringIO()
    Printer(stream, diagnostic=Diagnostic({op: [message]})).print_op(scope)
    lines = stream.getvalue().splitlines()
    mark = next((i for i, line in enumerate(lines) if "^" in line and not line.strip(" -^")), None)
    if mark is None:
        return label(op)
    return "\n".join(lines[max(0, mark - _CONTEXT_LINES) : mark + 2])
