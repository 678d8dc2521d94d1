"""Errors as users see them: one message, with the place it is about."""

from __future__ import annotations

import errno
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.printer import Printer
from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError, VerifyException

from ..dialects.source import describe_location, explain, find_invalid
from ..errors import StepwellError

USER_ERRORS = (StepwellError, DiagnosticException, ParseError, ArgSpecParseError, OSError, UnicodeDecodeError)
"""What a user's input can cause. Anything else is a bug."""

_LONGEST_OP = 200
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What only happens to who writes."""


class Reported(DiagnosticException):
    """An error whose message is complete."""


def describe_error(error: BaseException, root: ModuleOp | None = None) -> str:
    """The message for `error`. If verification failed, `root` is where to look for the operation at fault."""
    message = _message(error, root)
    # xDSL notes the whole program on a verifier's error; the lines that we add are short.
    notes = [note for note in getattr(error, "__notes__", ()) if "\n" not in note]
    return "\n".join([message, *(f"  note: {note}" for note in notes)])


def _message(error: BaseException, root: ModuleOp | None) -> str:
    match error:
        case ParseError():
            return _describe_parse_error(error)
        case VerifyException() if root is not None:
            return _describe_verify_error(error, root)
        case FileNotFoundError() | IsADirectoryError() | PermissionError():
            return f"cannot open '{error.filename}': {error.strerror}"
        case OSError() if error.strerror:
            what = "the output" if error.filename is None else f"'{error.filename}'"
            return f"cannot {'write' if error.errno in _FULL else 'use'} {what}: {error.strerror}"
        case UnicodeDecodeError():
            return f"expected UTF-8 text, got byte 0x{error.object[error.start]:02x} at offset {error.start}"
        case _:
            return str(error).rstrip() or type(error).__name__


def _describe_parse_error(error: ParseError) -> str:
    lines = error.span.print_with_context().rstrip("\n").split("\n")
    return "\n".join([f"{lines[0]}: {error.msg}", *(f"  {line}" for line in lines[1:])])


def _describe_verify_error(error: VerifyException, root: ModuleOp) -> str:
    op = find_invalid(root)
    if op is None:
        return explain(error)
    place = describe_location(op)
    return (
        f"{f'{place}: ' if place else ''}'{op.name}' op: {explain(error)}\n  see current operation: {_first_line(op)}"
    )


def _first_line(op: Operation) -> str:
    stream = StringIO()
    try:
        Printer(stream, print_generic_format=True).print_op(op)
    # What does not verify may not print either.
    except Exception:
        return f'"{op.name}"'
    line = stream.getvalue().partition("\n")[0]
    return line if len(line) <= _LONGEST_OP else f"{line[:_LONGEST_OP]}…"


def run_tool(tool: Callable[[], None], arguments: Sequence[str]) -> int:
    """Run a command line tool and print what went wrong; the exit code."""
    warnings.showwarning = _show_warning
    try:
        tool()
        flush_output()
        return 0
    except SystemExit as done:
        # A command line that cannot work is an error like any other.
        return 1 if done.code else 0
    except BrokenPipeError:
        # The reader had enough.
        sys.stdout = None
        return 0
    except USER_ERRORS as error:
        if "--debug" in arguments:
            traceback.print_exception(error)
        if "--verify-diagnostics" in arguments and not isinstance(error, OSError):
            print(describe_error(error))
            return 0
        print(f"error: {describe_error(error)}", file=sys.stderr)
        if isinstance(error, OSError):
            _give_up_output()
        return 1
    except RecursionError:
        if "--debug" in arguments:
            raise
        print("error: the input is nested too deeply", file=sys.stderr)
        return 1
    except Exception as error:
        if "--debug" in arguments:
            raise
        print(f"internal error: {type(error).__name__}: {describe_error(error)}", file=sys.stderr)
        print("  note: this is a bug of Stepwell; --debug prints a traceback", file=sys.stderr)
        return 1


def flush_output() -> None:
    """Writes what was printed, as long as it can be told that this failed."""
    if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdout.flush()


def _give_up_output() -> None:
    """Lets nobody try again at the end to write what cannot be written."""
    try:
        flush_output()
    except (OSError, ValueError):
        sys.stdout = None


def _show_warning(message: Warning | str, *_: object) -> None:
    print(f"warning: {message}", file=sys.stderr)
