"""Workloads: what is tuned. A kernel on the loop rung that nobody has scheduled yet, and the target it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from xdsl.dialects.builtin import DictionaryAttr, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from ..backends.backend import Backend
from ..backends.lowering import backend_for, kernel_steps
from ..backends.registry import make_context
from ..dialects.source import parse_module, verify_module
from ..errors import CompileError
from ..passes.loop.name_kernels import describe_kernel, kernel_hash
from ..passes.pass_manager import PassManager
from ..transform.target import target_of


@dataclass(frozen=True, eq=False)
class Workload:
    """A kernel to schedule: a module with this function alone, public, the target's attribute, and how it is lowered
    where that does not follow from the target.

    The module stays as it is: who schedules it takes a copy (`copy`).
    """

    module: ModuleOp
    hash: str
    """Equal for equal kernels on equal targets, lowered in equal ways: structure, element types, layouts, which
    parameters are constants."""
    description: str
    """Its operators, and the shapes of what it takes and gives."""
    calls: int = 1
    """How often the program calls it."""
    convolutions: tuple[tuple[str, str], ...] = ()
    """The convolutions that it computes, each by which algorithm: keys as `graph-select-conv-algorithm` knows them."""

    @staticmethod
    def of_kernel(kernel: FuncOp, calls: int = 1, convolutions: tuple[tuple[str, str], ...] = ()) -> Workload:
        """The workload of a kernel in a module that names the target."""
        parent = kernel.parent_op()
        attributes: Mapping[str, Attribute] = parent.attributes if isinstance(parent, ModuleOp) else {}
        digest, description = kernel_hash(kernel), describe_kernel(kernel)
        alone = kernel.clone()
        alone.sym_visibility = None
        module = ModuleOp([alone], DictionaryAttr(dict(attributes)).data)
        workload = Workload(module, digest, description, calls, convolutions)
        if target_of(module) is None:
            raise CompileError("expected a module with a target to tune a kernel of it, got none")
        return workload

    @staticmethod
    def of_text(text: str, name: str = "<workload>") -> Workload:
        """The workload that `text` gave."""
        module = parse_module(make_context(), text, name)
        verify_module(module, text, name)
        functions = [op for op in module.ops if isinstance(op, FuncOp)]
        if len(functions) != 1:
            raise CompileError(f"expected a module with one kernel, got {len(functions)}")
        return Workload.of_kernel(functions[0])

    @property
    def kernel(self) -> FuncOp:
        """The function, not scheduled."""
        return next(op for op in self.module.ops if isinstance(op, FuncOp))

    @property
    def target(self) -> Attribute:
        """What the kernel is compiled for."""
        return cast(Attribute, target_of(self.module))

    @property
    def backend(self) -> Backend:
        """What compiles the kernel."""
        return backend_for(self.module)

    @cached_property
    def steps(self) -> PassManager:
        """The passes that the kernel goes through from where it is scheduled on, `apply-schedules` first.

        Raises:
            PipelineError: if it is not scheduled.
        """
        return kernel_steps(self.module)

    @cached_property
    def text(self) -> str:
        """The module, as other processes read it."""
        return str(self.module)

    def copy(self) -> ModuleOp:
        """A module to schedule."""
        return self.module.clone()

    def __str__(self) -> str:
        return f"{self.hash}  {self.description}"
