"""One candidate to native code: its script applied to a copy of the workload's kernel, and the pipeline below.

It is lowered as users get it: by its backend's pipeline, or the one given in its place, from where kernels are
scheduled on, apart from its callers, who pack what it takes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType, ModuleOp, UnitAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import ParseError, VerifyException

from ...backends.backend import ObjectCode
from ...backends.dtypes import dtype_name
from ...backends.registry import make_context, pass_registry
from ...dialects.layout import LayoutAttr
from ...dialects.loop import CONSTANT, LAYOUT, OUTPUT, WORKSPACE, byte_count
from ...errors import CompileError, ScheduleError, ScriptError
from ...passes.loop.apply_schedules import shipped_libraries
from ...passes.loop.pack_constants import APART
from ...passes.pass_manager import Instrumentation, PassRunner
from ...runtime.garbage import no_collection
from ...runtime.signature import Parameter, Role, Signature
from ...transform.interpreter import apply_script, find_entry
from ...transform.target import target_fact
from ..trial import Status
from ..workload import Workload
from .scripts import ScriptReader


@dataclass(frozen=True)
class Built:
    """A candidate's native code, and how it is called."""

    code: ObjectCode
    signature: Signature
    layouts: tuple[LayoutAttr | None, ...]
    """How each argument is packed."""
    seconds: float
    """How long it took."""
    backend: str
    """What links it."""


@dataclass(frozen=True)
class Failure:
    """What became of a candidate that has no times."""

    status: Status
    error: str
    seconds: float = 0.0
    """How long it was compiled."""


def one_line(error: object) -> str:
    """What an error says first."""
    lines = str(error).strip().splitlines()
    if isinstance(error, ParseError):  # its text is the place, the source, and what is wrong
        return f"{lines[0].strip()}: {one_line(error.msg)}"
    return lines[0].strip() if lines else type(error).__name__


def kernel_signature(kernel: FuncOp) -> tuple[Signature, tuple[LayoutAttr | None, ...]]:
    """What a kernel on the loop rung takes and gives, and how each argument is packed."""
    parameters: list[Parameter] = []
    layouts: list[LayoutAttr | None] = []
    types = kernel.function_type.inputs.data
    marks = kernel.arg_attrs.data if kernel.arg_attrs is not None else ()
    for position, (type, own) in enumerate(zip(types, marks, strict=True)):
        if not isinstance(type, MemRefType):
            raise CompileError(f"expected a kernel that takes buffers, got {type}")
        memref = cast("MemRefType[Attribute]", type)
        layout = own.data.get(LAYOUT)
        layouts.append(layout if isinstance(layout, LayoutAttr) else None)
        if WORKSPACE in own.data:
            parameters.append(Parameter(f"workspace{position}", "uint8", (byte_count(memref),), "workspace"))
            continue
        role: Role = "output" if OUTPUT in own.data else "constant" if CONSTANT in own.data else "input"
        hint = kernel.body.block.args[position].name_hint
        dtype = dtype_name(memref.element_type, own.data)
        parameters.append(Parameter(hint or f"arg{position}", dtype, memref.get_shape(), role))
    return Signature(tuple(parameters), kernel.sym_name.data), tuple(layouts)


@dataclass
class _Signature(Instrumentation):
    """The signature, as long as the kernel still says it."""

    name: str
    found: tuple[Signature, tuple[LayoutAttr | None, ...]] | None = None

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        assert isinstance(op, ModuleOp)
        for each in op.ops:
            if isinstance(each, FuncOp) and each.sym_name.data == self.name:
                if any(OUTPUT in own.data for own in each.arg_attrs or ()):
                    self.found = kernel_signature(each)
                return


@dataclass(eq=False)
class Compiler:
    """Compiles candidates of one workload. What they share is made once."""

    workload: Workload
    ctx: Context = field(default_factory=make_context)

    def __post_init__(self) -> None:
        self._reader = ScriptReader(self.ctx)

    def build(self, script: str) -> Built | Failure:
        """The native code of a candidate."""
        start = time.perf_counter()
        try:
            with no_collection():
                module = self.scheduled(script)
                built = self.lowered(module)
            return replace(built, seconds=time.perf_counter() - start)
        except (ScheduleError, ScriptError, ParseError, VerifyException) as error:
            failure = Failure(Status.REFUSED, one_line(error))
        except CompileError as error:
            failure = Failure(Status.COMPILE_ERROR, one_line(error))
        # Whatever is wrong with the compiler is wrong with this candidate only.
        except Exception as error:
            failure = Failure(Status.COMPILE_ERROR, f"{type(error).__name__}: {one_line(error)}")
        return replace(failure, seconds=time.perf_counter() - start)

    def scheduled(self, script: str) -> ModuleOp:
        """The workload's module, scheduled by a script."""
        parsed = self._reader.read(script)
        find_entry(parsed)  # it may go on with our schedules, but not begin with them
        module = self.workload.copy()
        passes = PassRunner(self.ctx, pass_registry())
        apply_script(parsed, module, ctx=self.ctx, passes=passes, libraries=shipped_libraries())
        return module

    def lowered(self, module: ModuleOp, *, schedule: bool = True) -> Built:
        """A scheduled module as native code; where no primitive was applied, by the shipped schedules, unless they are
        not wanted."""
        backend = self.workload.backend
        manager = self.workload.steps
        if not schedule:
            manager = replace(manager, steps=manager.steps[1:])
        module.attributes[APART] = UnitAttr()
        told = _Signature(self.workload.kernel.sym_name.data)
        manager.run(self.ctx, module, (told,))
        if not backend.is_lowered(module) or told.found is None:
            raise CompileError("expected a pipeline that ends in native code, got one that leaves other operations")
        return Built(backend.object_code(module), *told.found, seconds=0.0, backend=backend.name)


def threads_of(workload: Workload) -> int:
    """How many threads parallel loops are measured with: as many as the target has."""
    return target_fact(workload.module, "threads")
