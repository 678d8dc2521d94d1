"""Workloads and scripts for tests of measuring."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell import te
from stepwell.autotune.workload import Workload
from stepwell.dialects.cpu import TargetAttr
from stepwell.passes.loop.name_kernels import kernels
from stepwell.runtime.host import host_facts
from stepwell.tools.driver import lower
from xdsl.dialects.func import FuncOp


def workload_of(tensors: Sequence[te.Tensor], threads: int = 1) -> Workload:
    """The workload of a kernel of the tensor language."""
    target = TargetAttr.get(**{**host_facts(), "threads": threads})
    module = lower(tensors, until="loop-name-kernels", target=target)
    found = kernels(module) or [op for op in module.ops if isinstance(op, FuncOp)]
    return Workload.of_kernel(found[0])


def matmul(m: int = 24, n: int = 32, k: int = 16, *, constant: bool = False, threads: int = 1) -> Workload:
    """A product of matrices."""
    a = te.placeholder((m, k), "float32", name="A")
    b = te.placeholder((k, n), "float32", name="B", constant=constant)
    r = te.reduce_axis(k, name="k")
    c = te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[r, j], axis=r), name="C")
    return workload_of([a, b, c], threads)


def script(*lines: str) -> str:
    """A script whose body are some lines, in which `!op` is any handle to operations."""
    body = "\n    ".join(line.replace("!op", "!transform.any_op") for line in lines)
    return f"""module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @__transform_main(%root: !transform.any_op {{transform.readonly}}) {{
    {body}
    transform.yield
  }}
}}
"""


LOOPS = (
    '%c = sched.match_block "reduce0" in %root : (!op) -> !op',
    "%i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)",
)


def tiled(lanes: int) -> str:
    """A script for a matmul: lanes along its columns."""
    return script(
        *LOOPS,
        f"%jo, %ji = sched.tile %j tile_sizes [{lanes}] : (!op) -> (!op, !op)",
        "sched.reorder %jo, %k, %ji : !op, !op, !op",
        "sched.vectorize %ji : !op",
    )
