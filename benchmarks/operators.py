"""`make operators`: convolutions and matmuls without tuning, beside numpy's OpenBLAS, ONNX Runtime and torch.

All of them take turns in one run, on the same arrays and on the same number of threads; what is compared are medians.
Convolutions have constant weights, a bias and a ReLU, and plain NCHW arrays in and out: whoever reorders pays for it.
torch may choose between running eagerly, being frozen, and weights that it has packed: its best counts. The limit is a
loop of fused multiply-adds on registers that takes its turns like all others.

`--tune N` has N trials of each kernel measured first, with all algorithms that a convolution may be computed by, and
compares what they found with what is shipped. A case's bound is the longer of two times, both measured in the same
run: its operations, those of the winning algorithm, at the limit, and its data passing once, in the memory it fits.

A shape is `conv:N,C,H,W,O,K,stride,pad,dilation,groups` or `matmul:M,N,K`. `K`, `stride`, `pad` and `dilation` are one
number, or two, `3x5`. `--check` exits with 1 where a bar is missed; a wrong result, or an operator that does not
compile, always does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import pairwise
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import stepwell as sw
from onnx import TensorProto, helper, numpy_helper
from stepwell.autotune.bound import argument_bytes, operations
from stepwell.autotune.machine import Limit, Passage
from stepwell.autotune.workload import Workload
from stepwell.backends.llvm_cpu.backend import LlvmCpuBackend
from stepwell.dialects.cpu import TargetAttr
from stepwell.errors import StepwellError
from stepwell.passes.loop.name_kernels import kernels as kernels_of
from stepwell.runtime.openmp import openmp
from stepwell.tools import driver
from threadpoolctl import threadpool_limits

Array = np.ndarray[Any, Any]
Run = Callable[[], object]
Contender = tuple[Run, Callable[[], Array]]
"""A call, and what its last one resulted in."""

OURS = "stepwell"
SHIPPED = "shipped"
"""What we ship, where ours was tuned."""
LIMIT = "limit"
PASSAGE = "passage"
"""The data of a case, passed through once."""
PEERS = ("numpy", "onnxruntime", "torch")

TOLERANCE = 1e-4
"""The largest difference from a peer, relative to the largest element."""

OPSET = 18


# what is measured


@dataclass(frozen=True)
class Conv:
    """A convolution of plain NCHW images with constant weights, a bias and a ReLU."""

    images: int
    channels: int
    size: tuple[int, int]
    outputs: int
    window: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def image(self) -> tuple[int, int]:
        """The size of its output."""
        height, width = (
            (extent + 2 * pad - dilation * (window - 1) - 1) // stride + 1
            for extent, pad, dilation, window, stride in zip(
                self.size, self.pad, self.dilation, self.window, self.stride, strict=True
            )
        )
        return height, width

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        height, width = self.image
        reduced = self.channels // self.groups * self.window[0] * self.window[1]
        return 2 * self.images * self.outputs * height * width * reduced

    def problem(self) -> str:
        """What is wrong with it; empty if nothing."""
        positive = (self.images, self.channels, *self.size, self.outputs, *self.window, *self.stride, *self.dilation)
        if min(*positive, self.groups) < 1 or min(self.pad) < 0:
            return "expected positive numbers"
        if self.channels % self.groups or self.outputs % self.groups:
            return f"expected groups that divide {self.channels} and {self.outputs} channels, got {self.groups}"
        return "" if min(self.image) >= 1 else "expected an image that is larger than the window"

    def __str__(self) -> str:
        pairs = (self.window, self.stride, self.pad, self.dilation)
        sizes = [self.images, self.channels, *self.size, self.outputs, *map(_pair, pairs), self.groups]
        return "conv:" + ",".join(map(str, sizes))

    def model(self) -> onnx.ModelProto:
        """The model, with its weights."""
        generator = np.random.default_rng(0)
        shape = (self.outputs, self.channels // self.groups, *self.window)
        reduced = shape[1] * shape[2] * shape[3]
        weight = (generator.standard_normal(shape) / reduced**0.5).astype(np.float32)
        bias = (generator.standard_normal(self.outputs) / 4).astype(np.float32)
        nodes = [
            helper.make_node(
                "Conv",
                ["x", "w", "b"],
                ["z"],
                strides=self.stride,
                pads=[*self.pad, *self.pad],
                dilations=self.dilation,
                group=self.groups,
            ),
            helper.make_node("Relu", ["z"], ["y"]),
        ]
        inputs = {"x": (TensorProto.FLOAT, (self.images, self.channels, *self.size))}
        outputs = {"y": (TensorProto.FLOAT, (self.images, self.outputs, *self.image))}
        return _model(nodes, inputs, outputs, {"w": weight, "b": bias})


@dataclass(frozen=True)
class Matmul:
    """A product of matrices, of which the right one may be a weight."""

    m: int
    n: int
    k: int
    constant: bool = False
    dtype: str = "float32"
    """Of the inputs: `float32`, `bfloat16`, or `uint8` times `int8`."""

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.m * self.n * self.k

    def problem(self) -> str:
        """What is wrong with it; empty if nothing."""
        return "" if min(self.m, self.n, self.k) >= 1 else "expected positive numbers"

    def __str__(self) -> str:
        return f"matmul:{self.m},{self.n},{self.k}"

    def model(self) -> onnx.ModelProto:
        """The model, with its weight if it has one."""
        a, b = (self.m, self.k), (self.k, self.n)
        left, right, result = {
            "float32": (TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.FLOAT),
            "bfloat16": (TensorProto.BFLOAT16, TensorProto.BFLOAT16, TensorProto.BFLOAT16),
            "uint8": (TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32),
        }[self.dtype]
        node = helper.make_node("MatMulInteger" if self.dtype == "uint8" else "MatMul", ["a", "b"], ["c"])
        inputs = {"a": (left, a), "b": (right, b)}
        weights: dict[str, Array] = {}
        if self.constant:
            weights["b"] = _random(np.random.default_rng(1), b, inputs.pop("b")[0])
        return _model([node], inputs, {"c": (result, (self.m, self.n))}, weights)


Problem = Conv | Matmul


@dataclass
class Case:
    """A problem, and what was found about it."""

    name: str
    group: str
    problem: Problem
    note: str = ""
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    """The median of each contender."""
    calls: dict[str, int] = field(default_factory=dict[str, int])
    errors: dict[str, float] = field(default_factory=dict[str, float])
    """How far results are off the first peer's, relative to the largest element."""
    compile_seconds: float = 0.0
    tune_seconds: float = 0.0
    failure: str = ""

    @property
    def peers(self) -> dict[str, float]:
        """The medians of the peers."""
        return {name: seconds for name, seconds in self.seconds.items() if name in PEERS}

    @property
    def best_peer(self) -> str:
        """The fastest peer; empty if there is none."""
        return min(self.peers, key=self.peers.__getitem__, default="")

    @property
    def ratio(self) -> float:
        """How many times as fast as the best peer we are; 0 if we are not."""
        if self.failure or not self.peers:
            return 0.0
        return min(self.peers.values()) / self.seconds[OURS]

    def gflops(self, who: str) -> float:
        """How fast a contender is."""
        return self.problem.operations / self.seconds[who] / 1e9 if who in self.seconds else 0.0

    bound: float = 0.0
    """The least time that it could take, seconds; 0 unless it was tuned."""

    def share(self, who: str) -> float:
        """Which part of its time somebody needs at least."""
        return self.bound / self.seconds[who] if self.bound and who in self.seconds else 0.0

    @property
    def of_limit(self) -> float:
        """Which part of the limit we reach."""
        return self.gflops(OURS) / self.limit if LIMIT in self.seconds and not self.failure else 0.0

    limit: float = 0.0
    """The limit of all threads, GFLOP/s, in this case's turns."""


def _model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, Sequence[int]]],
    outputs: Mapping[str, tuple[int, Sequence[int]]],
    weights: Mapping[str, Array],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "operator",
        [helper.make_tensor_value_info(name, *given) for name, given in inputs.items()],
        [helper.make_tensor_value_info(name, *given) for name, given in outputs.items()],
        [numpy_helper.from_array(data, name) for name, data in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


def _random(generator: np.random.Generator, shape: Sequence[int], type_: int) -> Array:
    """Random data of ONNX's element type."""
    if type_ == TensorProto.UINT8:
        return generator.integers(0, 256, shape).astype(np.uint8)
    if type_ == TensorProto.INT8:
        return generator.integers(-128, 128, shape).astype(np.int8)
    data = generator.random(tuple(shape), np.float32) - 0.5
    return data.astype(helper.tensor_dtype_to_np_dtype(type_))


# which problems there are


def known_cases() -> list[Case]:
    """Matmuls, Table 2 of the TVM paper, and its depthwise convolutions."""
    cases: list[Case] = []
    for m, n, k in ((256,) * 3, (512,) * 3, (1024,) * 3, (127, 509, 251), (1, 4096, 4096)):
        size = str(m) if m == n == k else f"{m}x{n}x{k}"
        cases.append(Case(f"M{size}", "matmul", Matmul(m, n, k)))
        cases.append(Case(f"M{size}c", "matmul", Matmul(m, n, k, constant=True), "constant right-hand side"))
    table = (
        *((224, 3, 64, 7, 2), (56, 64, 64, 3, 1), (56, 64, 64, 1, 1), (56, 64, 128, 3, 2), (56, 64, 128, 1, 2)),
        *((28, 128, 128, 3, 1), (28, 128, 256, 3, 2), (28, 128, 256, 1, 2)),
        *((14, 256, 256, 3, 1), (14, 256, 512, 3, 2), (14, 256, 512, 1, 2), (7, 512, 512, 3, 1)),
    )
    for number, (size, inputs, outputs, window, stride) in enumerate(table, 1):
        conv = Conv(1, inputs, (size,) * 2, outputs, (window,) * 2, (stride,) * 2, (window // 2,) * 2)
        cases.append(Case(f"C{number}", "C", conv))
    depthwise = (
        *((112, 32, 1), (112, 64, 2), (56, 128, 1), (56, 128, 2), (28, 256, 1), (28, 256, 2)),
        *((14, 512, 1), (14, 512, 2), (7, 1024, 1)),
    )
    for number, (size, channels, stride) in enumerate(depthwise, 1):
        conv = Conv(1, channels, (size,) * 2, channels, (3, 3), (stride,) * 2, (1, 1), groups=channels)
        cases.append(Case(f"D{number}", "D", conv))
    return cases


def _narrow() -> list[Case]:
    """Matmuls of integers of eight bits and of bfloat16, and the f32 ones that they are compared with."""
    kinds = (("f32", "float32"), ("u8s8", "uint8"), ("bf16", "bfloat16"))
    return [
        Case(
            f"M512{suffix}:{name}",
            "narrow",
            Matmul(512, 512, 512, constant, dtype),
            dtype + (", constant right-hand side" if constant else ""),
        )
        for name, dtype in kinds
        for suffix, constant in (("", False), ("c", True))
    ]


def random_cases(count: int, seed: int) -> list[Case]:
    """Convolutions of all kinds, and matmuls: three to one. None is so small that the call is what takes time."""
    generator = np.random.default_rng(seed)

    def pick(*options: int) -> int:
        return int(generator.choice(options))

    def extent(least: int, most: int) -> int:
        """Small ones are as likely as large ones."""
        return round(exp(generator.uniform(log(least), log(most))))

    cases: list[Case] = []
    while len(cases) < count:
        if len(cases) % 4 == 3:
            problem: Problem = Matmul(extent(1, 900), extent(1, 900), extent(1, 900), bool(pick(0, 1)))
        else:
            window = (pick(1, 3, 5, 7), pick(1, 3, 5, 7)) if pick(0, 0, 1) else (pick(1, 3, 3, 5),) * 2
            size = (extent(5, 90), extent(5, 90)) if pick(0, 1) else (extent(5, 90),) * 2
            dilation = (pick(1, 1, 1, 2, 3),) * 2
            stride = (pick(1, 1, 1, 2), pick(1, 2)) if pick(0, 0, 0, 1) else (pick(1, 1, 2),) * 2
            pad = tuple(pick(0, step * (taps // 2)) for step, taps in zip(dilation, window, strict=True))
            kind = pick(0, 0, 0, 1, 2)
            channels, outputs, groups = extent(1, 300), extent(1, 300), 1
            if kind == 1:
                outputs = groups = channels
            elif kind == 2:
                groups = pick(2, 3, 4, 5, 8)
                channels, outputs = (max(1, each // groups) * groups for each in (channels, outputs))
            images = pick(1, 1, 1, 2, 3)
            problem = Conv(images, channels, size, outputs, window, stride, (pad[0], pad[1]), dilation, groups)
        if not problem.problem() and 1e6 <= problem.operations <= 2e9:
            cases.append(Case(f"R{len(cases)}", "random", problem))
    return cases


def parse_shape(text: str) -> Problem:
    """The problem that a text describes; raises `ValueError` if it describes none."""
    kind, _, rest = text.strip().partition(":")
    fields = [part.strip() for part in rest.split(",")]
    if kind == "matmul":
        if len(fields) != 3:
            raise ValueError(f"shape '{text}': expected three numbers, got {len(fields)}")
        m, n, k = (_numbers(part, 1)[0] for part in fields)
        problem: Problem = Matmul(m, n, k)
    elif kind == "conv":
        if len(fields) != 10:
            raise ValueError(f"shape '{text}': expected ten numbers, got {len(fields)}")
        images, channels, height, width, outputs, groups = (_numbers(fields[i], 1)[0] for i in (0, 1, 2, 3, 4, 9))
        window, stride, pad, dilation = (_numbers(part, 2) for part in fields[5:9])
        problem = Conv(images, channels, (height, width), outputs, window, stride, pad, dilation, groups)
    else:
        raise ValueError(f"shape '{text}': expected 'conv:' or 'matmul:', got '{kind}'")
    if wrong := problem.problem():
        raise ValueError(f"shape '{text}': {wrong}")
    return problem


def _numbers(text: str, most: int) -> tuple[int, int]:
    parts = text.lower().split("x")
    if not all(part.isdecimal() for part in parts) or len(parts) > most:
        raise ValueError(f"expected {'a number' if most == 1 else 'a number, or two as in 3x5'}, got '{text}'")
    return int(parts[0]), int(parts[-1])


def _pair(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


# who computes them


class OrtRun:
    """ONNX Runtime, from and to memory that is bound once."""

    def __init__(self, model: onnx.ModelProto, inputs: Mapping[str, Array], threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        for name, data in inputs.items():
            binding.bind_cpu_input(name, data)
        (output,) = session.get_outputs()
        kind = np.int32 if output.type == "tensor(int32)" else np.float32
        self.output = np.empty(output.shape, kind)
        value = onnxruntime.OrtValue.ortvalue_from_numpy(self.output)
        binding.bind_ortvalue_output(output.name, value)
        self.value = value
        self.run = partial(session.run_with_iobinding, binding)

    def result(self) -> Array:
        """What the last call resulted in."""
        return self.value.numpy()


def _numpy_matmul(inputs: Sequence[Array]) -> Contender:
    a, b = inputs
    out = np.empty((a.shape[0], b.shape[1]), np.float32)
    return partial(np.matmul, a, b, out=out), lambda: out


def _torch_runs(problem: Problem, inputs: Sequence[Array], weights: Mapping[str, Array]) -> list[Contender]:
    """The ways in which torch computes it."""
    import torch
    from torch.nn import functional

    torch.set_grad_enabled(False)

    def tensor(data: Array) -> torch.Tensor:
        if data.dtype.name == "bfloat16":
            return torch.from_numpy(data.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(data)

    found: list[Contender] = []

    def add(run: Callable[[], torch.Tensor]) -> None:
        kept: list[torch.Tensor] = [run()]

        def call() -> None:
            kept[0] = run()

        found.append((call, lambda: kept[0].float().numpy() if kept[0].is_floating_point() else kept[0].numpy()))

    if isinstance(problem, Matmul):
        a, b = map(tensor, inputs if len(inputs) == 2 else (*inputs, weights["b"]))
        c = torch.empty((problem.m, problem.n), dtype=a.dtype)
        add(lambda: torch.mm(a, b, out=c))
        if problem.constant and torch.backends.mkldnn.is_available():
            packed: Any = torch.ops.mkldnn._reorder_linear_weight(b.t().contiguous(), problem.m)
            add(lambda: torch.ops.mkldnn._linear_pointwise(a, packed, None, "none", [], ""))
        return found
    x, w, bias = tensor(inputs[0]), tensor(weights["w"]), tensor(weights["b"])
    shape = (problem.stride, problem.pad, problem.dilation, problem.groups)
    add(lambda: functional.conv2d(x, w, bias, *shape).relu_())
    if not torch.backends.mkldnn.is_available():
        return found
    lists = (list(problem.pad), list(problem.stride), list(problem.dilation), problem.groups)
    reordered: Any = torch.ops.mkldnn._reorder_convolution_weight(w, *lists, list(x.shape))
    pointwise: Any = torch.ops.mkldnn._convolution_pointwise
    add(lambda: pointwise(x, reordered, bias, *lists, "relu", [], "").contiguous())
    layer = torch.nn.Conv2d(problem.channels, problem.outputs, problem.window, *shape)
    layer.weight.copy_(w)
    assert layer.bias is not None
    layer.bias.copy_(bias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(torch.nn.Sequential(layer, torch.nn.ReLU()).eval(), x)
        frozen: Any = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
        frozen(x)
    add(lambda: frozen(x).contiguous())
    return found


def _fastest(runs: Sequence[Contender], seconds: float = 0.02) -> Contender:
    """The one whose best call is the shortest."""

    def best(run: Run) -> float:
        run()
        shortest, end = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            run()
            shortest = min(shortest, time.perf_counter() - start)
        return shortest

    return runs[0] if len(runs) == 1 else min(runs, key=lambda contender: best(contender[0]))


def _ours(model: onnx.ModelProto, inputs: Mapping[str, Array], threads: int, options: Mapping[str, Any]) -> Contender:
    """A program of ours, with its inputs and its output bound once."""
    exe = sw.compile(model, threads=threads, **options)
    (name,) = (value.name for value in model.graph.output)
    assert exe.output_names == (name,)
    output = np.empty(exe.output_shapes[0], exe.output_dtypes[0])
    arguments = tuple(
        data.view(dtype) if data.dtype != dtype else data
        for data, dtype in zip((inputs[name] for name in exe.input_names), exe.input_dtypes, strict=True)
    )
    return exe.bind(*arguments, out=output), lambda: _plain(output, inputs)


def contenders(case: Case, threads: int, options: Mapping[str, Any]) -> dict[str, Contender]:
    """Everybody who computes a case, peers first; ours is missing if it does not compile."""
    problem = case.problem
    model = problem.model()
    generator = np.random.default_rng(2)
    inputs = {
        value.name: _random(
            generator,
            [dim.dim_value for dim in value.type.tensor_type.shape.dim],
            value.type.tensor_type.elem_type,
        )
        for value in model.graph.input
    }
    weights = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in model.graph.initializer}
    found: dict[str, Contender] = {}
    if not (isinstance(problem, Matmul) and problem.dtype == "bfloat16"):  # ONNX Runtime has no such kernel
        ort = OrtRun(model, inputs, threads)
        found["onnxruntime"] = ort.run, ort.result
    if isinstance(problem, Matmul) and problem.dtype == "float32":
        found["numpy"] = _numpy_matmul((*inputs.values(), *weights.values()))
    if find_spec("torch") is not None and not (isinstance(problem, Matmul) and problem.dtype == "uint8"):
        found["torch"] = _fastest(_torch_runs(problem, list(inputs.values()), weights))
    start = time.perf_counter()
    try:
        ours = _ours(model, inputs, threads, options)
        if "database" in options:
            plain = {key: value for key, value in options.items() if key != "database"}
            found[SHIPPED] = _ours(model, inputs, threads, plain)
    except StepwellError as error:
        case.failure = str(error).strip().partition("\n")[0] or type(error).__name__
        return found
    except Exception as error:  # whatever it is, the others are still to be measured
        case.failure = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        return found
    case.compile_seconds = time.perf_counter() - start
    found[OURS] = ours
    return found


def _plain(output: Array, inputs: Mapping[str, Array]) -> Array:
    """An output in a type that numpy computes with."""
    if output.dtype.kind == "V":
        (dtype,) = {data.dtype for data in inputs.values()}
        output = output.view(dtype)
    return output.astype(np.float32) if output.dtype.name == "bfloat16" else output


# measuring


SPINNING = 0.03
"""How many seconds idle threads of a peer may go on to look for work."""


def take_turns(
    runs: Mapping[str, Run], seconds: float, threads: int = 1, burst: float = 0.006
) -> dict[str, list[float]]:
    """The times of calls; on one thread, of what it ran, since others may use the machine. Each round calls everybody a
    few times, after calls that bring its data to the caches. Several threads first wait until those that still spin for
    somebody else (libgomp's and OpenBLAS's do for over 10 ms) have gone to sleep. Ends when medians are settled."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    clock, stopwatch = time.perf_counter, _stopwatch(threads)
    start, rounds = clock(), 0
    while True:
        for name, run in runs.items():
            if threads > 1:
                time.sleep(SPINNING)
            warm = clock()
            run()
            while clock() - warm < 0.3 * burst:
                run()
            found, end = times[name], clock() + burst
            while True:
                before = stopwatch()
                run()
                found.append(stopwatch() - before)
                if clock() >= end:
                    break
        rounds += 1
        if rounds >= 5 and (clock() - start > seconds or all(map(_settled, times.values()))):
            return times


def _stopwatch(threads: int) -> Callable[[], float]:
    """What a thread ran, where there is one and its clock is fine enough; else what time it is."""
    if threads == 1:
        readings = [time.thread_time() for _ in range(100)]
        steps = [after - before for before, after in pairwise(readings)]
        if 0 < statistics.median(steps) < 5e-6:
            return time.thread_time
    return time.perf_counter


def _settled(times: Sequence[float]) -> bool:
    """Whether the median is known to a third of a percent."""
    low, middle, high = statistics.quantiles(times, n=4)
    return len(times) >= 25 and (high - low) / len(times) ** 0.5 < 0.003 * middle


def _check(case: Case, found: Mapping[str, Contender]) -> None:
    """Compares what the last calls resulted in with the first peer's result."""
    reference = next(iter(found.values()))[1]().astype(np.float64)
    largest = float(np.abs(reference).max()) or 1.0
    narrow = isinstance(case.problem, Matmul) and case.problem.dtype == "bfloat16"
    tolerance = 1e-2 if narrow else TOLERANCE
    for name, (_, result) in found.items():
        error = float(np.abs(result().astype(np.float64) - reference).max()) / largest
        case.errors[name] = error
        if name == OURS and not error <= tolerance:  # NaN is wrong, too
            case.failure = f"expected results within {tolerance:.0e} of the peers', got {error:.1e}"


def measure(case: Case, threads: int, seconds: float, options: Mapping[str, Any], limit: Limit) -> None:
    """Fills in what there is to know about a case."""
    found = contenders(case, threads, options)
    for run, _ in found.values():
        run()
    _check(case, found)
    runs = {name: run for name, (run, _) in found.items()}
    runs[LIMIT] = limit
    work, passage = (0, None)
    if "database" in options and not case.failure:
        work, passage = _least_work(case.problem, options)
        runs[PASSAGE] = passage
    times = take_turns(runs, seconds, threads)
    _check(case, found)
    for name, each in times.items():
        case.seconds[name] = statistics.median(each)
        case.calls[name] = len(each)
    case.limit = threads * limit.operations / case.seconds[LIMIT] / 1e9
    if passage is not None:
        case.bound = max(work / case.limit / 1e9, case.seconds[PASSAGE] * passage.share / threads)


def _least_work(problem: Problem, options: Mapping[str, Any]) -> tuple[int, Passage]:
    """The operations of the kernels that a problem becomes with what a database knows, and their data."""
    module = driver.lower(
        problem.model(), until="loop-name-kernels", **{key: value for key, value in options.items() if key != "cache"}
    )
    found = [Workload.of_kernel(kernel) for kernel in kernels_of(module)]
    read, written = map(sum, zip(*map(argument_bytes, found), strict=True))
    target = LlvmCpuBackend().default_target()
    assert isinstance(target, TargetAttr)
    return sum(map(operations, found)), Passage(target, read, written)


def tune(case: Case, trials: int, threads: int, seed: int, options: Mapping[str, Any]) -> None:
    """Measures schedules of the kernels that a case may become."""
    exact = bool(options.get("exact", False))
    start = time.perf_counter()
    sw.tune(
        case.problem.model(),
        trials_per_kernel=trials,
        database=options["database"],
        threads=threads,
        seed=seed,
        exact=exact,
    )
    case.tune_seconds = time.perf_counter() - start


# the bars


@dataclass(frozen=True)
class Bar:
    """What is promised, and what was found."""

    what: str
    met: bool
    found: str


def geometric_mean(ratios: Sequence[float]) -> float:
    """0 if one of them is."""
    if not ratios or min(ratios) <= 0:
        return 0.0
    return exp(sum(map(log, ratios)) / len(ratios))


def tuned_bars(cases: Sequence[Case]) -> list[Bar]:
    """What is promised about cases that were tuned."""
    before = geometric_mean([case.share(SHIPPED) for case in cases])
    after = geometric_mean([case.share(OURS) for case in cases])
    half = (1 + before) / 2
    what = f"bound / time, geometric mean, at least {half:.3f}, half-way from {before:.3f} to 1"
    found = [Bar(what, after >= half, f"{after:.3f}")]
    worst = min(cases, key=lambda case: case.seconds.get(SHIPPED, 0.0) / case.seconds.get(OURS, 1.0))
    gain = worst.seconds.get(SHIPPED, 0.0) / worst.seconds.get(OURS, 1.0)
    found.append(
        Bar(f"no kernel over 2 % slower than before ({worst.name} is the worst)", gain >= 0.98, f"{gain:.3f}x")
    )
    members = [case.ratio for case in cases if case.group == "C"]
    if members:
        mean = geometric_mean(members)
        found.append(Bar("geometric mean of C at least 1.25x", mean >= 1.25, f"{mean:.3f}x"))
    return found


def bars(cases: Sequence[Case], exact: bool) -> list[Bar]:
    """What is promised about the cases that were measured."""
    found: list[Bar] = []

    def least(what: str, bar: float, ratio: float) -> None:
        found.append(Bar(f"{what} at least {bar:.2f}x", ratio >= bar, f"{ratio:.3f}x"))

    for case in (case for case in cases if case.group == "matmul"):
        assert isinstance(case.problem, Matmul)
        if case.problem.m == 1:
            least(case.name, 0.97, case.ratio)
        elif case.problem.m == case.problem.n == case.problem.k:
            met = case.ratio >= 1.0 or case.of_limit >= 0.96
            text = f"{case.ratio:.3f}x, {case.of_limit:.1%}"
            found.append(Bar(f"{case.name} at least 1.00x or 96 % of the limit", met, text))
        else:
            least(case.name, 1.0, case.ratio)
    for group, mean, worst in (("C", 0.97 if exact else 1.15, 0.85), ("D", 1.5, 1.0)):
        members = [case for case in cases if case.group == group]
        if members:
            least(f"geometric mean of {group}", mean, geometric_mean([case.ratio for case in members]))
            low = min(members, key=lambda case: case.ratio)
            least(f"each of {group} ({low.name} is the worst)", worst, low.ratio)
    if not exact:
        for case in (case for case in cases if case.name in ("C2", "C6", "C9")):
            least(f"{case.name} with Winograd", 1.5, case.ratio)
    members = [case for case in cases if case.group == "random"]
    if members:
        least("geometric mean of random shapes", 0.95, geometric_mean([case.ratio for case in members]))
    narrow = {case.name: case for case in cases if case.group == "narrow"}
    for suffix in ("", "c"):
        plain = narrow.get(f"M512{suffix}:f32")
        for kind, bar in (("u8s8", 2.5), ("bf16", 1.5)):
            case = narrow.get(f"M512{suffix}:{kind}")
            if plain is not None and case is not None:
                faster = 0.0 if case.failure or plain.failure else plain.seconds[OURS] / case.seconds[OURS]
                least(f"{case.name} against our own f32", bar, faster)
                if kind == "u8s8":
                    least(case.name, 1.0, case.ratio)
    return found


# the command line


def _versions() -> dict[str, str]:
    found = {"numpy": np.__version__}
    for name in ("onnxruntime", "torch"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


TUNED_HEADER = f"{'before':>8} {'gain':>6}  {'bound/time':>10}"
HEADER = f"{'':12} {'ours':>8} {'numpy':>8} {'ort':>8} {'torch':>8}  {'ratio':>6}  {'limit':>6}    {'µs':>8}"


def row(case: Case) -> str:
    """A line of the table."""
    speeds = " ".join(f"{case.gflops(name):8.1f}" if name in case.seconds else f"{'-':>8}" for name in (OURS, *PEERS))
    if case.failure:
        return f"{case.name:12} {speeds}  {'-':>6}  {'-':>6}  {'':8}    {case.problem} FAILED: {case.failure}"
    what = f"{case.problem}" + (f" ({case.note})" if case.note else "")
    microseconds = 1e6 * case.seconds[OURS]
    if case.bound:
        gain = case.seconds[SHIPPED] / case.seconds[OURS]
        shares = f"{case.share(SHIPPED):.3f} {case.share(OURS):.3f}"
        what = f"{1e6 * case.seconds[SHIPPED]:8.1f} {gain:5.2f}x {shares:>12}  {what}"
    return f"{case.name:12} {speeds}  {case.ratio:5.2f}x  {case.of_limit:6.1%}  {microseconds:10.1f}  {what}"


def report(cases: Sequence[Case], exact: bool) -> list[Bar]:
    """Prints means and bars."""
    print()
    for group in dict.fromkeys(case.group for case in cases):
        members = [case for case in cases if case.group == group]
        ratios = [case.ratio for case in members]
        low = min(members, key=lambda case: case.ratio)
        print(f"{group:8} geometric mean {geometric_mean(ratios):.3f}x of {len(members)}, {low.name} {low.ratio:.3f}x")
    tuned = [case for case in cases if case.bound]
    found = tuned_bars(tuned) if tuned else bars(cases, exact)
    if found:
        print()
    for bar in found:
        print(f"{'met   ' if bar.met else 'MISSED'}  {bar.what}: {bar.found}")
    return found


def write_json(path: Path, cases: Sequence[Case], found: Sequence[Bar], threads: int, exact: bool) -> None:
    """Everything that was found."""
    rows = [
        {
            **{key: value for key, value in asdict(case).items() if key != "problem"},
            "shape": str(case.problem),
            "problem": asdict(case.problem),
            "gflops": {name: case.gflops(name) for name in (OURS, *PEERS) if name in case.seconds},
            "best_peer": case.best_peer,
            "ratio": case.ratio,
            "of_limit": case.of_limit,
            "bound_over_time": {name: case.share(name) for name in (OURS, SHIPPED) if case.bound},
        }
        for case in cases
    ]
    groups = {
        group: geometric_mean([case.ratio for case in cases if case.group == group])
        for group in dict.fromkeys(case.group for case in cases)
    }
    everything = {
        "threads": threads,
        "exact": exact,
        "versions": _versions(),
        "cases": rows,
        "geometric_means": groups,
        "bars": [asdict(bar) for bar in found],
    }
    path.write_text(json.dumps(everything, indent=1) + "\n", "utf-8")


def select(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> list[Case]:
    """The cases that the command line asks for."""
    cases: list[Case] = []
    if arguments.shapes:
        for number, text in enumerate(filter(str.strip, arguments.shapes.split(";"))):
            try:
                problem = parse_shape(text)
            except ValueError as error:
                parser.error(str(error))
            cases.append(Case(f"S{number}", "shapes", problem))
    if arguments.random:
        cases += random_cases(arguments.random, arguments.seed)
    if arguments.int8:
        cases += _narrow()
    if not cases or arguments.only:
        cases += known_cases()
    if arguments.only:
        names = [name.strip() for name in arguments.only.split(",")]
        known = {case.name for case in cases} | {case.group for case in cases}
        if unknown := [name for name in names if name not in known]:
            parser.error(f"unknown case '{unknown[0]}': expected some of {', '.join(case.name for case in cases)}")
        cases = [case for case in cases if case.name in names or case.group in names]
    return cases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="how many threads everybody uses (default: 1)")
    parser.add_argument("--shapes", metavar="SHAPE;SHAPE…", help="these, not those of the table")
    parser.add_argument("--random", type=int, metavar="N", default=0, help="this many random shapes")
    parser.add_argument("--seed", type=int, default=0, help="of random shapes")
    parser.add_argument("--int8", action="store_true", help="matmuls of integers of eight bits, and of bfloat16")
    parser.add_argument("--only", metavar="NAME,NAME…", help="some of the cases, by name or by group (matmul, C, D)")
    parser.add_argument("--exact", action="store_true", help="without algorithms that round in another way: Winograd")
    parser.add_argument("--no-cache", action="store_true", help="compile everything anew")
    parser.add_argument("--seconds", type=float, default=2.0, help="the most that a case is measured for (default: 2)")
    parser.add_argument("--tune", type=int, metavar="N", default=0, help="measure N trials of each kernel first")
    parser.add_argument("--db", type=Path, metavar="FILE", help="where trials are kept; elsewhere if it is not given")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bar is missed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found there")
    arguments = parser.parse_args()
    threads = arguments.threads
    if threads < 1:
        parser.error(f"argument --threads: expected a positive number, got {threads}")
    cases = select(parser, arguments)
    options: dict[str, Any] = {"cache": not arguments.no_cache}
    if arguments.exact:
        options["exact"] = True
    if find_spec("torch") is not None:
        import torch

        torch.set_num_threads(threads)
    target = LlvmCpuBackend().default_target()
    assert isinstance(target, TargetAttr)
    limit = Limit(target)
    print(f"{threads} thread{'s' if threads > 1 else ''} of {target.cpu.data}, GFLOP/s; ", end="")
    print(", ".join(f"{name} {number}" for name, number in _versions().items()))
    if threads > 1 and not openmp().available:
        print(openmp().note)
    print(HEADER + ("  " + TUNED_HEADER if arguments.tune else ""), flush=True)
    with threadpool_limits(threads), tempfile.TemporaryDirectory() as folder:
        if arguments.tune:
            options["database"] = arguments.db or Path(folder) / "tuned.db"
        for case in cases:
            if arguments.tune:
                tune(case, arguments.tune, threads, arguments.seed, options)
            measure(case, threads, arguments.seconds, options, limit)
            print(row(case), flush=True)
    found = report(cases, arguments.exact)
    if arguments.json:
        write_json(arguments.json, cases, found, threads, arguments.exact)
    failed = [case.name for case in cases if case.failure]
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or (arguments.check and not all(bar.met for bar in found)) else 0


if __name__ == "__main__":
    sys.exit(main())
