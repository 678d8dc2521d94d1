"""A snapshot makes a kernel what it was, whatever was done to it, and what was done can be done again."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from stepwell.backends.oracles.random_loop import parse_kernel, random_kernel
from stepwell.backends.oracles.random_schedule import random_step
from stepwell.backends.oracles.random_step import apply_step
from stepwell.errors import ScheduleError
from stepwell.transform.snapshot import Snapshot
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

STEPS = 8


def check_uses(module: ModuleOp) -> None:
    """Lists of uses say what operands say."""
    listed: dict[int, int] = {}
    counted: dict[int, int] = {}
    for op in module.walk():
        values = [*op.results, *(arg for region in op.regions for block in region.blocks for arg in block.args)]
        listed.update((id(value), len(list(value.uses))) for value in values)
        for value in op.operands:
            counted[id(value)] = counted.get(id(value), 0) + 1
    assert {key: count for key, count in listed.items() if count} == counted


@pytest.mark.parametrize("seed", range(60))
def test_what_random_schedules_did_is_undone(seed: int) -> None:
    rng = random.Random(seed)
    module = parse_kernel(random_kernel(rng)[1])
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
    texts: list[str] = []
    for attempt in range(3):
        before = str(module)
        ops = list(kernel.walk())
        snapshot = Snapshot(kernel)
        steps = random.Random(seed)
        for _ in range(STEPS):
            with suppress(ScheduleError):
                apply_step(kernel, random_step(steps, kernel))
        texts.append(str(module))
        if attempt == 2:
            break
        snapshot.restore()
        assert str(module) == before
        # The same operations, not copies: handles to them stay good.
        assert list(map(id, kernel.walk())) == list(map(id, ops))
        module.verify()
        check_uses(module)
    assert texts[0] == texts[1] == texts[2]
