"""How a tuning run is coming along: what displays show, and what a run returns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .trial import Status, Trial, time_text
from .workload import Workload

COUNTED = frozenset({Status.OK, Status.COMPILE_ERROR, Status.WRONG, Status.CRASHED, Status.TIMEOUT})
"""What counts as a trial: something was made and measured, or took as long."""


@dataclass
class KernelState:
    """What is known about a kernel that is being tuned."""

    workload: Workload
    operations: int = 0
    """What it computes at least."""
    sketches: int = 0
    candidates: int = 0
    """The size of its space."""
    recorded: int = 0
    """Trials that the database had before."""
    shared: int = 0
    """Trials that others recorded during this run, which it did not measure itself."""
    trials: int = 0
    """All trials, with those: distinct scripts that were made and measured."""
    wanted: int | None = None
    """The trials that it may have at most, as far as there is such a number."""
    statuses: Counter[Status] = field(default_factory=Counter[Status])
    """What became of the candidates of this run."""
    reasons: Counter[str] = field(default_factory=Counter[str])
    """Why candidates of this run were refused or failed."""
    shipped: Trial | None = None
    """What the schedule that we ship takes."""
    best: Trial | None = None
    done: bool = False
    note: str = ""
    """Why there are no more trials than there are."""
    error: str = ""
    """Why nothing of it can be measured."""

    def count(self, trials: Sequence[Trial]) -> None:
        """Counts what became of candidates."""
        for trial in trials:
            self.statuses[trial.status] += 1
            if trial.status is not Status.OK:
                self.reasons[f"{trial.status.value}: {reason_of(trial.error)}"] += 1

    @property
    def seconds(self) -> float:
        """The least time of a call."""
        return self.best.seconds if self.best is not None else float("inf")

    @property
    def speed(self) -> float:
        """Operations a second, of the best."""
        return self.operations / self.seconds if self.seconds > 0.0 else 0.0

    @property
    def speedup(self) -> float | None:
        """How many times faster the best is than what we ship."""
        if self.shipped is None or self.best is None or not self.shipped.times:
            return None
        return self.shipped.seconds / self.best.seconds


_DETAIL = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?|'[^']*'|%\w+")


def reason_of(error: str) -> str:
    """An error without what differs from candidate to candidate."""
    return _DETAIL.sub("…", error.partition("\n")[0])[:120]


class Progress(Protocol):
    """Is told how a run is coming along."""

    def start(self, kernels: Sequence[KernelState]) -> None:
        """The run begins; the states are the ones that change from now on."""
        ...

    def update(self, kernel: KernelState, what: str, share: float | None) -> None:
        """Something happened to a kernel: what is being done now, and which part of the budget is used."""
        ...


@dataclass(frozen=True)
class TuneReport:
    """What a tuning run found."""

    kernels: tuple[KernelState, ...]
    seconds: float
    """How long it took."""
    interrupted: bool = False
    """Somebody stopped it."""
    note: str = ""
    """Why there was nothing to do, if there was not."""

    @property
    def trials(self) -> int:
        """The trials of this run."""
        return sum(kernel.statuses[status] for kernel in self.kernels for status in COUNTED)

    @property
    def failure(self) -> str:
        """What kept the run from finding anything that works; empty if it found something, or was too short to try."""
        kernels = self.kernels
        errors = [kernel.error for kernel in kernels if kernel.error]
        tried = sum(sum(kernel.statuses.values()) for kernel in kernels)
        if self.interrupted or any(kernel.best is not None for kernel in kernels) or not (errors or tried):
            return ""
        count = f"{tried} candidate{'s' if tried != 1 else ''}"
        return "no kernel could be measured" if not tried else f"expected results that are right, got none of {count}"

    def best(self, workload: str | None = None) -> Trial | None:
        """The best trial of the kernel with a hash, or of the only one."""
        found = [kernel for kernel in self.kernels if workload is None or kernel.workload.hash.startswith(workload)]
        return found[0].best if len(found) == 1 else None

    def __str__(self) -> str:
        lines = [kernel_line(kernel) for kernel in self.kernels]
        stopped = ", stopped" if self.interrupted else ""
        kernels = f"{len(self.kernels)} kernel{'s' if len(self.kernels) != 1 else ''}"
        lines.append(f"{self.trials} trials of {kernels} in {self.seconds:.1f} s{stopped}")
        failed = sum(bool(kernel.error) for kernel in self.kernels)
        if failed:
            lines.append(f"{failed} of {kernels} could not be measured")
        return "\n".join([*lines, self.note] if self.note else lines)


def kernel_line(kernel: KernelState) -> str:
    """A kernel's result in a line."""
    name = f"{kernel.workload.hash[:16]}  {kernel.workload.description}"
    if kernel.best is None and kernel.error:
        return f"{name}: {kernel.error}"
    if kernel.best is None and not kernel.trials and not kernel.statuses:
        return f"{name}: {kernel.note or 'nothing was tried'}"
    if kernel.best is None:
        return f"{name}: nothing that works in {kernel.trials} trials" + (f" ({kernel.note})" if kernel.note else "")
    parts = [time_text(kernel.seconds)]
    if kernel.operations:
        parts.append(f"{kernel.speed / 1e9:.1f} GFLOP/s")
    if kernel.speedup is not None:
        parts.append(f"{kernel.speedup:.2f} x shipped")
    parts.append(f"{kernel.trials} trials" + (f" ({kernel.shared} of another run)" if kernel.shared else ""))
    if kernel.best.sketch:
        parts.append(kernel.best.sketch)
    if kernel.note:
        parts.append(kernel.note)
    return f"{name}: {', '.join(parts)}"
