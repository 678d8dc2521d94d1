"""An acyclic graph whose nodes may be merged as long as it stays acyclic.

Every node has a place in a topological order. Merging two nodes looks only at what is between them in that order, and
rearranges no more (after Pearce and Kelly). Nodes with too much between them are refused: a merge takes constant time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

LIMIT = 512
"""The most edges that a search follows."""


@dataclass(eq=False)
class Node:
    """A node, which comes before those that follow it."""

    order: int
    before: dict[Node, None] = field(default_factory=dict["Node", None], repr=False)
    after: dict[Node, None] = field(default_factory=dict["Node", None], repr=False)

    def connect(self, successor: Node) -> None:
        """Adds an edge to a node that is later in the order."""
        assert self.order < successor.order
        self.after[successor] = None
        successor.before[self] = None


N = TypeVar("N", bound=Node)


def merge(first: N, second: N) -> N | None:
    """Merges two nodes, `first` the earlier; gives the one of them that then stands for both. None if that would make
    a cycle, or if it would take long to find out.
    """
    assert first.order < second.order
    leading = _between(second, first, backwards=True)
    if leading is None:
        return None
    if leading:
        following = _between(first, second, backwards=False)
        if following is None:
            return None
        _rearrange(first, second, leading, following)
    if len(first.before) + len(first.after) >= len(second.before) + len(second.after):
        _absorb(first, second)
        return first
    second.order = first.order
    _absorb(second, first)
    return second


def _between(start: Node, end: Node, *, backwards: bool) -> list[Node] | None:
    """The nodes that lead to `start` (or that it leads to), on its side of `end`; None if `end` is reached by way of
    one of them, or the search takes long."""
    found: dict[Node, None] = {}
    neighbours = start.before if backwards else start.after
    budget = LIMIT - len(neighbours)
    if budget < 0:
        return None
    stack = [node for node in neighbours if node is not end]
    while stack:
        node = stack.pop()
        if node is end:
            return None
        if node in found or (node.order < end.order if backwards else node.order > end.order):
            continue
        found[node] = None
        neighbours = node.before if backwards else node.after
        budget -= len(neighbours)
        if budget < 0:
            return None
        stack.extend(neighbours)
    return list(found)


def _rearrange(first: Node, second: Node, leading: list[Node], following: list[Node]) -> None:
    """Puts what leads to `second` in front of `first`, and what follows `first` behind it."""
    leading = sorted(leading, key=lambda node: node.order)
    following = sorted(following, key=lambda node: node.order)
    places = sorted(node.order for node in (*leading, first, second, *following))
    for node, place in zip((*leading, first), places, strict=False):
        node.order = place
    for node, place in zip(reversed(following), reversed(places), strict=False):
        node.order = place


def _absorb(kept: Node, gone: Node) -> None:
    """Gives the edges of `gone` to `kept`."""
    for node in gone.before:
        node.after.pop(gone)
        if node is not kept:
            node.after[kept] = None
            kept.before[node] = None
    for node in gone.after:
        node.before.pop(gone)
        if node is not kept:
            node.before[kept] = None
            kept.after[node] = None
    gone.before, gone.after = {}, {}
