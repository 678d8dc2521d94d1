"""Modules as text that can be read back: the program, and the data that belongs to it."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer

from ..backends.registry import make_context


@contextmanager
def data_for(output_file: str | None) -> Generator[None]:
    """Print the data of all weights, except large ones to a terminal."""
    from ..dialects.resources import ResourceAttr

    table = ResourceAttr.table
    to_terminal = output_file is None and sys.stdout.isatty()
    with table.limited_to(table.limit if to_terminal else None):
        yield


def module_text(module: ModuleOp, output_file: str | None) -> str:
    """The text of a module that goes to a file, or to standard output."""
    ctx, stream = make_context(), StringIO()
    dialects = {op.name.partition(".")[0] for op in module.walk()}
    printer = Printer(stream=stream)
    with data_for(output_file):
        printer.print_op(module)
        printer.print_metadata(filter(None, (ctx.get_optional_dialect(name) for name in sorted(dialects))))
    return stream.getvalue() + "\n"
