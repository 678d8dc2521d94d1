"""Where buffers lie that live for known times: offsets into one stretch of memory (dynamic storage allocation).

To find the least memory is NP-hard. Greedy placement in one of a few orders reaches the lower bound, the most bytes
that live at one time, on nearly all programs; where none does, a bounded local search goes on from the best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TypeAlias

ALIGNMENT = 64
"""What offsets are multiples of: a cache line, and the widest vector."""
MAX_PAIRS = 1 << 20
"""The most pairs of buffers that live together for which they are placed in several orders."""
SEARCH_STEPS = 1 << 19
"""How many pairs the local search looks at, at most."""


@dataclass(frozen=True, slots=True)
class Request:
    """Some bytes that are needed from time `start` to time `end`, inclusive."""

    start: int
    end: int
    size: int


@dataclass(frozen=True, slots=True)
class Packing:
    """An offset for each request, and how many bytes there are in all."""

    offsets: tuple[int, ...]
    peak: int


Neighbours: TypeAlias = Sequence[Sequence[int]]
Fit: TypeAlias = Callable[[Sequence[tuple[int, int]], int], int]
"""Chooses an offset between stretches that are taken, which are in order."""


def aligned(size: int) -> int:
    """A size rounded up to a multiple of the alignment; nothing takes no room."""
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


def live_bytes(requests: Sequence[Request]) -> int:
    """The most bytes that live at one time: no packing needs less."""
    changes: dict[int, int] = {}
    for request in requests:
        changes[request.start] = changes.get(request.start, 0) + request.size
        changes[request.end + 1] = changes.get(request.end + 1, 0) - request.size
    live = most = 0
    for time in sorted(changes):
        live += changes[time]
        most = max(most, live)
    return most


def pack(requests: Sequence[Request]) -> Packing:
    """Offsets at which requests that live together do not overlap, multiples of the alignment."""
    packing = _pack_aligned([Request(each.start, each.end, aligned(each.size)) for each in requests])
    ends = (offset + max(each.size, 1) for offset, each in zip(packing.offsets, requests, strict=True))
    return Packing(packing.offsets, max(ends, default=0))


def _pack_aligned(rounded: Sequence[Request]) -> Packing:
    bound = live_bytes(rounded)
    best = _in_time_order(rounded)
    if best.peak == bound:
        return best
    neighbours = _neighbours(rounded)
    if neighbours is None:
        return best
    best_order = sorted(range(len(rounded)), key=lambda i: rounded[i].start)
    for order in _orders(rounded):
        for fit in (_best_gap, _first_gap):
            found = _place(rounded, neighbours, order, fit)
            if found.peak < best.peak:
                best, best_order = found, order
            if best.peak == bound:
                return best
    return _improve(rounded, neighbours, best, best_order, bound)


# One pass over time


def _in_time_order(requests: Sequence[Request]) -> Packing:
    """Each request gets the smallest gap that fits when it starts, as a heap would do."""
    offsets = [0] * len(requests)
    free: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    peak = 0
    for index in sorted(range(len(requests)), key=lambda i: (requests[i].start, -requests[i].size)):
        request = requests[index]
        while ends and ends[0][0] < request.start:
            _, ended = heappop(ends)
            free = _with_gap(free, offsets[ended], requests[ended].size)
        gaps = [(size, position) for position, (_, size) in enumerate(free) if size >= request.size]
        if gaps:
            size, position = min(gaps)
            offset = free[position][0]
            rest = [(offset + request.size, size - request.size)] if size > request.size else []
            free[position : position + 1] = rest
        elif free and free[-1][0] + free[-1][1] == peak:
            offset = free.pop()[0]
        else:
            offset = peak
        offsets[index] = offset
        peak = max(peak, offset + request.size)
        heappush(ends, (request.end, index))
    return Packing(tuple(offsets), peak)


def _with_gap(free: Sequence[tuple[int, int]], offset: int, size: int) -> list[tuple[int, int]]:
    """Gaps by offset with another one, joined with those beside it."""
    gaps: list[tuple[int, int]] = []
    for start, length in sorted([*free, (offset, size)]):
        if gaps and gaps[-1][0] + gaps[-1][1] == start:
            gaps[-1] = (gaps[-1][0], gaps[-1][1] + length)
        else:
            gaps.append((start, length))
    return gaps


# In orders of importance


def _neighbours(requests: Sequence[Request]) -> list[list[int]] | None:
    """For each request, those that live at some of its time; None if they are too many."""
    found: list[list[int]] = [[] for _ in requests]
    live: list[int] = []
    pairs = 0
    for index in sorted(range(len(requests)), key=lambda i: requests[i].start):
        start = requests[index].start
        live = [other for other in live if requests[other].end >= start]
        pairs += len(live)
        if pairs > MAX_PAIRS:
            return None
        for other in live:
            found[other].append(index)
        found[index] = [*live]
        live.append(index)
    return found


def _orders(requests: Sequence[Request]) -> Iterator[list[int]]:
    """Orders to place requests in: what is hard to place first."""

    def length(i: int) -> int:
        return requests[i].end - requests[i].start + 1

    everything = range(len(requests))
    yield sorted(everything, key=lambda i: (-requests[i].size, requests[i].start))
    yield sorted(everything, key=lambda i: (-length(i), -requests[i].size, requests[i].start))
    yield sorted(everything, key=lambda i: (-requests[i].size * length(i), requests[i].start))
    yield sorted(everything, key=lambda i: (requests[i].start, -requests[i].size))
    yield sorted(everything, key=lambda i: (-requests[i].end, -requests[i].size))
    yield _by_pressure(requests)


def _by_pressure(requests: Sequence[Request]) -> list[int]:
    """The requests of the time at which most bytes live first, the largest of them first, and so on."""
    times = sorted({request.start for request in requests})
    starting: dict[int, list[int]] = {}
    for index, request in enumerate(requests):
        starting.setdefault(request.start, []).append(index)
    live: list[int] = []
    at: list[tuple[int, list[int]]] = []
    for time in times:
        live = [index for index in live if requests[index].end >= time] + starting[time]
        at.append((sum(requests[index].size for index in live), live))
    order: dict[int, None] = {}
    for _, together in sorted(at, key=lambda entry: -entry[0]):
        order.update(dict.fromkeys(sorted(together, key=lambda i: -requests[i].size)))
    return list(order)


def _place(requests: Sequence[Request], neighbours: Neighbours, order: Sequence[int], fit: Fit) -> Packing:
    offsets = [-1] * len(requests)
    peak = 0
    for index in order:
        taken = sorted(
            (offsets[other], offsets[other] + requests[other].size)
            for other in neighbours[index]
            if offsets[other] >= 0
        )
        size = requests[index].size
        offsets[index] = offset = fit(taken, size)
        peak = max(peak, offset + size)
    return Packing(tuple(offsets), peak)


def _first_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    end = 0
    for low, high in taken:
        if low - end >= size:
            return end
        end = max(end, high)
    return end


def _best_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    end = 0
    smallest: tuple[int, int] | None = None
    for low, high in taken:
        room = low - end
        if room >= size and (smallest is None or room < smallest[0]):
            smallest = room, end
        end = max(end, high)
    return end if smallest is None else smallest[1]


# Local search


def _improve(
    requests: Sequence[Request], neighbours: Neighbours, best: Packing, order: list[int], bound: int
) -> Packing:
    """What lies on top is placed before all that lives with it, again and again, as long as steps are left."""
    cost = len(requests) + 2 * sum(map(len, neighbours))
    current = best
    tried: set[int] = set()
    for _ in range(SEARCH_STEPS // cost):
        top = next((i for i in order if current.offsets[i] + requests[i].size == current.peak and i not in tried), None)
        if top is None or best.peak == bound:
            break
        tried.add(top)
        places = {index: place for place, index in enumerate(order)}
        first = min(places[i] for i in (top, *neighbours[top]))
        moved = [*order[:first], top, *(index for index in order[first:] if index != top)]
        found = min((_place(requests, neighbours, moved, fit) for fit in (_best_gap, _first_gap)), key=lambda p: p.peak)
        if found.peak <= current.peak:
            current, order = found, moved
            if found.peak < best.peak:
                best = found
                tried.clear()
    return best
