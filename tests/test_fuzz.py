"""The fuzz harness: a short run finds nothing; what is broken on purpose is found, cut to what matters, and kept."""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import llvmlite.binding as llvm
import numpy as np
import pytest
from benchmark_files import load_benchmark
from stepwell.backends.llvm_cpu.codegen import MachineSpec, NativeModule
from stepwell.backends.oracles.guarded import GuardedKernel, Side, StrayWrite
from stepwell.backends.oracles.random_schedule import DO_NOT_TRANSFORM, ENTRIES
from stepwell.backends.oracles.random_step import Block, Buffer, Loop, Missing, Size, Step, split_text
from stepwell.errors import ScheduleError
from stepwell.runtime.signature import Parameter, Signature
from stepwell.transform import primitives
from stepwell.transform.sched import Sched
from stepwell.transform.sched_ops.primitives import PrimitiveOp

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of threads that wait for work


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    return load_benchmark("fuzz")


def test_a_short_run_finds_nothing(fuzz: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = tmp_path / "numbers.json"
    out = tmp_path / "failures"
    assert fuzz.main(["--seed", "7", "--fresh", "--n", "40", "--out", str(out), "--json", str(numbers)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("seeds: 7, ")
    assert "40 pairs" in printed
    assert "failures: 0" in printed
    assert not out.exists()
    said = json.loads(numbers.read_text())
    assert said["pairs"] == 40
    assert set(said["primitives"]) == set(ENTRIES)
    assert sum(each["tried"] for each in said["primitives"].values()) >= 40


def test_a_crash_is_found_and_the_other_pairs_run(fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fuzz.run_native

    def crash(pair: object, announce: Callable[[str], None]) -> Iterator:
        announce("here")
        if pair.number == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        yield from run(pair, announce)

    monkeypatch.setattr(fuzz, "run_native", crash)
    found = {outcome.number: outcome.failure for outcome in fuzz.outcomes(fuzz.Plan((0,), 5, 2), 60.0, native=True)}
    assert found == {0: "", 1: "", 2: "here: crash with SIGSEGV", 3: "", 4: ""}


def test_an_access_outside_of_a_buffer_is_found(
    fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = fuzz.entry_signature

    def smaller(function: object) -> object:
        """Says that the last output has a row less than it has."""
        signature, weights = given(function)
        last = signature.parameters[-1]
        if last.role != "output" or not last.shape:
            return signature, weights
        less = replace(last, shape=(last.shape[0] - 1, *last.shape[1:]))
        return replace(signature, parameters=(*signature.parameters[:-1], less)), weights

    monkeypatch.setattr(fuzz, "entry_signature", smaller)
    assert fuzz.main(["--seed", "0", "--n", "4", "--jobs", "1", "--out", str(tmp_path), "--most-failures", "1"]) == 1
    printed = capsys.readouterr().out
    assert "buffers at the end of their pages: crash with SIGSEGV" in printed
    (home,) = tmp_path.iterdir()
    assert "crash with SIGSEGV" in (home / "README.txt").read_text()
    _, number = home.name.split("-pair-")  # where only the end of a log is kept, that tells which pair it was
    assert f"\nseed 0 pair {number}: native code" in printed[printed.index("failures: ") :]
    assert fuzz.main(["--replay", str(home)]) == 1
    assert "crash with SIGSEGV" in capsys.readouterr().out
    monkeypatch.setattr(fuzz, "entry_signature", given)
    assert fuzz.main(["--replay", str(home)]) == 0


def test_at_least_half_of_the_scripts_are_accepted(fuzz: ModuleType) -> None:
    summary = fuzz.Summary(elapsed=1.0)
    for number in range(60):
        summary.add(fuzz.run_pair((8, number), native=False))
    assert 30 <= summary.accepted < 60
    assert summary.median_length >= fuzz.LENGTH
    assert not [missed for missed in summary.missed() if "half" in missed or "median" in missed]


def test_a_run_that_has_tested_too_little_fails(fuzz: ModuleType) -> None:
    summary = fuzz.Summary(pairs=10, accepted=4, lengths=[2, 2, 2, 2], elapsed=3600.0)
    missed = "\n".join(summary.missed())
    assert "expected 50000 pairs, got 10" in missed
    assert "expected half of 10 scripts to be accepted, got 4" in missed
    assert "expected scripts of 6 steps at the median, got 2" in missed
    assert "expected tile to be accepted 500 times, got 0 of 0" in missed


def first_failure(fuzz: ModuleType, seed: int = 0, count: int = 60, **options: bool) -> object:
    for number in range(count):
        outcome = fuzz.run_pair((seed, number), native=options.get("native", False))
        if outcome.failure:
            return outcome
    pytest.fail("expected what is broken to be found")


def break_vectorize(loop: object) -> None:
    """Marks any loop, whatever its iterations do."""
    from stepwell.dialects.loop import LoopKind

    loop.kind = LoopKind.PARALLEL  # pyright: ignore


def test_an_illegal_mark_is_found(fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "unroll", break_vectorize)
    outcome = first_failure(fuzz)
    assert outcome.failure.startswith(("invalid IR", "adversarial order", "interpreter"))


def test_a_refusal_that_leaves_traces_is_found(fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    tile = primitives.tile

    def careless(loops: list, sizes: list, tail: str = "guard") -> list:
        for loop in loops:
            loop.induction_variable.name_hint = "changed"
        return tile(loops, sizes, tail)

    monkeypatch.setattr(primitives, "tile", careless)
    assert first_failure(fuzz).failure == "tile changes the IR that it refuses"


def test_a_wrong_result_is_found_and_written_down(
    fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = fuzz.run_native

    def wrong(pair: object, announce: Callable[[str], None]) -> Iterator:
        uses_tile = any(step.primitive == "tile" for step in pair.steps)
        for side, results in run(pair, announce):
            yield side, tuple(result + 1 if uses_tile else result for result in results)

    monkeypatch.setattr(fuzz, "run_native", wrong)
    outcome = first_failure(fuzz, native=True)
    assert outcome.failure == "native code, buffers at the end of their pages: wrong result"
    smallest = fuzz.minimized(outcome, native=True)
    assert len(smallest.steps) <= 3  # what is tiled may have to be made first
    assert "tile" in {step.primitive for step in smallest.steps}
    assert smallest.most is not None
    said = fuzz.described(smallest).splitlines()
    assert said[0] == f"seed 0 pair {smallest.number}: {smallest.failure}"
    assert [line.strip() for line in said[1 : 1 + len(smallest.steps)]] == [str(step) for step in smallest.steps]
    assert "elements differ" in said[-1]
    home = fuzz.write_failure(tmp_path, smallest)
    assert {path.name for path in home.iterdir()} == {
        "README.txt",
        "expression.mlir",
        "inputs.npz",
        "loop.mlir",
        "scheduled.mlir",
        "script.mlir",
    }
    assert "sched.tile" in (home / "script.mlir").read_text()
    assert "wrong result" in (home / "README.txt").read_text()
    assert fuzz.main(["--replay", str(home)]) == 0  # it is the harness that adds 1, to what has these steps


def test_steps_can_be_dropped(fuzz: ModuleType) -> None:
    outcome = fuzz.run_pair((0, 3), native=False)
    steps = [Step("unroll", (Loop("nothing", 0),), f"{Loop('nothing', 0)}"), *outcome.steps]
    assert fuzz.run_pair((0, 3), native=False, given=steps).failure == ""
    assert issubclass(Missing, ScheduleError)


def test_every_primitive_is_tried(
    fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not fuzz.without_entry(), "expected an entry of each primitive in random_schedule.py"
    ops = {op.name.removeprefix("sched.") for op in Sched.operations if issubclass(op, PrimitiveOp)}
    assert not (set(ENTRIES) | set(DO_NOT_TRANSFORM)) - ops
    monkeypatch.delitem(ENTRIES, "tile")
    assert fuzz.main(["--n", "1"]) == 1
    assert "got none of tile" in capsys.readouterr().out


def test_references_stand_in_text() -> None:
    references = [Block("map0"), Loop("A_local_read", 2), Buffer("map0", 1), Buffer("map0", 0, written=True), Size(7)]
    text = "".join(f"{reference}, " for reference in references)
    assert [part for part in split_text(text) if not isinstance(part, str)] == references
    assert str(Step("tile", (), f"{references[1]} tile_sizes [{Size(7)}]")) == "tile A_local_read:2 tile_sizes [7]"


# Guard pages

_KERNEL = """
define void @main(ptr %in, ptr %out) {{
  %from = getelementptr i32, ptr %in, i64 {read}
  %value = load i32, ptr %from, align 4
  %to = getelementptr i32, ptr {target}, i64 {write}
  store volatile i32 %value, ptr %to, align 4
  ret void
}}
"""


def copy_element(side: Side, read: int, write: int, target: str = "%out") -> int:
    """Copies an element of an input to one of an output, in a process of its own; gives how that ends."""
    text = _KERNEL.format(read=read, write=write, target=target)
    code = NativeModule(text, MachineSpec(llvm.get_process_triple())).object()
    signature = Signature((Parameter("in", "int32", (6,)), Parameter("out", "int32", (6,), "output")))

    def call() -> None:
        faulthandler.disable()
        try:
            (out,) = GuardedKernel(code, signature)([np.arange(6, dtype=np.int32)], side)
        except StrayWrite:
            os._exit(2)
        os._exit(0 if out[write] == read else 1)

    process = multiprocessing.get_context("fork").Process(target=call)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.parametrize("side", ["end", "begin"])
def test_what_stays_inside_of_buffers_is_fine(side: Side) -> None:
    assert copy_element(side, 5, 0) == copy_element(side, 0, 5) == 0


def test_guards_catch_reads_and_writes() -> None:
    assert copy_element("end", 6, 0) == -signal.SIGSEGV
    assert copy_element("end", 0, 6) == -signal.SIGSEGV
    assert copy_element("begin", -1, 0) == -signal.SIGSEGV
    assert copy_element("begin", 0, -1) == -signal.SIGSEGV
    assert copy_element("begin", 0, 0, "%in") == -signal.SIGSEGV


def test_a_write_beside_a_buffer_is_seen() -> None:
    assert copy_element("begin", 0, 6) == copy_element("end", 0, -1) == 2
