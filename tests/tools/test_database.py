"""Programs that are compiled with a database: whose script each kernel is scheduled by, and that it is right."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.autotune.database.store import Database
from stepwell.autotune.trial import Status, Trial
from stepwell.autotune.workload import Workload
from stepwell.errors import ArgumentError, DatabaseError, PipelineError
from stepwell.runtime.executable import Executable
from stepwell.tools import tuned
from stepwell.tools.driver import Report, compile, lower
from stepwell.tools.tuned import TunedScriptWarning
from stepwell.tools.workloads import workloads_of


def script(body: str) -> str:
    return f"""builtin.module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @__transform_main(%root: !transform.any_op {{transform.consumed}}) {{
    {body}
    transform.yield
  }}
}}"""


ANY = "!transform.any_op"
REDUCE = f'%b = sched.match_block "reduce0" in %root : ({ANY}) -> {ANY}'
TILED = script(
    f"""{REDUCE}
    %i, %j, %k = sched.get_loops %b : ({ANY}) -> ({ANY}, {ANY}, {ANY})
    %io, %ii = sched.tile %i tile_sizes [4] : ({ANY}) -> ({ANY}, {ANY})
    sched.unroll %ii : {ANY}"""
)
DIVIDED = script(
    f"""{REDUCE}
    %i, %j, %k = sched.get_loops %b : ({ANY}) -> ({ANY}, {ANY}, {ANY})
    %n = sched.extent_of %i : ({ANY}) -> !transform.any_param
    sched.constrain %n divisible_by 8 : !transform.any_param"""
)
"""It is refused where there is a rest."""


def matmul(m: int, n: int, k: int) -> list[te.Tensor]:
    a, b = te.placeholder((m, k), "float32", name="A"), te.placeholder((k, n), "float32", name="B")
    r = te.reduce_axis(k, name="k")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[r, j], axis=r), name="C")]


def layers(rows: int, *sizes: int) -> str:
    """Dense layers without biases, as text."""
    given = [f"%w{i} = graph.weight @w{i} : tensor<{k}x{n}xf32>" for i, (k, n) in enumerate(pairwise(sizes))]
    data = [f"graph.data @w{i} = dense<0.5> : tensor<{k}x{n}xf32>" for i, (k, n) in enumerate(pairwise(sizes))]
    lines = [
        f"%x{i + 1} = graph.matmul %x{i}, %w{i} : "
        f"(tensor<{rows}x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<{rows}x{n}xf32>"
        for i, (k, n) in enumerate(pairwise(sizes))
    ]
    result = f"tensor<{rows}x{sizes[-1]}xf32>"
    head = f"func.func @main(%x0: tensor<{rows}x{sizes[0]}xf32>) -> {result} {{"
    return "\n".join([head, *given, *lines, f"func.return %x{len(lines)} : {result}", "}", *data])


def put(path: Path, workload: Workload, text: str, seconds: float = 1e-3) -> None:
    with Database(path) as database:
        database.add_workload(workload)
        database.record(Trial(workload.hash, text, Status.OK, (seconds,)))


def used(program: Any) -> list[str]:
    assert isinstance(program, Executable)
    return [kernel.schedule.partition(" ")[0] for kernel in program.kernels]


def check(program: Any, m: int, n: int, k: int) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-8, 8, shape).astype(np.float32) for shape in ((m, k), (k, n)))
    np.testing.assert_array_equal(program(a, b), a @ b)


@pytest.fixture(autouse=True)
def whatever_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts here are not fast: what is asked is whether they are legal. `test_nearest.py` asks what they cost."""
    monkeypatch.setattr(tuned, "WORSE", math.inf)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trials.db"
    Database(path).close()
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.mlir"
    path.write_text(layers(4, 8, 16, 16, 24))
    return path


def test_kernels_are_what_the_database_says(path: Path, model: Path) -> None:
    first, second, third = workloads_of(model)
    put(path, second, TILED)
    program = compile(model, database=path)
    assert used(program) == ["nearest", "tuned", "nearest"]
    assert f"nearest {second.hash}" == program.kernels[0].schedule  # pyright: ignore
    put(path, first, TILED)
    put(path, third, TILED)
    assert used(compile(model, database=path)) == ["tuned"] * 3
    x = np.ones((4, 8), np.float32)
    np.testing.assert_array_equal(compile(model, database=path)(x), compile(model)(x))  # pyright: ignore
    assert used(compile(model)) == [""] * 3


def test_the_script_decides_what_is_compiled(path: Path) -> None:
    (workload,) = workloads_of(matmul(16, 8, 8))
    put(path, workload, TILED)
    text = str(lower(matmul(16, 8, 8), until="apply-schedules", database=path))
    assert "loop.for %ii : 4 unrolled" in text and "vectorized" not in text
    assert "%ii : 4 unrolled" not in str(lower(matmul(16, 8, 8), until="apply-schedules"))


def test_the_fastest_right_script_is_taken(path: Path) -> None:
    (workload,) = workloads_of(matmul(16, 8, 8))
    put(path, workload, TILED, 2.0)
    put(path, workload, script(""), 1.0)
    with Database(path) as database:
        database.record(Trial(workload.hash, script(""), Status.WRONG, error="e"))
    assert "%ii : 4 unrolled" in str(lower(matmul(16, 8, 8), until="apply-schedules", database=path))


@pytest.mark.parametrize("shape", [(16, 8, 8), (13, 7, 5), (1, 1, 1), (64, 3, 100)])
def test_public_kernels_are_scheduled_too(path: Path, shape: tuple[int, int, int]) -> None:
    (workload,) = workloads_of(matmul(16, 8, 8))
    put(path, workload, TILED)
    report = Report()
    program = compile(matmul(*shape), database=path, report=report)
    expected = "tuned" if shape == (16, 8, 8) else f"nearest {workload.hash}"
    assert report.schedules == {"main": expected}
    check(program, *shape)


@pytest.mark.parametrize("rung", ["te", "loop"])
def test_any_rung_above_is_scheduled(path: Path, tmp_path: Path, rung: str) -> None:
    (workload,) = workloads_of(matmul(16, 8, 8))
    put(path, workload, TILED)
    source = tmp_path / "kernel.mlir"
    source.write_text(str(lower(matmul(16, 8, 8), until={"te": "te", "loop": "loop-name-kernels"}[rung])))
    report = Report()
    check(compile(source, database=path, report=report), 16, 8, 8)
    assert report.schedules == {"main": "tuned"}


def test_what_is_lowered_already_needs_no_script(path: Path) -> None:
    check(compile(lower(matmul(4, 4, 4)), database=path), 4, 4, 4)


def test_a_nearer_kernel_comes_first(path: Path) -> None:
    for m in (16, 64):
        put(path, workloads_of(matmul(m, 8, 8))[0], TILED)
    report = Report()
    compile(matmul(60, 8, 8), database=path, report=report)
    assert report.schedules == {"main": f"nearest {workloads_of(matmul(64, 8, 8))[0].hash}"}


def test_a_script_that_is_illegal_for_another_kernel_is_not_used(path: Path) -> None:
    put(path, workloads_of(matmul(16, 8, 8))[0], DIVIDED)
    report = Report()
    program = compile(matmul(15, 8, 8), database=path, report=report)
    assert report.schedules == {"main": "shipped"}
    check(program, 15, 8, 8)
    # That which is farther may be.
    put(path, workloads_of(matmul(64, 8, 8))[0], TILED)
    program = compile(matmul(15, 8, 8), database=path, report=report)
    assert report.schedules == {"main": f"nearest {workloads_of(matmul(64, 8, 8))[0].hash}"}
    check(program, 15, 8, 8)


UNFIT = {
    "no IR": "nonsense",
    "unknown operation": script('"sched.sharpen"(%root) : (!transform.any_op) -> ()'),
    "refused": script(
        f'%b = sched.match_block "reduce7" in %root : ({ANY}) -> {ANY}\n{REDUCE.replace("%b", "%c")}\n'
        f"%x, %y = sched.get_loops %b : ({ANY}) -> ({ANY}, {ANY})"
    ),
    "refused late": TILED.replace("sched.unroll %ii", "sched.vectorize %k, %ii")
    .replace("%k, %ii :", "%k :")
    .replace(
        "    transform.yield",
        "    sched.vectorize %j : !transform.any_op\n sched.unroll %k : !transform.any_op\ntransform.yield",
    ),
    "open knob": script('%k = transform.tune.knob<"k"> options = [1, 2] -> !transform.any_param'),
    "no entry": TILED.replace("__transform_main", "other"),
    "no kernel left": script(
        f'%f = transform.structured.match ops{{["func.func"]}} in %root : ({ANY}) -> {ANY}\n'
        f'%n = transform.structured.match ops{{["loop.for"]}} in %f : ({ANY}) -> {ANY}\n'
        f'transform.apply_registered_pass "convert-te-to-llvm" to %root : ({ANY}) -> {ANY}'
    ),
}


@pytest.mark.parametrize(("name", "private"), [*((name, False) for name in UNFIT), ("refused late", True)])
def test_a_script_that_does_not_apply_warns_and_is_not_used(path: Path, model: Path, name: str, private: bool) -> None:
    source: Any = model if private else matmul(16, 8, 8)
    for workload in workloads_of(source):
        put(path, workload, UNFIT[name])
    with pytest.warns(TunedScriptWarning, match="the script that the database has for .* does not apply: "):
        program = compile(source, database=path)
    if private:
        x = np.ones((4, 8), np.float32)
        np.testing.assert_array_equal(program(x), compile(source)(x))  # pyright: ignore
        assert used(program) == ["shipped"] * 3
    else:
        check(program, 16, 8, 8)


def test_it_warns_once(path: Path, tmp_path: Path) -> None:
    (workload,) = workloads_of(matmul(16, 8, 8))
    put(path, workload, "nonsense")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            compile(matmul(16, 8, 8), database=path, cache=tmp_path / "cache")
    assert len(caught) == 1


def test_a_users_schedule_wins(path: Path, tmp_path: Path) -> None:
    source = matmul(16, 8, 8)
    (workload,) = workloads_of(source)
    put(path, workload, TILED)
    file = tmp_path / "schedule.mlir"
    file.write_text(TILED.replace("[4]", "[2]"))
    text = str(lower(source, until="apply-schedules", database=path, schedule=file))
    assert "%ii : 2 unrolled" in text
    report = Report()
    check(compile(source, database=path, schedule=file, report=report), 16, 8, 8)
    assert report.schedules == {"main": "given"}


def test_a_schedule_in_python_wins(path: Path) -> None:
    schedule = sw.Schedule(matmul(16, 8, 8))
    put(path, workloads_of(matmul(16, 8, 8))[0], TILED)
    schedule.unroll(schedule.get_loops(schedule.match_block("reduce0"))[2])
    report = Report()
    check(schedule.compile(database=path, report=report, cache=False), 16, 8, 8)
    assert report.schedules == {"main": "given"}


# caches


def test_the_cache_knows_whose_script_it_was(path: Path, model: Path, tmp_path: Path) -> None:
    def compiled(database: Path | None) -> tuple[list[str], int]:
        count = 0

        def tell(number: int, total: int, kernel: object, cached: bool) -> None:
            nonlocal count
            count += not cached

        program = sw.compile(model, database=database, cache=tmp_path / "cache", progress=tell)
        return used(program), count

    assert compiled(None) == ([""] * 3, 3)
    assert compiled(path) == (["shipped"] * 3, 0)
    put(path, workloads_of(model)[1], TILED)
    assert compiled(path) == (["nearest", "tuned", "nearest"], 3)
    assert compiled(path) == (["nearest", "tuned", "nearest"], 0)
    put(path, workloads_of(model)[0], TILED.replace("[4]", "[2]"), 5.0)
    assert compiled(path) == (["tuned", "tuned", "nearest"], 1)
    assert compiled(None) == ([""] * 3, 0)


def test_public_kernels_are_cached(path: Path, tmp_path: Path) -> None:
    def schedules() -> dict[str, str]:
        report = Report()
        check(compile(matmul(16, 8, 8), database=path, cache=tmp_path / "cache", report=report), 16, 8, 8)
        return report.schedules

    assert schedules() == schedules() == {"main": "shipped"}
    put(path, workloads_of(matmul(16, 8, 8))[0], TILED)
    assert schedules() == schedules() == {"main": "tuned"}


def test_saved_programs_say_whose_script_it_was(path: Path, model: Path, tmp_path: Path) -> None:
    put(path, workloads_of(model)[1], TILED)
    program = compile(model, database=path)
    assert isinstance(program, Executable)
    program.save(tmp_path / "out")
    assert sw.load(tmp_path / "out").kernels == program.kernels


# sizes, threads, errors


def test_symbolic_sizes_are_looked_up_when_they_are_known(path: Path) -> None:
    n = te.var("n")
    a = te.placeholder((n, 8), "float32", name="A")
    tensors = [a, te.compute((n, 8), lambda i, j: a[i, j] + 1.0, name="B")]
    (workload,) = workloads_of(tensors, sizes={"n": 16})
    report = Report()
    put(path, workload, script(""))
    compile(tensors, sizes={"n": 16}, database=path, report=report)
    assert report.schedules == {"main": "tuned"}
    program = sw.compile(tensors, database=path, cache=False)
    np.testing.assert_array_equal(program(np.zeros((5, 8), np.float32)), np.ones((5, 8), np.float32))  # pyright: ignore


def test_scripts_are_for_a_number_of_threads(path: Path) -> None:
    (workload,) = workloads_of(matmul(16, 8, 8), threads=1)
    put(path, workload, TILED)
    report = Report()
    compile(matmul(16, 8, 8), database=path, report=report, threads=1)
    assert report.schedules == {"main": "tuned"}
    # On another number of threads it is that of the nearest kernel.
    (other,) = workloads_of(matmul(16, 8, 8), threads=7)
    assert other.hash != workload.hash
    with Database(path) as database:
        assert [record.hash for record, _ in database.nearest(other)] == [workload.hash]


def bad_file(path: Path) -> Any:
    path.write_text("no database" * 1000)
    return path


BAD: dict[str, tuple[Callable[[Path], Any], type[Exception], str]] = {
    "no file": (lambda path: path.with_name("nowhere.db"), DatabaseError, "got no file"),
    "no database": (bad_file, DatabaseError, "none or damaged"),
    "no path": (lambda path: 7, ArgumentError, "expected a database or its file, got 7"),
}


@pytest.mark.parametrize(("make", "error", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("front", [sw.compile, compile])
def test_what_is_no_database_is_refused(
    path: Path, model: Path, make: Any, error: type[Exception], message: str, front: Any
) -> None:
    with pytest.raises(error, match=message):
        front(model, database=make(path))


def test_a_pipeline_without_schedules_is_refused(path: Path, model: Path) -> None:
    with pytest.raises(PipelineError, match="to use a database"):
        compile(model, database=path, pipeline="builtin.module(graph-infer-shapes)")


def test_an_open_database_stays_open(path: Path, model: Path) -> None:
    with Database(path) as database:
        put(path, workloads_of(model)[1], TILED)
        assert used(sw.compile(model, database=database)) == ["nearest", "tuned", "nearest"]
        assert database.stats().trials == 1
