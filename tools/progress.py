"""What a terminal shows while kernels compile: a bar if `rich` is there, a line for each kernel if asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from ..runtime.artifact import Kernel
    from .separate import Progress


@contextmanager
def shown_progress(*, verbose: bool) -> Generator[Progress | None]:
    """Who is told about kernels, for the time of a compilation."""
    if verbose:
        yield lines(sys.stderr)
    elif sys.stderr.isatty():
        bar = _Bar()
        try:
            yield bar
        finally:
            bar.stop()
    else:
        yield None


def lines(stream: TextIO) -> Progress:
    """Writes a line for each kernel: when it starts, and whether it is compiled at all."""
    start = time.perf_counter()

    def tell(number: int, total: int, kernel: Kernel, cached: bool) -> None:
        done = "cached" if cached else "compile"
        seconds = time.perf_counter() - start
        stream.write(f"[{number + 1}/{total}] {seconds:7.2f} s  {done:7}  {kernel.hash}  {kernel.description}\n")
        stream.flush()

    return tell


class _Bar:
    """A bar, once there is something to compile. `rich` is imported then, if it is installed."""

    def __init__(self) -> None:
        self.progress: Any = None
        self.task: Any = None
        self.missing = False

    def __call__(self, number: int, total: int, kernel: Kernel, cached: bool) -> None:
        if self.progress is None and not cached and not self.missing:
            self.start(total)
        if self.progress is not None:
            self.progress.update(self.task, completed=number, description=kernel.description.partition(" ")[0])

    def start(self, total: int) -> None:
        try:
            from rich.console import Console
            from rich.progress import Progress
        except ImportError:
            self.missing = True
            return
        self.progress = Progress(console=Console(stderr=True), transient=True)
        self.task = self.progress.add_task("", total=total)
        self.progress.start()

    def stop(self) -> None:
        """Takes the bar away."""
        if self.progress is not None:
            self.progress.stop()
