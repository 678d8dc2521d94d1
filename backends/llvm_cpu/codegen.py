"""From LLVM IR to native code, through llvmlite."""

# llvmlite has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import llvmlite.binding as llvm
from xdsl.dialects.builtin import ModuleOp, StringAttr

from ...errors import CompileError, TargetError
from .llvm_text import write_llvm_ir

OptimizationLevel = Literal["light", "functions", "O1", "O2", "O3"]
"""Which of LLVM's passes run: a few; those of `O2` for each function alone; all of a level."""

_lock = threading.RLock()
"""llvmlite's global context is not for several threads at once."""


@cache
def initialize() -> None:
    """Makes LLVM's targets known, once."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


@dataclass(frozen=True)
class MachineSpec:
    """What LLVM needs to know about a target."""

    triple: str
    cpu: str = ""
    features: str = ""

    @staticmethod
    def of_module(module: ModuleOp) -> MachineSpec:
        """What a module on rung 5 says about its target."""

        def text(key: str) -> str:
            value = module.attributes.get(f"llvm.{key}")
            return value.data if isinstance(value, StringAttr) else ""

        return MachineSpec(text("target_triple"), text("target_cpu"), text("target_features"))


@cache
def target_machine(spec: MachineSpec, level: int = 1) -> Any:
    """A target machine; code is position-independent, so that it may be loaded and linked anywhere."""
    initialize()
    try:
        target = llvm.Target.from_triple(spec.triple or llvm.get_process_triple())
    except RuntimeError as error:
        raise TargetError(f"unknown target triple '{spec.triple}': {error}") from None
    return target.create_target_machine(
        cpu=spec.cpu, features=spec.features, opt=level, reloc="pic", codemodel="default"
    )


@dataclass(frozen=True)
class NativeModule:
    """A module of LLVM IR for a target, to be optimised and made native code."""

    text: str
    spec: MachineSpec
    level: OptimizationLevel = "functions"
    selection: int = 1
    """How much effort goes into choosing instructions, 0 to 3. More than 1 changes next to none, and takes longer."""

    def _optimized(self) -> Any:
        """A module that is optimised, and nobody else's: emitting code changes it."""
        with _lock:
            try:
                module = llvm.parse_assembly(self.text)
            except RuntimeError as error:
                raise CompileError(f"LLVM refuses the module: {error}") from None
            machine = target_machine(self.spec, self.selection)
            module.data_layout = str(machine.target_data)
            level = self.level
            if level == "functions" and joins_shuffles(self.text):
                level = "O2"
            optimize(module, machine, level)
            return module

    def ir(self) -> str:
        """The optimised IR."""
        return str(self._optimized())

    def assembly(self) -> str:
        """The assembly text."""
        module = self._optimized()
        with _lock:
            return target_machine(self.spec, self.selection).emit_assembly(module)

    def object(self) -> bytes:
        """The bytes of an object file."""
        module = self._optimized()
        with _lock:
            return target_machine(self.spec, self.selection).emit_object(module)


def native_module(module: ModuleOp, level: OptimizationLevel = "functions") -> NativeModule:
    """A module on rung 5 as native code."""
    spec = MachineSpec.of_module(module)
    return NativeModule(write_llvm_ir(module), spec, level)


_SHUFFLE = re.compile(r"(%\S+) = shufflevector <(\d+) x [^>]*> (%\S+), <[^>]*> (%\S+), <(\d+) x")


def joins_shuffles(text: str) -> bool:
    """Whether shuffles make vectors of another length of what shuffles have made, as squares of a few lanes do that are
    transposed and put together. LLVM makes half as many of them, but in the passes of whole modules only."""
    made: set[str] = set()
    for name, length, first, second, lanes in _SHUFFLE.findall(text):
        if first != second:
            if length != lanes and (first in made or second in made):
                return True
            made.add(name)
    return False


def optimize(module: Any, machine: Any, level: OptimizationLevel) -> None:
    """Runs LLVM's passes. Loops are as the schedule wants them: no vectorizer, no unroller.

    Kernels share nothing, so that passes of whole modules, and those behind the vectorizer, find next to nothing in
    them: with `functions` code is as fast, and made sooner.
    """
    speed = {"light": 1, "functions": 2, "O1": 1, "O2": 2, "O3": 3}[level]
    options = llvm.create_pipeline_tuning_options(speed_level=speed)
    options.loop_vectorization = False
    options.loop_interleaving = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    if level == "functions":
        manager = builder.getFunctionPassManager()
    elif level == "light":
        manager = llvm.create_new_function_pass_manager()
        manager.add_sroa_pass()
        manager.add_instruction_combine_pass()
        manager.add_simplify_cfg_pass()
    else:
        builder.getModulePassManager().run(module, builder)
        return
    for function in module.functions:
        if not function.is_declaration:
            manager.run(function, builder)
