"""`make matmul`: a matmul after each step of its schedule, beside the machine's limit and numpy; one thread.

The limit is a loop of fused multiply-adds on registers only, measured in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from stepwell import te
from stepwell.autotune.machine import Limit, best_seconds
from stepwell.backends.llvm_cpu.backend import LlvmCpuBackend
from stepwell.backends.registry import make_context
from stepwell.dialects.cpu import TargetAttr
from stepwell.te.tensors import Tensor
from stepwell.tools import driver
from stepwell.transform.interpreter import apply_script
from stepwell.transform.script import load_script
from threadpoolctl import threadpool_limits

SCHEDULE = Path(__file__).parent.parent / "examples" / "schedules" / "matmul.mlir"
STEPS = ("tile", "reorder", "vectorize", "unroll", "decompose_reduction", "cache_write", "cache_read", "pack", "peel")
END = "    transform.yield\n  }\n}\n"


def matmul(m: int, n: int, k: int) -> list[Tensor]:
    """C = A @ B as a tensor expression."""
    a = te.placeholder((m, k), "float32", name="A")
    b = te.placeholder((k, n), "float32", name="B")
    r = te.reduce_axis(k, name="k")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[r, j], axis=r), name="C")]


def prefixes(script: str) -> Iterator[tuple[str, str]]:
    """The script up to each of its steps, with the step's own text."""
    lines = script.splitlines(keepends=True)
    (main,) = (number for number, line in enumerate(lines) if "@__transform_main" in line)
    for number, line in enumerate(lines):
        step = line.strip().partition(" : ")[0]
        name = step.rpartition("= ")[2].partition(" ")[0].partition(".")[2]
        if number > main and name in STEPS:
            yield step, "".join(lines[: number + 1]) + END


class Matmul:
    """One matmul, its data, and numpy's result."""

    def __init__(self, m: int, n: int, k: int) -> None:
        self.shape = (m, n, k)
        generator = np.random.default_rng(0)
        self.a = generator.random((m, k), np.float32) - 0.5
        self.b = generator.random((k, n), np.float32) - 0.5
        self.c = np.empty((m, n), np.float32)
        self.expected = self.a.astype(np.float64) @ self.b

    @property
    def operations(self) -> int:
        m, n, k = self.shape
        return 2 * m * n * k

    def gflops(self, schedule: Path | None, pipeline: Path | None = None) -> float:
        """The speed under a schedule; its result is checked."""
        exe = driver.compile(matmul(*self.shape), schedule=schedule, pipeline=pipeline, threads=1)
        self.c.fill(np.nan)
        exe(self.a, self.b, out=self.c)
        np.testing.assert_allclose(self.c, self.expected, atol=1e-5 * self.shape[2] ** 0.5)
        return self.operations / best_seconds(lambda: exe(self.a, self.b, out=self.c)) / 1e9

    def numpy_gflops(self) -> float:
        """numpy's speed on one thread."""
        with threadpool_limits(1):
            return self.operations / best_seconds(lambda: np.matmul(self.a, self.b, out=self.c)) / 1e9


def compile_times(m: int, n: int, k: int, repeats: int = 9) -> dict[str, float]:
    """Milliseconds (medians) of reading the script, of applying it, of each pass below, and of LLVM."""
    ctx = make_context()
    kernel = driver.lower(matmul(m, n, k), until="convert-te-to-loop")
    times: dict[str, list[float]] = {}

    def note(what: str, seconds: float) -> None:
        times.setdefault(what, []).append(1e3 * seconds)

    for _ in range(repeats):
        payload = kernel.clone()
        start = time.perf_counter()
        script = load_script(SCHEDULE)
        note("read the script", time.perf_counter() - start)
        start = time.perf_counter()
        apply_script(script, payload, ctx=ctx)
        note("apply it", time.perf_counter() - start)
        report = driver.Report()
        driver.compile(payload, report=report)
        steps = [name for name, _ in report.steps]
        for name, seconds in report.steps[steps.index("loop-expand") :]:
            note("LLVM" if name == "native code" else name, seconds)
    return {what: statistics.median(found) for what, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="*", type=int, default=[512, 512, 512], help="rows, columns, inner extent")
    parser.add_argument("--others", action="store_true", help="also run other sizes under the same script")
    arguments = parser.parse_args()
    if len(arguments.size) != 3:
        parser.error(f"expected three sizes, got {len(arguments.size)}")
    target = LlvmCpuBackend().default_target()
    assert isinstance(target, TargetAttr)
    limit_loop = Limit(target)
    limit = limit_loop.gflops()
    problem = Matmul(*arguments.size)
    m, n, k = arguments.size
    print(f"matmul {m}x{n}x{k}, f32, one thread of {target.cpu.data}\n")
    print(" GFLOP/s  of limit")

    def show(speed: float, what: str) -> None:
        print(f"{speed:8.1f}  {speed / limit:7.1%}  {what}", flush=True)

    show(limit, "the limit: fused multiply-adds on registers")
    show(problem.numpy_gflops(), "numpy")
    last = 0.0
    with tempfile.TemporaryDirectory() as folder:
        unscheduled = Path(folder) / "pipeline.mlir"
        shipped = LlvmCpuBackend().pipeline.read_text("utf-8")
        unscheduled.write_text(shipped.replace('"apply-schedules"', '"canonicalize"'), "utf-8")
        show(problem.gflops(None, unscheduled), "no schedule")
        for number, (step, text) in enumerate(prefixes(SCHEDULE.read_text("utf-8"))):
            path = Path(folder) / f"step{number}.mlir"
            path.write_text(text, "utf-8")
            last = problem.gflops(path)
            show(last, step)
    limit = max(limit, limit_loop.gflops())
    print(f"\nthe whole script: {last / limit:.1%} of the limit")

    times = compile_times(m, n, k)
    print("\ncompiling, ms:")
    for what, milliseconds in times.items():
        print(f"{milliseconds:8.2f}  {what}")
    own = sum(milliseconds for what, milliseconds in times.items() if what not in ("LLVM", "read the script"))
    print(f"{own:8.2f}  apply and lower, LLVM and reading aside")

    if arguments.others:
        print("\nother sizes, same script:")
        for size in ((127, 509, 251), (256, 256, 256), (510, 512, 512), (1024, 1024, 1024), (126, 4096, 4096)):
            other = Matmul(*size)
            show(other.gflops(SCHEDULE), f"{'x'.join(map(str, size))} (numpy {other.numpy_gflops():.1f})")


if __name__ == "__main__":
    main()
