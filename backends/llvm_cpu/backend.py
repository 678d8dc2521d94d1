"""The backend `llvm-cpu`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xdsl.dialects import llvm as upstream
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute

from ...dialects.cpu import TARGET, TargetAttr
from ...dialects.walk import operations_in
from ...errors import CompileError, did_you_mean
from ...passes.cpu.outline_parallel import THREADS
from ...runtime.artifact import CompiledCode, Kernel
from ...runtime.executable import Executable
from ...runtime.loader import check_host
from ...runtime.signature import Signature
from ..backend import Backend, ObjectCode
from .codegen import MachineSpec, native_module
from .host import host_target
from .llvm_text import write_llvm_ir


class LlvmCpuBackend(Backend):
    """CPUs, through LLVM."""

    name = "llvm-cpu"
    target_attribute = TARGET
    links_objects = True

    @property
    def pipeline(self) -> Path:
        return Path(__file__).with_name("pipeline.mlir")

    def default_target(self) -> TargetAttr:
        return host_target()

    def target_of_files(self) -> TargetAttr:
        return host_target(tiles=False)

    def check_host(self, target: Attribute) -> None:
        if isinstance(target, TargetAttr):
            check_host({"triple": target.triple.data, "features": target.features.data})

    def is_lowered(self, module: ModuleOp) -> bool:
        return all(op is module or op.name.startswith("llvm.") for op in operations_in(module))

    def executable(
        self, module: ModuleOp, signature: Signature, constants: Sequence[Any] = (), *, threads: int = 0
    ) -> Executable:
        return self.link({"main": self.object_code(module)}, signature, constants, threads=threads)

    def object_code(self, module: ModuleOp) -> ObjectCode:
        parallel = any(isinstance(op, upstream.GlobalOp) and op.sym_name.data == THREADS for op in module.ops)
        spec = MachineSpec.of_module(module)
        target = {"triple": spec.triple, "cpu": spec.cpu, "features": spec.features}
        return ObjectCode(native_module(module).object(), target, parallel)

    def link(
        self,
        objects: Mapping[str, ObjectCode],
        signature: Signature,
        constants: Sequence[Any] = (),
        *,
        kernels: Sequence[Kernel] = (),
        threads: int = 0,
    ) -> Executable:
        target = next(iter(objects.values())).target
        code = {name: each.code for name, each in objects.items()}
        parallel = any(each.has_parallel_loops for each in objects.values())
        compiled = CompiledCode(code, signature, target, parallel, tuple(constants), tuple(kernels))
        return Executable(compiled, threads)

    @property
    def file_kinds(self) -> tuple[str, ...]:
        return ("object", "assembly", "llvm-ir", "optimized-llvm-ir", "shared-library")

    def emit(self, module: ModuleOp, kind: str) -> str | bytes:
        match kind:
            case "object":
                return native_module(module).object()
            case "assembly":
                return native_module(module).assembly()
            case "llvm-ir":
                return write_llvm_ir(module)
            case "optimized-llvm-ir":
                return native_module(module).ir()
            case "shared-library":
                from .link import shared_library

                return shared_library(native_module(module).object())
            case _:
                hint = did_you_mean(kind, self.file_kinds) or f"; expected one of {', '.join(self.file_kinds)}"
                raise CompileError(f"unknown kind of file '{kind}'{hint}")
