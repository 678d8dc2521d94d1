"""What the processes of workers do: functions that take and give plain data, and remember what candidates share."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from ...backends.llvm_cpu.backend import LlvmCpuBackend
from ...errors import StepwellError
from ...runtime.executable import Executable
from ...runtime.signature import Signature
from ..machine import Everyday
from ..trial import Status
from ..workload import Workload
from .arrays import Array, Pages
from .check import check_results
from .compile import Built, Compiler, Failure, one_line
from .disturbance import Sensitivity
from .prepare import Prepared, constants_for, given_parameters, load, prepare
from .timing import Effort, SystemClock, Timed, measure_once, time_in_rounds
from .yardstick import Yardstick

TIMED_OUT = 124
"""What a process exits with that did not end in time."""

_TICK = 0.05
_WAITING = 0.1
"""How much a second counts in which the process did not run."""

YARDSTICK = 3_000
"""The iterations of the yardstick's loop: some ten microseconds."""

_LOOKS, _BETWEEN = 20, 0.005
"""How often the yardstick is looked at before it is used, and how many seconds apart: others may be busy for a while.
"""

_BURSTS = 2
"""How many times as much time as is enough for a candidate its bursts may take: others disturb some."""

_HOPELESS = 2
"""How many times slower than what is clearly slow a long first call is, with cold caches, that tells enough."""


class Watchdog:
    """Ends the process if a job takes too long. What counts is the time that it runs: not that during which the process
    is stopped, or others have its core. Time in which it only waits counts a little, so that it does not wait forever.
    """

    def __init__(self) -> None:
        self._left = inf
        self._started = False

    def _run(self) -> None:
        last, used = time.monotonic(), time.process_time()
        while True:
            time.sleep(_TICK)
            now, used_now = time.monotonic(), time.process_time()
            passed = now - last
            self._left -= max(min(passed, used_now - used), min(passed, 2 * _TICK) * _WAITING)
            last, used = now, used_now
            if self._left < 0:
                os._exit(TIMED_OUT)

    @contextmanager
    def watch(self, seconds: float) -> Generator[None]:
        """Lets the body of a `with` statement take so long at most."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, daemon=True, name="watchdog").start()
        self._left = seconds
        try:
            yield
        finally:
            self._left = inf


_watchdog = Watchdog()


def limit_memory(limit: int) -> None:
    """Lets this process have so many bytes at most, where the system can tell."""
    import resource

    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def start(memory: int) -> None:
    """Prepares the process of a worker."""
    limit_memory(memory)
    gc.disable()
    _tidy_up()


def _tidy_up() -> None:
    """Searches for garbage among what is new; what is left stays, and is not looked at again."""
    gc.collect()
    gc.freeze()


# compiling


@lru_cache(maxsize=4)
def _compiler(text: str) -> Compiler:
    return Compiler(Workload.of_text(text))


def build(text: str, script: str, seconds: float) -> Built | Failure:
    """The native code of a candidate of the workload in `text`."""
    with _watchdog.watch(seconds):
        try:
            return _compiler(text).build(script)
        finally:
            _tidy_up()


@dataclass(frozen=True)
class Reference:
    """Where the arguments and results of a workload are."""

    path: str
    signature: Signature
    tolerances: tuple[float, ...]


def make_reference(text: str, seed: int, path: str) -> Reference | Failure:
    """Writes arguments and results of the workload in `text` to a file."""
    try:
        prepared = prepare(Workload.of_text(text), seed)
        prepared.save(Path(path))
    except StepwellError as error:
        return Failure(Status.COMPILE_ERROR, one_line(error))
    except Exception as error:
        return Failure(Status.COMPILE_ERROR, f"{type(error).__name__}: {one_line(error)}")
    return Reference(path, prepared.signature, prepared.tolerances)


# timing


@dataclass(frozen=True)
class Measured:
    """The times of a candidate whose results are right."""

    times: tuple[float, ...]


@dataclass(frozen=True)
class Conditions:
    """What is known of how others slow things down."""

    shortest: float = inf
    """What the yardstick takes where nobody does."""
    sensitivity: Sensitivity = field(default_factory=Sensitivity)
    """Of the workload's candidates."""


@dataclass(frozen=True)
class Timings:
    """The times of some candidates; None for what the process does not have. And what is known now."""

    measured: tuple[Measured | None, ...]
    conditions: Conditions


@dataclass(frozen=True)
class Ready:
    """A candidate whose results are right is loaded, to be timed."""


_ready: dict[int, Timed] = {}
"""What this process has loaded, by tickets."""


@lru_cache(maxsize=1)
def _arrays(reference: Reference) -> tuple[Pages, Pages, Pages]:
    """What is given, what has to come out, and where results are written."""
    prepared = Prepared.load(Path(reference.path), reference.signature, reference.tolerances)
    outputs = [(array.dtype, array.shape) for array in prepared.results]
    are_inputs = [parameter.role == "input" for parameter in given_parameters(reference.signature)]
    return Pages.of(prepared.given, are_inputs), Pages.of(prepared.results), Pages(outputs, [True] * len(outputs))


@lru_cache(maxsize=1)
def _cold(size: int) -> Array:
    return np.zeros(size, np.uint8)


def _empty_caches(size: int) -> None:
    array = _cold(size)
    array += 1


def check(
    ticket: int,
    reference: Reference,
    built: Built,
    threads: int,
    effort: Effort,
    best_seconds: float,
    seconds: float,
) -> Ready | Measured | Failure:
    """Checks a candidate, and keeps it under a ticket, to be timed, unless its first call says enough."""
    with _watchdog.watch(seconds):
        try:
            return _check(ticket, reference, built, threads, effort, best_seconds)
        except StepwellError as error:
            return Failure(Status.COMPILE_ERROR, one_line(error))
        except MemoryError:
            return Failure(Status.CRASHED, "expected a candidate that fits into memory, got one that needs too much")
        # Whatever is wrong with the compiler is wrong with this candidate only.
        except Exception as error:
            return Failure(Status.COMPILE_ERROR, f"{type(error).__name__}: {one_line(error)}")


def _check(
    ticket: int, reference: Reference, built: Built, threads: int, effort: Effort, best_seconds: float
) -> Ready | Measured | Failure:
    given, expected, outputs = _arrays(reference)
    inputs, constants = constants_for(built, given.arrays)
    executable = load(built, constants, threads)
    _spoil_workspace(executable)
    outputs.spoil()
    bound = executable.bind(*inputs, out=_out(outputs.arrays))
    first = measure_once(bound, 1, SystemClock())
    wrong = check_results(reference.signature.role("output"), outputs.arrays, expected.arrays, reference.tolerances)
    if wrong:
        return Failure(Status.WRONG, wrong)
    # A short call is mostly clocks and cold caches when it comes first.
    if not first.is_disturbed and first.seconds > max(_HOPELESS * effort.slow * best_seconds, effort.long):
        return Measured((first.seconds,))
    between = partial(_empty_caches, effort.flush_bytes) if effort.flush_bytes else None
    _ready[ticket] = Timed(bound, threads, between)
    return Ready()


def time_ready(
    tickets: Sequence[int], effort: Effort, best_seconds: float, seconds: float, conditions: Conditions
) -> Timings | Failure:
    """Times the candidates of some tickets in turn, and forgets all that it has. `seconds` is how long a call of one
    may take. Each has ended in time when it was checked, and has a call as long and as much again here: what runs out
    of that does not end any more."""
    _tidy_up()
    found = [_ready.get(ticket) for ticket in tickets]
    with _watchdog.watch((seconds + max(seconds, _BURSTS * effort.enough)) * max(len(tickets), 1)):
        try:
            timed = [each for each in found if each is not None]
            yardstick = _yardstick()
            yardstick.shortest = min(yardstick.shortest, conditions.shortest)
            sensitivity = time_in_rounds(
                timed,
                effort,
                SystemClock(),
                best_seconds=best_seconds,
                yardstick=yardstick,
                sensitivity=conditions.sensitivity,
            )
            measured = tuple(None if each is None else Measured(each.times) for each in found)
            return Timings(measured, Conditions(yardstick.shortest, sensitivity))
        except StepwellError as error:
            return Failure(Status.COMPILE_ERROR, one_line(error))
        finally:
            _ready.clear()
            _tidy_up()


@cache
def _yardstick() -> Yardstick:
    """That of this process, whose core is the one to look at."""
    target = LlvmCpuBackend().default_target()
    yardstick = Yardstick(Everyday(target, YARDSTICK))
    for _ in range(_LOOKS):
        yardstick.reading()
        time.sleep(_BETWEEN)
    return yardstick


def _out(arrays: Sequence[Array]) -> Any:
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def _spoil_workspace(executable: Executable) -> None:
    """No result may depend on what is in memory that a call works in."""
    executable.arenas.give_back(executable.arenas.take())
    executable.arenas.fill(0xFF)
