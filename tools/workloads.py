"""The workloads of a program: its kernels, each of which is tuned once however often it is called, and those that its
convolutions become by other algorithms."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute

from ..autotune.workload import Workload
from ..errors import CompileError, PipelineError
from ..passes.graph.select_conv_algorithm import (
    ALGORITHMS,
    CONVOLUTION,
    ConvAlgorithm,
    GraphSelectConvAlgorithmPass,
    algorithm_of,
    why_not,
)
from ..passes.loop.apply_schedules import SCHEDULING, split_at_schedules
from ..passes.loop.name_kernels import NameKernelsPass, lone_kernels
from ..passes.pass_manager import PassManager
from . import driver

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

    Where `conv_algorithm` is `auto`, what each convolution becomes by any of the algorithms that may compute it comes
    after them; by Winograd's it is not if the results have to be `exact`.

    `threads`: how many the kernels are tuned for, if not as many as the target has.

    Raises:
        CompileError: if sizes are missing, or there is no kernel.
    """
    ctx, module, manager = driver.prepare(
        source, target=target, pipeline=pipeline, sizes=sizes, conv_algorithm=conv_algorithm, exact=exact
    )
    parts = split_at_schedules(manager)
    if parts is None:
        raise PipelineError(f"expected a pipeline with pass '{SCHEDULING}' to tell kernels before it, got none")
    if not sizes and (symbolic := driver.symbolic_inputs(module)) is not None:
        names = sorted({name for parameter in symbolic for dim in parameter.dims for name in dim.symbols()})
        missing = ", ".join(f"'{name}'" for name in names)
        raise CompileError(f"expected a program with fixed sizes to tune, got symbols {missing} without sizes")
    if threads is not None:
        driver.set_threads(module, threads)
    before, after = _split_at_choice(parts[0])
    before.run(ctx, module)
    choices = [conv_algorithm]
    if conv_algorithm == "auto" and any(algorithm_of(op) is not None for op in module.walk()):
        choices = [name for name in ALGORITHMS if why_not(name, exact) is None]
    found = _Found()
    for choice in choices[:-1]:
        found.add(_with_choice(after, choice, exact, sizes), ctx, module.clone())
    found.add(_with_choice(after, choices[-1], exact, sizes), ctx, module)
    if not found.workloads:
        raise CompileError("expected a program with kernels to tune, got none that stands for itself")
    return list(found.workloads.values())


def _split_at_choice(manager: PassManager) -> tuple[PassManager, PassManager]:
    """The steps before convolutions are given algorithms, and those from there on."""
    names = [step.pass_.name for step in manager.steps]
    name = GraphSelectConvAlgorithmPass.name
    at = names.index(name) if name in names else len(names)
    return replace(manager, steps=manager.steps[:at]), replace(manager, steps=manager.steps[at:])


def _with_choice(manager: PassManager, algorithm: str, exact: bool, sizes: Mapping[str, int] | None) -> PassManager:
    """The steps with another choice, up to where kernels get names of their own."""
    select = GraphSelectConvAlgorithmPass(cast(ConvAlgorithm, algorithm), exact).told(mark=True, sizes=sizes)
    steps = tuple(
        replace(step, pass_=select) if isinstance(step.pass_, GraphSelectConvAlgorithmPass) else step
        for step in manager.steps
        if step.pass_.name != NameKernelsPass.name
    )
    return replace(manager, steps=steps)


@dataclass
class _Found:
    """What was found so far: by hash, first what the program has as it is."""

    workloads: dict[str, Workload] = field(default_factory=dict[str, Workload])

    def add(self, manager: PassManager, ctx: Context, module: ModuleOp) -> None:
        """Adds the kernels of a program; after the first time, those that compute convolutions in another way."""
        first = not self.workloads
        computed: dict[str, list[tuple[str, str]]] = {}
        for step in manager.steps:
            replace(manager, steps=(step,)).run(ctx, module)
            if step.pass_.name == "graph-fuse":
                computed = _take_marks(module)
        calls = Counter(op.callee.string_value() for op in module.walk() if isinstance(op, CallOp))
        own: dict[str, Workload] = {}
        for kernel in lone_kernels(module):
            name = kernel.sym_name.data
            new = Workload.of_kernel(kernel, max(calls[name], 1), tuple(computed.get(name, ())))
            known = own.get(new.hash)
            own[new.hash] = new if known is None else _both(known, new, known.calls + new.calls)
        for digest, new in own.items():
            known = self.workloads.get(digest)
            if known is not None:
                self.workloads[digest] = _both(known, new, known.calls)
            elif first or new.convolutions:
                self.workloads[digest] = new


def _both(one: Workload, other: Workload, calls: int) -> Workload:
    """Two kernels that are equal here, and may have been different before."""
    convolutions = tuple(dict.fromkeys((*one.convolutions, *other.convolutions)))
    return replace(one, calls=calls, convolutions=convolutions)


def _take_marks(module: ModuleOp) -> dict[str, list[tuple[str, str]]]:
    """The convolution that each function computes, and by what; what says so is removed."""
    computed: dict[str, list[tuple[str, str]]] = {}
    for function in module.ops:
        if not isinstance(function, FuncOp):
            continue
        found: list[tuple[str, str]] = []
        for op in function.walk():
            mark, algorithm = op.attributes.pop(CONVOLUTION, None), algorithm_of(op)
            if isinstance(mark, StringAttr) and algorithm is not None:
                found.append((mark.data, algorithm))
        if len(found) == 1:
            computed[function.sym_name.data] = found
    return computed
