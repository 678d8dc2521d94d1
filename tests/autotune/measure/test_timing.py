"""Bursts and rounds: what counts is what nobody disturbs, and no repetition during which the process did not run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from math import exp, log
from statistics import median

import pytest
from stepwell.autotune.measure.disturbance import Repetition, Sensitivity, undisturbed
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


class Core:
    """A core on which everything takes longer now and then, and a clock."""

    def __init__(self, seed: int) -> None:
        self.clock = FakeClock()
        self.random = random.Random(seed)
        self.until, self.pace = 0.0, 1.0

    def slowdown(self) -> float:
        """How many times longer things take at the moment: for some milliseconds the same."""
        while self.clock.now >= self.until:
            self.until += self.random.uniform(0.02, 0.1)
            self.pace = self.random.choice([1.0, 1.3, 1.5, 1.7])
        return self.pace

    def call(self, seconds: float, sensitivity: float = 1.0) -> Calls:
        def lengths() -> Iterator[float]:
            while True:
                yield seconds * self.slowdown() ** sensitivity * self.random.uniform(1.0, 1.02)

        return self.clock.call(lengths())

    def yardstick(self) -> Yardstick:
        return Yardstick(self.call(1e-5), self.clock.wall, shortest=1.01e-5)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("sensitivity", [0.0, 0.3, 1.0])
def test_what_slows_the_yardstick_down_is_taken_away(seed: int, sensitivity: float):
    core = Core(seed)
    true = [1e-3 * (1 + 0.03 * number) for number in range(12)]
    candidates = [Timed(core.call(each, sensitivity)) for each in true]
    found = time_in_rounds(candidates, Effort(), core.clock, yardstick=core.yardstick())
    # One batch says much about how sensitive candidates are, and the next one more.
    assert found.slope == pytest.approx(sensitivity, abs=0.25)
    candidates = [Timed(core.call(each, sensitivity)) for each in true]
    found = time_in_rounds(candidates, Effort(), core.clock, yardstick=core.yardstick(), sensitivity=found)
    assert found.slope == pytest.approx(sensitivity, abs=0.15)
    wrong = [abs(log(each.seconds / (1.01 * seconds))) for each, seconds in zip(candidates, true, strict=True)]
    assert max(wrong) < 0.12 and median(wrong) < 0.03


def test_no_time_is_longer_than_the_shortest():
    core = Core(0)
    candidate = Timed(core.call(1e-3))
    time_in_rounds([candidate], Effort(), core.clock, yardstick=core.yardstick())
    assert max(candidate.times) <= min(each.seconds for each in candidate.repetitions)
    assert len(candidate.times) == candidate.bursts


@pytest.mark.parametrize(("pace", "bursts"), [(1.0, 6), (1.4, 18)])
def test_what_seems_the_fastest_is_looked_at_until_it_was(pace: float, bursts: int):
    """Where the core is never calm, what candidates would take is only estimated."""
    clock = FakeClock()
    yardstick = Yardstick(clock.call(forever(pace * 1e-5)), clock.wall, shortest=1e-5)
    fast, slow = (Timed(clock.call(forever(pace * seconds))) for seconds in (1e-3, 1.1e-3))
    known = Sensitivity(20.0, 20.0)
    time_in_rounds([fast, slow], Effort(), clock, yardstick=yardstick, best_seconds=1e-3, sensitivity=known)
    assert (fast.bursts, slow.bursts) == (bursts, 6)


def test_how_sensitive_a_kernel_is_is_learned_from_noisy_readings():
    """Readings err by a fifth: a line through them would be too flat, since they differ more than times do."""
    generator = random.Random(1)

    def repetition(burst: int) -> Repetition:
        slow = generator.choice([0.0, 0.2, 0.4])
        before, after = (1e-5 * exp(slow + generator.gauss(0.0, 0.2)) for _ in range(2))
        return Repetition(burst, 1e-3 * exp(slow), (before, after))

    candidates = [[repetition(number) for number in range(40)] for _ in range(40)]
    assert Sensitivity().after(candidates).slope == pytest.approx(1.0, abs=0.1)


def test_without_readings_nothing_is_learned():
    repetitions = [Repetition(0, 0.001), Repetition(1, 0.002), Repetition(1, 0.0012)]
    known = Sensitivity()
    assert known.after([repetitions]) == known
    assert undisturbed(repetitions, 1e-5, known) == pytest.approx((0.001, 0.001))
    assert undisturbed([], 1e-5, known) == ()


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
    assert [each.seconds for each in candidate.repetitions] == pytest.approx([0.002, 0.002])
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
    readings = iter([1e-5] * 4)
    yardstick = Yardstick(lambda: setattr(clock, "now", clock.now + next(readings, 1e-5 * share)), clock.wall)
    yardstick.reading()
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


def test_a_reading_is_the_middle_one_and_the_first_does_not_count():
    clock = FakeClock()
    yardstick = Yardstick(clock.call([9e-5, 1e-5, 8e-5, 1.1e-5, 9e-5, 2e-5, 2e-5, 2e-5]), clock.wall)
    assert yardstick.reading() == pytest.approx(1.1e-5)
    assert yardstick.reading() == pytest.approx(2e-5)
    assert yardstick.shortest == pytest.approx(1.1e-5)
