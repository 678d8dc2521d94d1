"""Picking candidates that keep the constraints: at random, next to others, from two others, all there are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from ...errors import StepwellError
from .constraints import admissible
from .sketch import Candidate, Choices, Sketch, Space

MOST_AT_ONCE = 1 << 16
"""How many choices are looked at together."""
MOST_ROUNDS = 16
"""After so many rounds without anything new, a sketch counts as exhausted."""
MOST_ENUMERATED = 1 << 22
"""The largest sketch all of whose choices are listed."""


def sizes_of(sketch: Sketch) -> list[int]:
    """How many options each knob has."""
    return [len(knob.options) for knob in sketch.knobs]


def random_choices(sketch: Sketch, rng: Generator, n: int) -> Choices:
    """Up to `n` choices of a sketch that keep its constraints, uniform among those, perhaps one twice; fewer if hardly
    any keep them."""
    sizes = sizes_of(sketch)
    found: list[Choices] = []
    missing, share = n, 1.0
    for _ in range(MOST_ROUNDS):
        if missing <= 0:
            break
        count = min(max(int(missing / share) + 8, 16), MOST_AT_ONCE)
        drawn = rng.integers(0, np.asarray(sizes, np.int64), (count, len(sizes)), np.int64).astype(np.int32)
        kept = drawn[admissible(sketch, drawn)]
        share = max(len(kept) / count, 1 / 64)
        found.append(kept[:missing])
        missing -= len(found[-1])
    return np.concatenate(found) if found else np.zeros((0, len(sizes)), np.int32)


def sample(space: Space, rng: Generator, n: int) -> list[Candidate]:
    """Up to `n` candidates, all different, as many of each sketch as there are, for which all sketches take turns."""
    turns = [_distinct(space, number, rng, n) for number in rng.permutation(len(space.sketches))]
    found: list[Candidate] = []
    while turns and len(found) < n:
        for turn in list(turns):
            candidate = next(turn, None)
            if candidate is None:
                turns.remove(turn)
            elif len(found) < n:
                found.append(candidate)
    return found


def _distinct(space: Space, number: int, rng: Generator, n: int) -> Iterator[Candidate]:
    """Random candidates of one sketch, each once."""
    sketch, seen = space.sketches[number], set[Candidate]()
    share = -(-n // max(1, len(space.sketches))) + 4
    rounds = 0
    while rounds < MOST_ROUNDS and len(seen) < sketch.size:
        rounds += 1
        for row in random_choices(sketch, rng, share):
            candidate = as_candidate(number, row)
            if candidate not in seen:
                seen.add(candidate)
                rounds = 0
                yield candidate


def as_candidate(number: int, row: Choices) -> Candidate:
    """A row of choices of the sketch with a number, as a candidate."""
    return Candidate(int(number), tuple(int(each) for each in row))


def mutate_choices(sketch: Sketch, rng: Generator, choices: Choices) -> Choices:
    """Each row with one knob changed, to a neighbouring option half of the time; a row that would break a constraint
    stays as it is."""
    sizes = np.asarray(sizes_of(sketch), np.int64)
    open_knobs = np.flatnonzero(sizes > 1)
    if not len(open_knobs) or not len(choices):
        return choices
    changed = np.array(choices, np.int32)
    rows = np.arange(len(changed))
    column = open_knobs[rng.integers(0, len(open_knobs), len(changed))]
    size, old = sizes[column], changed[rows, column].astype(np.int64)
    anywhere = (old + 1 + rng.integers(0, np.maximum(size - 1, 1))) % size
    step = np.where(rng.random(len(changed)) < 0.5, 1, -1)
    beside = np.where((old + step < 0) | (old + step >= size), old - step, old + step)
    changed[rows, column] = np.where(rng.random(len(changed)) < 0.5, anywhere, beside)
    return np.where(admissible(sketch, changed)[:, None], changed, choices).astype(np.int32)


def mutate(space: Space, rng: Generator, candidate: Candidate) -> Candidate:
    """The candidate with one knob changed; the same one if no change that was tried keeps the constraints."""
    sketch, row = space.sketches[candidate.sketch], np.asarray([candidate.choice], np.int32)
    for _ in range(MOST_ROUNDS):
        changed = as_candidate(candidate.sketch, mutate_choices(sketch, rng, row)[0])
        if changed != candidate:
            return changed
    return candidate


def crossover(space: Space, rng: Generator, left: Candidate, right: Candidate) -> Candidate:
    """The left candidate with some knobs chosen as the right one has them, those of the same name and value if it is
    from another sketch; the left one if what comes out breaks constraints."""
    sketch = space.sketches[left.sketch]
    theirs = space.sketches[right.sketch].values(right.choice)
    for _ in range(MOST_ROUNDS):
        choice = list(left.choice)
        for column, knob in enumerate(sketch.knobs):
            if knob.name in theirs and theirs[knob.name] in knob.options and rng.random() < 0.5:
                choice[column] = knob.options.index(theirs[knob.name])
        if tuple(choice) != left.choice and admissible(sketch, np.asarray([choice], np.int32))[0]:
            return Candidate(left.sketch, tuple(choice))
    return left


def enumerate_all(sketch: Sketch) -> Choices:
    """All choices of a sketch that keep its constraints, in order.

    Raises:
        StepwellError: if the sketch is too large.
    """
    sizes = sizes_of(sketch)
    if sketch.size > MOST_ENUMERATED:
        raise StepwellError(f"expected a sketch of at most {MOST_ENUMERATED} candidates to list, got {sketch.size}")
    found: list[Choices] = []
    for first in range(0, sketch.size, MOST_AT_ONCE):
        flat = np.arange(first, min(first + MOST_AT_ONCE, sketch.size))
        rows = np.stack(np.unravel_index(flat, sizes), 1) if sizes else np.zeros((len(flat), 0))
        rows = rows.astype(np.int32)
        found.append(rows[admissible(sketch, rows)])
    return np.concatenate(found)


__all__ = [
    "as_candidate",
    "crossover",
    "enumerate_all",
    "mutate",
    "mutate_choices",
    "random_choices",
    "sample",
    "sizes_of",
]
