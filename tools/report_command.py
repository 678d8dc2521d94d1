"""`stepwell report`: a page about what a database of trials holds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# Help and mistakes must be quick: what the command needs is imported by the command.


def add_report(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.description = (
        "Write a page about what a database of trials holds: for each kernel the best speed against trials, what was "
        "predicted against what was measured, the features that mattered, and the winning script beside the shipped "
        "one; and all kernels under this machine's roofline. The page is one file that loads nothing."
    )
    parser.add_argument("db", metavar="DB", help="the file of the database")
    parser.add_argument("-o", "--output", metavar="FILE.html", required=True, help="where the page goes")
    parser.add_argument("--title", help="the page's title; the database's name if there is none")
    parser.add_argument("--no-roofline", action="store_true", help="do not measure what this machine can do")
    parser.add_argument("--debug", action="store_true", help="print a traceback with an error")
    parser.set_defaults(command=report_command)


def report_command(options: argparse.Namespace) -> None:
    """`stepwell report`."""
    from ..autotune.database.store import Database
    from ..autotune.models.create import shipped_models
    from ..autotune.report.build import measure_roof, tuned_kernels
    from ..autotune.report.page import render
    from ..dialects.cpu import TargetAttr
    from ..errors import CompileError
    from .driver import find_backend

    with Database(options.db, create=False) as database:
        kernels = tuned_kernels(database, shipped_models())
        targets = {record.target for record in database.workloads()}
    roof = None
    if not options.no_roofline:
        here = find_backend("llvm-cpu")[0].default_target()
        assert isinstance(here, TargetAttr)
        if any(f'cpu = "{here.cpu.data}"' in target for target in targets):
            roof = measure_roof(here)
        else:
            print("no roofline: the kernels are for another machine than this one", file=sys.stderr)
    title = options.title or f"What tuning found: {Path(options.db).name}"
    try:
        Path(options.output).write_text(render(title, kernels, roof), "utf-8")
    except OSError as error:
        raise CompileError(f"cannot write '{options.output}': {error.strerror}") from None
    print(f"{options.output}: {len(kernels)} kernels, {sum(len(kernel.trials) for kernel in kernels)} trials")
