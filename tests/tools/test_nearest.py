"""Scripts that the tuner writes for one shape, on others: they are right there, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stepwell import te
from stepwell.autotune.database.store import Database
from stepwell.autotune.features import roofline
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sample import sample
from stepwell.autotune.trial import Status, Trial
from stepwell.runtime.executable import Executable
from stepwell.tools.driver import Report, compile
from stepwell.tools.workloads import workloads_of

Shape = tuple[int, ...]


def product(m: int, n: int, k: int) -> list[te.Tensor]:
    a, b = te.placeholder((m, k), "float32", name="A"), te.placeholder((k, n), "float32", name="B")
    r = te.reduce_axis(k, name="k")
    c = te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[r, j], axis=r), name="C")
    return [a, b, te.compute((m, n), lambda i, j: te.maximum(c[i, j], 0.0), name="D")]


def windows(channels: int, height: int, width: int) -> list[te.Tensor]:
    x = te.placeholder((1, channels, height, width), "float32", name="X")
    w = te.placeholder((channels, 1, 3, 3), "float32", name="W")
    r, s = te.reduce_axis(3, "r"), te.reduce_axis(3, "s")
    shape = (1, channels, height - 2, width - 2)
    return [x, w, te.compute(shape, lambda n, c, i, j: te.sum(x[n, c, i + r, j + s] * w[c, 0, r, s], [r, s]), name="Y")]


def sums(rows: int, columns: int) -> list[te.Tensor]:
    x, k = te.placeholder((rows, columns), "float32", name="X"), te.reduce_axis(columns, "k")
    return [x, te.compute((rows,), lambda i: te.sum(x[i, k], axis=k), name="S")]


CASES: list[tuple[Callable[..., list[te.Tensor]], Shape, list[Shape]]] = [
    (product, (32, 48, 24), [(31, 47, 25), (1, 5, 3), (70, 33, 9)]),
    (windows, (4, 18, 34), [(3, 17, 31), (1, 3, 3), (9, 20, 70)]),
    (sums, (16, 64), [(15, 63), (1, 1), (40, 200)]),
]


@pytest.mark.parametrize(("make", "shape", "others"), CASES, ids=[make.__name__ for make, _, _ in CASES])
def test_scripts_for_one_shape_on_others(
    make: Callable[..., list[te.Tensor]], shape: Shape, others: list[Shape]
) -> None:
    rng = np.random.default_rng(0)
    (workload,) = workloads_of(make(*shape))
    space = build_space(workload)
    seen: set[str] = set()
    with Database(":memory:") as database:
        database.add_workload(workload)
        for candidate, other in zip(sample(space, rng, len(others)), others, strict=True):
            database.prune(0)
            database.record(Trial(workload.hash, str(space.script(candidate)), Status.OK, (1e-3,)))
            report = Report()
            program, plain = compile(make(*other), database=database, report=report), compile(make(*other))
            assert isinstance(program, Executable) and isinstance(plain, Executable)
            arrays = [
                rng.integers(-8, 8, parameter.shape).astype(np.float32)
                for parameter in program.compiled.signature.role("input")
            ]
            np.testing.assert_array_equal(program(*arrays), plain(*arrays), report.schedules["main"])
            seen.add(report.schedules["main"].partition(" ")[0])
    assert "nearest" in seen


def scripted(body: str) -> str:
    return f"""builtin.module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @__transform_main(%root: !transform.any_op {{transform.consumed}}) {{
    %b = sched.match_block "reduce0" in %root : (!transform.any_op) -> !transform.any_op
    {body}
    transform.yield
  }}
}}"""


SCALAR = scripted(
    """%i, %j, %k = sched.get_loops %b : (!transform.any_op)
      -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %io, %ii = sched.tile %i tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.unroll %ii : !transform.any_op"""
)
OURS = """builtin.module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %kernel = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.include @schedule_kernel failures(suppress) (%kernel) : (!transform.any_op) -> ()
    transform.yield
  }
  transform.named_sequence private @schedule_kernel(%kernel: !transform.any_op {transform.consumed})
}"""


@pytest.mark.parametrize("cached", [False, True])
def test_a_script_that_is_estimated_to_be_clearly_slower_is_used_for_its_own_kernel_only(
    tmp_path: Path, cached: bool
) -> None:
    (here,), (near,) = workloads_of(product(64, 64, 64)), workloads_of(product(64, 64, 48))
    with Database(":memory:") as database:
        for workload, text in ((here, SCALAR), (near, OURS)):
            database.add_workload(workload)
            database.record(Trial(workload.hash, text, Status.OK, (1e-3,)))

        def used(m: int, n: int, k: int) -> str:
            report = Report()
            compile(product(m, n, k), database=database, report=report, cache=tmp_path if cached else False)
            return report.schedules["main"]

        for _ in range(1 + cached):
            assert used(64, 64, 64) == "tuned"
            # The nearest one is no good; the one behind it is.
            assert used(64, 64, 60) == f"nearest {near.hash}"
        database.prune(0)
        database.record(Trial(here.hash, SCALAR, Status.OK, (1e-3,)))
        for _ in range(1 + cached):
            assert used(64, 64, 60) == "shipped"


def test_where_there_is_no_estimate_what_is_legal_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> float:
        raise KeyError("operation")

    (workload,) = workloads_of(product(64, 64, 64))
    monkeypatch.setattr(roofline, "seconds_of", fail)
    with Database(":memory:") as database:
        database.add_workload(workload)
        database.record(Trial(workload.hash, SCALAR, Status.OK, (1e-3,)))
        report = Report()
        compile(product(64, 64, 60), database=database, report=report)
    assert report.schedules["main"] == f"nearest {workload.hash}"
