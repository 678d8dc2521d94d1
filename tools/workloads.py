"""The workloads of a program: its kernels, each of which is tuned once however often it is called."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import IntAttr, ModuleOp
from xdsl.ir import Attribute

from ..autotune.workload import Workload
from ..dialects.cpu import TARGET, TargetAttr
from ..errors import CompileError, PipelineError
from ..passes.loop.name_kernels import lone_kernels
from . import driver
from .separate import SCHEDULING, find_kernels, split

if TYPE_CHECKING:
    from .driver import Source


def workloads_of(
    source: Source,
    *,
    target: str | Attribute = "llvm-cpu",
    threads: int | None = None,
    pipeline: str | os.PathLike[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    conv_algorithm: str = "auto",
    exact: bool = False,
) -> list[Workload]:
    """The distinct kernels of a program, in order, before anybody has scheduled them.

    `threads`: how many the kernels are tuned for, if not as many as the target has.

    Raises:
        CompileError: if sizes are missing, or there is no kernel.
    """
    ctx, module, manager = driver.prepare(
        source, target=target, pipeline=pipeline, sizes=sizes, conv_algorithm=conv_algorithm, exact=exact
    )
    parts = split(manager)
    if parts is None:
        raise PipelineError(f"expected a pipeline with pass '{SCHEDULING}' to tell kernels before it, got none")
    if not sizes and (symbolic := driver.symbolic_inputs(module)) is not None:
        names = sorted({name for parameter in symbolic for dim in parameter.dims for name in dim.symbols()})
        missing = ", ".join(f"'{name}'" for name in names)
        raise CompileError(f"expected a program with fixed sizes to tune, got symbols {missing} without sizes")
    if threads is not None:
        _set_threads(module, threads)
    parts[0].run(ctx, module)
    calls = {kernel.hash: kernel.calls for kernel in find_kernels(module)}
    found: dict[str, Workload] = {}
    for kernel in lone_kernels(module):
        workload = Workload.of_kernel(kernel)
        if workload.hash not in found:
            count = calls.get(workload.hash, 1)
            found[workload.hash] = Workload(workload.module, workload.hash, workload.description, max(count, 1))
    if not found:
        raise CompileError("expected a program with kernels to tune, got none that stands for itself")
    return list(found.values())


def _set_threads(module: ModuleOp, threads: int) -> None:
    target = module.attributes.get(TARGET)
    if isinstance(target, TargetAttr):
        module.attributes[TARGET] = TargetAttr.new(
            [IntAttr(threads) if each is target.threads else each for each in target.parameters]
        )
