"""How far from the machine's limits each kernel is under the default schedules.

For each distinct kernel of the models (or of `layers.py`): its time, the least time that it could take (its *bound*),
and how many times that it takes. The bound is what a call costs, plus the larger of: its arithmetic at the speed of
fused multiply-adds on registers, and its inputs and outputs, each once, at the speed of copying as many bytes. Exits
with 1 where a kernel takes more than `--most` times its bound, or where `--check` finds a wrong result.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from layers import LAYERS
from stepwell import te
from stepwell.autotune.machine import Limit, best_seconds
from stepwell.backends.llvm_cpu.backend import LlvmCpuBackend
from stepwell.dialects.cpu import TargetAttr
from stepwell.dialects.loop import BlockOp, ForOp, IteratorKind, ReadOp, ReduceOp, WriteOp, blocks_in
from stepwell.dialects.regions import alloc_of, index_forms, iterator_forms, loops_of_kind, writers_of
from stepwell.runtime.executable import Executable
from stepwell.tools import driver
from stepwell.transform.structure import element_bytes
from xdsl.dialects.affine import ApplyOp
from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineBinaryOpExpr, AffineBinaryOpKind

ABOVE = "convert-te-to-loop"

MOST_WAKING = 50e-6
"""The most seconds that bounds allow for waking threads: what takes longer is somebody else's work."""


# the machine


@dataclass(frozen=True)
class Machine:
    """What the bounds are made of."""

    flops: float
    """How many f32 operations all threads do in a second."""
    copied: tuple[tuple[int, float], ...]
    """By bytes of source and target together, how many of them one thread copies in a second."""
    call: float
    """The seconds of a call that does nothing."""
    wake: float
    """The seconds that a parallel loop without work adds."""
    threads: int

    def bytes_per_second(self, size: int) -> float:
        """How fast threads read and write that many bytes, shared between them."""
        share = size / self.threads
        return self.threads * next((speed for known, speed in self.copied if share <= known), self.copied[-1][1])


def measure_machine(threads: int) -> Machine:
    """Measures the machine, or what of it others leave us."""
    target = LlvmCpuBackend().default_target()
    assert isinstance(target, TargetAttr)
    copied: list[tuple[int, float]] = []
    for power in range(14, 28, 2):
        source, sink = np.ones(2**power // 8, np.float32), np.empty(2**power // 8, np.float32)
        copied.append((2**power, 2**power / best_seconds(lambda a=source, b=sink: np.copyto(b, a), 0.05)))
    nothing = compile_kernel(driver.lower(_tiny(1), until=ABOVE), threads)
    call = time_of(nothing, [np.zeros((1, 1), np.float32)], 0.1)
    wake = 0.0
    if threads > 1:
        parallel = compile_kernel(driver.lower(_tiny(1024), until=ABOVE), threads)
        wake = max(0.0, time_of(parallel, [np.zeros((1024, 1024), np.float32)], 0.1) - call)
        serial = compile_kernel(driver.lower(_tiny(1024), until=ABOVE), 1)
        work = max(0.0, time_of(serial, [np.zeros((1024, 1024), np.float32)], 0.1) - call)
        wake = min(max(0.0, wake - work / threads), MOST_WAKING)
    return Machine(threads * Limit(target).gflops() * 1e9, tuple(copied), call, wake, threads)


def _tiny(n: int) -> Sequence[te.Tensor]:
    x = te.placeholder((n, n), "float32", name="X")
    return [x, te.compute((n, n), lambda i, j: x[i, j] + 1.0, name="Y")]


# what a kernel has to do


@dataclass(frozen=True)
class Work:
    """What a kernel cannot do without."""

    operations: float
    """On elements of at most four bytes; wider ones count as often as they are wider."""
    touched: int
    """Bytes of inputs and outputs."""

    def bound(self, machine: Machine, parallel: bool) -> float:
        """The least seconds that it can take."""
        start = machine.call + (machine.wake if parallel else 0.0)
        return start + max(self.operations / machine.flops, self.touched / machine.bytes_per_second(self.touched))


def work_of(func: FuncOp, cache: int) -> Work:
    """The work of a kernel on the loop rung that nothing has scheduled. What steps in order need again, if it is more
    than the caches of cores hold, has to come again."""
    operations = sum(_operations(block) for block in blocks_in(func))
    touched = sum(_touched(argument) for argument in func.body.block.args)
    for steps in {loop for block in blocks_in(func) for loop in loops_of_kind(block, IteratorKind.ORDERED)}:
        again = sum(_touched(argument) for argument in func.body.block.args if _is_needed_again(argument, steps))
        touched += again * (steps.extent - 1) if again > cache else 0
    return Work(operations, touched)


def _is_needed_again(buffer: SSAValue, steps: ForOp) -> bool:
    reads = [use.operation for use in buffer.uses if isinstance(use.operation, ReadOp)]
    inside = [read for read in reads if steps.is_ancestor(read)]
    return any(
        all(form is None or steps.induction_variable not in form.values() for form in index_forms(read))
        for read in inside
    )


def _operations(block: BlockOp) -> float:
    each = 0.0
    for op in block.body.walk():
        if op.name.startswith(("arith.", "math.")) and not _is_bookkeeping(op) and not _in_init(op, block):
            each += max(1.0, element_bytes(op.results[0].type) / 4)
    density = min((_density(read.buffer) for read in block.reads()), default=1.0)
    return each * prod(block.extents) * density


def _is_bookkeeping(op: Operation) -> bool:
    plain = ("constant", "cmpi", "andi", "ori", "index_cast", "select")
    return op.name.partition(".")[2] in plain or str(op.results[0].type) in ("index", "i1")


def _in_init(op: Operation, block: BlockOp) -> bool:
    return block.init is not None and block.init.is_ancestor(op)


def _density(buffer: SSAValue) -> float:
    """Which part of a buffer's elements is not a constant between others: `mod` in the conditions of its writer."""
    if alloc_of(buffer) is None:
        return 1.0
    moduli = 1
    for writer in writers_of(buffer):
        for apply in (op for op in writer.body.walk() if isinstance(op, ApplyOp)):
            expr = apply.map.data.results[0]
            if isinstance(expr, AffineBinaryOpExpr) and expr.kind is AffineBinaryOpKind.Mod:
                compared = any(use.operation.name == "arith.cmpi" for use in apply.result.uses)
                moduli *= int(str(expr.rhs)) if compared else 1
    return 1.0 / moduli


def _touched(buffer: SSAValue) -> int:
    """How many bytes of an argument are touched: where data decides, no more than there are accesses."""
    type_ = buffer.type
    if not isinstance(type_, MemRefType):
        return 8
    elements, points = prod(type_.get_shape()), 0
    for use in buffer.uses:
        access = use.operation
        if isinstance(access, ReadOp | WriteOp | ReduceOp):
            block = access.parent_op()
            while block is not None and not isinstance(block, BlockOp):
                block = block.parent_op()
            assert block is not None
            points += prod(block.extents) if None in iterator_forms(access) else elements
    return min(points, elements) * element_bytes(type_.element_type)


# kernels


@dataclass(frozen=True)
class Kernel:
    """A kernel on the loop rung, alone in its module, and the models that have it."""

    name: str
    module: ModuleOp


def kernels_of(name: str, source: driver.Source) -> Iterator[Kernel]:
    """The kernels of a program, each alone in a module."""
    module = driver.lower(source, until=ABOVE)
    functions = [op for op in module.ops if isinstance(op, FuncOp) and not op.is_declaration and blocks_in(op)]
    for func in functions:
        alone = func.clone()
        alone.properties["sym_visibility"] = StringAttr("public")
        for attributes in alone.arg_attrs or ():
            assert "graph.weight" not in attributes.data or len(functions) == 1
        what = name if len(functions) == 1 else f"{name} {func.sym_name.data}"
        yield Kernel(what, ModuleOp([alone], dict(module.attributes)))


def distinct(kernels: Iterator[Kernel]) -> Iterator[Kernel]:
    """Kernels of different text, whatever they are called."""
    seen: set[str] = set()
    for kernel in kernels:
        func = kernel_function(kernel.module)
        renamed = func.clone()
        renamed.properties["sym_name"] = StringAttr("kernel")
        text = str(renamed)
        if text not in seen:
            seen.add(text)
            yield kernel


def kernel_function(module: ModuleOp) -> FuncOp:
    """The one function of a kernel's module."""
    (func,) = (op for op in module.ops if isinstance(op, FuncOp))
    return func


def compile_kernel(module: ModuleOp, threads: int, report: driver.Report | None = None) -> Executable:
    """The kernel under the default schedules."""
    exe = driver.compile(module, threads=threads, report=report)
    assert isinstance(exe, Executable)
    return exe


def random_inputs(exe: Executable) -> list[np.ndarray[Any, Any]]:
    """Arrays to call a kernel with: small multiples of a power of two, so that sums are exact in any order."""
    generator = np.random.default_rng(0)
    arrays: list[np.ndarray[Any, Any]] = []
    for shape, dtype in zip(exe.input_shapes, exe.input_dtypes, strict=True):
        if dtype.kind == "f":
            arrays.append(generator.integers(-4, 5, shape).astype(dtype) / dtype.type(32))
        else:
            arrays.append(generator.integers(0, 2 if dtype.kind == "b" else 5, shape).astype(dtype))
    return arrays


def time_of(exe: Executable, inputs: Sequence[np.ndarray[Any, Any]], seconds: float) -> float:
    """The shortest time of a call; on one thread, of what it ran, since others may use the machine."""
    outputs = tuple(np.empty(shape, dtype) for shape, dtype in zip(exe.output_shapes, exe.output_dtypes, strict=True))
    if exe.threads != 1:
        return best_seconds(lambda: exe(*inputs, out=outputs), seconds)
    exe(*inputs, out=outputs)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.thread_time()
        exe(*inputs, out=outputs)
        best = min(best, time.thread_time() - start)
    return best


def is_right(exe: Executable, module: ModuleOp, inputs: Sequence[np.ndarray[Any, Any]]) -> bool:
    """Whether the kernel gives what it gives without schedules."""
    with tempfile.TemporaryDirectory() as folder:
        unscheduled = Path(folder) / "pipeline.mlir"
        shipped = LlvmCpuBackend().pipeline.read_text("utf-8")
        unscheduled.write_text(shipped.replace('"apply-schedules"', '"canonicalize"'), "utf-8")
        plain = driver.compile(module, pipeline=unscheduled, threads=1)
    found, expected = exe(*inputs), plain(*inputs)
    pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
    return all(_close(np.asarray(a), np.asarray(b)) for a, b in pairs)


def _close(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> bool:
    if expected.dtype.kind != "f":
        return bool((found == expected).all())
    scale = float(np.abs(expected.astype(np.float64)).max()) if expected.size else 0.0
    tolerance = 1e-2 if expected.dtype == np.float16 else 1e-4
    return bool(np.abs(found.astype(np.float64) - expected).max() <= tolerance * (scale or 1.0))


def sources(arguments: argparse.Namespace) -> Iterator[tuple[str, driver.Source]]:
    """What there is to compile, by name: the seven models from one of torch's exporters, the nine that the `onnx` wheel
    has, or single layers."""
    if arguments.layers:
        for name, build in LAYERS.items():
            yield name, build()
        return
    import onnx
    from models import MODELS, export, light, light_names

    folder: Path = arguments.folder or Path(tempfile.gettempdir()) / "stepwell-models"
    folder.mkdir(parents=True, exist_ok=True)
    for name in light_names() if arguments.light else MODELS:
        if arguments.names and not any(name in each or each in name for each in arguments.names):
            continue
        if not arguments.light:
            yield name, export(name, folder)
            continue
        path = folder / f"light_{name}.onnx"
        if not path.exists():
            onnx.save(light(name), path)
        yield name, path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of names of models or layers; all if there are none")
    parser.add_argument("--folder", type=Path, help="where the models are, or are exported to")
    parser.add_argument("--threads", type=int, default=0, help="how many threads parallel loops use; 0: all")
    parser.add_argument("--seconds", type=float, default=0.2, help="for how long each kernel is called")
    parser.add_argument("--most", type=float, default=20.0, help="how many times its bound a kernel may take")
    parser.add_argument("--light", action="store_true", help="the nine models of the onnx wheel")
    parser.add_argument("--layers", action="store_true", help="single layers as tensor expressions, not the models")
    parser.add_argument("--check", action="store_true", help="compare results with those without schedules")
    arguments = parser.parse_args()
    target = LlvmCpuBackend().default_target()
    assert isinstance(target, TargetAttr)
    threads = arguments.threads or target.threads.data
    machine = measure_machine(threads)
    print(
        f"{threads} threads of {target.cpu.data}: {machine.flops / 1e9:.0f} GFLOP/s, a call {1e6 * machine.call:.1f} µs"
    )
    print(f"waking threads {1e6 * machine.wake:.1f} µs, copying (GB/s of KiB):", end=" ")
    print(", ".join(f"{speed / 1e9:.0f} of {size >> 10}" for size, speed in machine.copied), end="\n\n")
    print("     µs    bound  times  GFLOP/s  schedule ms  LLVM ms  kernel")
    over: list[str] = []
    worst = 0.0
    for kernel in distinct(kernel for name, source in sources(arguments) for kernel in kernels_of(name, source)):
        if arguments.names and not any(name in kernel.name for name in arguments.names):
            continue
        report = driver.Report()
        work = work_of(kernel_function(kernel.module), threads * target.facts()["l2_bytes"])
        exe = compile_kernel(kernel.module, threads, report)
        inputs = random_inputs(exe)
        seconds = time_of(exe, inputs, arguments.seconds)
        bound = work.bound(machine, exe.compiled.has_parallel_loops and threads > 1)
        steps = dict(report.steps)
        times = seconds / bound
        worst = max(worst, times)
        wrong = arguments.check and not is_right(exe, kernel.module, inputs)
        if times > arguments.most or wrong:
            over.append(kernel.name)
        speed = work.operations / seconds / 1e9
        compiling = f"{1e3 * steps['apply-schedules']:11.1f}  {1e3 * steps['native code']:7.1f}"
        note = "  WRONG" if wrong else ""
        print(
            f"{1e6 * seconds:7.1f} {1e6 * bound:8.1f} {times:6.1f} {speed:8.1f}  {compiling}  {kernel.name}{note}",
            flush=True,
        )
    print(f"\nthe largest multiple is {worst:.1f}")
    if over:
        print(f"over {arguments.most:g}, or wrong: {', '.join(over)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
