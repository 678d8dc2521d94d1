"""How long it takes to tune a kernel from nothing, on one core.

    python benchmarks/cold_start.py --check

From an empty database, without the shipped schedules, and with a model that was fitted without the kernel's family: a
512³ matrix product has 20 seconds to come to 96 % of the limit, convolution C2, computed directly, a minute to pass
ONNX Runtime. The time of the process counts, from its start. Scripts that were the best for a while are measured again
afterwards, in turns with the limit and ONNX Runtime: what counts is when the first was found that is fast enough.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import stepwell as sw
from stepwell.autotune.machine import Limit
from stepwell.autotune.models.create import shipped_models
from stepwell.autotune.progress import KernelState
from stepwell.backends.llvm_cpu.backend import LlvmCpuBackend
from stepwell.dialects.cpu import TargetAttr
from stepwell.tools.workloads import workloads_of

from operators import Case, OrtRun, known_cases, take_turns

CASES: dict[str, tuple[str, float]] = {"M512": ("matmul", 20.0), "M512c": ("matmul", 20.0), "C2": ("convolution", 60.0)}
"""Kernels, each with its family, and the seconds that it has."""
OF_LIMIT = 0.96


class Timeline:
    """Notes each script that is the best so far, and when."""

    def __init__(self, start: float) -> None:
        self.start = start
        self.found: list[tuple[float, float, str, str]] = []
        self.trials = 0

    def __call__(self, kernel: KernelState) -> None:
        self.trials = kernel.trials
        best = kernel.best
        if best is not None and (not self.found or best.seconds < self.found[-1][1]):
            self.found.append((time.time() - self.start, best.seconds, best.script, best.sketch))


class _Progress:
    """What the tuner tells."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline

    def start(self, kernels: Any) -> None:
        """A run begins."""

    def update(self, kernel: KernelState, what: str, share: float | None) -> None:
        """A kernel has come along."""
        self.timeline(kernel)


def case_of(name: str) -> Case:
    """A case of the table."""
    return next(case for case in known_cases() if case.name == name)


def tune(name: str, start: float, seed: int, into: Path) -> None:
    """Tunes a kernel in this process, and writes down what happened."""
    family, seconds = CASES[name]
    (workload,) = workloads_of(case_of(name).problem.model(), threads=1, conv_algorithm="direct")
    timeline = Timeline(start)
    left = seconds - (time.time() - start)
    models = shipped_models("boosting", without=family)
    sw.tune([workload], seconds=left, seed=seed, model=models, shipped=False, progress=_Progress(timeline))
    into.write_text(json.dumps({"found": timeline.found, "trials": timeline.trials, "ended": time.time() - start}))


def judge(name: str, found: list[tuple[float, float, str, str]]) -> tuple[float | None, float]:
    """When the first script was found that is fast enough, and how fast the last one is: of the limit, or of ONNX
    Runtime's speed."""
    case = case_of(name)
    model = case.problem.model()
    generator = np.random.default_rng(2)
    inputs = {
        value.name: generator.random([dim.dim_value for dim in value.type.tensor_type.shape.dim], np.float32) - 0.5
        for value in model.graph.input
    }
    target = LlvmCpuBackend().default_target()
    assert isinstance(target, TargetAttr)
    limit = Limit(target)
    runs: dict[str, Any] = {"limit": limit}
    if name.startswith("C"):
        runs["onnxruntime"] = OrtRun(model, inputs, 1).run
    kept: list[np.ndarray[Any, Any]] = []
    # Only what may be fast enough: the last few.
    shown = found[-8:]
    with tempfile.TemporaryDirectory() as folder:
        for number, (_, _, script, _) in enumerate(shown):
            path = Path(folder) / f"{number}.mlir"
            path.write_text(script)
            exe = sw.compile(model, schedule=path, threads=1, conv_algorithm="direct")
            output = np.empty(exe.output_shapes[0], exe.output_dtypes[0])
            kept.append(output)
            runs[str(number)] = exe.bind(*(inputs[each] for each in exe.input_names), out=output)
    times = take_turns(runs, 4.0)
    medians = {who: statistics.median(each) for who, each in times.items()}
    if name.startswith("C"):
        shares = [medians["onnxruntime"] / medians[str(number)] for number in range(len(shown))]
        wanted = 1.0
    else:
        rate = limit.operations / medians["limit"]
        shares = [case.problem.operations / medians[str(number)] / rate for number in range(len(shown))]
        wanted = OF_LIMIT
    first = next((at for (at, _, _, _), share in zip(shown, shares, strict=True) if share >= wanted), None)
    return first, shares[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="M512,C2", help=f"some of {', '.join(CASES)} (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bar is missed")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, start, into = arguments.child
        tune(name, float(start), arguments.seed, Path(into))
        return 0
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    missed = False
    for name in arguments.cases.split(","):
        if name not in CASES:
            parser.error(f"unknown case '{name}': expected some of {', '.join(CASES)}")
        with tempfile.TemporaryDirectory() as folder:
            told = Path(folder) / "told.json"
            command = [sys.executable, __file__, "--seed", str(arguments.seed)]
            command += ["--child", name, str(time.time()), str(told)]
            subprocess.run(command, check=True)
            run = json.loads(told.read_text())
        first, last = judge(name, run["found"])
        seconds = CASES[name][1]
        met = first is not None and first <= seconds
        missed = missed or not met
        rate = run["trials"] / run["ended"]
        what = "of ONNX Runtime's speed" if name.startswith("C") else "of the limit"
        when = "never" if first is None else f"after {first:.1f} s"
        said = f"fast enough {when} (it had {seconds:g}), {last:.3f} {what} at the end"
        print(f"{'met   ' if met else 'MISSED'}  {name}: {said}")
        print(
            f"        {run['trials']} trials in {run['ended']:.1f} s, {rate:.1f} a second; {run['found'][-1][3]}",
            flush=True,
        )
    return int(arguments.check and missed)


if __name__ == "__main__":
    sys.exit(main())
