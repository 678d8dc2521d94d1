"""Packing: nothing that lives together overlaps, and hardly more memory is taken than lives at one time."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stepwell.passes.loop.memory.packing import ALIGNMENT, Packing, Request, aligned, live_bytes, pack

REQUESTS = st.lists(
    st.builds(
        lambda start, length, size: Request(start, start + length, size),
        st.integers(0, 30),
        st.integers(0, 12),
        st.sampled_from([0, 1, 64, 100, 128, 4096, 5000, 100_000]) | st.integers(1, 1000),
    ),
    max_size=40,
)


def together(requests: Sequence[Request]) -> int:
    """The lower bound, where every request is rounded up."""
    return live_bytes([Request(each.start, each.end, aligned(each.size)) for each in requests])


def check(requests: Sequence[Request], packing: Packing) -> None:
    """Offsets are aligned, inside, and those that live together are apart."""
    assert len(packing.offsets) == len(requests)
    assert all(offset >= 0 and offset % ALIGNMENT == 0 for offset in packing.offsets)
    live: list[tuple[Request, int]] = []
    for new, offset in sorted(zip(requests, packing.offsets, strict=True), key=lambda pair: pair[0].start):
        live = [(request, at) for request, at in live if request.end >= new.start]
        for request, at in live:
            assert at + request.size <= offset or offset + new.size <= at
        live.append((new, offset))
        assert offset + new.size <= packing.peak


@given(REQUESTS)
def test_what_lives_together_is_apart(requests: list[Request]) -> None:
    packing = pack(requests)
    check(requests, packing)
    assert live_bytes(requests) <= packing.peak
    assert packing.peak <= sum(aligned(request.size) for request in requests)


@given(REQUESTS)
def test_the_bound_is_what_lives_at_some_time(requests: list[Request]) -> None:
    times = {time for request in requests for time in (request.start, request.end)}
    live = (sum(r.size for r in requests if r.start <= time <= r.end) for time in times)
    assert live_bytes(requests) == max(live, default=0)


@given(REQUESTS)
def test_packing_is_deterministic(requests: list[Request]) -> None:
    assert pack(requests) == pack(list(requests))


def residual_network(generator: random.Random, length: int, skips: float) -> list[Request]:
    """A chain of layers of sizes as networks have them; some results are used later again."""
    requests: list[Request] = []
    for layer in range(length):
        size = generator.choice([1, 2, 4, 8]) * generator.choice([49, 196, 784, 3136]) * 256
        last = layer + (generator.randint(2, 6) if generator.random() < skips else 1)
        requests.append(Request(layer, last, size))
    return requests


@pytest.mark.parametrize("skips", [0.0, 0.3, 0.8])
def test_networks_take_what_lives_at_one_time(skips: float) -> None:
    generator = random.Random(7)
    ratios: list[float] = []
    for _ in range(60):
        requests = residual_network(generator, generator.randint(5, 120), skips)
        packing = pack(requests)
        check(requests, packing)
        ratios.append(packing.peak / together(requests))
    assert max(ratios) <= 1.03
    assert sum(ratio <= 1 for ratio in ratios) >= 0.95 * len(ratios)


def test_a_transformer_layer_takes_what_lives_at_one_time() -> None:
    """What greedy placement does not reach: sizes and lifetimes of attention and the layers after it, thrice."""
    layer = [(0, 1, 1), (1, 2, 3), (2, 3, 3), (3, 4, 3), (4, 11, 3), (5, 6, 1), (6, 9, 1), (7, 8, 1), (8, 9, 1)]
    layer += [(9, 10, 2), (10, 13, 2), (11, 12, 1), (12, 13, 1), (13, 14, 1), (14, 15, 1), (15, 16, 1), (16, 17, 1)]
    layer += [(17, 19, 1), (18, 19, 4), (19, 20, 1), (20, 38, 1)]
    requests = [Request(21 * n + start, 21 * n + end, size << 18) for n in range(6) for start, end, size in layer]
    packing = pack(requests)
    check(requests, packing)
    assert packing.peak == live_bytes(requests)


def test_arbitrary_lifetimes_take_little_more() -> None:
    generator = random.Random(11)
    for _ in range(20):
        starts = [generator.randrange(100) for _ in range(100)]
        requests = [Request(s, s + generator.randint(0, 10), generator.randint(1, 10**5)) for s in starts]
        packing = pack(requests)
        check(requests, packing)
        assert packing.peak <= 1.15 * together(requests)


@pytest.mark.parametrize(("count", "length"), [(5000, 10), (3000, 10**6)])
def test_many_buffers_take_little_time(count: int, length: int) -> None:
    generator = random.Random(3)
    starts = [generator.randrange(count) for _ in range(count)]
    requests = [Request(s, s + generator.randint(0, length), generator.randint(1, 10**5)) for s in starts]
    start = time.process_time()
    packing = pack(requests)
    assert time.process_time() - start < 3
    assert packing.peak <= 1.1 * together(requests)
