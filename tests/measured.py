"""Workloads and scripts for tests of measuring, and candidates that misbehave."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

from stepwell import te
from stepwell.autotune.measure import worker
from stepwell.autotune.measure.compile import Built, Compiler, Failure
from stepwell.autotune.workload import Workload
from stepwell.backends.llvm_cpu.codegen import MachineSpec, NativeModule
from stepwell.dialects.cpu import TargetAttr
from stepwell.passes.loop.name_kernels import kernels
from stepwell.runtime.host import host_facts
from stepwell.tools.driver import lower
from xdsl.dialects.builtin import ModuleOp
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
  transform.named_sequence @__transform_main(%root: !transform.any_op {{transform.consumed}}) {{
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


# candidates that misbehave

FAULTS = {
    "segfault": "store i32 1, ptr null",
    "trap": "call void @llvm.trap()",
    "abort": "call void @abort()",
    "exit": "call void @exit(i32 3)",
    "endless": 'br label %again\nagain:\ncall void asm sideeffect "", ""()\nbr label %again\nnever:',
    "nothing": "",
    "input": "store float 1.0, ptr %v0",
    "overrun": "%p = getelementptr float, ptr %v2, i64 BEYOND\nstore float 1.0, ptr %p",
}
"""Bodies of native code that do what no candidate should."""


def fault(name: str) -> str:
    """A script for a matmul whose candidate misbehaves when it is run, or, if `name` says so, when it is compiled."""
    return f"// fault: {name}\n{tiled(8)}"


def faulty_build(text: str, script: str, seconds: float) -> Built | Failure:
    """Compiles a candidate of a matmul as `worker.build` does, and puts a fault in it if its script says so."""
    name = script.partition("\n")[0].removeprefix("// fault: ") if script.startswith("// fault: ") else ""
    match name:
        case "compiler-segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "compiler-error":
            with patch.object(Compiler, "scheduled", side_effect=ZeroDivisionError("two\nlines")):
                return worker.build(text, script, seconds)
        case "compiler-endless":
            with patch.object(Compiler, "scheduled", side_effect=_never_ends):
                return worker.build(text, script, seconds)
        case "compiler-memory":
            with patch.object(Compiler, "scheduled", side_effect=lambda _: bytearray(1 << 50)):
                return worker.build(text, script, seconds)
        case "slow":
            time.sleep(0.3)
        case _:
            pass
    built = worker.build(text, script, seconds)
    if name not in FAULTS or not isinstance(built, Built):
        return built
    size = next(each.byte_size for each in built.signature.parameters if each.role == "output")
    body = FAULTS[name].replace("BEYOND", str(-(-size // 4096) * 4096 // 4 + 8))
    arguments = ", ".join(f"ptr %v{i}" for i in range(len(built.signature.parameters)))
    code = f"""declare void @llvm.trap()
declare void @abort()
declare void @exit(i32)
define void @{built.signature.entry}({arguments}) {{
{body}
ret void
}}
"""
    target = built.code.target
    spec = MachineSpec(target["triple"], target["cpu"], target["features"])
    return replace(built, code=replace(built.code, code=NativeModule(code, spec).object()))


def _never_ends(script: str) -> ModuleOp:
    while True:
        pass
