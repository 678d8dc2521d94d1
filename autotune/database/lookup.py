"""What a database has to say to the compiler: scripts for kernels, and what convolutions cost by which algorithm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from xdsl.dialects.func import FuncOp

from ...passes.loop.name_kernels import describe_kernel
from ...transform.target import target_of
from .family import family_of
from .store import Database, WorkloadRecord


class Origin(Enum):
    """Where a script for a kernel comes from."""

    TUNED = "tuned"
    """It is the best that was measured on this kernel."""
    NEAREST = "nearest"
    """It is the best that was measured on a kernel of the same structure with other extents."""


@dataclass(frozen=True)
class FoundScript:
    """A script that a kernel may be scheduled by."""

    text: str
    origin: Origin
    workload: str
    """The hash of the workload that it was measured on."""
    seconds: float
    """The time of a call there."""

    def __str__(self) -> str:
        return self.origin.value if self.origin is Origin.TUNED else f"{self.origin.value} {self.workload}"


@dataclass
class DatabaseScripts:
    """The scripts that a database has for kernels, those to try first first."""

    database: Database
    kin: int = 2
    """How many scripts of other kernels are offered for one that has none of its own, or whose own does not apply."""
    _found: dict[str, tuple[FoundScript, ...]] = field(default_factory=dict[str, tuple[FoundScript, ...]])

    def scripts(self, kernel: FuncOp, digest: str) -> Sequence[FoundScript]:
        """Scripts for a kernel that nobody has scheduled, in a module with a target."""
        found = self._found.get(digest)
        if found is None:
            found = self._found[digest] = tuple(self._look_up(kernel, digest))
        return found

    def _look_up(self, kernel: FuncOp, digest: str) -> list[FoundScript]:
        found: list[FoundScript] = []
        best = self.database.best(digest)
        if best is not None:
            found.append(FoundScript(best.script, Origin.TUNED, digest, best.seconds))
        target = target_of(kernel)
        if target is not None and self.kin:
            family, extents = family_of(kernel, target)
            own = WorkloadRecord(digest, "", str(target), describe_kernel(kernel), family, extents)
            for record, trial in self.database.nearest(own, self.kin):
                found.append(FoundScript(trial.script, Origin.NEAREST, record.hash, trial.seconds))
        return found


@dataclass(frozen=True)
class DatabaseCosts:
    """What a database has recorded of how long convolutions take."""

    database: Database

    def seconds(self, convolution: str, target: str) -> Mapping[str, float]:
        """The least time of each algorithm by which the convolution with this key was computed: on the target, or on
        one that differs from it in its number of threads, if there are no others."""
        return self.database.algorithms(convolution, target)
