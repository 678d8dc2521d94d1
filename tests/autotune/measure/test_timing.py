"""Bursts and rounds: the shortest time counts, and no repetition during which the process did not run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from stepwell.autotune.measure.timing import Effort, Timed, time_in_rounds
from stepwell.autotune.measure.yardstick import Yardstick

Lengths = Iterable[float | tuple[float, float]]


class FakeClock:
    """Time passes when calls are made: each takes a time of its own, and as much of the processor's."""

    def __init__(self) -> None:
        self.now = self.used = 0.0

    def wall(self) -> float:
        return self.now

    def processor(self) -> float:
        return self.used

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def call(self, lengths: Lengths) -> Calls:
        return Calls(self, iter(lengths))


class Calls:
    """A call whose times are known."""

    def __init__(self, clock: FakeClock, lengths: Iterator[float | tuple[float, float]]) -> None:
        self.clock, self.lengths = clock, lengths
        self.made = 0

    def __call__(self) -> None:
        self.made += 1
        each = next(self.lengths)
        wall, processor = each if isinstance(each, tuple) else (each, each)
        self.clock.now += wall
        self.clock.used += processor


def forever(*each: float | tuple[float, float]) -> Iterator[float | tuple[float, float]]:
    while True:
        yield from each


def timed(lengths: Lengths, *, threads: int = 1, best_seconds: float = float("inf")) -> tuple[float, ...]:
    """The times of the only candidate."""
    clock = FakeClock()
    candidate = Timed(clock.call(lengths), threads)
    time_in_rounds([candidate], Effort(), clock, best_seconds=best_seconds)
    return candidate.times


def test_the_best_has_two_times_as_many_bursts():
    assert timed(forever(0.002)) == pytest.approx((0.002,) * 6)
    assert timed(forever(2e-5), best_seconds=1e-5) == pytest.approx((2e-5,) * 3)


def test_a_burst_is_as_long_as_it_is():
    clock = FakeClock()
    call = clock.call(forever(0.001))
    Timed(call).burst(Effort(), clock)
    assert call.made == 3
    call = clock.call(forever(0.1))
    Timed(call).burst(Effort(), clock)
    assert call.made == 1


def test_the_shortest_time_counts():
    assert timed(forever(0.0015, 0.001, 0.002)) == pytest.approx((0.001,) * 6, rel=0.6)
    assert min(timed(forever(0.0015, 0.001, 0.002))) == pytest.approx(0.001)


def test_short_calls_are_repeated_within_a_repetition():
    clock = FakeClock()
    call = clock.call(forever(1e-6))
    candidate = Timed(call)
    time_in_rounds([candidate], Effort(), clock)
    assert candidate.times == pytest.approx((1e-6,) * 6)
    assert candidate.calls > 150 and call.made > 6 * 2500


def test_candidates_take_turns():
    clock = FakeClock()
    made: list[int] = []

    def calls(number: int, seconds: float) -> Callable[[], None]:
        call = clock.call(forever(seconds))
        return lambda: (made.append(number), call())[1]

    candidates = [Timed(calls(0, 0.004)), Timed(calls(1, 0.005)), Timed(calls(2, 0.02))]
    time_in_rounds(candidates, Effort(), clock)
    assert made == [0, 1, 2] + [0, 1] * 5
    assert [each.seconds for each in candidates] == pytest.approx([0.004, 0.005, 0.02])


def test_a_busy_time_meets_all_candidates_and_none_of_them_always():
    """Somebody slows the core down for ten milliseconds in twenty."""
    clock = FakeClock()

    def busy(seconds: float) -> Iterator[float]:
        while True:
            yield seconds * (1.7 if clock.now % 0.02 < 0.01 else 1.0)

    candidates = [Timed(clock.call(busy(1e-4 * (1 + 0.1 * number)))) for number in range(8)]
    time_in_rounds(candidates, Effort(), clock)
    assert [each.seconds for each in candidates] == pytest.approx([1e-4 * (1 + 0.1 * n) for n in range(8)])


def test_what_never_had_the_core_to_itself_has_more_bursts():
    clock = FakeClock()
    slow_until = 0.1

    def pace() -> float:
        return 1.7 if clock.now < slow_until else 1.0

    def lengths(seconds: float) -> Iterator[float]:
        while True:
            yield seconds * pace()

    yardstick = Yardstick(clock.call(lengths(1e-5)), clock.wall)
    clock.now = 1.0
    assert yardstick.is_calm()
    clock.now = 0.0
    candidate = Timed(clock.call(lengths(0.001)))
    time_in_rounds([candidate], Effort(rounds=1, more_rounds=100), clock, yardstick=yardstick)
    assert candidate.seconds == pytest.approx(0.001) and candidate.calm == 1
    slow_until = float("inf")
    candidate = Timed(clock.call(lengths(0.001)))
    time_in_rounds([candidate], Effort(), clock, yardstick=yardstick)
    assert candidate.calm == 0 and len(candidate.times) == 2 * Effort().rounds + Effort().more_rounds


def test_one_burst_is_enough_for_what_is_slow_and_long():
    assert len(timed(forever(0.002), best_seconds=0.0013)) == 1
    assert len(timed(forever(0.002), best_seconds=0.0014)) == 6


def test_short_calls_that_share_the_core_are_measured_again():
    """Each of them is disturbed for less than clocks are off, but not all of them together."""

    def shared() -> Iterator[float | tuple[float, float]]:
        for _ in range(200):
            yield (2e-5, 8e-6)
        yield from forever(8e-6)

    assert timed(shared()) == pytest.approx((8e-6,) * 6)


def test_what_a_stop_has_interrupted_is_measured_again():
    clock = FakeClock()
    candidate = Timed(clock.call([0.002, (60.0, 0.002), (0.5, 0.0), 0.002]))
    candidate.burst(Effort(seconds=0.005), clock)
    assert candidate.times == pytest.approx((0.002,))
    assert timed([(60.0, 0.004), *[0.004] * 6], best_seconds=0.004) == pytest.approx((0.004,) * 6)


def test_others_have_the_core_all_the_time():
    assert timed(forever((0.006, 0.002))) == pytest.approx((0.002,) * 6)


def test_several_threads_have_no_processor_time_of_one_call():
    lengths = [(0.01 + 0.001 * index, 0.005) for index in range(20)]
    assert timed(forever(*lengths), threads=2) == pytest.approx((0.01,) * 6)


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("seconds", [0.03, 0.1, 1.0, 4.0])
def test_long_calls_are_not_called_for_minutes(seconds: float, busy: bool):
    """A right candidate must end in time, also where four others share its core, and it is never calm."""
    clock = FakeClock()
    share = 5 if busy else 1
    readings = iter([1e-5] * 2)
    yardstick = Yardstick(lambda: setattr(clock, "now", clock.now + next(readings, 1e-5 * share)), clock.wall)
    assert yardstick.is_calm()
    candidate = Timed(clock.call(forever((seconds * share, seconds))))
    time_in_rounds([candidate], Effort(), clock, yardstick=yardstick)
    assert candidate.times == pytest.approx((seconds,) * len(candidate.times))
    assert clock.used <= Effort().enough + max(Effort().long_burst + 0.1, seconds)
    assert len(candidate.times) >= (1 if seconds > 2.0 else 2)


def test_calls_from_cold_caches():
    clock = FakeClock()
    call = clock.call(forever(1e-6))
    emptied: list[int] = []
    candidate = Timed(call, between=lambda: emptied.append(call.made))
    candidate.burst(Effort(seconds=3e-6), clock)
    assert emptied == list(range(call.made)) and call.made >= 3


def test_clocks_that_go_up_and_down_are_calm():
    clock = FakeClock()
    yardstick = Yardstick(clock.call([1e-5, 1e-5, 1.1e-5, 1.15e-5, 1e-5, 1.1e-5]), clock.wall)
    assert all(yardstick.is_calm() for _ in range(3))
