"""What a terminal shows while kernels are tuned: a table if `rich` is there, else a line for each new best."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from ..autotune.trial import time_text

if TYPE_CHECKING:
    from ..autotune.progress import KernelState, Progress

_ROWS = 12
"""How many kernels a table shows."""
_REASONS = 4
"""How many reasons for refusals and failures are shown."""
_SILENCE = 10.0
"""After so many seconds, there is a line even if nothing is better."""


@contextmanager
def shown_tuning(*, plain: bool = False) -> Generator[Progress]:
    """Who shows how tuning is coming along, for the time of a run."""
    if sys.stderr.isatty() and not plain:
        try:
            from rich.console import Console
            from rich.live import Live
        except ImportError:
            pass
        else:
            table = _Table()
            with Live(console=Console(stderr=True), refresh_per_second=4, transient=True, get_renderable=table.render):
                yield table
            return
    yield Lines(sys.stderr)


class Lines:
    """Writes a line for each new best script, for each kernel that is done, and now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = self._last = time.perf_counter()
        self._numbers: dict[str, int] = {}
        self._best: dict[str, float] = {}
        self._total = 0

    def start(self, kernels: Sequence[KernelState]) -> None:
        self._total = len(kernels)
        self._numbers = {kernel.workload.hash: number for number, kernel in enumerate(kernels, 1)}

    def update(self, kernel: KernelState, what: str, share: float | None) -> None:
        key, now = kernel.workload.hash, time.perf_counter()
        is_better = kernel.seconds < self._best.get(key, float("inf"))
        if not (is_better or kernel.done or now - self._last > _SILENCE):
            return
        self._best[key] = kernel.seconds
        self._last = now
        elapsed = now - self._start
        left = "" if (rest := time_left(elapsed, share)) is None else f", {duration(rest)} left"
        state = f"{kernel.trials} trials{failures_text(kernel)}"
        what = "done" if kernel.done else what
        if kernel.note:
            what += f": {kernel.note}"
        self._stream.write(
            f"[{self._numbers.get(key, 0)}/{self._total}] {elapsed:7.1f} s  {key[:16]}  {best_text(kernel)}  "
            f"{state}  ({what}{left})\n"
        )
        self._stream.flush()


class _Table:
    """A table of kernels, and below it why candidates did not work."""

    def __init__(self) -> None:
        self._kernels: Sequence[KernelState] = ()
        self._current: KernelState | None = None
        self._what = "start"
        self._share: float | None = None
        self._start = time.perf_counter()

    def start(self, kernels: Sequence[KernelState]) -> None:
        self._kernels = kernels

    def update(self, kernel: KernelState, what: str, share: float | None) -> None:
        self._current, self._what, self._share = kernel, what, share

    def render(self) -> Any:
        """What the terminal shows now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("", "kernel", "space", "trials", "best", "GFLOP/s", "x shipped", "failed"):
            table.add_column(name, justify="left" if name in ("", "kernel") else "right", no_wrap=True)
        for kernel in self._shown():
            table.add_row(*_cells(kernel, is_current=kernel is self._current))
        lines: list[Any] = [table]
        if len(self._kernels) > _ROWS:
            done = sum(kernel.done for kernel in self._kernels)
            lines.append(Text(f"{len(self._kernels)} kernels, {done} of them done"))
        lines += [Text(f"{count:5} x {reason}", style="dim") for reason, count in reasons(self._kernels)]
        return Group(*lines, Text(self._status()))

    def _shown(self) -> Sequence[KernelState]:
        """The kernels around the one that is being tuned."""
        if len(self._kernels) <= _ROWS or self._current is None:
            return self._kernels[:_ROWS]
        at = next(number for number, kernel in enumerate(self._kernels) if kernel is self._current)
        first = min(max(at - _ROWS // 2, 0), len(self._kernels) - _ROWS)
        return self._kernels[first : first + _ROWS]

    def _status(self) -> str:
        elapsed = time.perf_counter() - self._start
        parts = [f"{duration(elapsed)}", self._what]
        if self._share is not None:
            parts.append(f"{self._share:.0%}")
        if (left := time_left(elapsed, self._share)) is not None:
            parts.append(f"{duration(left)} left")
        return "  ".join(parts)


def _cells(kernel: KernelState, *, is_current: bool) -> list[str]:
    wanted = f"/{kernel.wanted}" if kernel.wanted is not None else ""
    failed = sum(count for status, count in kernel.statuses.items() if status.value != "ok")
    return [
        ">" if is_current else "*" if kernel.done else " ",
        f"{kernel.workload.hash[:8]} {kernel.workload.description[:48]}",
        f"{kernel.candidates:,}" if kernel.sketches else "",
        f"{kernel.trials}{wanted}",
        time_text(kernel.seconds) if kernel.best is not None else "",
        f"{kernel.speed / 1e9:.1f}" if kernel.best is not None and kernel.operations else "",
        f"{kernel.speedup:.2f}" if kernel.speedup is not None else "",
        str(failed) if failed else "",
    ]


def reasons(kernels: Sequence[KernelState]) -> list[tuple[str, int]]:
    """The most frequent reasons why candidates were refused or failed, of all kernels together."""
    found = sum((kernel.reasons for kernel in kernels), start=_counter())
    return found.most_common(_REASONS)


def _counter() -> Any:
    from collections import Counter

    return Counter[str]()


def best_text(kernel: KernelState) -> str:
    """The best of a kernel, beside what we ship."""
    if kernel.best is None:
        return "nothing yet"
    speed = f", {kernel.speed / 1e9:.1f} GFLOP/s" if kernel.operations else ""
    beside = "" if kernel.speedup is None else f", {kernel.speedup:.2f} x shipped"
    return f"best {time_text(kernel.seconds)}{speed}{beside}"


def failures_text(kernel: KernelState) -> str:
    """How many candidates ended in each way that is not right."""
    counts = [f"{count} {status.value}" for status, count in kernel.statuses.items() if status.value != "ok"]
    return f" ({', '.join(counts)})" if counts else ""


def duration(seconds: float) -> str:
    """A time for people to wait."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def time_left(elapsed: float, share: float | None) -> float | None:
    """How long the rest of the budget takes, if it goes on like this."""
    if share is None or share < 0.02:
        return None
    return elapsed * (1.0 - share) / share
