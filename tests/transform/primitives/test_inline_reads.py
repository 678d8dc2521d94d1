"""Equal reads of a producer share one copy of it."""

from __future__ import annotations

import numpy as np
from stepwell import te
from stepwell.dialects.loop import ReadOp
from stepwell.te.tensors import Tensor
from stepwell.tools import driver


def squares(count: int) -> list[Tensor]:
    first = te.placeholder((5,), "float32", name="x")
    last = first

    def square(tensor: Tensor) -> Tensor:
        return te.compute((5,), lambda i: tensor[i] * tensor[i], name="square")

    for _ in range(count):
        last = square(last)
    return [first, last]


def test_a_chain_of_squares_stays_a_chain() -> None:
    module = driver.lower(squares(12), until="apply-schedules")
    assert sum(isinstance(op, ReadOp) for op in module.walk()) <= 2
    x = np.asarray([-1, 0, 1, 1.001, 0.5], np.float32)
    expected = x.astype(np.float64) ** (2**12)
    np.testing.assert_allclose(driver.compile(squares(12), threads=1)(x), expected, rtol=1e-3)
