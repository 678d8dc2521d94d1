"""What measures candidates: on this machine, or on a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from math import inf
from types import TracebackType
from typing import Self, TypeAlias

from ..trial import Trial
from ..workload import Workload


@dataclass(frozen=True)
class MeasureInput:
    """A candidate to measure: the text of its script, and where that comes from."""

    script: str
    """All knobs are chosen."""
    sketch: str = ""
    """The rule and the sketch that it comes from."""
    knobs: Mapping[str, int | str] = field(default_factory=dict[str, int | str])
    """What was chosen."""
    predicted: float | None = None
    """What the model says, to be kept with the trial."""


Finished: TypeAlias = Callable[[int, Trial], None]
"""Is told about each trial when it is finished, with the position of its input."""


class Measurer(ABC):
    """Measures candidates. It is a context manager: its processes end with the `with` statement."""

    @abstractmethod
    def measure(
        self,
        workload: Workload,
        inputs: Sequence[MeasureInput],
        *,
        best_seconds: float = inf,
        finished: Finished | None = None,
    ) -> list[Trial]:
        """A trial for each input, in order. Whatever a candidate does, it costs its own trial at most.

        `best_seconds` is the fastest that is known: less effort is spent on what is clearly slower.

        Raises:
            CompileError: if there is no reference to check candidates against.
        """

    def prepare(self, workload: Workload) -> None:
        """Does what comes before the first candidate of a workload, as far as that takes long and can be done here.

        Raises:
            CompileError: if there is no reference to check candidates against.
        """
        return

    def alone(self, seconds: float = inf) -> AbstractContextManager[None]:
        """In the body of a `with` statement nobody else measures on this machine, as far as that can be helped; waits
        for it for so many seconds at most."""
        return nullcontext()

    @abstractmethod
    def close(self) -> None:
        """Ends all processes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
