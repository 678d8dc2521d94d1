"""Where buffers lie that live for known times: offsets into one stretch of memory (dynamic storage allocation).

To find the least memory is NP-hard. Greedy placement in one of a few orders reaches the lower bound, the most bytes
that live at one time, on nearly all programs; where none does, a bounded local search goes on from the best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TypeAlias

from ....dialects.loop import BUFFER_ALIGNMENT

ALIGNMENT = BUFFER_ALIGNMENT
"""What offsets are multiples of."""
MAX_PAIRS = 1 << 20
"""The most pairs of buffers that live together for which they are placed in several orders."""
SEARCH_STEPS = 1 << 16
"""How many requests a search looks at, at most."""


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
    for order in _orders(rounded):
        for fit in (_best_gap, _first_gap):
            best = min(best, _place(rounded, neighbours, order, fit), key=lambda packing: packing.peak)
            if best.peak == bound:
                return best
    low, step = bound, aligned(bound // 50)
    while low < best.peak:
        found = _search(rounded, low, SEARCH_STEPS)
        if found is not None:
            return found
        low += step
        step *= 2
    return best


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


# Search


def _search(requests: Sequence[Request], capacity: int, budget: int) -> Packing | None:
    """Places requests when they start, at either end of some gap below `capacity`; where none fits, another place is
    tried for the last one that is in the way. None if there is no such packing, or the budget of steps is spent."""
    order = sorted(range(len(requests)), key=lambda i: (requests[i].start, -requests[i].size))
    offsets = [0] * len(requests)
    live_at: list[list[int]] = []
    choices: list[list[int]] = []
    blame: list[set[int]] = []
    while len(choices) < len(order):
        depth = len(choices)
        request = requests[order[depth]]
        before = [*live_at[-1], depth - 1] if depth else []
        live = [d for d in before if requests[order[d]].end >= request.start]
        taken = sorted((offsets[order[d]], offsets[order[d]] + requests[order[d]].size) for d in live)
        live_at.append(live)
        choices.append(_ends_of_gaps(taken, request.size, capacity))
        blame.append(set(live))
        budget -= 1 + len(live)
        while not choices[-1]:
            guilty = blame[-1]
            if not guilty or budget < 0:
                return None
            last = max(guilty)
            del choices[last + 1 :], live_at[last + 1 :], blame[last + 1 :]
            blame[last] |= guilty - {last}
            budget -= 1
        offsets[order[len(choices) - 1]] = choices[-1].pop()
    return Packing(tuple(offsets), capacity)


def _ends_of_gaps(taken: Sequence[tuple[int, int]], size: int, capacity: int) -> list[int]:
    """Where some bytes fit beside what is taken, the smallest gap last."""
    places: list[tuple[int, int]] = []
    end = 0
    for low, high in (*taken, (capacity, capacity)):
        if low - end >= size:
            places.append((end - low, low - size))
            if low - end > size:
                places.append((end - low, end))
        end = max(end, high)
    return [offset for _, offset in sorted(places, key=lambda place: place[0])]
