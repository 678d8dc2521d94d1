"""The fuzz harness: a short run finds nothing; what is broken on purpose is found, cut to what matters, and kept."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from stepwell.backends.oracles.random_schedule import DO_NOT_TRANSFORM, ENTRIES
from stepwell.backends.oracles.random_step import Block, Buffer, Loop, Missing, Size, Step, split_text
from stepwell.errors import ScheduleError
from stepwell.transform import primitives
from stepwell.transform.sched import Sched
from stepwell.transform.sched_ops.primitives import PrimitiveOp

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of threads that wait for work

_SOURCE = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("fuzz", _SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module  # workers send its classes back
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fuzz"]


def test_a_short_run_finds_nothing(fuzz: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--seed", "7", "--n", "40", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "40 pairs" in printed
    assert "failures: 0" in printed
    assert not list(tmp_path.iterdir())


def test_a_crash_is_found_and_the_other_pairs_run(fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fuzz.run_native

    def crash(pair: object) -> tuple:
        if pair.number == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        return run(pair)

    monkeypatch.setattr(fuzz, "run_native", crash)
    found = {outcome.number: outcome.failure for outcome in fuzz.outcomes(0, 5, 2, 60.0, native=True)}
    assert found == {0: "", 1: "", 2: f"native code: crash with exit code {-signal.SIGSEGV}", 3: "", 4: ""}


def test_at_least_half_of_the_scripts_are_accepted(fuzz: ModuleType) -> None:
    outcomes = [fuzz.run_pair(8, number, native=False) for number in range(60)]
    accepted = [outcome for outcome in outcomes if outcome.accepted]
    assert 30 <= len(accepted) < 60
    assert sorted(outcome.length for outcome in accepted)[len(accepted) // 2] >= 3


def first_failure(fuzz: ModuleType, seed: int = 0, count: int = 60, **options: bool) -> object:
    for number in range(count):
        outcome = fuzz.run_pair(seed, number, native=options.get("native", False))
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

    def wrong(pair: object) -> tuple:
        results = run(pair)
        uses_tile = any(step.primitive == "tile" for step in pair.steps)
        return tuple(result + 1 if uses_tile else result for result in results)

    monkeypatch.setattr(fuzz, "run_native", wrong)
    outcome = first_failure(fuzz, native=True)
    assert outcome.failure == "native code: wrong result"
    smallest = fuzz.minimized(0, outcome, native=True)
    assert [step.primitive for step in smallest.steps] == ["tile"]
    home = fuzz.write_failure(tmp_path, 0, smallest)
    assert {path.name for path in home.iterdir()} == {
        "README.txt",
        "expression.mlir",
        "inputs.npz",
        "loop.mlir",
        "scheduled.mlir",
        "script.mlir",
    }
    assert "sched.tile" in (home / "script.mlir").read_text()
    assert "native code: wrong result" in (home / "README.txt").read_text()


def test_steps_can_be_dropped(fuzz: ModuleType) -> None:
    outcome = fuzz.run_pair(0, 3, native=False)
    steps = [Step("unroll", (Loop("nothing", 0),), f"{Loop('nothing', 0)}"), *outcome.steps]
    assert fuzz.run_pair(0, 3, native=False, given=steps).failure == ""
    assert issubclass(Missing, ScheduleError)


def test_every_primitive_is_tried() -> None:
    ops = {op.name.removeprefix("sched.") for op in Sched.operations if issubclass(op, PrimitiveOp)}
    missing = ops - set(ENTRIES) - set(DO_NOT_TRANSFORM)
    assert not missing, f"expected an entry in random_schedule.py of each primitive, got none of {sorted(missing)}"
    assert not (set(ENTRIES) | set(DO_NOT_TRANSFORM)) - ops


def test_references_stand_in_text() -> None:
    references = [Block("map0"), Loop("A_local_read", 2), Buffer("map0", 1), Buffer("map0", 0, written=True), Size(7)]
    text = "".join(f"{reference}, " for reference in references)
    assert [part for part in split_text(text) if not isinstance(part, str)] == references
    assert str(Step("tile", (), f"{references[1]} tile_sizes [{Size(7)}]")) == "tile A_local_read:2 tile_sizes [7]"
