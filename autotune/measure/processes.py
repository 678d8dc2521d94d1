"""Processes that do jobs, and that may die of them: pebble's pool, and what to do when it breaks."""

# pebble's types are strings of its own.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import spawn
from multiprocessing.context import BaseContext, ForkServerContext, ForkServerProcess
from typing import Any, TypeVar

from ...errors import CompileError

MAX_BROKEN = 5
"""How often the processes may be started anew without that a job ends."""

START_SECONDS = 60.0
"""How long it may take that a process begins with a job."""

KILLED = -9
"""The exit code of a process that somebody killed."""

_WAIT = 0.5
_T = TypeVar("_T")
_lock = threading.Lock()


@contextmanager
def _without_main() -> Generator[None]:
    """Processes that are started in the body of a `with` statement do not import the user's main module: a script
    without `if __name__ == "__main__"` would begin anew in each of them."""
    original: Callable[[str], dict[str, Any]] = spawn.get_preparation_data

    def prepare(name: str) -> dict[str, Any]:
        found = original(name)
        return {key: value for key, value in found.items() if not key.startswith("init_main")}

    with _lock:
        spawn.get_preparation_data = prepare
        try:
            yield
        finally:
            spawn.get_preparation_data = original


@contextmanager
def _with_children() -> Generator[None]:
    """Lets a daemonic process, such as Dask's workers are, have children: ours end with it."""
    config: dict[str, Any] = getattr(multiprocessing.current_process(), "_config", {})
    is_daemon = config.pop("daemon", None)
    try:
        yield
    finally:
        if is_daemon is not None:
            config["daemon"] = is_daemon


class _Process(ForkServerProcess):
    def start(self) -> None:
        self.daemon = True  # nobody waits for it
        with _without_main(), _with_children():
            super().start()


class _Context(ForkServerContext):
    Process = _Process  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]


def context() -> BaseContext:
    """How processes are started: forked from a server that has no threads, and that has imported what they need."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    found = _Context()
    found.set_forkserver_preload([f"{__package__}.worker"])
    return found


@dataclass(frozen=True)
class Died:
    """The process is gone that had a job."""

    exitcode: int

    @property
    def signal(self) -> str:
        """The name of the signal that ended it; empty if it was none."""
        if self.exitcode >= 0:
            return ""
        try:
            return signal.Signals(-self.exitcode).name
        except ValueError:
            return f"signal {-self.exitcode}"

    @property
    def was_killed(self) -> bool:
        """Whether somebody else ended it: code of its own does not send these signals."""
        return self.exitcode in (KILLED, -15)


class Processes:
    """Some processes that do jobs. One that dies is replaced."""

    def __init__(
        self, count: int, initializer: Callable[..., None], arguments: Sequence[Any], *, patience: float = 600.0
    ):
        try:
            import pebble
        except ImportError:
            raise CompileError(
                "expected the package pebble to measure candidates; install the extra 'stepwell[tune]'"
            ) from None
        self._pebble = pebble
        self._count = count
        self._initializer = initializer
        self._arguments = tuple(arguments)
        self._patience = patience
        """What takes longer is lost, whatever the process says: nothing else ends one that is stopped for good."""
        self._pool: Any = None

    def _start(self) -> Any:
        if self._pool is None:
            self._pool = self._pebble.ProcessPool(
                max_workers=self._count,
                max_tasks=500,
                initializer=self._initializer,
                initargs=self._arguments,
                context=context(),
            )
        return self._pool

    def map(
        self, function: Callable[..., _T], jobs: Sequence[Sequence[Any]], finished: Callable[[int, _T | Died], None]
    ) -> None:
        """Calls a function with the arguments of each job, and tells how each ended.

        Raises:
            CompileError: if processes do not even start.
        """
        waiting = {position: tuple(arguments) for position, arguments in enumerate(jobs)}
        failures = 0
        while waiting:
            before = len(waiting)
            if not self._try(function, waiting, finished):
                self.close()
                failures = failures + 1 if len(waiting) == before else 0
                if failures == MAX_BROKEN:
                    raise CompileError("expected processes that measure candidates to start, got none that does")

    def _try(
        self,
        function: Callable[..., _T],
        waiting: dict[int, tuple[Any, ...]],
        finished: Callable[[int, _T | Died], None],
    ) -> bool:
        """Does jobs, and takes from `waiting` those that end; whether the pool is still there."""
        pool = self._start()
        futures: dict[int, Any] = {}
        is_broken = False
        try:
            for position, arguments in waiting.items():
                futures[position] = pool.schedule(function, args=arguments, timeout=self._patience)
        except RuntimeError:
            is_broken = True
        for position, future in futures.items():
            result = self._result(pool, future, futures.values())
            if result is None:
                return False
            del waiting[position]
            finished(position, result)
        return not is_broken

    def call(self, function: Callable[..., _T], *arguments: Any) -> _T | Died:
        """Calls a function in one of the processes."""
        found: list[_T | Died] = []
        self.map(function, [arguments], lambda _, result: found.append(result))
        return found[0]

    def _result(self, pool: Any, future: Any, others: Iterable[Any]) -> Any:
        """What became of a job; None if that is not known, because the pool has broken."""
        idle = 0
        while True:
            try:
                return future.result(timeout=_WAIT)
            except self._pebble.ProcessExpired as error:
                return Died(int(error.exitcode))
            except (BrokenExecutor, CancelledError):
                return None
            except TimeoutError:
                if future.done():  # the job's own
                    return Died(KILLED)
            # A process that was killed while it took a job leaves the others waiting for it.
            idle = 0 if any(each.running() for each in others) else idle + 1
            if not pool.active or idle * _WAIT > START_SECONDS:
                return None

    def close(self) -> None:
        """Ends the processes. Others are started when there are jobs again."""
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None
