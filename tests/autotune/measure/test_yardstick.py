"""Others who slow a core down: their time is waited out, and not measured, as long as there is patience."""

from __future__ import annotations

import pytest
from stepwell.autotune.measure.timing import Effort, time_call
from stepwell.autotune.measure.yardstick import LEAST_PATIENCE, PATIENCE, Yardstick


class Machine:
    """A core that is slower while somebody else is busy, between some times."""

    def __init__(self, *busy: tuple[float, float]) -> None:
        self.busy = busy
        self.now = 0.0

    def run(self, seconds: float) -> None:
        slow = any(start <= self.now < end for start, end in self.busy)
        self.now += seconds * (1.7 if slow else 1.0)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wall(self) -> float:
        return self.now

    def processor(self) -> float:
        return self.now

    def yardstick(self) -> Yardstick:
        return Yardstick(lambda: self.run(1e-5), self.wall, self.sleep)

    def timed(self, yardstick: Yardstick, seconds: float = 0.002) -> tuple[float, ...]:
        return time_call(lambda: self.run(seconds), Effort(), clock=self, yardstick=yardstick)


def test_a_busy_time_is_waited_out():
    machine = Machine((0.1, 0.6))
    yardstick = machine.yardstick()
    assert machine.timed(yardstick) == pytest.approx((0.002,) * 3)
    machine.now = 0.2
    assert machine.timed(yardstick) == pytest.approx((0.002,) * 3)
    assert 0.6 <= machine.now < 0.7
    assert yardstick.patience == PATIENCE


def test_a_repetition_that_met_a_busy_time_is_made_again():
    machine = Machine((0.05, 0.3))
    yardstick = machine.yardstick()
    assert yardstick.is_calm()
    machine.now = 0.0499
    times = time_call(lambda: machine.run(0.01), Effort(), clock=machine, yardstick=yardstick)
    assert times == pytest.approx((0.01,) * 3)


def test_patience_ends_and_comes_back():
    machine = Machine((1.0, 100.0))
    yardstick = machine.yardstick()
    assert yardstick.is_calm()
    machine.now = 1.0
    waited: list[float] = []
    for _ in range(6):
        start = machine.now
        assert machine.timed(yardstick) == pytest.approx((0.0034,) * 3)
        waited.append(machine.now - start)
    assert waited[0] == pytest.approx(PATIENCE, abs=0.1)
    assert waited == sorted(waited, reverse=True)
    assert yardstick.patience == LEAST_PATIENCE
    machine.now = 100.0
    assert yardstick.is_calm() and yardstick.patience == PATIENCE


def test_clocks_that_go_up_and_down_are_calm():
    paces = iter([1.0, 1.0, 1.1, 1.15, 1.0, 1.1])
    machine = Machine()
    yardstick = Yardstick(lambda: machine.run(1e-5 * next(paces)), machine.wall, machine.sleep)
    assert all(yardstick.is_calm() for _ in range(3))
