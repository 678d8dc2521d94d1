"""How long compiling takes: `python benchmarks/compile_time.py [--model FILE.onnx] [--check]`.

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
from typing import Any

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
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class Network:
    """A convolutional network on an image of 224 x 224, written node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.random = np.random.default_rng(0)

    def add(self, kind: str, *operands: str, **attributes: Any) -> str:
        """Adds an operator; the name of its result."""
        from onnx import helper

        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, operands, [name], **attributes))
        return name

    def weight(self, *shape: int) -> str:
        """Adds random weights that keep the scale of what they are multiplied with."""
        from onnx import numpy_helper

        name = f"w{len(self.weights)}"
        data = self.random.standard_normal(shape, np.float32) / np.sqrt(np.prod(shape[1:]), dtype=np.float32)
        self.weights.append(numpy_helper.from_array(data, name))
        return name

    def conv(self, x: str, inner: int, outer: int, kernel: int, stride: int = 1) -> str:
        """A convolution that pads such that the stride alone decides the size."""
        weight, bias = self.weight(outer, inner, kernel, kernel), self.weight(outer)
        return self.add("Conv", x, weight, bias, pads=[kernel // 2] * 4, strides=[stride] * 2)

    def block(self, x: str, inner: int, outer: int, stride: int) -> str:
        """Two convolutions, and what they are given added to what they result in."""
        y = self.add("Relu", self.conv(x, inner, outer, 3, stride))
        y = self.conv(y, outer, outer, 3)
        skip = x if inner == outer else self.conv(x, inner, outer, 1, stride)
        return self.add("Relu", self.add("Add", y, skip))

    def save(self, path: Path, y: str, classes: int) -> None:
        """Writes the network as a model from `x` to `y`."""
        from onnx import TensorProto, helper, save_model

        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 224, 224])]
        outputs = [helper.make_tensor_value_info(y, TensorProto.FLOAT, [1, classes])]
        graph = helper.make_graph(self.nodes, "network", inputs, outputs, self.weights)
        save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def resnet18(path: Path) -> None:
    """Writes ResNet-18 with random weights, its normalisations part of the convolutions."""
    network = Network()
    x = network.add("Relu", network.conv("x", 3, 64, 7, 2))
    x = network.add("MaxPool", x, kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2])
    for inner, outer in ((64, 64), (64, 128), (128, 256), (256, 512)):
        x = network.block(x, inner, outer, 1 if inner == outer else 2)
        x = network.block(x, outer, outer, 1)
    x = network.add("Flatten", network.add("GlobalAveragePool", x))
    x = network.add("Gemm", x, network.weight(1000, 512), network.weight(1000), transB=1)
    network.save(path, x, 1000)


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
    parser.add_argument("--model", type=Path, metavar="FILE.onnx", help="the second table's model, else ResNet-18")
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
        path: Path | None = options.model
        if path is None:
            resnet18(path := folder / "resnet18.onnx")
        print(f"\n{path.name:20}     cpu s    wall s")
        for what, times in process_rows(folder, path, options.repeat):
            print(f"{what:20}  {times}", flush=True)
            goal = {"empty cache": COLD_SECONDS, "unchanged": UNCHANGED_SECONDS}.get(what)
            if goal is not None and times.cpu > goal:
                missed.append(f"{what}: expected at most {goal} s of one core, got {times.cpu:.2f} s")
    print("\n".join(missed))
    return int(bool(missed) and options.check)


if __name__ == "__main__":
    sys.exit(main())
