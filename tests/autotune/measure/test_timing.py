"""Repetitions: as many as are needed, and none during which the process did not run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from stepwell.autotune.measure.timing import Effort, relative_error, time_call


class FakeClock:
    """Time passes when calls are made: each takes a time of its own, and as much of the processor's."""

    def __init__(self, calls: Iterable[float | tuple[float, float]]):
        self.now = self.used = 0.0
        self.calls: Iterator[float | tuple[float, float]] = iter(calls)
        self.made = 0

    def wall(self) -> float:
        return self.now

    def processor(self) -> float:
        return self.used

    def call(self) -> None:
        self.made += 1
        each = next(self.calls)
        wall, processor = each if isinstance(each, tuple) else (each, each)
        self.now += wall
        self.used += processor


def forever(each: float | tuple[float, float]) -> Iterator[float | tuple[float, float]]:
    while True:
        yield each


def timed(clock: FakeClock, *, threads: int = 1, best_seconds: float = float("inf")) -> tuple[float, ...]:
    return time_call(clock.call, Effort(), threads=threads, best_seconds=best_seconds, clock=clock)


def test_what_does_not_vary_is_repeated_three_times():
    clock = FakeClock(forever(0.002))
    assert timed(clock) == pytest.approx((0.002,) * 3)
    assert clock.made == 3


def test_what_varies_is_repeated_until_the_time_is_spent():
    def noisy() -> Iterator[float]:
        while True:
            yield from (0.001, 0.0015, 0.002)

    clock = FakeClock(noisy())
    assert 20 <= len(timed(clock)) <= 21
    assert clock.now == pytest.approx(0.03, abs=0.002)


def test_long_calls_are_repeated_three_times():
    assert len(timed(FakeClock([0.1, 0.12, 0.09]))) == 3


def test_short_calls_are_repeated_within_a_repetition():
    clock = FakeClock(forever(1e-6))
    times = timed(clock)
    assert times == pytest.approx((1e-6,) * 3)
    assert clock.made > 600


def test_one_repetition_is_enough_for_what_is_slow():
    clock = FakeClock(forever(0.002))
    assert len(timed(clock, best_seconds=0.0013)) == 1
    assert len(timed(FakeClock(forever(0.002)), best_seconds=0.0014)) == 3


def test_one_short_repetition_is_not_enough_for_what_looks_slow():
    clock = FakeClock(forever(2e-5))
    assert timed(clock, best_seconds=1e-6) == pytest.approx((2e-5,) * 3)


def test_short_calls_that_share_the_core_are_measured_again():
    """Each of them is disturbed for less than clocks are off, but not all of them together."""

    def shared() -> Iterator[float | tuple[float, float]]:
        for _ in range(200):
            yield (2e-5, 8e-6)
        yield from forever(8e-6)

    assert timed(FakeClock(shared())) == pytest.approx((8e-6,) * 3)


def test_what_a_stop_has_interrupted_is_measured_again():
    clock = FakeClock([0.002, (60.0, 0.002), 0.002, (0.5, 0.0), 0.002])
    assert timed(clock) == pytest.approx((0.002,) * 3)


def test_a_slow_call_that_was_interrupted_is_not_the_only_one():
    clock = FakeClock([(60.0, 0.002), 0.002, 0.002, 0.002])
    assert timed(clock, best_seconds=0.002) == pytest.approx((0.002,) * 3)


def test_others_have_the_core_all_the_time():
    times = timed(FakeClock(forever((0.006, 0.002))))
    assert times == pytest.approx((0.002,) * len(times)) and len(times) == Effort().patience


def test_several_threads_are_calm_when_they_can_be():
    clock = FakeClock((0.01 + 0.001 * index, 0.005) for index in range(100))
    times = timed(clock, threads=2)
    assert times == pytest.approx((0.01, 0.011, 0.012, 0.013, 0.014))


def test_calls_from_cold_caches():
    clock = FakeClock(forever(1e-6))
    emptied: list[int] = []
    between: Callable[[], None] = lambda: emptied.append(clock.made)  # noqa: E731
    times = time_call(clock.call, Effort(flush_bytes=1), between=between, clock=clock)
    assert emptied == list(range(len(times))) and len(times) == 3


def test_the_error_of_medians():
    assert relative_error([1.0]) == float("inf")
    assert relative_error([1.0, 1.0, 1.0]) == 0
    assert relative_error([1.0, 1.1, 0.9] * 10) == pytest.approx(1.2533 * 1.4826 * 0.1 / 30**0.5, rel=1e-6)
