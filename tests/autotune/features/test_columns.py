"""Features say what a person would say who looks at a schedule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stepwell import te
from stepwell.autotune.features.analysis import Analysis
from stepwell.autotune.features.columns import FEATURES, features, features_of, target_of
from stepwell.autotune.features.nest import describe
from stepwell.autotune.workload import Workload
from stepwell.tools.schedule import Schedule
from stepwell.transform.interpreter import apply_script
from stepwell.transform.script import load_script
from xdsl.dialects.func import FuncOp

ROOT = Path(__file__).parents[3]
COLUMNS = {name: at for at, name in enumerate(FEATURES)}


def _matmul(m: int, n: int, k: int) -> Schedule:
    a, b = te.placeholder((m, k), "float32", name="A"), te.placeholder((k, n), "float32", name="B")
    axis = te.reduce_axis(k, name="k")
    return Schedule([a, b, te.compute((m, n), lambda i, j: te.sum(a[i, axis] * b[axis, j], axis=axis), name="C")])


def _kernel(schedule: Schedule) -> FuncOp:
    return next(op for op in schedule.root.ops if isinstance(op, FuncOp) and not op.is_declaration)


def _features(schedule: Schedule) -> dict[str, float]:
    kernel = _kernel(schedule)
    found = features_of(Workload.of_kernel(kernel), kernel)
    assert found.shape == (len(FEATURES),) and np.isfinite(found).all()
    return {name: float(value) for name, value in zip(FEATURES, found, strict=True)}


def test_names_are_distinct() -> None:
    assert len(set(FEATURES)) == len(FEATURES)


def test_schedule_of_matmul_gets_better_by_the_estimate() -> None:
    """Each of some steps of a good schedule is one for the roofline, too."""
    schedule = _matmul(512, 512, 512)
    seconds = [_features(schedule)["roofline_log_seconds"]]
    c = schedule.match_block("C")
    i, j, k = schedule.get_loops(c)
    lanes = 2 * (schedule.target_query("vector_bytes").number // 4)
    io, jo, ii, ji = schedule.tile([i, j], sizes=[4, lanes])
    schedule.reorder([io, jo, k, ii, ji])
    schedule.vectorize([ji])
    seconds.append(_features(schedule)["roofline_log_seconds"])
    schedule.unroll([ii])
    seconds.append(_features(schedule)["roofline_log_seconds"])
    schedule.decompose_reduction(c, k)
    out = schedule.cache_write(c, jo)
    *_, oi, oj = schedule.get_loops(out)
    schedule.vectorize([oj])
    schedule.unroll([oi])
    found = _features(schedule)
    seconds.append(found["roofline_log_seconds"])
    assert seconds == sorted(seconds, reverse=True) and seconds[0] - seconds[-1] > 2.0
    assert 2 ** found["main.accumulators"] == 8.0
    assert found["main.in_registers"] == 1.0
    assert found["scalars"] == -12.0


def test_rows_are_the_same_alone_and_among_others() -> None:
    schedule = _matmul(100, 130, 64)
    kernel = _kernel(schedule)
    workload = Workload.of_kernel(kernel)
    scheduled = workload.copy()
    apply_script(load_script(ROOT / "examples" / "schedules" / "matmul.mlir"), scheduled)
    found = next(op for op in scheduled.ops if isinstance(op, FuncOp))
    nest = describe(found)
    alone = features_of(workload, found)
    numbers = np.repeat(nest.slots[None], 5, 0)
    numbers[3, nest.structure.layout.extent[0]] += 1
    rows = features(nest.structure, numbers, target_of(workload))
    np.testing.assert_allclose(rows[0], alone, rtol=1e-6)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert (rows[3] != rows[0]).any()


@pytest.mark.parametrize(("order", "dilation", "held"), [("xt", 1, 2), ("tx", 1, 7), ("tx", 2, 6), ("tx", 16, 0)])
def test_a_window_keeps_what_it_reads_again(order: str, dilation: int, held: int) -> None:
    """Eight pixels and three taps, unrolled: LLVM loads each pixel once, and has it until its last tap."""
    lanes = 16
    data = te.placeholder((64,), "float32", name="data")
    weight = te.placeholder((3, lanes), "float32", name="weight")
    tap = te.reduce_axis(3, name="tap")
    out = te.compute((32, lanes), lambda x, j: te.sum(data[x + tap * dilation] * weight[tap, j], axis=tap), name="out")
    schedule = Schedule([data, weight, out])
    block = schedule.match_block("out")
    x, j, t = schedule.get_loops(block)
    xo, xi = schedule.tile([x], sizes=[8])
    schedule.reorder([xo, xi, t, j] if order == "xt" else [xo, t, xi, j])
    schedule.vectorize([j])
    schedule.unroll([xi])
    schedule.unroll([t])
    schedule.decompose_reduction(block, xi if order == "xt" else t)
    nest = describe(_kernel(schedule))
    target = target_of(Workload.of_kernel(_kernel(schedule)))
    costs = Analysis(nest.structure, [float(slot) for slot in nest.slots], target).kernel().statements
    cost = max(costs, key=lambda each: float(each.points * each.instructions))
    registers = lanes * 4 / target.vector_bytes
    # Sums, one of them that is being made, the factors of a tap, and the pixels that are read again.
    assert cost.needed == 8 * registers + 1 + registers + held
