"""The candidates of a space that may be proposed: admissible, never seen before, and not known to fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from ..space.constraints import admissible
from ..space.sample import enumerate_all, random_choices, sizes_of
from ..space.sketch import Candidate, Choices, Space
from ..trial import Status, Trial
from .interface import Outcome
from .pitfalls import Pitfalls

SMALL = 32768
"""Spaces with up to so many candidates are enumerated."""

_TRIES = 64
"""How often as many candidates as are wanted are drawn before there are said to be no more."""


class Terrain:
    """A space, and what has been tried of it."""

    def __init__(self, space: Space, rng: np.random.Generator) -> None:
        self.space = space
        self.rng = rng
        self.pitfalls = Pitfalls(space)
        self._seen: set[Candidate] = set()
        self._measured: dict[int, list[tuple[int, ...]]] = {}

    @cached_property
    def sizes(self) -> list[list[int]]:
        """How many options each knob of each sketch has."""
        return [sizes_of(sketch) for sketch in self.space.sketches]

    @cached_property
    def is_small(self) -> bool:
        """Whether all candidates can be looked at."""
        return self.space.size <= SMALL

    # what has been tried

    def tell(self, outcomes: Iterable[Outcome]) -> None:
        """Notes what became of candidates."""
        for candidate, trial in outcomes:
            self._seen.add(candidate)
            if _teaches(trial):
                failed = trial.status is not Status.OK
                self._measured.setdefault(candidate.sketch, []).append(candidate.choice)
                self.pitfalls.tell(candidate.sketch, candidate.choice, failed=failed)

    def measured(self, sketch: int) -> list[tuple[int, ...]]:
        """The candidates of a sketch of which it is known what became of them."""
        return self._measured.get(sketch, [])

    def propose(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """The candidates, which are not proposed again."""
        found = list(candidates)
        self._seen.update(found)
        return found

    def is_new(self, candidate: Candidate) -> bool:
        """Whether nobody has proposed it, or said what became of it."""
        return candidate not in self._seen

    def fresh(self, sketch: int, choices: Choices, *, seen: bool = False) -> Choices:
        """Those of some candidates that may be proposed, each once, in order. With `seen`, those that were proposed
        before stay, to breed from."""
        choices = unique(choices)
        choices = choices[self.allowed(sketch, choices)]
        return choices if seen else self._unseen(sketch, choices)

    def allowed(self, sketch: int, choices: Choices) -> NDArray[np.bool_]:
        """Which candidates keep the constraints, and are not known to fail."""
        if not len(choices):
            return np.zeros(0, np.bool_)
        return admissible(self.space.sketches[sketch], choices) & ~self.pitfalls.avoided(sketch, choices)

    def _unseen(self, sketch: int, choices: Choices) -> Choices:
        if not self._seen:
            return choices
        new = [self.is_new(Candidate(sketch, tuple(row))) for row in choices.tolist()]
        return choices[np.asarray(new, np.bool_)]

    # all candidates

    @cached_property
    def _all(self) -> list[Choices]:
        """The admissible candidates of each sketch of a small space."""
        return [enumerate_all(sketch) for sketch in self.space.sketches]

    def everything(self) -> Iterator[tuple[int, Choices]]:
        """All candidates of a small space that may be proposed, by sketches."""
        for sketch, choices in enumerate(self._all):
            left = self._unseen(sketch, choices[~self.pitfalls.avoided(sketch, choices)])
            if len(left):
                yield sketch, left

    # chance

    def draw(self, sketch: int, count: int) -> Choices:
        """Up to so many admissible choices of a sketch, each as likely as any."""
        return random_choices(self.space.sketches[sketch], self.rng, count)

    def strangers(self, sketch: int, count: int) -> Choices:
        """So many choices of a sketch, which may break constraints."""
        sizes = np.asarray(self.sizes[sketch], np.int64)
        return self.rng.integers(0, sizes, (count, len(sizes))).astype(np.int32)

    def sample_of(self, sketch: int, count: int) -> Choices:
        """Up to so many different candidates of a sketch that may be proposed."""
        if self.is_small:
            left = self.fresh(sketch, self._all[sketch])
            return left[self.rng.permutation(len(left))[:count]]
        found = self.fresh(sketch, self.draw(sketch, count + 8))
        for _ in range(_TRIES):
            if len(found) >= min(count, self.space.sketches[sketch].size):
                break
            more = self.fresh(sketch, self.draw(sketch, 2 * count + 64))
            found = unique(np.concatenate([found, more]))
        return found[:count]

    def sample(self, count: int) -> list[Candidate]:
        """Up to so many different candidates that may be proposed, as many of each sketch as of the others."""
        number = len(self.space.sketches)
        order = self.rng.permutation(number)
        # A sketch that has too few leaves its share to the others.
        for share in (-(-count // max(number, 1)), count):
            rows = {int(sketch): self.sample_of(int(sketch), share).tolist() for sketch in order}
            turns = zip_longest(*([Candidate(sketch, tuple(row)) for row in each] for sketch, each in rows.items()))
            found = [each for turn in turns for each in turn if each is not None][:count]
            if len(found) >= count:
                break
        return found

    # neighbours

    def mutate(self, sketch: int, choices: Choices) -> Choices:
        """Each with one knob turned, and every other one with a second, to a neighbour as often as to anything else.
        Constraints may be broken."""
        sizes = np.asarray(self.sizes[sketch], np.int64)
        open_knobs = np.flatnonzero(sizes > 1)
        count = len(choices)
        if not len(open_knobs) or not count:
            return choices
        found, rows = choices.copy(), np.arange(count)
        for turns in (np.ones(count, np.bool_), self.rng.random(count) < 0.5):
            knob = open_knobs[self.rng.integers(0, len(open_knobs), count)]
            size, old = sizes[knob], found[rows, knob].astype(np.int64)
            step = np.where(self.rng.random(count) < 0.5, 1, -1)
            beside = np.where((old + step < 0) | (old + step >= size), old - step, old + step)
            anything = (old + 1 + self.rng.integers(0, size - 1)) % size
            new = np.where(self.rng.random(count) < 0.5, beside, anything)
            found[rows, knob] = np.where(turns, new, old).astype(np.int32)
        return found

    def cross(self, first: Choices, second: Choices) -> Choices:
        """Children of two parents each: every knob is one parent's or the other's."""
        return np.where(self.rng.random(first.shape) < 0.5, first, second)


def _teaches(trial: Trial) -> bool:
    """Whether a trial says something about its candidate: that a worker was lost does not."""
    return trial.status is not Status.LOST


def unique(choices: Choices) -> Choices:
    """Each row once, in order."""
    if not choices.shape[1]:
        return choices[:1]
    contiguous = np.ascontiguousarray(choices)
    first: dict[bytes, int] = {}
    for position, row in enumerate(contiguous.view(f"V{contiguous.itemsize * contiguous.shape[1]}").ravel().tolist()):
        first.setdefault(row, position)
    return contiguous if len(first) == len(contiguous) else contiguous[list(first.values())]
