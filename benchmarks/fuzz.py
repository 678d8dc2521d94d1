"""Random pairs of a tensor expression and a schedule: each gives a refusal with the IR as it was, or the right result.

    python benchmarks/fuzz.py --seconds 120 --check
    python benchmarks/fuzz.py --seed 7 --pair 123
    python benchmarks/fuzz.py --replay fuzz-failures/seed-7-pair-123

A pair is a random tensor expression, lowered to the loop rung, and a random transform script; a few scripts share an
expression. Expressions are exact (whole numbers, sums that the element type holds), so that every schedule must give
the oracle's bits. For each pair:

1. the oracle of `te` against that of the loop rung;
2. a script is made up step by step; a primitive that refuses must leave the IR as it was, one that accepts must leave
   IR that verifies;
3. the interpreter runs the script on another copy, and must come to the same IR, or refuse where the primitive did;
4. the oracle of the loop rung on what came out, once more with parallel loops shuffled and vector lanes reversed;
5. native code, of kernels that allocate and of kernels whose memory is planned; one in three as it is shipped, others
   with fewer of LLVM's passes, which take most of the time. Buffers lie between guard pages, once directly before one
   and once directly behind one; inputs can't be written; what nobody has written is garbage.

What goes wrong, a crash too, ends in a folder of its own, with IR, script and inputs, after steps and sizes that do not
matter were dropped. `--check` says whether there was enough to find: pairs, accepted scripts, their length, and how
often each primitive was accepted.
"""

from __future__ import annotations

import argparse
import difflib
import faulthandler
import itertools
import json
import multiprocessing
import random
import re
import secrets
import signal
import statistics
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from stepwell import te
from stepwell.backends.llvm_cpu.backend import LlvmCpuBackend
from stepwell.backends.llvm_cpu.codegen import MachineSpec, NativeModule
from stepwell.backends.llvm_cpu.llvm_text import write_llvm_ir
from stepwell.backends.oracles.guarded import THREADS, GuardedKernel, Side, quiet_threads
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.random_schedule import DO_NOT_TRANSFORM, ENTRIES, iterations, random_step
from stepwell.backends.oracles.random_script import ScriptWriter
from stepwell.backends.oracles.random_step import Missing, Step, apply_step
from stepwell.backends.oracles.random_te import random_expression
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects.cpu import TARGET
from stepwell.dialects.layout import LayoutAttr
from stepwell.dialects.loop import CONSTANT, LAYOUT, OUTPUT, WORKSPACE, ForOp, LoopKind, memref_type
from stepwell.dialects.source import parse_module
from stepwell.errors import CompileError, ScheduleError
from stepwell.passes.loop.pack_constants import pack_array
from stepwell.passes.pass_manager import PassManager, build_pipeline
from stepwell.passes.registry import PassRegistry
from stepwell.runtime.signature import numpy_dtype
from stepwell.tools.driver import entry_signature
from stepwell.transform.interpreter import apply_script
from stepwell.transform.sched import Sched
from stepwell.transform.sched_ops.primitives import PrimitiveOp
from stepwell.transform.script import parse_script, script_context
from stepwell.transform.state import SCHEDULED
from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, UnitAttr
from xdsl.dialects.func import FuncOp
from xdsl.dialects.llvm import GlobalOp
from xdsl.ir import Block, SSAValue

Array = np.ndarray[Any, Any]

TO_LOOP = "te-simplify,convert-te-to-loop"
TO_NATIVE = (
    "loop-expand,cpu-outline-parallel,convert-cpu-to-llvm,"
    "arith-emulate-unsupported-floats,math-polynomial-approximation,arith-expand,convert-to-llvm"
)
SCRIPTS = 8
"""How many pairs share an expression."""
PAIRS_AN_HOUR = 50_000
ACCEPTED_AN_HOUR = 500
"""How often each primitive has to be accepted."""
LENGTH = 6
"""The least median of the lengths of accepted scripts."""

_LENGTHS = (2, 4, 5, 6, 7, 7, 8, 8, 9, 10, 12, 14)
_MOST_ITERATIONS = 20_000
"""Above this many block executions, a kernel takes an oracle too long: no further steps."""
_MOST_TRIES = 40
_SECONDS_A_PAIR = 60.0
_MOST_LINES = 20
"""How much of a report is printed."""
_PAIRS_A_PROCESS = 500
_SIDES: tuple[Side, ...] = ("end", "begin")
_FORK = multiprocessing.get_context("fork")
"""Workers start with all that is imported and parsed."""

Key = tuple[int, int]
"""A pair: the seed, and its number among those of the seed."""


class Failure(Exception):
    """A pair went wrong; `kind` groups failures that are alike."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}\n{detail}")
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True)
class Expression:
    """A tensor expression on the loop rung, with inputs and what it has to give."""

    te_text: str
    module: ModuleOp
    inputs: list[Array]
    expected: tuple[Array, ...]


@dataclass
class Pair:
    """An expression, and what its schedule consists of; the module is the pair's own."""

    key: Key
    expression: Expression
    module: ModuleOp
    steps: list[Step] = field(default_factory=list[Step])
    script: str = ""

    @property
    def number(self) -> int:
        return self.key[1]

    @property
    def kernel(self) -> FuncOp:
        return kernel_of_module(self.module)


@dataclass
class Outcome:
    """What became of a pair."""

    key: Key
    accepted: bool = False
    length: int = 0
    applied: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    failure: str = ""
    report: str = ""
    steps: tuple[Step, ...] = ()
    most: int | None = None
    """The greatest extent, where it is limited."""
    files: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def number(self) -> int:
        return self.key[1]

    @contextmanager
    def timed(self, what: str) -> Generator[None]:
        """Counts the time of the processor inside of it as spent on something."""
        start = time.process_time()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.process_time() - start


def kernel_of_module(module: ModuleOp) -> FuncOp:
    """The only kernel of a module."""
    (kernel,) = (op for op in module.body.block.ops if isinstance(op, FuncOp))
    return kernel


@cache
def context() -> Context:
    """The dialects of all rungs, parsed once a process."""
    return make_context()


@cache
def scripts() -> Context:
    """What scripts are parsed in."""
    return script_context()


@cache
def passes(pipeline: str) -> PassManager:
    """A pipeline, built once a process."""
    return build_pipeline(pipeline, PassRegistry())


@cache
def backend() -> LlvmCpuBackend:
    """What compiles."""
    return LlvmCpuBackend()


Announce = Callable[[str], None]
"""Says what is about to happen, in case that it ends the process."""


def say_nothing(what: str) -> None:
    """Nobody listens."""


# One pair


def expression_rng(key: Key) -> random.Random:
    """What the expression of a pair is drawn from."""
    seed, number = key
    return random.Random(f"{seed}:{number // SCRIPTS}")


def schedule_rng(key: Key) -> random.Random:
    """What the schedule of a pair is drawn from."""
    seed, number = key
    return random.Random(f"{seed}:{number}:schedule")


@lru_cache(maxsize=1)
def expression_of(seed: int, number: int, most: int | None) -> Expression:
    """A random expression on the loop rung."""
    tensors, inputs = random_expression(expression_rng((seed, number * SCRIPTS)), most)
    module = te.build_module(tensors)
    mark_constants(module, expression_rng((seed, -1 - number)))
    return expression_from(module, inputs)


def mark_constants(module: ModuleOp, rng: random.Random) -> None:
    """Makes model constants of some inputs."""
    kernel = kernel_of_module(module)
    marks = kernel.arg_attrs.data if kernel.arg_attrs else [DictionaryAttr({})] * len(kernel.args)
    constant = DictionaryAttr({CONSTANT: UnitAttr()})
    kernel.arg_attrs = ArrayAttr(
        DictionaryAttr({**each.data, **constant.data}) if rng.random() < 0.4 else each for each in marks
    )


def packed_inputs(kernel: FuncOp, inputs: Sequence[Array]) -> list[Array]:
    """What callers pass to a kernel whose schedule has packed some constants."""
    packed: list[Array] = []
    attributes = kernel.arg_attrs.data if kernel.arg_attrs else ()
    given = [(marks, argument) for marks, argument in zip(attributes, kernel.args, strict=False)]
    plain = [(marks, argument) for marks, argument in given if not marks.data.keys() & {OUTPUT, WORKSPACE}]
    for array, (marks, argument) in zip(inputs, plain, strict=True):
        layout = marks.data.get(LAYOUT)
        packed.append(
            pack_array(array, layout, memref_type(argument).get_shape()) if isinstance(layout, LayoutAttr) else array
        )
    return packed


def expression_from(module: ModuleOp, inputs: list[Array]) -> Expression:
    """A module of tensor expressions on the loop rung, and what it has to give.

    Raises:
        Failure: if the lowering from `te` already changes it.
    """
    text = str(module)
    expected = run_te(module, *inputs)
    with stage("lowering to loops"):
        passes(TO_LOOP).run(context(), module, ())
        module.verify()
        check_result(expected, "lowering to loops", run_loop(module, *inputs))
    module.attributes[TARGET] = backend().default_target()
    return Expression(text, module, inputs, expected)


def make_pair(key: Key, most: int | None = None) -> Pair:
    """A pair whose schedule is still to be made."""
    expression = expression_of(key[0], key[1] // SCRIPTS, most)
    return Pair(key, expression, expression.module.clone())


@contextmanager
def stage(name: str) -> Generator[None]:
    """Turns whatever is raised inside into a failure of that stage."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        message = anonymous(str(error).splitlines()[0] if str(error) else "")
        trace = "".join(traceback.format_exception(error)[-6:])
        raise Failure(f"{name}: {type(error).__name__}: {message}", trace) from error


def anonymous(message: str) -> str:
    """A message without the names and numbers of one program."""
    return re.sub(r"(?<!\w)'[^']*'|%\w+|@\w+|-?\d+", "_", message)[:160]


def check_result(expected: Sequence[Array], where: str, results: Sequence[Array]) -> None:
    """Compares results with what the oracle of `te` says."""
    for position, (wanted, got) in enumerate(zip(expected, results, strict=True)):
        if wanted.dtype != got.dtype or wanted.shape != got.shape:
            raise Failure(f"{where}: wrong type", f"output {position}: {got.dtype}{got.shape}")
        if not np.array_equal(wanted, got, equal_nan=wanted.dtype.kind in "fV"):
            wrong = np.argwhere(~((wanted == got) | ((wanted != wanted) & (got != got))))
            first = tuple(int(i) for i in wrong[0])
            detail = f"output {position}: {len(wrong)} of {wanted.size} elements differ, the first at {list(first)}: "
            raise Failure(f"{where}: wrong result", f"{detail}expected {wanted[first]}, got {got[first]}")


def fingerprint(module: ModuleOp) -> list[object]:
    """All that the text of a module says, as a list that is quick to make and to compare."""
    numbers: dict[SSAValue, int] = {}
    found: list[object] = []

    def visit(block: Block) -> None:
        for argument in block.args:
            numbers[argument] = len(numbers)
            found.append((argument.type, argument.name_hint))
        for op in block.ops:
            found.append(op.name)
            found.append([numbers.get(operand, -1) for operand in op.operands])
            found.append(op.properties.copy())
            found.append(op.attributes.copy())
            for result in op.results:
                numbers[result] = len(numbers)
                found.append((result.type, result.name_hint))
            for region in op.regions:
                found.append(len(region.blocks))
                for inner in region.blocks:
                    visit(inner)
        found.append(None)  # the block's end

    visit(module.body.block)
    return found


def schedule(pair: Pair, rng: random.Random, given: Sequence[Step] | None, outcome: Outcome) -> bool:
    """Schedules the pair's kernel, by `given` steps or by random ones, and by the script that says the same.

    Returns:
        Whether the script is accepted: its last step may be one that is refused.
    """
    scripted = pair.module.clone()
    writer = ScriptWriter(rng)
    pair.steps.clear()
    try:
        accepted = choose_steps(pair, rng, given, writer, outcome)
    finally:
        pair.script = writer.text()
    with stage("script"):
        script = parse_script(pair.script, "script", scripts())
    with stage("interpreter"):
        try:
            apply_script(script, scripted, ctx=context())
        except ScheduleError as refusal:
            if accepted:
                raise Failure(f"interpreter refuses: {anonymous(str(refusal))}", str(refusal)) from refusal
        else:
            if not accepted:
                raise Failure("interpreter accepts what the primitive refuses", str(pair.steps[-1]))
    kernel_of_module(scripted).attributes.pop(SCHEDULED, None)
    if fingerprint(scripted) != fingerprint(pair.module) and str(scripted) != str(pair.module):
        raise Failure("interpreter and primitives differ", difference(str(scripted), str(pair.module)))
    return accepted


def difference(one: str, other: str) -> str:
    """The lines in which two texts differ, without the lines around them."""
    lines = difflib.unified_diff(one.splitlines(), other.splitlines(), "interpreter", "primitives", n=0, lineterm="")
    return "\n".join(lines)


def choose_steps(
    pair: Pair, rng: random.Random, given: Sequence[Step] | None, writer: ScriptWriter, outcome: Outcome
) -> bool:
    """Applies steps one after the other. Most refused ones are dropped; one may stay, as the script's last."""
    kernel = pair.kernel
    before = fingerprint(pair.module)
    length = rng.choice(_LENGTHS)
    stubborn = rng.random() < 0.3  # whether a refused step stays
    (focus,) = rng.choices(list(ENTRIES), [each.focus for each in ENTRIES.values()])
    tries = 0
    source: Iterator[Step] | None = iter(given) if given is not None else None
    while True:
        if source is not None:
            step = next(source, None)
        else:
            done = len(pair.steps) >= length or tries >= _MOST_TRIES or iterations(kernel) > _MOST_ITERATIONS
            with stage("choosing a step"):
                step = None if done else next_step(rng, kernel, focus, len(pair.steps))
        if step is None:
            return True
        tries += 1
        lines, preludes, count = len(writer.lines), len(writer.preludes), writer.count
        handles = dict(writer.handles)
        try:
            writer.write(kernel, step)
            results = apply_step(kernel, step)
        except Missing:
            del writer.lines[lines:]
            del writer.preludes[preludes:]
            writer.handles, writer.count = handles, count
            continue
        except ScheduleError as refusal:
            outcome.refused[step.primitive] += 1
            outcome.reasons[step.primitive, anonymous(str(refusal))] += 1
            if fingerprint(pair.module) != before:
                pair.steps.append(step)
                raise Failure(f"{step.primitive} changes the IR that it refuses", str(refusal)) from refusal
            if given is None and stubborn and len(pair.steps) >= length // 2:
                pair.steps.append(step)
                return False
            del writer.lines[lines:]
            del writer.preludes[preludes:]
            writer.handles, writer.count = handles, count
            continue
        except Exception as error:
            pair.steps.append(step)
            with stage(f"{step.primitive} crashes"):
                raise error
        pair.steps.append(step)
        writer.made(results)
        outcome.applied[step.primitive] += 1
        before = fingerprint(pair.module)


def next_step(rng: random.Random, kernel: FuncOp, focus: str, done: int) -> Step:
    """A step on a kernel as it is now: one in five is of the primitive in focus, and every other one at the beginning,
    where there is something to try."""
    chosen = ENTRIES[focus].choose(rng, kernel) if rng.random() < (0.5 if done < 2 else 0.2) else None
    return random_step(rng, kernel) if chosen is None else chosen


def check_scheduled(pair: Pair, outcome: Outcome, *, native: bool, announce: Announce = say_nothing) -> None:
    """Executes what the schedule has made of the kernel."""
    inputs, expected = pair.expression.inputs, pair.expression.expected
    with outcome.timed("verify"), stage("invalid IR"):
        pair.module.verify()
    with outcome.timed("loop oracle"):
        with stage("loop oracle"):
            check_result(expected, "loop oracle", run_loop(pair.module, *inputs))
        kinds = {op.kind for op in pair.module.walk() if isinstance(op, ForOp)}
        if kinds & {LoopKind.PARALLEL, LoopKind.VECTORIZED, LoopKind.PIPELINED}:
            with stage("adversarial order"):
                results = run_loop(pair.module, *inputs, order="adversarial", seed=pair.number)
                check_result(expected, "adversarial order", results)
    if native:
        with outcome.timed("native"), stage("native code"):
            for side, results in run_native(pair, announce):
                check_result(expected, f"native code, buffers at the {side} of their pages", results)


def run_native(pair: Pair, announce: Announce) -> Iterator[tuple[Side, tuple[Array, ...]]]:
    """Compiles the scheduled kernel and calls it, with guards behind its buffers, and with guards before them."""
    module = pair.module.clone()
    if pair.number % 2:
        passes("loop-plan-memory").run(context(), module, ())
    found = entry_signature(kernel_of_module(module))
    assert found is not None, "expected a kernel that marks its outputs"
    inputs = packed_inputs(kernel_of_module(module), pair.expression.inputs)
    announce("compiling")
    try:
        passes(TO_NATIVE).run(context(), module, ())
    except CompileError as refusal:
        # There is a limit to how much a loop may be unrolled, and what says so has done its work.
        if not str(refusal).endswith("unroll less"):
            raise
        return
    parallel = any(isinstance(op, GlobalOp) and op.sym_name.data == THREADS for op in module.ops)
    if pair.number % 3:
        code = NativeModule(write_llvm_ir(module), MachineSpec.of_module(module), "light", selection=0).object()
    else:
        code = backend().object_code(module).code
    run = GuardedKernel(code, found[0], parallel=parallel, threads=2 + pair.number % 2)
    for side in _SIDES:
        announce(f"native code, buffers at the {side} of their pages")
        yield side, run(inputs, side)


def run_pair(
    key: Key,
    *,
    native: bool = True,
    given: Sequence[Step] | None = None,
    most: int | None = None,
    keep_files: bool = False,
    announce: Announce = say_nothing,
) -> Outcome:
    """Makes and checks one pair."""
    outcome = Outcome(key, most=most)
    pair: Pair | None = None
    try:
        with outcome.timed("expression"), stage("expression"):
            pair = make_pair(key, most)
        with outcome.timed("schedule"):
            outcome.accepted = schedule(pair, schedule_rng(key), given, outcome)
        outcome.length = len(pair.steps)
        check_scheduled(pair, outcome, native=native, announce=announce)
        if keep_files:
            outcome.files = files_of(pair)
    except Failure as failure:
        outcome.failure, outcome.report = failure.kind, failure.detail
        if pair is not None:
            outcome.steps = tuple(pair.steps)
            outcome.files = files_of(pair)
    return outcome


def files_of(pair: Pair) -> dict[str, str]:
    """The text of a pair: before and after scheduling, and the script."""
    return {
        "expression.mlir": pair.expression.te_text,
        "loop.mlir": f"{pair.expression.module!s}\n",
        "script.mlir": pair.script,
        "scheduled.mlir": f"{pair.module!s}\n",
    }


# What went wrong


def minimized(outcome: Outcome, *, native: bool) -> Outcome:
    """The same failure with fewer steps and smaller sizes, where it stays without the others."""
    best = drop_steps(outcome, native=native)
    for most in (2, 3, 4, 6):
        tried = isolated(outcome.key, native=native, given=best.steps, most=most)
        if tried.failure == outcome.failure:
            return drop_steps(tried, native=native)
    return best


def drop_steps(outcome: Outcome, *, native: bool) -> Outcome:
    """The same failure with as few steps as dropping one after another leads to."""
    best = outcome
    position = 0
    while position < len(best.steps):
        fewer = (*best.steps[:position], *best.steps[position + 1 :])
        tried = isolated(outcome.key, native=native, given=fewer, most=outcome.most)
        if tried.failure == outcome.failure and len(tried.steps) < len(best.steps):
            best = tried
        else:
            position += 1
    return best


Message = tuple[Literal["pair"], Key] | tuple[Literal["stage"], str] | Outcome | None


def isolated(
    key: Key, *, native: bool, given: Sequence[Step] | None = None, most: int | None = None, replay: Path | None = None
) -> Outcome:
    """One pair in a process of its own, whose crash is a failure like others."""

    def run(sender: Connection) -> None:
        announce = teller(sender)
        if replay is not None:
            sender.send(run_replay(replay, announce))
        else:
            sender.send(run_pair(key, native=native, given=given, most=most, announce=announce))

    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=run, args=(sender,), daemon=True)
    process.start()
    sender.close()
    where = "schedule"
    try:
        while receiver.poll(_SECONDS_A_PAIR):
            match cast("Message", receiver.recv()):
                case "stage", str() as where:
                    pass
                case Outcome() as outcome:
                    return outcome
                case _:
                    pass
        process.kill()
        return Outcome(key, failure="hangs", steps=tuple(given or ()), most=most)
    except EOFError:
        process.join()
        crashed = Outcome(key, failure=describe_crash(where, process.exitcode), most=most)
        if replay is None:
            before = without_native(key, given, most)
            crashed.steps, crashed.files = before.steps, before.files
        return crashed
    finally:
        process.join()


def describe_crash(where: str, code: int | None) -> str:
    """How a process ended, by name."""
    return f"{where}: crash with {signal.Signals(-code).name if code is not None and code < 0 else f'code {code}'}"


def without_native(key: Key, given: Sequence[Step] | None, most: int | None) -> Outcome:
    """Steps and files of a pair whose native code can't be run."""
    outcome = Outcome(key)
    try:
        pair = make_pair(key, most)
        schedule(pair, schedule_rng(key), given, outcome)
        outcome.steps, outcome.files = tuple(pair.steps), files_of(pair)
    except Failure as failure:
        outcome.report = failure.detail
    return outcome


def write_failure(folder: Path, outcome: Outcome) -> Path:
    """Writes a failure down, with all that is needed to see it again."""
    seed, number = outcome.key
    home = folder / f"seed-{seed}-pair-{number}"
    home.mkdir(parents=True, exist_ok=True)
    for name, text in outcome.files.items():
        (home / name).write_text(text)
    _, inputs = random_expression(expression_rng(outcome.key), outcome.most)
    # numpy does not save bfloat16
    saved = {f"{i:02}": each.view("uint16") if each.dtype.kind == "V" else each for i, each in enumerate(inputs)}
    np.savez(home / "inputs.npz", **cast("Any", saved))
    steps = "".join(f"  {step}\n" for step in outcome.steps)
    (home / "README.txt").write_text(
        f"{outcome.failure}\n\nsteps:\n{steps}\n{outcome.report}\n\n"
        f"again: python benchmarks/fuzz.py --replay {home}\n"
        f"from the seed, with all steps: python benchmarks/fuzz.py --seed {seed} --pair {number}\n"
        "by hand: stepwell-opt loop.mlir --schedule script.mlir\n"
    )
    return home


def described(outcome: Outcome) -> str:
    """A failure in a few lines, for logs of which only the end is kept: which pair, what is left of its steps, and what
    went wrong."""
    seed, number = outcome.key
    lines = [f"seed {seed} pair {number}: {outcome.failure}", *(f"  {step}" for step in outcome.steps)]
    report = outcome.report.splitlines()
    cut = len(report) - _MOST_LINES
    shown = report if cut <= 0 else [*report[: _MOST_LINES // 2], f"… {cut} lines", *report[-_MOST_LINES // 2 :]]
    return "\n".join([*lines, *shown])


def run_replay(folder: Path, announce: Announce) -> Outcome:
    """What is written in a folder of a failure: its expression, scheduled by its script, on its inputs."""
    number = int(folder.name.rpartition("-")[2]) if folder.name.rpartition("-")[2].isdecimal() else 0
    outcome = Outcome((0, number))
    try:
        with np.load(folder / "inputs.npz") as saved:
            inputs = [cast(Array, saved[name]) for name in sorted(saved.files)]
        module = parse_module(context(), (folder / "expression.mlir").read_text(), "expression.mlir")
        lowered = module.clone()
        passes(TO_LOOP).run(context(), lowered, ())
        found = entry_signature(kernel_of_module(lowered))
        assert found is not None, "expected a kernel that marks its outputs"
        dtypes = [numpy_dtype(parameter.dtype) for parameter in found[0].role("input")]
        inputs = [each.view(dtype) for each, dtype in zip(inputs, dtypes, strict=True)]
        expression = expression_from(module, inputs)
        pair = Pair(outcome.key, expression, expression.module.clone())
        script = parse_script((folder / "script.mlir").read_text(), "script.mlir", scripts())
        with stage("interpreter"):
            try:
                apply_script(script, pair.module, ctx=context())
                outcome.accepted = True
            except ScheduleError as refusal:
                outcome.report = str(refusal)
        kernel_of_module(pair.module).attributes.pop(SCHEDULED, None)
        check_scheduled(pair, outcome, native=True, announce=announce)
    except Failure as failure:
        outcome.failure, outcome.report = failure.kind, failure.detail
    return outcome


# Many pairs


def teller(connection: Connection) -> Announce:
    """Says over a connection what happens; who listens reports a crash, too."""
    faulthandler.disable()

    def tell(what: str) -> None:
        connection.send(("stage", what))

    return tell


@dataclass(frozen=True)
class Plan:
    """Which pairs there are: seeds take turns, and workers share the expressions."""

    seeds: tuple[int, ...]
    count: int | None
    jobs: int

    def keys(self, job: int) -> Iterator[Key]:
        """The pairs of a worker."""
        for place in itertools.count(job, self.jobs):
            seed, number = self.seeds[place % len(self.seeds)], place // len(self.seeds)
            for script in range(SCRIPTS):
                if self.count is not None and place * SCRIPTS + script >= self.count:
                    return
                yield seed, number * SCRIPTS + script


def work(connection: Connection, keys: Sequence[Key], native: bool) -> None:
    """Runs pairs one after the other; says which before each, and what became of it after."""
    announce = teller(connection)
    for key in keys:
        connection.send(("pair", key))
        connection.send(run_pair(key, native=native, announce=announce))
    connection.send(None)


@dataclass
class Worker:
    """A process that works on a share of the pairs; it is started anew behind a pair that crashed it, and now and then,
    since native code that is loaded stays loaded."""

    keys: Iterator[Key]
    native: bool
    share: list[Key] = field(default_factory=list[Key])
    current: Key = (0, 0)
    stage: str = ""
    since: float = 0.0
    running: bool = True

    def start(self) -> bool:
        """Starts on the pairs behind the current one; whether there are any."""
        if self.current in self.share:
            del self.share[: self.share.index(self.current) + 1]
        self.share = self.share or list(itertools.islice(self.keys, _PAIRS_A_PROCESS))
        if not self.share:
            return False
        self.connection, sender = _FORK.Pipe(duplex=False)
        self.process = _FORK.Process(target=work, args=(sender, self.share, self.native), daemon=True)
        self.process.start()
        sender.close()
        self.since = time.perf_counter()
        return True

    def stop(self) -> None:
        self.process.kill()
        self.process.join()

    def receive(self) -> Iterator[Outcome]:
        """What became of a pair, if that is what the process has to say; it goes on if there is more to do."""
        try:
            message = cast("Message", self.connection.recv())
        except EOFError:
            self.process.join()
            yield self._crashed()
            self.running = self.start()
            return
        self.since = time.perf_counter()
        match message:
            case "pair", (int(), int()) as key:
                self.current, self.stage = key, "schedule"
            case "stage", str() as stage:
                self.stage = stage
            case Outcome():
                yield message
            case _:
                self.process.join()
                self.running = self.start()

    def _crashed(self) -> Outcome:
        """The outcome of the current pair, whose process has ended: what happens when it runs alone, else that."""
        code = self.process.exitcode
        again = isolated(self.current, native=self.native)
        if not again.failure:
            again.failure = f"{describe_crash(self.stage, code)}, not again when alone"
        return again


def outcomes(plan: Plan, seconds: float, *, native: bool) -> Iterator[Outcome]:
    """What becomes of each pair, in the order of being done."""
    workers = [Worker(plan.keys(job), native) for job in range(plan.jobs)]
    running = [worker for worker in workers if worker.start()]
    started = list(running)
    end = time.perf_counter() + seconds
    while running and time.perf_counter() < end:
        ready = wait([worker.connection for worker in running], timeout=1.0)
        for worker in list(running):
            if worker.connection in ready:
                yield from worker.receive()
            elif time.perf_counter() - worker.since > _SECONDS_A_PAIR:
                worker.stop()
                yield Outcome(worker.current, failure="hangs")
                worker.running = worker.start()
            if not worker.running:
                running.remove(worker)
    for worker in started:
        worker.stop()


@dataclass
class Summary:
    """What became of all pairs."""

    pairs: int = 0
    accepted: int = 0
    lengths: list[int] = field(default_factory=list[int])
    applied: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    failures: Counter[str] = field(default_factory=Counter[str])
    elapsed: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.pairs += 1
        self.accepted += outcome.accepted
        if outcome.accepted:
            self.lengths.append(outcome.length)
        self.applied.update(outcome.applied)
        self.refused.update(outcome.refused)
        self.reasons.update(outcome.reasons)
        for name, spent in outcome.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
        if outcome.failure:
            self.failures[outcome.failure] += 1

    @property
    def median_length(self) -> float:
        return statistics.median(self.lengths) if self.lengths else 0

    def reasons_of(self, primitive: str, most: int) -> list[tuple[str, int]]:
        """Why a primitive was refused, most often."""
        found = Counter({reason: count for (name, reason), count in self.reasons.items() if name == primitive})
        return found.most_common(most)

    def missed(self) -> list[str]:
        """The bars that the run does not meet, scaled by its time."""
        hours = self.elapsed / 3600
        missed: list[str] = []
        if self.failures:
            missed.append(f"expected no failure, got {sum(self.failures.values())}")
        if self.pairs < PAIRS_AN_HOUR * hours:
            missed.append(f"expected {PAIRS_AN_HOUR * hours:.0f} pairs, got {self.pairs}")
        if 2 * self.accepted < self.pairs:
            missed.append(f"expected half of {self.pairs} scripts to be accepted, got {self.accepted}")
        if self.median_length < LENGTH:
            missed.append(f"expected scripts of {LENGTH} steps at the median, got {self.median_length:g}")
        for name in ENTRIES:
            if self.applied[name] < ACCEPTED_AN_HOUR * hours:
                got = f"{self.applied[name]} of {self.applied[name] + self.refused[name]}"
                missed.append(f"expected {name} to be accepted {ACCEPTED_AN_HOUR * hours:.0f} times, got {got}")
        return missed

    def json(self) -> dict[str, object]:
        """All of it, for other programs."""
        return {
            "seconds": self.elapsed,
            "pairs": self.pairs,
            "accepted": self.accepted,
            "median_length": self.median_length,
            "failures": dict(self.failures),
            "primitives": {
                name: {
                    "tried": self.applied[name] + self.refused[name],
                    "accepted": self.applied[name],
                    "refused": self.refused[name],
                    "reasons": dict(self.reasons_of(name, 5)),
                }
                for name in ENTRIES
            },
            "processor_seconds": self.seconds,
        }

    def __str__(self) -> str:
        share = 100 * self.accepted / max(1, self.pairs)
        rate = 3600 * self.pairs / max(1e-9, self.elapsed)
        lines = [f"{self.pairs} pairs in {self.elapsed:.0f} s ({rate:.0f} an hour)"]
        lines += [f"{self.accepted} scripts accepted ({share:.0f} %), median length {self.median_length:g}"]
        lines += ["", f"{'primitive':28}{'tried':>8}{'accepted':>10}{'refused':>9}  most often refused because"]
        for name in sorted(ENTRIES):
            accepted, refused = self.applied[name], self.refused[name]
            (reason, count), *_ = *self.reasons_of(name, 1), ("", 0)
            why = f"  {reason} ({count})" if count else ""
            lines += [f"{name:28}{accepted + refused:8}{accepted:10}{refused:9}{why}"]
        lines += ["", "most frequent refusals:"]
        lines += [f"{count:8}  {name}: {reason}" for (name, reason), count in self.reasons.most_common(12)]
        spent = ", ".join(f"{name} {spent:.1f}" for name, spent in self.seconds.items())
        lines += ["", f"processor seconds: {spent}"]
        lines += ["", f"failures: {sum(self.failures.values())}"]
        lines += [f"{count:8}  {kind}" for kind, count in self.failures.most_common()]
        return "\n".join(lines)


def without_entry() -> list[str]:
    """Transform operations that change kernels and that no random schedule has."""
    primitives = {op.name.removeprefix("sched.") for op in Sched.operations if issubclass(op, PrimitiveOp)}
    return sorted(primitives - ENTRIES.keys() - DO_NOT_TRANSFORM.keys())


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, help="which pairs: each seed has its own; without, a new one")
    parser.add_argument("--fresh", action="store_true", help="beside those of the seed, pairs of a new one")
    parser.add_argument("--n", type=int, help="how many pairs: 1000, or as many as the time allows")
    parser.add_argument("--seconds", type=float, help="stop after this time")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument("--check", action="store_true", help="exit with 1 also if there was too little to find")
    parser.add_argument("--json", type=Path, help="a file to write the numbers to")
    parser.add_argument("--pair", type=int, help="run this pair only, and print it")
    parser.add_argument("--replay", type=Path, help="run what is in the folder of a failure")
    parser.add_argument("--no-native", action="store_true", help="leave out native code")
    parser.add_argument("--out", type=Path, default=Path("fuzz-failures"), help="where failures are written")
    parser.add_argument("--most-failures", type=int, default=20, help="how many failures are written down")
    return parser.parse_args(arguments)


def run_one(options: argparse.Namespace, seed: int) -> int:
    """Runs one pair in this process, and prints it."""
    outcome = run_pair((seed, options.pair), native=not options.no_native, keep_files=True)
    for name, text in outcome.files.items():
        print(f"// {name}\n{text}")
    print(f"{'accepted' if outcome.accepted else 'refused'}; {outcome.failure or 'right'}\n{outcome.report}")
    return 1 if outcome.failure else 0


def replay(folder: Path) -> int:
    """Runs what is in a folder."""
    outcome = isolated((0, 0), native=True, replay=folder)
    print(f"{'accepted' if outcome.accepted else 'refused'}; {outcome.failure or 'right'}\n{outcome.report}")
    return 1 if outcome.failure else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the pairs; the exit code is 1 if one of them went wrong."""
    options = parse_arguments(arguments)
    quiet_threads()
    if options.replay is not None:
        return replay(options.replay)
    if missing := without_entry():
        print(f"expected an entry of each primitive in random_schedule.py, got none of {', '.join(missing)}")
        return 1
    seeds = (secrets.randbelow(10**9),) if options.seed is None else (cast(int, options.seed),)
    if options.pair is not None:
        return run_one(options, seeds[0])
    if options.fresh and options.seed is not None:
        seeds = (*seeds, secrets.randbelow(10**9))
    print(f"seeds: {', '.join(map(str, seeds))}", flush=True)
    count = 1000 if options.n is None and options.seconds is None else options.n
    seconds = float("inf") if options.seconds is None else options.seconds
    summary = Summary()
    found: list[Outcome] = []
    native = not options.no_native
    start = time.perf_counter()
    for outcome in outcomes(Plan(seeds, count, options.jobs), seconds, native=native):
        summary.add(outcome)
        if outcome.failure and len(found) < options.most_failures:
            found.append(minimized(outcome, native=native))
            home = write_failure(options.out, found[-1])
            print(f"seed {outcome.key[0]} pair {outcome.number}: {outcome.failure}, see {home}", flush=True)
        elif summary.pairs % 1000 == 0:
            print(f"{summary.pairs} pairs, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    summary.elapsed = time.perf_counter() - start
    print(summary)
    if options.json is not None:
        options.json.write_text(json.dumps({"seeds": seeds, **summary.json()}, indent=2) + "\n")
    missed = summary.missed() if options.check else []
    if options.check:
        print("\n".join(["", *missed]) if missed else "\nall bars are met")
    for outcome in found:
        print(f"\n{described(outcome)}")
    return 1 if missed or summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
