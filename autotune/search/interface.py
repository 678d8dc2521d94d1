"""What searchers have in common: they propose candidates, and are told what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..models.interface import Doubt
from ..space.sketch import Candidate, Choices, Space
from ..trial import Trial

Scores: TypeAlias = NDArray[np.float64]

Outcome: TypeAlias = "tuple[Candidate, Trial]"
"""A candidate, and what came out."""


class Ranking(Protocol):
    """Says how promising candidates are, and learns from trials."""

    def scores(self, sketch: int, choices: Choices) -> Scores:
        """How promising candidates of a sketch are: larger is better; minus infinity is what cannot work."""
        ...

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Learns what became of candidates."""
        ...

    def open_more(self, *, all: bool = False) -> None:
        """Before each round: the most promising sketch that is not ranked yet is from now on, or all of them are."""
        ...

    def error(self) -> float:
        """How far off scores are likely to be, for candidates that are unlike those it was told of."""
        ...

    def doubt(self, candidates: Sequence[Candidate]) -> Doubt | None:
        """How far off the scores of some candidates may be, if more is known of that than `error` says."""
        ...


class Searcher(Protocol):
    """Decides what is measured next. Two with one seed that are told the same propose the same."""

    def propose(self, count: int) -> list[Candidate]:
        """Up to so many candidates, none of which was proposed or told before; none if there are no more."""
        ...

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Learns what became of candidates, its own or anybody's."""
        ...


class SearcherFactory(Protocol):
    """Makes a searcher of a space."""

    def __call__(self, space: Space, *, seed: int, ranking: Ranking | None) -> Searcher: ...
