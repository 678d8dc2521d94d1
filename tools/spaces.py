"""What `stepwell.tune` searches for a kernel, and whether that can work at all, before anything is measured."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import ParseError, VerifyException

from ..autotune.database.store import Database
from ..autotune.measure.compile import one_line
from ..autotune.progress import reason_of
from ..autotune.space.build import Subject, build_space, space_of_script
from ..autotune.space.rules.shipped import shipped
from ..autotune.space.sample import MOST_ENUMERATED, as_candidate, enumerate_all, random_choices
from ..autotune.space.sketch import Candidate, Sketch, Space
from ..autotune.trial import Status, Trial
from ..autotune.tuner import NO_SCRIPT
from ..autotune.workload import Workload
from ..backends.registry import make_context, pass_registry
from ..errors import ArgumentError, DatabaseError, ScheduleError, ScriptError
from ..passes.loop.apply_schedules import shipped_libraries
from ..passes.pass_manager import PassRunner
from ..transform.interpreter import apply_script, find_entry
from ..transform.knobs import knobs, reopen_knobs
from ..transform.script import parse_script
from .diagnostics import describe_error

ATTEMPTS = 64
"""How many candidates must be refused for one reason before a script counts as one for another kernel."""
MOST_SECONDS = 2.0
"""After this time no more of them are tried."""


class SpaceWarning(UserWarning):
    """A kernel is searched otherwise than it was asked for, or not at all."""


def parsed_script(text: str, name: str) -> ModuleOp:
    """A script.

    Raises:
        ScriptError: that names the place, if it is none.
    """
    try:
        return parse_script(text, name, make_context())
    except (ParseError, VerifyException) as error:
        raise ScriptError(describe_error(error)) from error


def read_script(path: Path) -> str:
    """What a script's file says."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ArgumentError(f"cannot read '{path}': {reason}") from None


@dataclass(frozen=True)
class Spaces:
    """What is searched: what our rules write, a user's script, or what is left open of the best script so far."""

    database: Database | None = None
    script: Path | None = None
    reopen: bool = False
    shipped: bool = True

    def __call__(self, workload: Workload) -> tuple[Space, Sequence[Candidate]]:
        found = None
        if self.script is not None:
            found = self._of_script(workload, read_script(self.script), str(self.script))
        elif self.reopen:
            found = self._of_best(workload)
        return found or (build_space(workload, shipped=self.shipped), ())

    def suited(self, workloads: Sequence[Workload]) -> list[Workload]:
        """The kernels that there is something to search for. Who is left out, or searched otherwise, is warned about.

        Raises:
            ScriptError: if the script is for none of them.
            DatabaseError: if there is nothing to open again for any of them.
        """
        if self.script is not None:
            return self._for_script(workloads, self.script)
        if self.reopen:
            self._check_reopened(workloads)
        return list(workloads)

    # a user's script

    def _for_script(self, workloads: Sequence[Workload], script: Path) -> list[Workload]:
        refusals: dict[str, str] = {}
        for workload in workloads:
            space, starts = self(workload)
            refusal = why_refused(space, starts, str(script))
            if refusal:
                refusals[workload.hash] = refusal
        if len(refusals) == len(workloads):
            what = "this kernel" if len(workloads) == 1 else "a kernel of the program"
            first = next(iter(refusals.values()))
            raise ScriptError(f"expected a script for {what} in '{script}', got one that cannot be applied: {first}")
        for workload in workloads:
            if workload.hash in refusals:
                reason = refusals[workload.hash]
                warnings.warn(
                    f"'{script}' is not for {workload}, which is left out: {reason}", SpaceWarning, stacklevel=4
                )
        return [workload for workload in workloads if workload.hash not in refusals]

    def _of_script(self, workload: Workload, text: str, name: str) -> tuple[Space, Sequence[Candidate]]:
        script = parsed_script(text, name)
        if not knobs(script):
            reason = ": it is the shipped schedule, which decides by itself" if is_ours(workload, script) else ""
            raise ScriptError(f"expected a script with knobs in '{name}', got one without any{reason}")
        start: dict[str, object] = {}
        if self.reopen:
            start = {knob.name: knob.selected for knob in knobs(script) if not knob.is_open}
            script = reopen_knobs(script)
        space = space_of_script(workload, script, Path(name).stem if self.script is not None else "script")
        (sketch,) = space.sketches
        if not sketch.knobs:
            raise ScriptError(
                f"expected a script with open knobs in '{name}', got none: its knobs are decided; --reopen opens them"
            )
        if not all(knob.name in start for knob in sketch.knobs):
            return space, ()
        choice = tuple(knob.options.index(start[knob.name]) for knob in sketch.knobs)  # pyright: ignore[reportArgumentType]
        return space, (Candidate(0, choice),)

    # the best script so far

    def _opened(self) -> Database:
        if self.database is None:
            raise ArgumentError("expected a database or a script to open knobs of, got neither")
        return self.database

    def _of_best(self, workload: Workload) -> tuple[Space, Sequence[Candidate]] | None:
        """What the fastest script with knobs leaves open; None if there is none."""
        database = self._opened()
        for trial in _fastest(database.trials(workload)):
            try:
                return self._of_script(workload, trial.script, f"{database.path}: {workload.hash}")
            except ScriptError:
                continue  # it has no knobs, or another version of Stepwell has written it
        return None

    def _check_reopened(self, workloads: Sequence[Workload]) -> None:
        database = self._opened()
        if all(database.best(workload) is None for workload in workloads):
            which = workloads[0] if len(workloads) == 1 else "a kernel of the program"
            raise DatabaseError(f"expected a script for {which} in '{database.path}' to open again, got none")
        for workload in workloads:
            if self._of_best(workload) is None:
                warnings.warn(
                    f"'{database.path}' has no script with knobs for {workload}; what our rules write is searched",
                    SpaceWarning,
                    stacklevel=4,
                )


def _fastest(trials: Sequence[Trial]) -> list[Trial]:
    """The right trials, the fastest first. Of several trials of one script the newest counts."""
    newest: dict[str, Trial] = {}
    for trial in sorted(trials, key=lambda trial: trial.measured_at):
        if trial.status is not Status.LOST:
            newest[trial.script] = trial
    return sorted((each for each in newest.values() if each.status is Status.OK), key=lambda trial: trial.seconds)


def is_ours(workload: Workload, script: ModuleOp) -> bool:
    """Whether a script leaves a kernel to the schedules that we ship."""
    ours = [str(sketch.script) for sketch in shipped(Subject(workload))]
    return str(script) in (*ours, str(parsed_script(NO_SCRIPT, "<script>")))


# what a script does to a kernel


def why_refused(space: Space, starts: Sequence[Candidate], name: str) -> str:
    """Why no candidate of a script's space can be applied to the kernel; empty if some can, or reasons differ.

    Raises:
        ScriptError: if no choice of the knobs keeps the constraints.
    """
    (sketch,) = space.sketches
    end = time.monotonic() + MOST_SECONDS
    first, reasons = "", set[str]()
    for candidate in dict.fromkeys([*starts, *_some(sketch, name)]):
        refusal = _refusal(space.workload, space.script(candidate))
        reasons.add(reason_of(refusal))
        first = first or refusal
        if not refusal or len(reasons) > 1 or time.monotonic() > end:
            break
    return first if len(reasons) == 1 else ""


def _some(sketch: Sketch, name: str) -> Iterator[Candidate]:
    """Some candidates that keep the constraints; all, if they are few."""
    choices = random_choices(sketch, np.random.default_rng(0), ATTEMPTS)
    if not len(choices) and sketch.size <= MOST_ENUMERATED:
        choices = enumerate_all(sketch)[:ATTEMPTS]
    if not len(choices):
        raise ScriptError(f"no choice of the knobs keeps the constraints of '{name}'")
    for row in choices:
        yield as_candidate(0, row)


def _refusal(workload: Workload, script: ModuleOp) -> str:
    """Why a script cannot be applied to a kernel; empty if it can be, or fails in another way."""
    ctx = make_context()
    try:
        find_entry(script)
        passes = PassRunner(ctx, pass_registry())
        libraries = shipped_libraries()
        apply_script(script, workload.copy(), ctx=ctx, passes=passes, libraries=libraries, output=StringIO())
    except (ScheduleError, ScriptError, ParseError, VerifyException) as error:
        return one_line(error)
    # Whatever else is wrong is found when it is measured, and costs this candidate only.
    except Exception:
        return ""
    return ""


__all__ = ["SpaceWarning", "Spaces", "is_ours", "parsed_script", "read_script", "why_refused"]
