"""Kernels that share a budget: who gets the next trials."""

from __future__ import annotations

from stepwell.autotune.search.budget import WARM_UP, Standing, next_kernel


def standing(calls: int, times: list[float], *, purposes: tuple[str, ...] = (), operations: int = 10**6) -> Standing:
    found = Standing(calls, operations, operations // 100, purposes)
    for seconds in times:
        found.add(seconds)
    return found


def test_everybody_warms_up_what_takes_long_first():
    short, long = standing(1, []), standing(10, [])
    order: list[int] = []
    while len(short.best) < WARM_UP or len(long.best) < WARM_UP:
        at = next_kernel([short, long])
        assert at is not None
        order.append(at)
        [short, long][at].add(1.0)
    assert order[:4] == [1, 0, 1, 0]


def test_who_is_called_more_often_gets_more():
    often, seldom = standing(100, [1e-3] * 16), standing(1, [1e-3] * 16)
    assert next_kernel([seldom, often]) == 1


def test_who_still_gains_gets_more():
    gaining = standing(1, [1e-3 / (1 + n) for n in range(16)])
    stuck = standing(1, [1e-3 / 16] * 16)
    assert next_kernel([stuck, gaining]) == 1


def test_gain_diminishes():
    # Both are alike, so that trials are shared.
    kernels = [standing(1, [1e-3] * 10), standing(1, [1e-3] * 10)]
    for _ in range(40):
        at = next_kernel(kernels)
        assert at is not None
        kernels[at].add(1e-3)
    assert abs(len(kernels[0].best) - len(kernels[1].best)) <= 1


def test_what_is_far_from_the_others_speed_has_more_to_gain():
    slow, fast = standing(1, [1e-3] * 16, operations=10**6), standing(1, [1e-3] * 16, operations=10**8)
    assert next_kernel([fast, slow]) == 1


def test_an_algorithm_that_is_far_behind_is_not_tuned():
    fast, slow = (standing(1, [seconds] * 16, purposes=("c",)) for seconds in (1e-3, 1e-2))
    order: list[int] = []
    for _ in range(30):
        at = next_kernel([fast, slow])
        assert at is not None
        order.append(at)
        [fast, slow][at].add(1.0)
    assert order.count(1) <= 3
    # Were it of use elsewhere, it would have the most to gain.
    assert next_kernel([fast, standing(1, [1e-2] * 16)]) == 1


def test_who_is_done_gets_nothing():
    kernels = [standing(100, [1e-3] * 16), standing(1, [1e-3] * 16)]
    kernels[0].done = True
    assert next_kernel(kernels) == 1
    kernels[1].done = True
    assert next_kernel(kernels) is None
