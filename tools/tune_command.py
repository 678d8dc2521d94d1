"""`stepwell tune`: searches schedules for the kernels of a program, and keeps what it finds in a database."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .options import add_lowering, positive

# Help and mistakes must be quick: what the command needs is imported by the command.

SEARCHES = ("evolutionary", "annealing", "random", "grid", "genetic")
MODELS = ("boosting", "linear", "roofline", "random")


def add_tune(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "Search schedules for the kernels of a program. What is found is kept in a database, which `stepwell compile "
        "--db FILE` uses; a run goes on where the last one with its database ended. Ctrl-C ends it with what was found."
    )
    parser.add_argument("source", metavar="MODEL.onnx|FILE.mlir")
    budget = parser.add_argument_group("budget", "what comes first ends the run; one of them is needed")
    budget.add_argument("--trials", metavar="N", type=positive, help="of all kernels together, by expected gain")
    budget.add_argument("--trials-per-kernel", metavar="N", type=positive, help="of each kernel")
    budget.add_argument("--seconds", metavar="S", type=_seconds, help="of time")
    parser.add_argument("--db", metavar="FILE", dest="database", help="the database, which is made if it is not there")
    parser.add_argument("--target", default="llvm-cpu", help="what to tune for (default: %(default)s)")
    parser.add_argument("--threads", metavar="N", type=positive, help="how many threads kernels are tuned for")
    parser.add_argument("--kernel", metavar="HASH", help="tune this kernel only: its hash, or how that begins")
    parser.add_argument("--seed", metavar="N", type=_seed, default=0, help="equal seeds try the same (default: 0)")
    space = parser.add_argument_group("what is searched")
    space.add_argument("--space", metavar="FILE.mlir", help="a script with knobs, in place of what our rules write")
    space.add_argument(
        "--reopen",
        action="store_true",
        help="search the knobs that are chosen in --space, else in the best script with knobs of the database",
    )
    space.add_argument("--no-shipped", action="store_true", help="search without the schedules that are shipped")
    space.add_argument("--print-space", action="store_true", help="print what would be searched, and end")
    how = parser.add_argument_group("how it is searched")
    how.add_argument("--model", metavar="NAME", default="boosting", help=f"{', '.join(MODELS)} (default: %(default)s)")
    how.add_argument(
        "--search", metavar="NAME", default="evolutionary", help=f"{', '.join(SEARCHES)} (default: %(default)s)"
    )
    how.add_argument("--cluster", metavar="tcp://HOST:PORT", help="measure on the workers of a Dask scheduler")
    add_lowering(parser)
    parser.add_argument("--plain", action="store_true", help="print lines, not a table that changes")
    parser.add_argument("--debug", action="store_true", help="print a traceback with an error")
    parser.set_defaults(command=tune_command)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number that is not negative, got '{text}'")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number of seconds, got '{text}'")
    return seconds


def tune_command(options: argparse.Namespace) -> None:
    """`stepwell tune`."""
    from ..errors import ArgumentError, StepwellError

    if options.print_space:
        sys.stdout.write(space_text(options))
        return
    if options.trials is None and options.trials_per_kernel is None and options.seconds is None:
        raise ArgumentError("expected --trials N, --trials-per-kernel N or --seconds S, got none")
    if options.database is None:
        raise ArgumentError("expected --db FILE to keep what is found in, got none")
    from .tune_display import reasons, shown_tuning
    from .tuning import tune

    with _stopped_early(), _terminated_as_interrupted(), shown_tuning(plain=options.plain) as progress:
        report = tune(
            options.source,
            trials=options.trials,
            trials_per_kernel=options.trials_per_kernel,
            seconds=options.seconds,
            database=options.database,
            seed=options.seed,
            kernel=options.kernel,
            space=options.space,
            reopen=options.reopen,
            model=options.model,
            search=options.search,
            shipped=not options.no_shipped,
            cluster=options.cluster,
            progress=progress,
            **_program(options),
        )
    for reason, count in reasons(report.kernels):
        print(f"{count:5} x {reason}", file=sys.stderr)
    print(report)
    if report.failure:
        raise StepwellError(report.failure)


_SAME_PRESS = 1.0
"""Signals within so many seconds of the first are the same wish, which is being granted."""


@contextmanager
def _terminated_as_interrupted() -> Generator[None]:
    """SIGTERM ends a run as Ctrl-C does, and a second one of either right after the first changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: float | None = None
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def interrupt(*_: object) -> None:
        nonlocal first
        now = time.monotonic()
        if first is None or now - first > _SAME_PRESS:
            first = first or now
            raise KeyboardInterrupt

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        # After an interrupt the process is about to end; a Ctrl-C that comes while it does is still the same press.
        for number, handler in before.items():
            if first is None or number != signal.SIGINT:
                signal.signal(number, handler)


@contextmanager
def _stopped_early() -> Generator[None]:
    """Ctrl-C before there is anything to tell about is an error like others."""
    from ..errors import StepwellError

    try:
        yield
    except KeyboardInterrupt:
        raise StepwellError("stopped before anything was measured") from None


def _program(options: argparse.Namespace) -> dict[str, Any]:
    """What is said about the program."""
    return {
        "target": options.target,
        "threads": options.threads,
        "pipeline": options.pipeline,
        "sizes": dict[str, int](options.sizes) or None,
        "conv_algorithm": options.conv_algorithm,
        "exact": options.exact,
    }


def space_text(options: argparse.Namespace) -> str:
    """What would be searched, kernel by kernel."""
    from contextlib import ExitStack

    from ..autotune.database.store import Database
    from ..autotune.space.build import print_space
    from .spaces import Spaces
    from .tuning import chosen_workloads

    with ExitStack() as stack:
        database = None
        if options.database is not None and Path(options.database).exists():
            database = stack.enter_context(Database(options.database, create=False))
        script = None if options.space is None else Path(options.space)
        spaces = Spaces(database, script, options.reopen, not options.no_shipped)
        workloads = chosen_workloads(options.source, options.kernel, **_program(options))
        return "\n".join(print_space(spaces(workload)[0]) for workload in workloads)
