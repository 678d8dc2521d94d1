"""What failures teach: options, and pairs of options, with which nothing has worked yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..space.sketch import Choices, Space

SINGLE = 3
"""How often an option must have failed, and never worked, to be avoided."""
PAIR = 4
"""The same of two options together: there are many pairs, so that some fail together by chance."""


@dataclass
class Pitfalls:
    """Counts which options of a space failed and worked, alone and in pairs."""

    space: Space
    _counts: dict[int, _Counts] = field(default_factory=dict[int, "_Counts"])

    def tell(self, sketch: int, choice: tuple[int, ...], *, failed: bool) -> None:
        """Notes what became of a candidate."""
        self._of(sketch).tell(choice, failed)

    def avoided(self, sketch: int, choices: Choices) -> NDArray[np.bool_]:
        """Which candidates share what failed before with those that failed."""
        if sketch not in self._counts:
            return np.zeros(len(choices), np.bool_)
        return self._counts[sketch].avoided(choices)

    def _of(self, sketch: int) -> _Counts:
        if sketch not in self._counts:
            knobs = self.space.sketches[sketch].knobs
            self._counts[sketch] = _Counts([len(knob.options) for knob in knobs])
        return self._counts[sketch]


class _Counts:
    """The counts of a sketch: a table of all options by all options, alone on the diagonal."""

    def __init__(self, sizes: list[int]) -> None:
        self.offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64) if sizes else np.zeros(0, np.int64)
        total = int(sum(sizes))
        self.failed = np.zeros((total, total), np.int32)
        self.worked = np.zeros((total, total), np.int32)
        self.dead = np.zeros((total, total), np.bool_)

    def tell(self, choice: tuple[int, ...], failed: bool) -> None:
        at = np.asarray(choice, np.int64) + self.offsets
        (self.failed if failed else self.worked)[np.ix_(at, at)] += 1
        limit = np.full(self.failed.shape, PAIR, np.int32)
        np.fill_diagonal(limit, SINGLE)
        self.dead = (self.worked == 0) & (self.failed >= limit)

    def avoided(self, choices: Choices) -> NDArray[np.bool_]:
        if not self.dead.any():
            return np.zeros(len(choices), np.bool_)
        at = choices + self.offsets
        found = np.zeros(len(choices), np.bool_)
        for first in range(at.shape[1]):
            for second in range(first + 1):
                found |= self.dead[at[:, first], at[:, second]]
        return found
