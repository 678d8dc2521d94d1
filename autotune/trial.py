"""Trials: what came out when a script was measured on a kernel."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from statistics import median

SHIPPED = "shipped"
"""The sketch that stands for the schedules that we ship, or the first part of its name."""

MARGIN = 0.02
"""By which part of its time what we ship must be beaten: what is measured is not more certain than that."""


def is_shipped(sketch: str) -> bool:
    """Whether a sketch of this name is one of the schedules that we ship."""
    return sketch.partition("/")[0] == SHIPPED


class Status(enum.Enum):
    """What became of a candidate."""

    OK = "ok"
    REFUSED = "refused"
    """A primitive could not prove the script legal, or a constraint does not hold."""
    COMPILE_ERROR = "compile-error"
    """The compiler failed on what the script made."""
    WRONG = "wrong"
    """The results are not the reference's."""
    CRASHED = "crashed"
    """The process that ran it died."""
    TIMEOUT = "timeout"
    """It did not end in time."""
    LOST = "lost"
    """The worker that had it is gone, and nobody else could run it."""


@dataclass(frozen=True)
class Trial:
    """One script, measured."""

    workload: str
    """The hash of the workload."""
    script: str
    """The text of the transform script, with all knobs chosen."""
    status: Status
    times: tuple[float, ...] = ()
    """Seconds of a call where nobody disturbs it, as each burst tells; none unless the status is OK."""
    error: str = ""
    """Why it is not OK, on one line."""
    compile_seconds: float = 0.0
    measured_at: float = 0.0
    """When, in seconds since 1970."""
    machine: str = ""
    """Who measured: host name, or the label of a cluster's worker."""
    sketch: str = ""
    """The rule and the sketch that the script comes from; empty if it comes from elsewhere."""
    knobs: dict[str, int | str] = field(default_factory=dict[str, int | str])
    """The choices that were made in the sketch."""
    predicted: float | None = None
    """What the model said before: the natural logarithm of throughput, up to a constant of the workload."""

    @property
    def seconds(self) -> float:
        """The middle one of the times; infinite unless the status is OK."""
        return median(self.times) if self.status is Status.OK and self.times else math.inf


def time_text(seconds: float) -> str:
    """A time of a call with four digits; a dash if there is none."""
    if not math.isfinite(seconds):
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{_four_digits(seconds / size)} {unit}"
    return f"{_four_digits(seconds * 1e9)} ns"


def _four_digits(number: float) -> str:
    return f"{number:#.4g}".rstrip(".")
