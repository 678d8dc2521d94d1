"""Watching scripts run: what is told about each operation, and may stop the script after it.

A watcher sees what is executed, in order: operations that do something themselves, not those that run others (their
bodies are seen) and not those of matchers.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from xdsl.ir import Operation

from ..errors import ScheduleError


class Stopped(Exception):
    """A watcher ends a script. What ran stays; it is no failure."""


class Watcher:
    """What is told about each operation of scripts; every method does nothing by default."""

    def before(self, op: Operation, root: Operation) -> None:
        """`op` is about to be executed on the payload; may raise `Stopped`."""

    def after(self, op: Operation, root: Operation) -> None:
        """`op` was executed."""

    def refused(self, op: Operation, root: Operation, error: ScheduleError) -> None:
        """`op` was refused."""

    def undone(self, op: Operation, root: Operation) -> None:
        """`op` took back what a refused region did."""


class StopAfter(Watcher):
    """Stops scripts after so many operations, all scripts counted together."""

    def __init__(self, count: int) -> None:
        self.left = count

    def before(self, op: Operation, root: Operation) -> None:
        if self.left == 0:
            raise Stopped

    def after(self, op: Operation, root: Operation) -> None:
        self.left -= 1


class _Several(Watcher):
    """Tells several watchers."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self.watchers = watchers

    def before(self, op: Operation, root: Operation) -> None:
        for each in self.watchers:
            each.before(op, root)

    def after(self, op: Operation, root: Operation) -> None:
        for each in self.watchers:
            each.after(op, root)

    def refused(self, op: Operation, root: Operation, error: ScheduleError) -> None:
        for each in self.watchers:
            each.refused(op, root, error)

    def undone(self, op: Operation, root: Operation) -> None:
        for each in self.watchers:
            each.undone(op, root)


_CURRENT: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def current_watcher() -> Watcher | None:
    """Who watches scripts that start now."""
    return _CURRENT.get()


@contextmanager
def watching(*watchers: Watcher) -> Generator[None]:
    """Within a `with` statement, the watchers are told about every script that starts."""
    token = _CURRENT.set(_Several(watchers) if watchers else None)
    try:
        yield
    finally:
        _CURRENT.reset(token)
