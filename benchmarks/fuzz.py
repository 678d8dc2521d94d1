"""Random pairs of a tensor expression and a schedule: each gives a refusal with the IR as it was, or the right result.

    python benchmarks/fuzz.py --seed 0 --n 10000

A pair is a random tensor expression, lowered to the loop rung, and a random transform script. Expressions are exact
(whole numbers, sums that the element type holds), so that every schedule must give the oracle's bits. For each pair:

1. the oracle of `te` against that of the loop rung;
2. a script is made up step by step; a primitive that refuses must leave the IR as it was, one that accepts must leave
   IR that verifies;
3. the interpreter runs the script on another copy, and must come to the same IR, or refuse where the primitive did;
4. the oracle of the loop rung on what came out, once more with parallel loops shuffled and vector lanes reversed;
5. native code.

What goes wrong ends in a folder of its own, with IR, script and inputs, after steps that do not matter were dropped.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import statistics
import sys
import time
import traceback
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

import numpy as np
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.random_schedule import iterations, random_step
from stepwell.backends.oracles.random_script import ScriptWriter
from stepwell.backends.oracles.random_step import Missing, Step, apply_step
from stepwell.backends.oracles.random_te import random_expression
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects.cpu import TARGET
from stepwell.dialects.loop import ForOp, LoopKind
from stepwell.dialects.source import parse_module
from stepwell.errors import ScheduleError
from stepwell.passes.pass_manager import PassManager, build_pipeline
from stepwell.passes.registry import PassRegistry
from stepwell.transform.interpreter import apply_script
from stepwell.transform.script import parse_script, script_context
from stepwell.transform.state import SCHEDULED
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

Array = np.ndarray[Any, Any]

TO_LOOP = "te-simplify,convert-te-to-loop"
TO_NATIVE = (
    "loop-expand,cpu-outline-parallel,convert-cpu-to-llvm,"
    "arith-emulate-unsupported-floats,math-polynomial-approximation,arith-expand,convert-to-llvm"
)
_MOST_ITERATIONS = 40_000
"""Above this many block executions, a kernel takes an oracle too long: no further steps."""
_MOST_TRIES = 25
_SECONDS_A_PAIR = 60.0
_PAIRS_A_PROCESS = 500
_FORK = multiprocessing.get_context("fork")
"""Workers start with all that is imported and parsed."""


class Failure(Exception):
    """A pair went wrong; `kind` groups failures that are alike."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}\n{detail}")
        self.kind = kind
        self.detail = detail


@dataclass
class Pair:
    """A tensor expression with inputs, and what its schedule consists of."""

    number: int
    te_text: str
    module: ModuleOp
    inputs: list[Array]
    expected: tuple[Array, ...]
    steps: list[Step] = field(default_factory=list[Step])
    script: str = ""

    @property
    def kernel(self) -> FuncOp:
        return kernel_of_module(self.module)


@dataclass
class Outcome:
    """What became of a pair."""

    number: int
    accepted: bool = False
    length: int = 0
    applied: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    reasons: Counter[str] = field(default_factory=Counter[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    failure: str = ""
    report: str = ""
    steps: tuple[Step, ...] = ()
    files: dict[str, str] = field(default_factory=dict[str, str])

    @contextmanager
    def timed(self, what: str) -> Generator[None]:
        """Counts the time inside of it as spent on something."""
        start = time.perf_counter()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - start


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


# One pair


def pair_rng(seed: int, number: int) -> random.Random:
    """What the expression of a pair is drawn from."""
    return random.Random(f"{seed}:{number}")


def schedule_rng(seed: int, number: int) -> random.Random:
    """What the schedule of a pair is drawn from."""
    return random.Random(f"{seed}:{number}:schedule")


def make_pair(seed: int, number: int) -> Pair:
    """A random expression on the loop rung, and what it has to give.

    Raises:
        Failure: if the lowering from `te` already changes it.
    """
    rng = pair_rng(seed, number)
    tensors, inputs = random_expression(rng)
    module = te.build_module(tensors)
    text = str(module)
    expected = run_te(module, *inputs)
    passes(TO_LOOP).run(context(), module, ())
    pair = Pair(number, text, module, inputs, expected)
    with stage("lowering to loops"):
        module.verify()
        check_result(pair, "lowering to loops", run_loop(module, *inputs))
    return pair


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
    return re.sub(r"'[^']*'|%\w+|@\w+|-?\d+", "_", message)[:160]


def check_result(pair: Pair, where: str, results: Sequence[Array]) -> None:
    """Compares results with what the oracle of `te` says."""
    for position, (expected, got) in enumerate(zip(pair.expected, results, strict=True)):
        if expected.dtype != got.dtype or expected.shape != got.shape:
            raise Failure(f"{where}: wrong type", f"output {position}: {got.dtype}{got.shape}")
        if not np.array_equal(expected, got, equal_nan=expected.dtype.kind in "fV"):
            wrong = np.argwhere(~((expected == got) | ((expected != expected) & (got != got))))
            first = tuple(int(i) for i in wrong[0])
            detail = f"output {position}: {len(wrong)} of {expected.size} elements differ, the first at {list(first)}: "
            raise Failure(f"{where}: wrong result", f"{detail}expected {expected[first]}, got {got[first]}")


def fingerprint(module: ModuleOp) -> list[object]:
    """All that the text of a module says, as a list that is quick to make and to compare."""
    numbers: dict[SSAValue, int] = {}
    found: list[object] = []
    for op in module.walk():
        found.append(op.name)
        found.append([numbers.get(operand, -1) for operand in op.operands])
        sizes = [[len(block.ops) for block in region.blocks] for region in op.regions]
        found.append([op.properties.copy(), op.attributes.copy(), sizes])
        arguments = (argument for region in op.regions for block in region.blocks for argument in block.args)
        values = [*op.results, *arguments]
        for value in values:
            numbers[value] = len(numbers)
            found.append((value.type, value.name_hint))
    return found


def schedule(pair: Pair, rng: random.Random, given: Sequence[Step] | None, outcome: Outcome) -> bool:
    """Schedules the pair's kernel, by `given` steps or by random ones, and by the script that says the same.

    Returns:
        Whether the script is accepted: its last step may be one that is refused.
    """
    scripted = pair.module.clone()
    writer = ScriptWriter(rng)
    pair.steps.clear()
    accepted = choose_steps(pair, rng, given, writer, outcome)
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
        raise Failure("interpreter and primitives differ", f"{scripted}\n{pair.module}")
    return accepted


def choose_steps(
    pair: Pair, rng: random.Random, given: Sequence[Step] | None, writer: ScriptWriter, outcome: Outcome
) -> bool:
    """Applies steps one after the other. Most refused ones are dropped; one may stay, as the script's last."""
    kernel = pair.kernel
    before = fingerprint(pair.module)
    length = rng.choice((1, 2, 3, 4, 5, 6, 8, 10, 12))
    stubborn = rng.random() < 0.35  # whether a refused step stays
    tries = 0
    source: Iterator[Step] | None = iter(given) if given is not None else None
    while True:
        if source is not None:
            step = next(source, None)
        else:
            done = len(pair.steps) >= length or tries >= _MOST_TRIES or iterations(kernel) > _MOST_ITERATIONS
            step = None if done else random_step(rng, kernel)
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
            outcome.reasons[f"{step.primitive}: {anonymous(str(refusal))}"] += 1
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


def check_scheduled(pair: Pair, outcome: Outcome, *, native: bool) -> None:
    """Executes what the schedule has made of the kernel."""
    with outcome.timed("verify"), stage("invalid IR"):
        pair.module.verify()
    with outcome.timed("loop oracle"):
        with stage("loop oracle"):
            check_result(pair, "loop oracle", run_loop(pair.module, *pair.inputs))
        kinds = {op.kind for op in pair.module.walk() if isinstance(op, ForOp)}
        if kinds & {LoopKind.PARALLEL, LoopKind.VECTORIZED}:
            with stage("adversarial order"):
                results = run_loop(pair.module, *pair.inputs, order="adversarial", seed=pair.number)
                check_result(pair, "adversarial order", results)
    if native:
        with outcome.timed("native"), stage("native code"):
            check_result(pair, "native code", run_native(pair))


def run_native(pair: Pair) -> tuple[Array, ...]:
    """Compiles the scheduled kernel and calls it."""
    from stepwell.backends.llvm_cpu.backend import LlvmCpuBackend
    from stepwell.tools.driver import entry_signature

    backend = LlvmCpuBackend()
    module = pair.module.clone()
    found = entry_signature(kernel_of_module(module))
    assert found is not None, "expected a kernel that marks its outputs"
    module.attributes[TARGET] = backend.default_target()
    passes(TO_NATIVE).run(context(), module, ())
    results = backend.executable(module, found[0], threads=2)(*pair.inputs)
    return cast("tuple[Array, ...]", results if isinstance(results, tuple) else (results,))


def run_pair(
    seed: int, number: int, *, native: bool = True, given: Sequence[Step] | None = None, keep_files: bool = False
) -> Outcome:
    """Makes and checks one pair."""
    outcome = Outcome(number)
    pair: Pair | None = None
    try:
        with outcome.timed("expression"):
            pair = make_pair(seed, number)
        with outcome.timed("schedule"):
            outcome.accepted = schedule(pair, schedule_rng(seed, number), given, outcome)
        outcome.length = len(pair.steps)
        check_scheduled(pair, outcome, native=native)
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
    loops = te_module(pair.te_text)
    passes(TO_LOOP).run(context(), loops, ())
    return {"expression.mlir": pair.te_text, "loop.mlir": f"{loops!s}\n", "script.mlir": pair.script} | {
        "scheduled.mlir": f"{pair.module!s}\n"
    }


def te_module(text: str) -> ModuleOp:
    """A module of tensor expressions, read back."""
    return parse_module(context(), text, "expression.mlir")


# What went wrong


def minimized(seed: int, outcome: Outcome, *, native: bool) -> Outcome:
    """The same failure with as few steps as dropping one after another leads to."""
    best = outcome
    position = 0
    while position < len(best.steps):
        fewer = (*best.steps[:position], *best.steps[position + 1 :])
        tried = isolated(seed, outcome.number, native=native, given=fewer)
        if tried.failure == outcome.failure and len(tried.steps) < len(best.steps):
            best = tried
        else:
            position += 1
    return best


def isolated(seed: int, number: int, *, native: bool, given: Sequence[Step] | None = None) -> Outcome:
    """One pair in a process of its own, whose crash is a failure like others."""
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=lambda: sender.send(run_pair(seed, number, native=native, given=given)), daemon=True)
    process.start()
    sender.close()
    try:
        if receiver.poll(_SECONDS_A_PAIR):
            return receiver.recv()
        process.kill()
        return Outcome(number, failure="hangs", steps=tuple(given or ()))
    except EOFError:
        process.join()
        crashed = Outcome(number, failure=f"native code: crash with exit code {process.exitcode}")
        before = without_native(seed, number, given)
        crashed.steps, crashed.files = before.steps, before.files
        return crashed
    finally:
        process.join()


def without_native(seed: int, number: int, given: Sequence[Step] | None) -> Outcome:
    """Steps and files of a pair whose native code can't be run."""
    outcome = Outcome(number)
    pair = make_pair(seed, number)
    schedule(pair, schedule_rng(seed, number), given, outcome)
    outcome.steps, outcome.files = tuple(pair.steps), files_of(pair)
    return outcome


def write_failure(folder: Path, seed: int, outcome: Outcome) -> Path:
    """Writes a failure down, with all that is needed to see it again."""
    home = folder / f"seed-{seed}-pair-{outcome.number}"
    home.mkdir(parents=True, exist_ok=True)
    for name, text in outcome.files.items():
        (home / name).write_text(text)
    tensors, inputs = random_expression(pair_rng(seed, outcome.number))
    names = [tensor.name for tensor in tensors]
    # numpy does not save bfloat16
    saved = [each.view("uint16") if each.dtype.kind == "V" else each for each in inputs]
    np.savez(home / "inputs.npz", **cast("Any", dict(zip(names, saved, strict=False))))
    steps = "".join(f"  {step}\n" for step in outcome.steps)
    (home / "README.txt").write_text(
        f"{outcome.failure}\n\nsteps:\n{steps}\n{outcome.report}\n\n"
        f"again: python benchmarks/fuzz.py --seed {seed} --pair {outcome.number}\n"
        "by hand: stepwell-opt loop.mlir --schedule script.mlir\n"
    )
    return home


# Many pairs


def work(connection: Connection, seed: int, numbers: Sequence[int], native: bool) -> None:
    """Runs pairs one after the other; says which before each, and what became of it after."""
    for number in numbers:
        connection.send(number)
        connection.send(run_pair(seed, number, native=native))
    connection.send(None)


@dataclass
class Worker:
    """A process that works on a share of the pairs; it is started anew behind a pair that crashed it, and now and then,
    since native code that is loaded stays loaded."""

    seed: int
    numbers: list[int]
    native: bool
    current: int = -1
    since: float = 0.0

    def start(self) -> None:
        self.connection, sender = _FORK.Pipe(duplex=False)
        arguments = (sender, self.seed, self.numbers[:_PAIRS_A_PROCESS], self.native)
        self.process = _FORK.Process(target=work, args=arguments, daemon=True)
        self.process.start()
        sender.close()
        self.since = time.perf_counter()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()

    def go_on(self) -> bool:
        """Starts anew behind the current pair; whether there are more pairs."""
        del self.numbers[: self.numbers.index(self.current) + 1]
        if self.numbers:
            self.start()
        return bool(self.numbers)


def outcomes(seed: int, count: int, jobs: int, seconds: float, *, native: bool) -> Iterator[Outcome]:
    """What becomes of each pair, in the order of being done."""
    workers = [Worker(seed, list(range(job, count, jobs)), native) for job in range(min(jobs, count))]
    for worker in workers:
        worker.start()
    end = time.perf_counter() + seconds
    running = list(workers)
    while running and time.perf_counter() < end:
        ready = wait([worker.connection for worker in running], timeout=1.0)
        for worker in list(running):
            if worker.connection in ready:
                yield from _receive(worker, running)
            elif time.perf_counter() - worker.since > _SECONDS_A_PAIR:
                worker.stop()
                yield Outcome(worker.current, failure="hangs")
                if not worker.go_on():
                    running.remove(worker)
    for worker in workers:
        worker.stop()


def _receive(worker: Worker, running: list[Worker]) -> Iterator[Outcome]:
    try:
        message = worker.connection.recv()
    except EOFError:
        worker.process.join()
        yield isolated(worker.seed, worker.current, native=worker.native)
        if not worker.go_on():
            running.remove(worker)
        return
    worker.since = time.perf_counter()
    if message is None:
        worker.process.join()
        if not worker.go_on():
            running.remove(worker)
    elif isinstance(message, int):
        worker.current = message
    else:
        yield message


@dataclass
class Summary:
    """What became of all pairs."""

    pairs: int = 0
    accepted: int = 0
    lengths: list[int] = field(default_factory=list[int])
    applied: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    reasons: Counter[str] = field(default_factory=Counter[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    failures: Counter[str] = field(default_factory=Counter[str])

    def add(self, outcome: Outcome) -> None:
        self.pairs += 1
        self.accepted += outcome.accepted
        if outcome.accepted:
            self.lengths.append(outcome.length)
        for total, part in (
            (self.applied, outcome.applied),
            (self.refused, outcome.refused),
            (self.reasons, outcome.reasons),
        ):
            total.update(part)
        for name, spent in outcome.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
        if outcome.failure:
            self.failures[outcome.failure] += 1

    def __str__(self) -> str:
        share = 100 * self.accepted / max(1, self.pairs)
        length = statistics.median(self.lengths) if self.lengths else 0
        lines = [f"{self.pairs} pairs, {self.accepted} scripts accepted ({share:.0f} %), median length {length:g}"]
        lines += ["", f"{'primitive':24}accepted  refused"]
        names = sorted(self.applied | self.refused)
        lines += [f"{name:24}{self.applied[name]:8}{self.refused[name]:9}" for name in names]
        lines += ["", "most frequent refusals:"]
        lines += [f"{count:8}  {reason}" for reason, count in self.reasons.most_common(12)]
        lines += ["", "seconds: " + ", ".join(f"{name} {spent:.1f}" for name, spent in self.seconds.items())]
        lines += ["", f"failures: {sum(self.failures.values())}"]
        lines += [f"{count:8}  {kind}" for kind, count in self.failures.most_common()]
        return "\n".join(lines)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=0, help="which pairs: each seed has its own")
    parser.add_argument("--n", type=int, default=1000, help="how many pairs")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument("--pair", type=int, help="run this pair only, and print it")
    parser.add_argument("--no-native", action="store_true", help="leave out native code")
    parser.add_argument("--out", type=Path, default=Path("fuzz-failures"), help="where failures are written")
    parser.add_argument("--most-failures", type=int, default=20, help="how many failures are written down")
    return parser.parse_args(arguments)


def run_one(options: argparse.Namespace) -> int:
    """Runs one pair in this process, and prints it."""
    outcome = run_pair(options.seed, options.pair, native=not options.no_native, keep_files=True)
    for name, text in outcome.files.items():
        print(f"// {name}\n{text}")
    print(f"{'accepted' if outcome.accepted else 'refused'}; {outcome.failure or 'right'}\n{outcome.report}")
    return 1 if outcome.failure else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the pairs; the exit code is 1 if one of them went wrong."""
    options = parse_arguments(arguments)
    if options.pair is not None:
        return run_one(options)
    summary = Summary()
    start = time.perf_counter()
    native = not options.no_native
    for outcome in outcomes(options.seed, options.n, options.jobs, options.seconds, native=native):
        summary.add(outcome)
        if outcome.failure and sum(summary.failures.values()) <= options.most_failures:
            home = write_failure(options.out, options.seed, minimized(options.seed, outcome, native=native))
            print(f"pair {outcome.number}: {outcome.failure}, see {home}", flush=True)
        elif summary.pairs % 500 == 0:
            print(f"{summary.pairs} pairs, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    print(f"{summary}\n\n{time.perf_counter() - start:.0f} s")
    return 1 if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
