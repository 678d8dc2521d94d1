"""What interpreting scripts costs: a script beside calls of the same primitives, and the shipped schedules.

The same schedule of a matrix product is applied by the interpreter, and by a Python function that calls the primitives
with the loops and blocks that it finds, in turns, each on a fresh copy. `--check` exits with 1 where the interpreter
takes more than 1.1 times as long (medians), or where the shipped schedule of a convolution takes 5 ms or more.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

from layers import conv2d, gemm
from stepwell import te
from stepwell.backends.registry import make_context
from stepwell.dialects.loop import blocks_in, enclosing_loops
from stepwell.passes.function_pass import functions
from stepwell.passes.loop.apply_schedules import apply_shipped_schedules
from stepwell.tools import driver
from stepwell.transform import primitives
from stepwell.transform.interpreter import apply_script
from stepwell.transform.script import parse_script
from stepwell.transform.structure import buffers_read
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

ABOVE = "loop-name-kernels"
MOST_RATIO, MOST_SECONDS = 1.1, 5e-3

SCRIPT = """
!op = !transform.any_op
!value = !transform.any_value
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %B = sched.get_reads %c : (!op) -> (!value, !value)
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [6, 64] : (!op, !op) -> (!op, !op, !op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    sched.reorder %io, %jo, %ko, %ki, %ii, %ji : !op, !op, !op, !op, !op, !op
    %panel = sched.cache_read %c, %B at %jo along %ji : (!op, !value, !op, !op) -> !op
    %out = sched.cache_write %c at %jo : (!op, !op) -> !op
    %init = sched.decompose_reduction %c at %ko : (!op, !op) -> !op
    sched.vectorize %ji : !op
    sched.unroll %ii : !op
    sched.parallelize %io : !op
    sched.peel %io : !op
    transform.yield
  }
}
"""


def directly(kernel: FuncOp) -> None:
    """What the script does."""
    (block,) = (each for each in blocks_in(kernel) if each.block_name == "reduce0")
    i, j, k = enclosing_loops(block)
    buffers = buffers_read(block)
    io, jo, ii, ji = primitives.tile([i, j], [6, 64])
    ko, ki = primitives.tile([k], [4])
    wanted = [io, jo, ko, ki, ii, ji]
    present = [loop for loop in enclosing_loops(block) if loop in wanted]
    primitives.interchange(present, [present.index(loop) for loop in wanted])
    primitives.cache_read(block, buffers[1], jo, "local", ji)
    primitives.cache_write(block, jo, "local")
    primitives.decompose_reduction(block, ko)
    primitives.vectorize(ji)
    primitives.unroll(ii)
    primitives.parallelize(io)
    primitives.peel([io])


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes, without collections of garbage."""
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    call()
    end = time.perf_counter()
    gc.enable()
    return end - start


def kernel_of(module: ModuleOp) -> FuncOp:
    """The one kernel of a module."""
    (kernel,) = (each for each in functions(module) if blocks_in(each))
    return kernel


def compare(repeats: int) -> tuple[float, float]:
    """The medians of interpreting a script, and of calling its primitives."""
    module = driver.lower(gemm(510, 512, 512, trans_b=False), until=ABOVE)
    script, ctx = parse_script(SCRIPT), make_context()
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats):
        one, other = module.clone(), module.clone()
        kernel = kernel_of(other)
        turns: list[tuple[int, Callable[[], object]]] = [
            (0, lambda one=one: apply_script(script, one, ctx=ctx)),
            (1, lambda kernel=kernel: directly(kernel)),
        ]
        # Whoever comes first finds caches of the processor cold.
        for which, call in turns[:: 1 if turn % 2 else -1]:
            times[which].append(seconds(call))
        kernel.attributes.update(kernel_of(one).attributes)
        assert str(one) == str(other), "expected the script to do what the calls do"
    return median(times[0]), median(times[1])


def shipped(tensors: Sequence[te.Tensor], repeats: int) -> float:
    """The median of applying the shipped schedules to a kernel."""
    module, ctx = driver.lower(tensors, until=ABOVE), make_context()
    times: list[float] = []
    for _ in range(repeats + 1):
        kernel = kernel_of(module.clone())
        times.append(seconds(lambda kernel=kernel: apply_shipped_schedules(ctx, kernel)))
    # The first one reads the scripts.
    return median(times[1:])


KERNELS = {
    "conv 3x3, 56x56, 64 to 64": lambda: conv2d(64, 56, 64, 3),
    "conv 1x1, 28x28, 128 to 256, stride 2": lambda: conv2d(128, 28, 256, 1, 2),
    "conv 7x7, 224x224, 3 to 64, stride 2": lambda: conv2d(3, 224, 64, 7, 2),
    "gemm 512": lambda: gemm(512, 512, 512, trans_b=False),
}


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if something takes too long")
    parser.add_argument("--repeats", type=int, default=21)
    arguments = parser.parse_args()
    interpreted, direct = compare(arguments.repeats)
    ratio = interpreted / direct
    print(f"script {1e3 * interpreted:6.2f} ms, primitives {1e3 * direct:6.2f} ms, ratio {ratio:.3f}")
    failed = ratio > MOST_RATIO
    for name, build in KERNELS.items():
        taken = shipped(build(), arguments.repeats)
        print(f"shipped schedule {1e3 * taken:6.2f} ms  {name}")
        failed |= name.startswith("conv") and taken >= MOST_SECONDS
    return int(failed and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
