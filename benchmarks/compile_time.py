"""How long compiling takes: `python benchmarks/compile_time.py [--model resnet18.onnx] [--check]`.

Two tables. The first has models of 10, 20, 40 and 80 convolutional (or dense) layers, no two of the same kernel,
compiled in one process that has compiled before, without the cache: the time per layer must not grow. The second has
processes that compile a model file, from start to exit: with an empty cache, with one that holds the kernels, and with
nothing changed. Times are those of one core, user and system together, and on the wall; of several runs the fastest
counts.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

COUNTS = (10, 20, 40, 80)
WIDTHS = tuple(range(16, 160, 16))
"""The numbers of channels: each pair of them is a layer of its own."""
SIZE = 14
LINEAR = 1.2
"""The most that a layer may take in the largest model, as a multiple of what it takes in the smallest."""
COLD_SECONDS, UNCHANGED_SECONDS = 6.0, 0.5


@dataclass(frozen=True)
class Times:
    """Seconds of one core, and on the wall."""

    cpu: float
    wall: float

    def __str__(self) -> str:
        return f"{self.cpu:8.2f}  {self.wall:8.2f}"


# models


def walk(widths: Sequence[int], count: int, seed: int) -> list[int]:
    """`count + 1` widths such that no two neighbours stand twice: a piece of an Eulerian circuit of all pairs."""
    choice = random.Random(seed)
    left = {width: choice.sample(widths, len(widths)) for width in widths}
    stack, circuit = [widths[0]], list[int]()
    while stack:
        if left[stack[-1]]:
            stack.append(left[stack[-1]].pop())
        else:
            circuit.append(stack.pop())
    if count >= len(circuit):
        raise ValueError(f"expected at most {len(circuit) - 1} layers, got {count}")
    return circuit[: count + 1]


def model(path: Path, count: int, kind: str, seed: int = 0) -> None:
    """Writes a model of `count` different layers."""
    from onnx import TensorProto, helper, numpy_helper, save_model

    widths = walk(WIDTHS, count, seed)
    nodes, weights = [], []
    for i, (inner, outer) in enumerate(pairwise(widths)):
        shape = (outer, inner, 3, 3) if kind == "conv" else (inner, outer)
        weights.append(numpy_helper.from_array(np.full(shape, 1 / inner, np.float32), f"w{i}"))
        weights.append(numpy_helper.from_array(np.full(outer, 0.5, np.float32), f"b{i}"))
        if kind == "conv":
            nodes.append(helper.make_node("Conv", [f"x{i}", f"w{i}", f"b{i}"], [f"y{i}"], pads=[1] * 4))
        else:
            nodes.append(helper.make_node("Gemm", [f"x{i}", f"w{i}", f"b{i}"], [f"y{i}"]))
        nodes.append(helper.make_node("Relu", [f"y{i}"], [f"x{i + 1}"]))
    ends = [widths[0], widths[-1]]
    shapes = [[1, width, SIZE, SIZE] if kind == "conv" else [64, width] for width in ends]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in zip(("x0", f"x{count}"), shapes, strict=True)
    )
    graph = helper.make_graph(nodes, "layers", inputs, outputs, weights)
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


# measuring


def fastest(run: Callable[[], object], repeat: int) -> Times:
    """The least of each time over some runs in this process."""
    found: list[Times] = []
    for _ in range(repeat):
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        found.append(Times(time.process_time() - cpu, time.perf_counter() - wall))
    return Times(min(each.cpu for each in found), min(each.wall for each in found))


def of_process(command: Sequence[str]) -> Times:
    """The times of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Times(cpu, time.perf_counter() - wall)


def layers_table(folder: Path, kind: str, counts: Sequence[int], repeat: int) -> float:
    """Prints the times of models of different sizes; the time of a layer in the largest over that in the smallest."""
    from stepwell.tools.driver import compile, list_kernels

    path = folder / "layers.onnx"
    model(path, counts[0], kind)
    compile(path, cache=False)
    print(f"{kind} layers   kernels     cpu s    wall s  cpu ms a layer  to the first")
    each: list[float] = []
    for count in counts:
        model(path, count, kind)
        kernels = len(list_kernels(path))
        times = fastest(lambda: compile(path, cache=False), repeat)
        each.append(1e3 * times.cpu / count)
        print(f"{count:11}  {kernels:8}  {times}  {each[-1]:14.1f}  {each[-1] / each[0]:12.2f}", flush=True)
    return each[-1] / each[0]


def process_rows(folder: Path, path: Path, repeat: int) -> Iterator[tuple[str, Times]]:
    """The times of `stepwell compile`, by what the cache holds."""
    cache, out = folder / "cache", folder / "out"
    command = [sys.executable, "-m", "stepwell.tools.stepwell", "compile", str(path), "-o", str(out)]
    command += ["--cache-dir", str(cache)]

    def least(prepare: Callable[[], object]) -> Times:
        found: list[Times] = []
        for _ in range(repeat):
            prepare()
            found.append(of_process(command))
        return Times(min(each.cpu for each in found), min(each.wall for each in found))

    def empty() -> None:
        for each in (cache, out):
            shutil.rmtree(each, ignore_errors=True)

    yield "empty cache", least(empty)
    yield "kernels cached", least(lambda: shutil.rmtree(cache / "programs"))
    yield "unchanged", least(lambda: None)


def main() -> int:
    """Prints the tables; 1 if a goal is missed and `--check` is given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, metavar="FILE.onnx", help="the model of the second table")
    parser.add_argument("--kind", choices=("conv", "dense"), default="conv", help="what layers there are")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="how many layers")
    parser.add_argument("--repeat", type=int, default=3, help="how many runs each time is the least of")
    parser.add_argument("--check", action="store_true", help="fail if a goal is missed")
    options = parser.parse_args()
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ratio = layers_table(folder, options.kind, options.counts, options.repeat)
        if ratio > LINEAR:
            missed.append(f"expected at most {LINEAR} times the time per layer, got {ratio:.2f}")
        if options.model is not None:
            print(f"\n{options.model.name:20}     cpu s    wall s")
            for what, times in process_rows(folder, options.model, options.repeat):
                print(f"{what:20}  {times}", flush=True)
                goal = {"empty cache": COLD_SECONDS, "unchanged": UNCHANGED_SECONDS}.get(what)
                if goal is not None and times.cpu > goal:
                    missed.append(f"{what}: expected at most {goal} s of one core, got {times.cpu:.2f} s")
    print("\n".join(missed))
    return int(bool(missed) and options.check)


if __name__ == "__main__":
    sys.exit(main())
