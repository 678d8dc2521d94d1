"""The memory that compiled programs work in, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .signature import Parameter

ALIGNMENT = 64
"""Where a workspace may start: a cache line, and the widest vector."""


@dataclass(frozen=True)
class MemoryReport:
    """How many bytes a program takes beside its inputs and outputs."""

    arena: int
    """What one call works in."""
    live: int
    """The most bytes that live at one time in the arena: no plan needs less."""
    weights: int

    def __str__(self) -> str:
        over = f", {self.arena / self.live:.3f} x what lives at one time" if self.live else ""
        return f"{_mebibytes(self.arena)} to work in{over}; {_mebibytes(self.weights)} of weights"


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.2f} MiB" if count >= 2**20 else f"{count / 2**10:.2f} KiB"


@dataclass(frozen=True)
class Arena:
    """Memory that one call works in."""

    data: np.ndarray[Any, np.dtype[np.uint8]]
    address: int


class ArenaPool:
    """Arenas of one size: as many as there are calls at once, kept for later ones, so that none waits for the pages of
    new memory. Taking one and giving it back are single operations on a list, which threads may do at any time."""

    def __init__(self, workspaces: Sequence[Parameter]):
        self.offsets: list[int] = []
        """Where each workspace starts."""
        self.size = 0
        for workspace in workspaces:
            self.offsets.append(-(-self.size // ALIGNMENT) * ALIGNMENT)
            self.size = self.offsets[-1] + workspace.byte_size
        self._free: list[Arena] = []

    def take(self) -> Arena:
        """An arena that nobody else has; what is in it is not defined."""
        try:
            return self._free.pop()
        except IndexError:
            # What vectors read beyond the end of rows is not used, but slow to compute with where it is denormal.
            data = np.zeros(self.size + ALIGNMENT, np.uint8)
            address = data.__array_interface__["data"][0]
            return Arena(data, -(-address // ALIGNMENT) * ALIGNMENT)

    def give_back(self, arena: Arena) -> None:
        """Keeps an arena for the next call."""
        self._free.append(arena)

    def fill(self, byte: int) -> None:
        """Writes a byte all over the arenas that nobody has: no result may depend on it."""
        for arena in tuple(self._free):
            arena.data[:] = byte
