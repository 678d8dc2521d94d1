"""The example plugin shows up wherever a name is given, and what it does is right."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from hypothesis import given, settings
from hypothesis import strategies as st
from stepwell.autotune.database.store import record_of
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sample import sample
from stepwell.autotune.workload import Workload
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context, oracle_semantics
from stepwell.dialects.source import parse_module
from stepwell.errors import CompileError, ScheduleError
from stepwell.tools.driver import lower, prepare
from stepwell.tools.workloads import workloads_of
from stepwell.transform.interpreter import apply_script
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .conftest import Installed

GENERATOR = np.random.default_rng(0)
X = GENERATOR.integers(-128, 128, (24, 64), np.int8)
W = GENERATOR.integers(-128, 128, (64, 40), np.int8)
EDGES = np.array(
    [-(2**31), 1 - 2**31, -65, -64, -63, -1, 0, 1, 63, 64, 65, 2**31 - 65, 2**31 - 64, 2**31 - 1], np.int32
)


def parsed(text: str) -> ModuleOp:
    return parse_module(make_context(), text, "test")


def dense(toy: Installed) -> ModuleOp:
    return parsed((toy.source / "dense.mlir").read_text())


def expected(toy: Installed) -> np.ndarray[Any, Any]:
    """What the layer gives, said in numpy."""
    sums = X.astype(np.int32) @ W.astype(np.int32)
    return np.clip((sums + 64) >> 7, 0, 127).astype(np.int8)


# In processes of their own, by the commands that a user types


def test_help_lists_it(toy: Installed):
    assert toy.run("stepwell_opt", "--help").stdout.endswith(
        "plugin toy:\n  dialects: toy\n  passes: convert-toy-to-arith, toy-fold\n  transform ops: toy.select\n"
        "  targets: toy-cpu\n  space rules: toy-requantized\n"
    )


def test_a_schedule_and_a_pipeline(toy: Installed):
    loop = toy.run("stepwell_opt", "dense.mlir", "-p", "convert-te-to-loop")
    assert (loop.returncode, loop.stderr) == (0, "")
    done = toy.run("stepwell_opt", "--schedule", "schedule.mlir", "-p", "func.func(toy-fold)", stdin=loop.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "%r = toy.requantize %s shift 7 clamp[0, 127] : i32 to i8" in done.stdout
    assert "arith.shrsi" not in done.stdout
    lowered = toy.run("stepwell_opt", "-p", "loop-expand,convert-toy-to-arith", stdin=done.stdout)
    assert (lowered.returncode, lowered.stderr) == (0, "")
    assert "toy." not in lowered.stdout
    assert "vector<16xi32> to vector<16xi8>" in lowered.stdout


def test_a_target(toy: Installed):
    done = toy.run("stepwell", "compile", "dense.mlir", "--target", "toy-cpu", "-o", "out")
    assert (done.returncode, done.stderr) == (0, "")
    np.savez(toy.source / "x.npz", x=X, w=W)
    done = toy.run("stepwell", "run", "out", "--input", "x.npz", "--output", "y.npz")
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(np.load(toy.source / "y.npz")["y"], expected(toy))


def test_a_refusal_says_where(toy: Installed):
    script = toy.source / "refused.mlir"
    script.write_text((toy.source / "schedule.mlir").read_text().replace('"quantized"', '"y"'))
    loop = toy.run("stepwell_opt", "dense.mlir", "-p", "convert-te-to-loop").stdout
    done = toy.run("stepwell_opt", "--schedule", "refused.mlir", "--no-reproducer", stdin=loop)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: refused.mlir:5:5: expected fixed-point code that requantizes, got none\n"
        "  in script: toy.select %quantized : !transform.any_op\n"
    )


def test_files_for_others_go_through_its_pipeline(toy: Installed):
    done = toy.run("stepwell", "compile", "requantize.mlir", "--target", "toy-cpu", "--emit", "object", "-o", "unit.o")
    assert (done.returncode, done.stderr) == (0, "")


MEASURE = """
import sys
from stepwell.autotune.database.store import Database
from stepwell.autotune.measure.interface import MeasureInput
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.database.store import record_of
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sketch import Candidate
from stepwell.tools.driver import Report, compile
from stepwell.tools.workloads import workloads_of

(workload,) = workloads_of("dense.mlir", target="toy-cpu")
space = build_space(workload, rules=["toy-requantized", "shipped"])
candidates = [Candidate(number, tuple(0 for _ in sketch.knobs)) for number, sketch in enumerate(space.sketches)]
inputs = [MeasureInput(str(space.script(candidate))) for candidate in candidates]
with LocalMeasurer(jobs=1) as measurer, Database(sys.argv[1]) as database:
    trials = measurer.measure(workload, inputs)
    print(*(trial.status.value for trial in trials))
    database.add_workload(workload)
    database.record(trials[0])
report = Report()
compile("dense.mlir", target="toy-cpu", database=sys.argv[1], report=report)
compile("dense.mlir", database=sys.argv[1], report=(other := Report()))
print(*report.schedules.values(), *other.schedules.values())
"""


def test_what_its_rule_writes_is_measured_and_used_on_its_target_alone(toy: Installed, tmp_path: Path):
    path = tmp_path / "measure.py"
    path.write_text(MEASURE)
    command = [sys.executable, str(path), str(tmp_path / "trials.db")]
    done = subprocess.run(
        command, cwd=toy.source, env=toy.environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout.split(), done.stderr) == (["ok", "ok", "tuned", "shipped"], "")


# In this process


@pytest.mark.parametrize("schedule", [None, "schedule.mlir"])
def test_what_is_compiled_computes_what_the_oracle_says(loaded: Installed, schedule: str | None):
    (said,) = run_te(dense(loaded), X, W)
    np.testing.assert_array_equal(said, expected(loaded))
    script = None if schedule is None else loaded.source / schedule
    compiled = sw.compile(loaded.source / "dense.mlir", target="toy-cpu", schedule=script)
    np.testing.assert_array_equal(compiled(X, W), said)


def test_the_packaged_schedule_selects_the_instruction(loaded: Installed):
    module = lower(loaded.source / "dense.mlir", target="toy-cpu", until="toy-fold")
    names = [op.name for op in module.walk()]
    assert names.count("toy.requantize") == 1
    assert "arith.shrsi" not in names
    assert "vectorized" in str(module)
    (y,) = run_loop(module, X, W, order="adversarial", semantics=oracle_semantics())
    np.testing.assert_array_equal(y, expected(loaded))
    # Another target knows nothing of it.
    assert "toy." not in str(lower(loaded.source / "dense.mlir", until="loop"))


REQUANTIZE = """
func.func @f(%x: tensor<{n}xi32>) -> tensor<{n}xi8> {{
  %y = te.compute "y" spatial(%i in {n}) {{
    %e = te.read %x[%i] : tensor<{n}xi32>
    %q = toy.requantize %e shift {shift} clamp [{low}, {high}] : i32 to i8
    te.yield %q : i8
  }} -> tensor<{n}xi8>
  func.return %y : tensor<{n}xi8>
}}
"""


@pytest.mark.parametrize(("shift", "low", "high"), [(1, -128, 127), (7, 0, 127), (31, -128, 127), (16, 5, 5)])
def test_the_instruction_on_each_rung(loaded: Installed, shift: int, low: int, high: int):
    text = REQUANTIZE.format(n=len(EDGES), shift=shift, low=low, high=high)
    (said,) = run_te(parsed(text), EDGES, semantics=oracle_semantics())
    loop = lower(parsed(text), target="toy-cpu", until="loop")
    np.testing.assert_array_equal(run_loop(loop, EDGES, semantics=oracle_semantics())[0], said)
    assert "vector<" in str(lower(parsed(text), target="toy-cpu", until="convert-toy-to-arith"))
    np.testing.assert_array_equal(sw.compile(parsed(text), target="toy-cpu")(EDGES), said)


def test_an_oracle_that_is_told_nothing_says_so(loaded: Installed):
    module = parsed(REQUANTIZE.format(n=14, shift=1, low=0, high=1))
    with pytest.raises(CompileError, match=r"the te oracle has no semantics for toy\.requantize"):
        run_te(module, EDGES)


def test_a_target_without_the_lowering_says_so(loaded: Installed):
    with pytest.raises(CompileError, match=r"toy\.requantize"):
        sw.compile(parsed(REQUANTIZE.format(n=14, shift=1, low=0, high=1)))


FIXED_POINT = """
func.func @f(%x: memref<14xi32>, %y: memref<14xi8> {{loop.output}}) {{
  loop.for %i : 14 {{
    loop.block "map0" spatial(%v in 14 = %i) {{
      %e = loop.read %x[%v] : memref<14xi32>
      {body}
      loop.write %q, %y[%v] : memref<14xi8>
    }}
  }}
  func.return
}}
"""


def selected(body: str) -> str | None:
    """The block's code after selection, one op a line; None if there was nothing to select."""
    from stepwell_toy.selection import select_requantize  # pyright: ignore

    module = parsed(FIXED_POINT.format(body=body))
    module.verify()
    before = run_loop(module, EDGES)
    text = str(module)
    try:
        select_requantize(next(op for op in module.walk() if op.name == "loop.block"))
    except ScheduleError:
        assert str(module) == text
        return None
    module.verify()
    after = run_loop(module, EDGES, semantics=oracle_semantics())
    np.testing.assert_array_equal(after[0], before[0])
    return str(module)


@st.composite
def fixed_point(draw: st.DrawFn) -> tuple[str, bool]:
    """Code that may be a requantization, and whether it is one."""
    shift = draw(st.integers(0, 31))
    rounding = draw(st.sampled_from([1 << shift >> 1, 1 << shift >> 1, 1 << shift >> 1, 3]))
    clamps = draw(st.lists(st.tuples(st.sampled_from(["min", "max"]), st.integers(-140, 140)), max_size=4))
    swapped = draw(st.booleans())
    lines = [
        f"%r = arith.constant {rounding if rounding < 2**31 else rounding - 2**32} : i32",
        f"%n = arith.constant {shift} : i32",
        "%s0 = arith.addi %r, %e : i32" if swapped else "%s0 = arith.addi %e, %r : i32",
        "%c0 = arith.shrsi %s0, %n : i32",
    ]
    values = np.arange(-400, 400)
    for index, (kind, bound) in enumerate(clamps):
        operands = f"%b{index}, %c{index}" if swapped else f"%c{index}, %b{index}"
        lines.append(f"%b{index} = arith.constant {bound} : i32")
        lines.append(f"%c{index + 1} = arith.{kind}si {operands} : i32")
        values = (np.minimum if kind == "min" else np.maximum)(values, bound)
    lines.append(f"%q = arith.trunci %c{len(clamps)} : i32 to i8")
    fits = values.min() >= -128 and values.max() <= 127
    return "\n".join(lines), bool(fits and shift >= 1 and rounding == 1 << (shift - 1))


@pytest.mark.usefixtures("loaded")
def test_selection_takes_what_the_unit_computes_and_nothing_else():
    @given(fixed_point())
    @settings(max_examples=60)
    def check(case: tuple[str, bool]) -> None:
        body, fits = case
        text = selected(body)
        assert (text is not None) == fits
        assert text is None or ("toy.requantize" in text and "arith.shrsi" not in text)

    check()


@pytest.mark.usefixtures("loaded")
def test_selection_leaves_what_is_used_otherwise():
    body = """
      %r = arith.constant 64 : i32
      %n = arith.constant 7 : i32
      %l = arith.constant -128 : i32
      %h = arith.constant 127 : i32
      %s = arith.addi %e, %r : i32
      %d = arith.shrsi %s, %n : i32
      %a = arith.maxsi %d, %l : i32
      %b = arith.minsi %a, %h : i32
      %t = arith.trunci %b : i32 to i8
      %other = arith.trunci %d : i32 to i8
      %q = arith.addi %t, %other : i8
    """
    text = selected(body)
    assert text is not None
    assert "toy.requantize %e shift 7 clamp[-128, 127] : i32 to i8" in text
    assert "arith.shrsi" in text
    assert "arith.minsi" not in text


@pytest.mark.usefixtures("loaded")
def test_folding_keeps_the_meaning():
    from stepwell_toy.fold import ToyFoldPass  # pyright: ignore

    @given(
        st.integers(-128, 127),
        st.integers(-128, 127),
        st.lists(st.tuples(st.sampled_from(["min", "max"]), st.integers(-128, 127)), max_size=3),
    )
    @settings(max_examples=60)
    def check(one: int, other: int, clamps: list[tuple[str, int]]) -> None:
        lines = [f"%c0 = toy.requantize %e shift 24 clamp [{min(one, other)}, {max(one, other)}] : i32 to i8"]
        for index, (kind, bound) in enumerate(clamps):
            lines.append(f"%b{index} = arith.constant {bound} : i8")
            lines.append(f"%c{index + 1} = arith.{kind}si %c{index}, %b{index} : i8")
        body = "\n".join(lines) + f"\n%zero = arith.constant 0 : i8\n%q = arith.ori %c{len(clamps)}, %zero : i8"
        module = parsed(FIXED_POINT.format(body=body))
        before = run_loop(module, EDGES, semantics=oracle_semantics())
        ToyFoldPass().apply(make_context(), module)
        module.verify()
        np.testing.assert_array_equal(run_loop(module, EDGES, semantics=oracle_semantics())[0], before[0])
        assert not any(op.name in ("arith.minsi", "arith.maxsi") for op in module.walk())

    check()


@pytest.mark.parametrize(
    ("op", "message"),
    [
        ("%q = toy.requantize %e shift 0 clamp [0, 1] : i32 to i8", "expected a shift from 1 to 31, got 0"),
        ("%q = toy.requantize %e shift 32 clamp [0, 1] : i32 to i8", "expected a shift from 1 to 31, got 32"),
        ("%q = toy.requantize %e shift 1 clamp [1, 0] : i32 to i8", "expected bounds of i8 to clamp to, the lower one"),
        ("%q = toy.requantize %e shift 1 clamp [0, 128] : i32 to i8", "expected bounds of i8 to clamp to"),
        (
            "%q = toy.requantize %e shift 1 clamp [0, 1] : i32 to i16",
            "expected i32 to i8, or vectors of these, got i32",
        ),
        (
            "%u = ub.poison : vector<4xi32>\n"
            "%q = toy.requantize %u shift 1 clamp [0, 1] : vector<4xi32> to vector<8xi8>",
            "expected scalars, or vectors of one shape",
        ),
    ],
)
def test_the_verifier(loaded: Installed, op: str, message: str):
    module = parsed(f"func.func @f(%e: i32) {{\n{op}\nfunc.return\n}}")
    with pytest.raises(VerifyException, match=re.escape(message)):
        module.verify()


def test_round_trips(loaded: Installed):
    text = "%e = ub.poison : i32\n%q = toy.requantize %e shift 7 clamp[-128, 127] : i32 to i8\n"
    assert text in str(parsed(text)).replace("  ", "")
    generic = StringIO()
    Printer(generic, print_generic_format=True).print_op(parsed(text))
    assert "<{shift = 7 : i64, low = -128 : i64, high = 127 : i64}>" in generic.getvalue()
    assert parsed(generic.getvalue()).is_structurally_equivalent(parsed(text))


def test_its_rule_writes_sketches_whose_candidates_compute_what_the_oracle_says(loaded: Installed):
    ctx, module, manager = prepare(dense(loaded), target="toy-cpu")
    names = [step.pass_.name for step in manager.steps]
    replace(manager, steps=manager.steps[: names.index("apply-schedules")]).run(ctx, module)
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp) and not op.is_declaration)
    workload = Workload.of_kernel(kernel)
    again = Workload.of_text(workload.text)
    assert (workload.backend.name, again.backend.name, again.hash) == ("toy-cpu", "toy-cpu", workload.hash)
    space = build_space(workload, rules=["toy-requantized"])
    assert [(sketch.name, sketch.size) for sketch in space.sketches] == [("toy-requantized/tiles", 6)]
    for candidate in sample(space, np.random.default_rng(0), 2):
        scheduled = space.workload.copy()
        apply_script(space.script(candidate), scheduled, ctx=make_context())
        assert "toy.requantize" in str(scheduled)
        (y,) = run_loop(scheduled, X, W, semantics=oracle_semantics())
        np.testing.assert_array_equal(y, expected(loaded))


def test_its_rule_has_nothing_for_targets_without_the_unit(loaded: Installed):
    (there,), (here,) = (workloads_of(dense(loaded), target=target) for target in ("toy-cpu", "llvm-cpu"))
    assert not build_space(here, rules=["toy-requantized"]).sketches
    assert here.hash != there.hash
    assert record_of(here).family != record_of(there).family
    (shipped,) = build_space(there, rules=["shipped"]).sketches
    assert "@toy_schedule" in str(shipped.script)
