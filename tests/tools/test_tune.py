"""`stepwell tune` and `stepwell.tune`: what they take, what they show, and what they leave behind."""

from __future__ import annotations

import io
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stepwell as sw
import synthetic_space as synthetic
from stepwell.autotune.database.store import Database
from stepwell.autotune.measure.compile import Compiler, Failure
from stepwell.autotune.progress import KernelState
from stepwell.autotune.space.sketch import Candidate
from stepwell.autotune.trial import Status, Trial, time_text
from stepwell.backends.llvm_cpu import LlvmCpuBackend
from stepwell.dialects.cpu import TargetAttr
from stepwell.errors import ArgumentError, DatabaseError, ScriptError, StepwellError, TargetError
from stepwell.te import compute, placeholder
from stepwell.tools import tuning
from stepwell.tools.spaces import SpaceWarning, why_refused
from stepwell.tools.stepwell import main
from stepwell.tools.tune_display import Lines, _Table, time_left
from stepwell.tools.workloads import workloads_of

KERNEL = """
func.func @main(%A: tensor<64xf32> {te.name = "A"}) -> tensor<64xf32> {
  %B = te.compute "B" spatial(%i in 64) {
    %a = te.read %A[%i] : tensor<64xf32>
    %b = arith.addf %a, %a : f32
    te.yield %b : f32
  } -> tensor<64xf32>
  func.return %B : tensor<64xf32>
}
"""

SPACE = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %b = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    %i = sched.get_loops %b : (!transform.any_op) -> !transform.any_op
    %size = transform.tune.knob<"size"> SELECTED options = [4, 8, 16] -> !transform.any_param
    %io, %ii = sched.tile %i tile_sizes [%size] : (!transform.any_op, !transform.any_param)
        -> (!transform.any_op, !transform.any_op)
    sched.vectorize %ii : !transform.any_op
    transform.yield
  }
}
"""

ROWS = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %b = sched.match_block "reduce0" in %root : (!transform.any_op) -> !transform.any_op
    %i, %j, %k = sched.get_loops %b : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %rows = transform.tune.knob<"rows"> options = [1, 2, 3] -> !transform.any_param
    %io, %ii = sched.tile %i tile_sizes [%rows] : (!transform.any_op, !transform.any_param)
        -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
"""
TWO = """
func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %v: tensor<8x3xf32>) -> tensor<4x3xf32> {
  %m = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %n = graph.matmul %m, %v : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
  func.return %n : tensor<4x3xf32>
}
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.mlir"
    path.write_text(KERNEL)
    return path


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.mlir"
    path.write_text(SPACE.replace("SELECTED ", ""))
    return path


@pytest.fixture
def measurer(monkeypatch: pytest.MonkeyPatch) -> synthetic.FakeMeasurer:
    """What measures in place of this machine: a formula."""
    fake = synthetic.FakeMeasurer()
    monkeypatch.setattr(tuning, "make_measurer", lambda *_: fake)
    return fake


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_script_with_knobs_is_a_space(kernel: Path, space: Path, measurer: synthetic.FakeMeasurer):
    report = sw.tune(kernel, trials=100, space=space, search="random")
    assert sorted(str(each.knobs["size"]) for each in measurer.measured[:4] if each.knobs) == ["16", "4", "8"]
    assert measurer.measured[0].sketch == "shipped"
    assert report.trials == 4
    (state,) = report.kernels
    assert state.candidates == 3 and "no more candidates" in state.note


def test_options_that_are_there_twice_are_tried_once(kernel: Path, space: Path, measurer: synthetic.FakeMeasurer):
    space.write_text(SPACE.replace("SELECTED ", "").replace("[4, 8, 16]", "[8, 4, 8, 8]"))
    report = sw.tune(kernel, trials=100, space=space, search="grid", shipped=False)
    assert report.kernels[0].candidates == 2 and [each.knobs["size"] for each in measurer.measured[:2]] == [8, 4]
    assert report.trials == 2


def test_an_option_that_is_refused_is_told_with_its_knob(kernel: Path, space: Path):
    space.write_text(SPACE.replace("SELECTED ", "").replace("[4, 8, 16]", '["few", "many"]'))
    (workload,) = workloads_of(kernel)
    candidate = Candidate(0, (1,))
    script = str(tuning.Spaces(script=space)(workload)[0].script(candidate))
    failure = Compiler(workload).build(script)
    assert isinstance(failure, Failure)
    assert failure.error.endswith("expected an integer param, got \"many\" of knob 'size'")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("transform.yield", "transform.yeild", r"space\.mlir:10:5: unknown operation 'transform.yeild'"),
        ("vectorize %ii", "vectorize %iii", r"space\.mlir:\d+:\d+: values used but not defined: \[%iii\]"),
        ("-> !transform.any_param", "-> !transform.any_op", r"space\.mlir:7:42: operand is used with type"),
        ("options = [4", "= 5 from options = [4", r"space\.mlir:6:\d+: .* expected one of \[4"),
    ],
)
def test_a_script_that_does_not_parse_is_refused_before_anything_else(
    kernel: Path, space: Path, tmp_path: Path, old: str, new: str, message: str
):
    space.write_text(SPACE.replace("SELECTED ", "").replace(old, new))
    with pytest.raises(ScriptError, match=message):
        sw.tune(kernel, trials=1, space=space, database=tmp_path / "a.db")
    assert not (tmp_path / "a.db").exists()


def test_decided_knobs_are_opened_again(kernel: Path, space: Path, measurer: synthetic.FakeMeasurer):
    space.write_text(SPACE.replace("SELECTED", "= 8 from"))
    with pytest.raises(
        ScriptError, match="expected a script with open knobs .*, got none: its knobs are decided; --re"
    ):
        sw.tune(kernel, trials=1, space=space, search="random")
    sw.tune(kernel, trials=2, space=space, search="random", reopen=True, shipped=False)
    assert measurer.measured[0].knobs == {"size": 8}


def test_the_best_script_is_opened_again(kernel: Path, space: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path):
    path = tmp_path / "trials.db"
    with pytest.raises(DatabaseError, match="expected a script for .* to open again, got none"):
        sw.tune(kernel, trials=2, database=path, search="random", reopen=True)
    best = sw.tune(kernel, trials=3, database=path, space=space, search="grid", shipped=False).best()
    assert best is not None
    measurer.measured.clear()
    report = sw.tune(kernel, trials=4, database=path, search="grid", reopen=True, shipped=False)
    # All three are known.
    assert report.trials == 0
    assert "no more candidates" in str(report)
    report = sw.tune(kernel, trials=3, database=path, search="grid", reopen=True, shipped=False)
    assert str(report).splitlines()[-1] == ("nothing was left to do: the database has 3 trials, and 3 are asked for")
    report = sw.tune(kernel, trials_per_kernel=2, database=path, search="grid", reopen=True, shipped=False)
    assert report.note.endswith("has 3 trials, and 2 of each kernel are asked for")
    assert best.sketch in str(report)


def test_the_best_script_with_knobs_is_opened_again(
    kernel: Path, space: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path
):
    # What is shipped is the fastest, and has no knobs.
    path = tmp_path / "trials.db"
    measurer.shipped_seconds = 1e-9
    report = sw.tune(kernel, trials=4, database=path, space=space, search="grid")
    assert report.kernels[0].best is not None and report.kernels[0].best.sketch == "shipped"
    times = {each.knobs["size"]: synthetic.seconds("", each.knobs) for each in measurer.measured if each.knobs}
    fastest = min(times, key=times.__getitem__)
    with Database(path, create=False) as database:
        (workload,) = workloads_of(kernel)
        found, (start,) = tuning.Spaces(database, reopen=True)(workload)
    assert found.sketches[0].values(start.choice) == {"size": fastest}


def test_a_kernel_without_knobs_to_open_is_searched_by_our_rules(
    kernel: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path
):
    path = tmp_path / "trials.db"
    sw.tune(kernel, trials=1, database=path, search="random")
    with pytest.warns(SpaceWarning, match="has no script with knobs for .*; what our rules write is searched"):
        report = sw.tune(kernel, trials=2, database=path, search="random", reopen=True)
    assert report.trials == 1 and measurer.measured[1].sketch.startswith("maps/")


def test_what_is_shipped_is_no_space(kernel: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path):
    path, best = tmp_path / "trials.db", tmp_path / "best.mlir"
    sw.tune(kernel, trials=1, database=path, search="random")
    (workload,) = workloads_of(kernel)
    assert run("db", "best", path, workload.hash, "-o", best) == 0
    for reopen in (False, True):
        with pytest.raises(
            ScriptError, match=r"with knobs in '.*best\.mlir', got one without any: it is the shipped sch"
        ):
            sw.tune(kernel, trials=3, space=best, reopen=reopen, search="random")
    best.write_text(
        SPACE.replace(
            ' = transform.tune.knob<"size"> SELECTED options = [4, 8, 16] ->', " = transform.param.constant 4 : i64 ->"
        )
    )
    with pytest.raises(ScriptError, match=r"with knobs in '.*best\.mlir', got one without any$"):
        sw.tune(kernel, trials=3, space=best, search="random")


def test_a_script_for_another_kernel_is_refused_at_once(
    kernel: Path, space: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path
):
    space.write_text(ROWS)
    message = (
        r"expected a script for this kernel in '.*/space\.mlir', got one that cannot be applied: "
        r".*/space\.mlir:4:5: expected a block named 'reduce0', got map0, B$"
    )
    with pytest.raises(ScriptError, match=message):
        sw.tune(kernel, trials=3, space=space, search="random")
    assert measurer.measured == []


def test_of_a_program_the_kernels_are_searched_that_a_script_is_for(
    tmp_path: Path, space: Path, measurer: synthetic.FakeMeasurer
):
    source = tmp_path / "two.mlir"
    source.write_text(TWO)
    space.write_text(ROWS.replace('"reduce0"', '"map0"'))
    with pytest.raises(ScriptError, match="expected a script for a kernel of the program in .*, got reduce0, matmul$"):
        sw.tune(source, trials=3, space=space, search="random")
    # Only one of them has so many columns.
    narrow = "    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param\n"
    narrow += "    sched.constrain %n le 3 : !transform.any_param\n    %io, %ii"
    space.write_text(ROWS.replace("    %io, %ii", narrow, 1))
    with pytest.warns(SpaceWarning, match=r"space.mlir' is not for .*, which is left out: .*8.*3"):
        report = sw.tune(source, trials=3, space=space, search="random")
    assert [state.workload.hash for state in report.kernels] == [workloads_of(source)[1].hash]


def test_constraints_that_nothing_keeps_are_refused(kernel: Path, space: Path, measurer: synthetic.FakeMeasurer):
    line = "    sched.constrain %size ge 100 : !transform.any_param\n    %io"
    space.write_text(SPACE.replace("SELECTED ", "").replace("    %io", line))
    with pytest.raises(ScriptError, match=r"^no choice of the knobs keeps the constraints of '.*/space\.mlir'$"):
        sw.tune(kernel, trials=3, space=space, search="random")
    assert measurer.measured == []


@pytest.mark.parametrize(
    "options",
    [{"model": "none"}, {"space": "rows.mlir"}, {"reopen": True}, {"kernel": "zz"}, {"search": "random"}],
)
def test_what_is_refused_leaves_no_database(
    kernel: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, Any]
):
    def refuse(*_: object) -> None:
        raise TargetError("expected a cluster, got none")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tuning, "make_measurer", refuse)
    Path("rows.mlir").write_text(ROWS)
    with pytest.raises(StepwellError):
        sw.tune(kernel, trials=1, database="a.db", **options)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kernel.mlir", "rows.mlir"]


def test_a_space_some_of_which_is_refused_is_one(kernel: Path, space: Path):
    (workload,) = workloads_of(kernel)
    for options, refusal in (("[0]", "expected a positive tile size, got 0"), ("[0, 0, 0, 8]", "")):
        space.write_text(SPACE.replace("SELECTED ", "").replace("[4, 8, 16]", options))
        found = why_refused(*tuning.Spaces(script=space)(workload), "space.mlir")
        assert found.endswith(refusal) and bool(found) == bool(refusal)


def test_one_kernel_of_a_program(tmp_path: Path, measurer: synthetic.FakeMeasurer, space: Path):
    source = tmp_path / "two.mlir"
    source.write_text(TWO)
    space.write_text(ROWS)
    first, second = workloads_of(source)
    report = sw.tune(source, trials=2, kernel=second.hash[:8], search="random", space=space)
    assert [state.workload.hash for state in report.kernels] == [second.hash]
    for given in (source, [first]):
        with pytest.raises(
            ArgumentError, match="expected the hash of a kernel of the program, got ''; expected one of"
        ):
            sw.tune(given, trials=2, kernel="")
    both = sw.tune([first, second], trials_per_kernel=1, search="random", space=space)
    assert [state.trials for state in both.kernels] == [1, 1]


def test_threads_are_part_of_the_workload(kernel: Path):
    (one,), (three,) = workloads_of(kernel, threads=1), workloads_of(kernel, threads=3)
    assert one.hash != three.hash
    assert "threads = 3" in str(three.target)


def test_tensors_are_tuned(measurer: synthetic.FakeMeasurer, space: Path):
    a = placeholder((64,), "float32", name="A")
    report = sw.tune([a, compute((64,), lambda i: a[i] + a[i], name="B")], trials=1, space=space, search="random")
    assert report.trials == 1


def test_symbols_need_sizes(tmp_path: Path):
    source = tmp_path / "symbolic.mlir"
    source.write_text(KERNEL.replace("tensor<64xf32>", "tensor<?xf32, #te.shape<n>>").replace("in 64", "in n"))
    with pytest.raises(StepwellError, match="expected .*'n'"):
        workloads_of(source)
    assert len(workloads_of(source, sizes={"n": 8})) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "expected a number of trials, of trials for each kernel, or of seconds, got none"),
        ({"trials": 0}, "expected a positive number as trials, got 0"),
        ({"trials": 1, "search": "gridd"}, "expected a search .*did you mean 'grid'"),
        ({"trials": 1, "model": "none"}, "expected a model"),
        ({"trials": 1, "kernel": "zz"}, "expected the hash of a kernel"),
        ({"trials": 1, "threads": -1}, "expected"),
        ({"trials": 1, "seed": -1}, "expected a seed from 0 to .*, got -1"),
        ({"trials": 1, "seed": 2**40}, "expected a seed from 0 to"),
        ({"trials": 1, "space": "no.mlir"}, "cannot read 'no.mlir': No such file or directory"),
        ({"trials": 1, "reopen": True}, "expected a database or a script to open knobs of"),
    ],
)
def test_what_cannot_work_is_refused(
    kernel: Path, measurer: synthetic.FakeMeasurer, options: dict[str, object], message: str
):
    with pytest.raises(StepwellError, match=message):
        sw.tune(kernel, **options)  # pyright: ignore
    assert measurer.measured == []


# the command


def test_the_command_says_what_it_found(
    kernel: Path, space: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    measurer.failures = {"space": Status.OK}
    path = tmp_path / "trials.db"
    assert run("tune", kernel, "--trials", 4, "--db", path, "--space", space, "--search", "grid") == 0
    out, err = capfd.readouterr()
    assert "4 trials of 1 kernel in" in out and "x shipped" in out
    assert "best" in err and "done" in err
    with Database(path, create=False) as database:
        assert len({trial.script for trial in database.trials()}) == 4


def test_the_command_says_why_candidates_failed(
    kernel: Path, space: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    measurer.failures = {"space": Status.REFUSED}
    assert run("tune", kernel, "--trials", 4, "--db", tmp_path / "a.db", "--space", space, "--search", "random") == 0
    out, err = capfd.readouterr()
    assert "3 x refused: expected loop … of extent … to be whole" in err
    assert "shipped" in out


def test_the_command_fails_if_nothing_works(
    kernel: Path, space: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    measurer.failures = {"space": Status.WRONG, "shipped": Status.CRASHED}
    arguments = ("tune", kernel, "--db", tmp_path / "a.db", "--space", space, "--search", "random")
    assert run(*arguments, "--trials", 4) == 1
    out, err = capfd.readouterr()
    assert "nothing that works in 4 trials" in out
    assert err.endswith("error: expected results that are right, got none of 4 candidates\n")
    # One that has nothing to do has not failed.
    assert run(*arguments, "--trials", 4) == 0
    assert run("tune", kernel, "--db", tmp_path / "b.db", "--seconds", 1e-6, "--search", "random") == 0
    assert "nothing was tried in the time" in capfd.readouterr().out


def test_an_interrupt_ends_the_command_with_what_was_found(
    kernel: Path, space: Path, measurer: synthetic.FakeMeasurer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    measurer.stop_after = 2
    assert run("tune", kernel, "--trials", 4, "--db", tmp_path / "a.db", "--space", space, "--search", "random") == 0
    out, err = capfd.readouterr()
    assert "2 trials of 1 kernel in" in out and "stopped" in out
    assert "Traceback" not in err


def test_pressing_twice_loses_nothing(
    kernel: Path, space: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    class Pressed(synthetic.FakeMeasurer):
        def measure(self, *arguments: Any, **options: Any) -> list[Trial]:
            found = super().measure(*arguments, **options)
            os.kill(os.getpid(), signal.SIGINT)
            return found

        def close(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(tuning, "make_measurer", lambda *_: Pressed())
    before = signal.getsignal(signal.SIGINT)
    try:
        assert (
            run("tune", kernel, "--trials", 4, "--db", tmp_path / "a.db", "--space", space, "--search", "random") == 0
        )
    finally:
        signal.signal(signal.SIGINT, before)
    out, _ = capfd.readouterr()
    assert "1 trials of 1 kernel in" in out and "stopped" in out


def _running(kernel: Path, temporary: Path, database: Path) -> subprocess.Popen[str]:
    """A run that goes on and on, when it has begun to measure."""
    temporary.mkdir(exist_ok=True)
    options = ["--trials", "100000", "--plain", "--search", "random", "--threads", "1", "--db", str(database)]
    process = subprocess.Popen(
        [sys.executable, "-m", "stepwell.tools.stepwell", "tune", str(kernel), *options],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "best" in line:
            break
    return process


def _members(group: Path) -> list[str]:
    """The processes whose temporary files are in a folder."""
    found: list[str] = []
    for each in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"TMPDIR={group}\0".encode() in each.read_bytes():
                found.append(each.parent.name)
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="expected a system with /proc")
def test_a_run_that_is_ended_leaves_nothing_behind(kernel: Path, tmp_path: Path):
    temporary, database = tmp_path / "temporary", tmp_path / "a.db"
    # Killed: there is nobody to remove what is left but the next run.
    process = _running(kernel, temporary, database)
    process.kill()
    process.communicate(timeout=60)
    assert list(temporary.iterdir())
    # Terminated: it ends as with Ctrl-C.
    process = _running(kernel, temporary, database)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "stopped" in out.splitlines()[-1], out + err
    assert list(temporary.iterdir()) == []
    with Database(database, create=False) as opened:
        assert opened.stats().trials > 0
    end = time.monotonic() + 30
    while (left := _members(temporary)) and time.monotonic() < end:
        time.sleep(0.2)
    assert not left


# the display


def state() -> KernelState:
    kernel = KernelState(synthetic.workload(), operations=1000, sketches=2, candidates=1234, trials=5, wanted=64)
    kernel.shipped = Trial(kernel.workload.hash, "a", Status.OK, (2e-6,), sketch="shipped")
    kernel.best = Trial(kernel.workload.hash, "b", Status.OK, (1e-6,), sketch="x")
    failed = Trial(kernel.workload.hash, "c", Status.REFUSED, error="expected loop 'i' of extent 3")
    kernel.count([kernel.shipped, kernel.best, failed])
    return kernel


def test_lines_are_for_what_is_new():
    stream = io.StringIO()
    lines, kernel = Lines(stream), state()
    lines.start([kernel])
    for _ in range(5):
        lines.update(kernel, "measure", 0.5)
    (line,) = stream.getvalue().splitlines()
    assert "best 1.000 us, 1.0 GFLOP/s, 2.00 x shipped" in line and "5 trials (1 refused)" in line and "left" in line


def test_the_table_shows_kernels_and_reasons():
    console = pytest.importorskip("rich.console").Console(file=io.StringIO(), width=160)
    table, kernels = _Table(), [state() for _ in range(30)]
    table.start(kernels)
    table.update(kernels[20], "measure", 0.25)
    console.print(table.render())
    text = console.file.getvalue()
    assert "5/64" in text and "2.00" in text and "1,234" in text and "25%" in text
    assert "30 x refused: expected loop … of extent …" in text
    assert "30 kernels, 0 of them done" in text


def test_times_for_people():
    given = (1.5, 2.5e-3, 1.25e-5, 3e-9, 0.99999, math.inf)
    assert [time_text(each) for each in given] == ["1.500 s", "2.500 ms", "12.50 us", "3.000 ns", "1000 ms", "-"]
    assert time_left(10.0, 0.25) == pytest.approx(30.0) and time_left(10.0, None) is None


# all of it


def test_a_kernel_is_tuned_on_this_machine(kernel: Path, space: Path, tmp_path: Path):
    path = tmp_path / "trials.db"
    report = sw.tune(kernel, trials=4, database=path, space=space, search="grid", threads=1)
    (found,) = report.kernels
    assert found.statuses[Status.OK] == 4 and found.best is not None and found.seconds < 1e-3
    program = sw.compile(kernel, database=path, cache=False)
    x = np.arange(64, dtype=np.float32)
    np.testing.assert_array_equal(program(x), x + x)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (TargetAttr.get("pdp11-unknown-none"), "expected a machine with architecture pdp11, got .*; candidates are"),
        (
            TargetAttr.get("", features="+warp-drive"),
            r"expected a CPU with warp-drive, got .*; candidates are",
        ),
    ],
)
def test_targets_that_this_machine_cannot_run_are_refused_at_once(kernel: Path, target: TargetAttr, message: str):
    with pytest.raises(TargetError, match=message):
        sw.tune(kernel, trials=1, target=target)


def test_targets_whose_kernels_are_not_compiled_apart_are_refused(kernel: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(LlvmCpuBackend, "links_objects", False)
    with pytest.raises(TargetError, match=r"expected a target whose kernels are compiled one by one .* got 'llvm-cpu'"):
        sw.tune(kernel, trials=1)
