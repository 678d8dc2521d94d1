"""From a source to something to call: what stands behind `stepwell.compile`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects import llvm as upstream_llvm
from xdsl.dialects.builtin import (
    FunctionType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from ..backends.backend import Backend
from ..backends.dtypes import dtype_name
from ..backends.lowering import mark_lowering, own_steps, script_steps
from ..backends.registry import backend_of, get_backend, make_context, pass_registry
from ..dialects import graph
from ..dialects.cpu import TARGET, TargetAttr
from ..dialects.layout import LayoutAttr
from ..dialects.loop import LAYOUT, byte_count
from ..dialects.source import parse_module, verify_module
from ..errors import ArgumentError, CompileError, PipelineError, TargetError, did_you_mean
from ..passes.common.transform_interpreter import TransformInterpreterPass
from ..passes.loop.apply_schedules import SCHEDULING, split_at_schedules
from ..passes.loop.name_kernels import NameKernelsPass
from ..passes.loop.pack_constants import pack_array
from ..passes.mlir.func_to_llvm import SIGNATURE
from ..passes.pass_manager import Instrumentation, PassManager, Step, build_pipeline
from ..runtime.artifact import Kernel, describe_signature, signature_of
from ..runtime.cache import Cache, find_cache
from ..runtime.executable import Executable
from ..runtime.executable import load as load_executable
from ..runtime.garbage import no_collection
from ..runtime.signature import Parameter, Signature
from ..runtime.symbolic import Specialized, SymbolicExecutable, SymbolicParameter, ValueExecutable
from .separate import Facts, Progress, SeparateCompiler, check_lowered, find_kernels
from .tuned import ApplyTunedPass, Choices

if TYPE_CHECKING:
    from onnx import ModelProto
    from typing_extensions import TypeIs

    from ..autotune.database.store import Database
    from ..te.tensors import Tensor
    from .front import Scripted

Source: TypeAlias = "str | os.PathLike[str] | ModelProto | ModuleOp | Sequence[Tensor]"
"""An ONNX or `.mlir` file, an ONNX model, IR of any rung, or the tensors of a kernel (inputs, then outputs)."""

Schedule: TypeAlias = "str | os.PathLike[str] | Scripted"
"""The file of a script, or something that has one."""

DatabaseSource: TypeAlias = "Database | str | os.PathLike[str]"
"""A database of trials, or its file."""

RUNGS = ("graph", "te", "loop", "cpu", "mlir", "llvm")
"""The rungs of the staircase, from the top."""

ENTRY = "main"


@dataclass
class Report(Instrumentation):
    """How long each step took, in seconds, in order."""

    steps: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    schedules: dict[str, str] = field(default_factory=dict[str, str])
    """Of each kernel, by name: whose script scheduled it, if there was a database."""
    _starts: list[float] = field(default_factory=list[float], repr=False)

    def before_pass(self, pass_: ModulePass, op: Operation) -> None:
        self._starts.append(time.perf_counter())

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        self.steps.append((pass_.name, time.perf_counter() - self._starts.pop()))

    def pass_failed(self, pass_: ModulePass, op: Operation, error: Exception) -> None:
        self._starts.pop()

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        """Times the body of a `with` statement as a step."""
        start = time.perf_counter()
        yield
        self.steps.append((name, time.perf_counter() - start))

    @property
    def total(self) -> float:
        """The time of all steps."""
        return sum(seconds for _, seconds in self.steps)

    def __str__(self) -> str:
        return "\n".join(f"{1e3 * seconds:9.2f} ms  {name}" for name, seconds in [*self.steps, ("total", self.total)])


# sources


def load_source(source: Source, ctx: Context) -> ModuleOp:
    """The IR of a source, on whichever rung it is."""
    if isinstance(source, ModuleOp):
        return source.clone()
    if is_onnx(source):
        from ..frontends.onnx import import_onnx

        return import_onnx(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.suffix != ".mlir":
            raise CompileError(f"expected a file .onnx or .mlir, got '{path}'")
        text = _read(path)
        module = parse_module(ctx, text, str(path))
        verify_module(module, text, str(path))
        return module
    from ..te.build import build_module

    if not isinstance(source, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise CompileError(f"expected a file, a model, a module or tensors to compile, got {source!r}")
    return build_module(list(source))


def is_onnx(source: Source) -> TypeIs[str | os.PathLike[str] | ModelProto]:
    """Whether a source is an ONNX model, or the path of one."""
    if isinstance(source, str | os.PathLike):
        return Path(source).suffix == ".onnx"
    return hasattr(source, "opset_import")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise CompileError(f"cannot read '{path}': {error.strerror}") from None
    except UnicodeDecodeError:
        raise CompileError(f"cannot read '{path}': it is no UTF-8 text") from None


def rung_of(module: ModuleOp) -> str:
    """The highest rung that something of a module is on."""
    highest = len(RUNGS) - 1
    for op in module.walk():
        dialect = op.name.partition(".")[0]
        if dialect in RUNGS:
            highest = min(highest, RUNGS.index(dialect))
        elif op is not module and dialect != "builtin":
            highest = min(highest, RUNGS.index("mlir"))
        if isinstance(op, func.FuncOp) and any(isinstance(type, TensorType) for type in op.function_type.inputs):
            highest = min(highest, RUNGS.index("te"))
    # A target with its facts is there until the program is plain MLIR.
    if RUNGS[highest] == "mlir" and any(name.startswith("cpu.") for name in module.attributes):
        return "cpu"
    return RUNGS[highest]


def find_entry(module: ModuleOp) -> func.FuncOp | upstream_llvm.FuncOp:
    """The function that a program starts with: `@main`, else the only public one."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp | upstream_llvm.FuncOp) and op.body.blocks]
    for function in functions:
        if function.sym_name.data == ENTRY:
            return function
    public = [function for function in functions if _is_public(function)]
    if len(public) != 1:
        names = ", ".join(function.sym_name.data for function in public) or "none"
        raise CompileError(f"expected a function '{ENTRY}' or a single public function, got {names}")
    return public[0]


def _is_public(function: func.FuncOp | upstream_llvm.FuncOp) -> bool:
    if isinstance(function, upstream_llvm.FuncOp):
        return function.linkage.linkage.data == "external"
    return function.sym_visibility is None or function.sym_visibility.data == "public"


# signatures


def _argument_name(argument: SSAValue, attributes: Mapping[str, Attribute], position: int) -> str:
    name = attributes.get("te.name")
    if isinstance(name, StringAttr):
        return name.data
    return argument.name_hint or f"arg{position}"


def entry_signature(function: func.FuncOp | upstream_llvm.FuncOp) -> tuple[Signature, tuple[str | None, ...]] | None:
    """What a function on buffers takes and gives, and the names of the weights among its arguments; None if it does
    not say which of its arguments are outputs."""
    types = _memref_types(function)
    attributes = [_attributes_of(function, position) for position in range(len(types))]
    lent = [not attrs.keys().isdisjoint(("loop.workspace", "llvm.writable")) for attrs in attributes]
    if any("loop.output" in attrs for attrs in attributes):
        outputs = ["loop.output" in attrs for attrs in attributes]
    elif any("llvm.readonly" in attrs for attrs in attributes):
        outputs = ["llvm.readonly" not in attrs and not own for attrs, own in zip(attributes, lent, strict=True)]
    else:
        return None
    parameters: list[Parameter] = []
    weights: list[str | None] = []
    for position, (type, attrs, is_output) in enumerate(zip(types, attributes, outputs, strict=True)):
        weight = attrs.get("graph.weight")
        weights.append(weight.data if isinstance(weight, StringAttr) else None)
        if lent[position]:
            parameters.append(Parameter(f"workspace{position}", "uint8", (byte_count(type),), "workspace"))
            continue
        role = "output" if is_output else "input" if weights[-1] is None else "constant"
        name = _argument_name(function.body.blocks[0].args[position], attrs, position)
        parameters.append(Parameter(name, dtype_name(type.element_type, attrs), type.get_shape(), role))
    live = function.attributes.get("loop.live_bytes")
    live_bytes = live.value.data if isinstance(live, IntegerAttr) else 0
    return Signature(tuple(parameters), function.sym_name.data, live_bytes), tuple(weights)


def _layouts(function: func.FuncOp | upstream_llvm.FuncOp, count: int) -> tuple[LayoutAttr | None, ...]:
    """How arguments are packed."""
    found = (_attributes_of(function, position).get(LAYOUT) for position in range(count))
    return tuple(layout if isinstance(layout, LayoutAttr) else None for layout in found)


def _parsed_layout(text: str) -> LayoutAttr:
    layout = Parser(make_context(), text).parse_attribute()
    if not isinstance(layout, LayoutAttr):
        raise ValueError(f"expected a layout, got '{text}'")
    return layout


def _attributes_of(function: func.FuncOp | upstream_llvm.FuncOp, position: int) -> Mapping[str, Attribute]:
    return function.arg_attrs.data[position].data if function.arg_attrs else {}


def _memref_types(function: func.FuncOp | upstream_llvm.FuncOp) -> list[MemRefType]:
    type = function.function_type if isinstance(function, func.FuncOp) else function.attributes.get(SIGNATURE)
    if not isinstance(type, FunctionType):
        return []
    inputs = type.inputs.data
    if any(not isinstance(each, MemRefType) for each in inputs):
        return []
    return [cast(MemRefType, each) for each in inputs]


class ProgramFacts(Facts):
    """What the runtime needs to know and lower rungs forget: the signature and the data of weights."""

    def __init__(self) -> None:
        self.signature: Signature | None = None
        self.weights: tuple[str | None, ...] = ()
        self.layouts: tuple[LayoutAttr | None, ...] = ()
        """How the weights among the parameters are packed."""
        self.data: dict[str, bytes] = {}

    def look(self, module: ModuleOp) -> None:
        """Remembers what the module says now."""
        for op in module.ops:
            if op.name == "graph.data":
                data = getattr(op, "data", None)
                if isinstance(data, bytes):
                    self.data[cast(StringAttr, op.properties["sym_name"]).data] = data
        entry = find_entry(module)
        if any("loop.output" in attrs.data for attrs in entry.arg_attrs or ()) or self.signature is None:
            found = entry_signature(entry)
            if found is not None:
                self.signature, self.weights = found
                self.layouts = _layouts(entry, len(self.weights))

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        if isinstance(op, ModuleOp):
            self.look(op)

    def told(self) -> dict[str, Any]:
        layouts = [None if layout is None else str(layout) for layout in self.layouts]
        return {
            "signature": describe_signature(self.known_signature()),
            "weights": list(self.weights),
            "layouts": layouts,
        }

    def recall(self, told: Mapping[str, Any]) -> None:
        layouts = tuple(None if text is None else _parsed_layout(text) for text in told["layouts"])
        self.signature, self.weights, self.layouts = signature_of(told["signature"]), tuple(told["weights"]), layouts

    def known_signature(self) -> Signature:
        """The signature; raises if the program does not say what is what."""
        if self.signature is None:
            raise CompileError(
                "expected an entry function that marks its outputs ('loop.output') or its inputs ('llvm.readonly')"
            )
        for parameter, layout in zip(self.signature.parameters, self.layouts, strict=True):
            if layout is not None and parameter.role == "input":
                raise CompileError(f"expected a weight to be packed, got input '{parameter.name}' of the program")
        return self.signature

    def constants(self) -> list[np.ndarray[Any, Any]]:
        """The data of the constants among the parameters, in order."""
        assert self.signature is not None
        found: list[np.ndarray[Any, Any]] = []
        parameters = self.signature.parameters
        for parameter, weight, layout in zip(parameters, self.weights, self.layouts, strict=True):
            if parameter.role != "constant":
                continue
            assert weight is not None
            if weight not in self.data:
                raise CompileError(f"expected data for weight '{weight}', got none")
            array = np.frombuffer(self.data[weight], parameter.numpy_dtype)
            if layout is None:
                found.append(array.reshape(parameter.shape))
            else:
                found.append(pack_array(array, layout, parameter.shape))
        return found


# pipelines


def find_backend(target: str | Attribute) -> tuple[Backend, Attribute | None]:
    """The backend of a target that is given by name, or as an attribute such as `#cpu.target<…>`."""
    if isinstance(target, str):
        return get_backend(target), None
    if not isinstance(target, Attribute):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TargetError(f"expected the name of a backend or a target attribute, got {target!r}")
    return backend_of(target), target


def pipeline_steps(backend: Backend, pipeline: str | os.PathLike[str] | None, ctx: Context) -> PassManager:
    """The steps of a pipeline: a script's file, text, or the backend's own."""
    if isinstance(pipeline, str) and not pipeline.endswith(".mlir"):
        return build_pipeline(pipeline, pass_registry())
    return own_steps(backend, ctx) if pipeline is None else script_steps(str(pipeline), ctx)


def script_files(pipeline: str | os.PathLike[str]) -> list[Path]:
    """The files of the scripts that a pipeline names."""
    steps = pipeline_steps(get_backend("llvm-cpu"), pipeline, make_context()).steps
    return [
        Path(step.pass_.script)
        for step in steps
        if isinstance(step.pass_, TransformInterpreterPass) and step.pass_.script is not None
    ]


def _with_pass(manager: PassManager, name: str, new: ModulePass, why: str, *, keep: bool) -> PassManager:
    """The pipeline with another pass in front of the one called `name`, or in its place."""
    names = [step.pass_.name for step in manager.steps]
    if name not in names:
        raise PipelineError(f"expected a pipeline with pass '{name}' {why}, got {', '.join(names)}")
    steps: list[Step] = []
    for step in manager.steps:
        if step.pass_.name == name:
            steps.append(Step(new))
        if step.pass_.name != name or keep:
            steps.append(step)
    return replace(manager, steps=tuple(steps))


def _text_of(schedule: Schedule) -> str | None:
    """The script of a schedule that is no file."""
    return None if isinstance(schedule, str | os.PathLike) else schedule.script()


def _prepared(
    manager: PassManager,
    schedule: Schedule | None,
    sizes: Mapping[str, int] | None,
    choice: ConvChoice,
    tuned: Tuned | None = None,
) -> PassManager:
    """The pipeline with a user's schedule in front of the shipped ones, which leave alone what it scheduled, with
    sizes for symbols, and with a choice of how convolutions are computed."""
    if schedule is not None:
        is_file = isinstance(schedule, str | os.PathLike)
        script = TransformInterpreterPass(script=str(schedule) if is_file else None, script_text=_text_of(schedule))
        manager = _with_pass(manager, "apply-schedules", script, "to apply a schedule", keep=True)
    if sizes:
        from ..passes.te.te_specialize import TeSpecializePass

        specialize = TeSpecializePass(sizes=tuple(f"{name}:{size}" for name, size in sizes.items()))
        manager = _with_pass(manager, "te-specialize", specialize, "to give sizes", keep=False)
    if choice != ConvChoice():
        from ..passes.graph.select_conv_algorithm import GraphSelectConvAlgorithmPass

        select = GraphSelectConvAlgorithmPass(algorithm=cast(Any, choice.algorithm), exact=choice.exact)
        manager = _with_pass(manager, select.name, select, "to choose how convolutions are computed", keep=False)
    return manager if tuned is None else _with_costs(manager, tuned, sizes)


def _with_scripts(manager: PassManager, tuned: Tuned) -> PassManager:
    """The pipeline with the scripts of a database in front of the shipped ones."""
    return _with_pass(manager, SCHEDULING, ApplyTunedPass(tuned.choices), "to use a database", keep=True)


def _with_costs(manager: PassManager, tuned: Tuned, sizes: Mapping[str, int] | None) -> PassManager:
    """The pipeline whose choice of algorithms knows what a database has recorded."""
    from ..passes.graph.select_conv_algorithm import GraphSelectConvAlgorithmPass

    steps = tuple(
        replace(step, pass_=step.pass_.told(tuned.costs, sizes=sizes))
        if isinstance(step.pass_, GraphSelectConvAlgorithmPass)
        else step
        for step in manager.steps
    )
    return replace(manager, steps=steps)


@contextmanager
def open_database(database: DatabaseSource | None) -> Generator[Tuned | None]:
    """What a database knows, while it is open: one of a file is closed at the end of a `with` statement."""
    if database is None:
        yield None
        return
    from ..autotune.database.store import Database

    if isinstance(database, Database):
        yield Tuned(database)
        return
    if not isinstance(database, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(f"expected a database or its file, got {database!r}")
    with Database(database, create=False) as opened:
        yield Tuned(opened)


class Tuned:
    """What a database knows about a program."""

    def __init__(self, database: Database) -> None:
        from ..autotune.database.lookup import DatabaseCosts, DatabaseScripts

        self.choices = Choices(DatabaseScripts(database))
        self.costs = DatabaseCosts(database)


@dataclass(frozen=True)
class ConvChoice:
    """How convolutions are computed, and whether only by products of elements and weights.

    Raises:
        CompileError: if there is no such algorithm, or it is not exact where it has to be.
    """

    algorithm: str = "auto"
    exact: bool = False

    def __post_init__(self) -> None:
        if self.algorithm == "auto":
            return
        from ..passes.graph.select_conv_algorithm import why_not

        if (failure := why_not(self.algorithm, self.exact)) is not None:
            raise CompileError(failure)


def check_sizes(sizes: Mapping[str, int] | None) -> None:
    """Checks that sizes are positive numbers.

    Raises:
        CompileError: if one is not.
    """
    if sizes is not None and not isinstance(sizes, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise CompileError(f"expected sizes by their names, got {sizes!r}")
    for name, size in (sizes or {}).items():
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise CompileError(f"expected a positive number as size '{name}', got {size!r}")


def _set_target(
    module: ModuleOp, backend: Backend, target: Attribute | None, pipeline: PassManager | None = None
) -> None:
    if target is not None:
        module.attributes[backend.target_attribute] = target
    elif backend.target_attribute not in module.attributes and "llvm.target_triple" not in module.attributes:
        module.attributes[backend.target_attribute] = backend.default_target()
    mark_lowering(module, backend, pipeline)


def set_threads(module: ModuleOp, threads: int) -> None:
    """Lets the target of a module have so many threads: what schedules reckon with."""
    target = module.attributes.get(TARGET)
    if isinstance(target, TargetAttr):
        module.attributes[TARGET] = target.with_threads(threads)


# the front doors


def prepare(
    source: Source,
    *,
    target: str | Attribute = "llvm-cpu",
    schedule: Schedule | None = None,
    pipeline: str | os.PathLike[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    conv_algorithm: str = "auto",
    exact: bool = False,
    tuned: Tuned | None = None,
    for_files: bool = False,
) -> tuple[Context, ModuleOp, PassManager]:
    """The IR of a source and the pipeline that compiles it, with the context of both. `for_files`: others load what it
    becomes."""
    check_sizes(sizes)
    choice = ConvChoice(conv_algorithm, exact)
    ctx = make_context()
    backend, attribute = find_backend(target)
    if for_files and attribute is None:
        attribute = backend.target_of_files()
    module = load_source(source, ctx)
    manager = pipeline_steps(backend, pipeline, ctx)
    _set_target(module, backend, attribute, None if pipeline is None else manager)
    return ctx, module, _prepared(manager, schedule, sizes, choice, tuned)


def lower(
    source: Source,
    *,
    until: str | None = None,
    target: str | Attribute = "llvm-cpu",
    schedule: Schedule | None = None,
    pipeline: str | os.PathLike[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    conv_algorithm: str = "auto",
    exact: bool = False,
    database: DatabaseSource | None = None,
    threads: int = 0,
    for_files: bool = False,
    instrumentation: Sequence[Instrumentation] = (),
) -> ModuleOp:
    """The IR of a source after the pipeline, or after its last pass called `until`, or the last time that it is on the
    rung called `until`. `threads`: those whose scripts a database is asked for, if not as many as the target has.
    `for_files`: others load what it becomes."""
    with open_database(database) as tuned:
        ctx, module, manager = prepare(
            source,
            target=target,
            schedule=schedule,
            pipeline=pipeline,
            sizes=sizes,
            conv_algorithm=conv_algorithm,
            exact=exact,
            tuned=tuned,
            for_files=for_files,
        )
        if tuned is not None:
            manager = _with_scripts(manager, tuned)
            if threads:
                set_threads(module, threads)
        return _lower(ctx, module, manager, until, instrumentation)


def _lower(
    ctx: Context, module: ModuleOp, manager: PassManager, until: str | None, instrumentation: Sequence[Instrumentation]
) -> ModuleOp:
    names = [step.pass_.name for step in manager.steps]
    if until in RUNGS:
        return _lower_to_rung(ctx, manager, module, until, instrumentation)
    if until is not None:
        if until not in names:
            raise PipelineError(
                f"expected a pass of the pipeline or a rung, got '{until}'{did_you_mean(until, [*names, *RUNGS])}"
            )
        manager = replace(manager, steps=manager.steps[: len(names) - names[::-1].index(until)])
    manager.run(ctx, module, instrumentation)
    return module


def list_kernels(
    source: Source,
    *,
    target: str | Attribute = "llvm-cpu",
    pipeline: str | os.PathLike[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    conv_algorithm: str = "auto",
    exact: bool = False,
    database: DatabaseSource | None = None,
) -> tuple[Kernel, ...]:
    """The distinct kernels that a program is made of, before anything of them is scheduled or compiled: with the
    algorithms of convolutions that are fastest in a database, if there is one."""
    with open_database(database) as tuned:
        ctx, module, manager = prepare(
            source,
            target=target,
            pipeline=pipeline,
            sizes=sizes,
            conv_algorithm=conv_algorithm,
            exact=exact,
            tuned=tuned,
        )
        parts = split_at_schedules(manager)
        if parts is None:
            raise PipelineError(f"expected a pipeline with pass '{SCHEDULING}' to tell kernels before it, got none")
        parts[0].run(ctx, module)
        return find_kernels(module)


def _lower_to_rung(
    ctx: Context, manager: PassManager, module: ModuleOp, rung: str, instrumentation: Sequence[Instrumentation]
) -> ModuleOp:
    found = module.clone() if rung_of(module) == rung else None
    for step in manager.steps:
        if RUNGS.index(rung_of(module)) > RUNGS.index(rung):
            break
        replace(manager, steps=(step,)).run(ctx, module, instrumentation)
        if rung_of(module) == rung:
            found = module.clone()
    if found is None:
        raise PipelineError(f"expected a program that passes rung '{rung}', got one that starts below it")
    return found


def compile(
    source: Source,
    *,
    target: str | Attribute = "llvm-cpu",
    schedule: Schedule | None = None,
    pipeline: str | os.PathLike[str] | None = None,
    threads: int = 0,
    sizes: Mapping[str, int] | None = None,
    conv_algorithm: str = "auto",
    exact: bool = False,
    report: Report | None = None,
    cache: bool | str | os.PathLike[str] | Cache = False,
    progress: Progress | None = None,
    database: DatabaseSource | None = None,
) -> Executable | SymbolicExecutable:
    """Compiles an ONNX model, IR of any rung, or tensor expressions to something to call with arrays.

    A program with symbolic extents is compiled for `sizes` if they are given, else for each set of sizes that it is
    called with. One whose extents depend on what some inputs hold is compiled for each set of these values, too.

    Args:
        target: the name of a backend, or a target attribute.
        schedule: the file of a script that takes the place of the default schedules.
        pipeline: the file of a pipeline, or its text, that takes the place of the target's own.
        threads: how many threads parallel loops use; 0 leaves it to OpenMP.
        conv_algorithm: how convolutions are computed: `direct`, `gemm`, `winograd-2` or `winograd-4`, where that is
            possible; `auto` decides for each by its size.
        exact: whether Winograd's algorithm, which rounds more than a sum of products does, is ruled out.
        report: is told how long each step took.
        cache: whether compiled kernels are kept on disk, or the folder that they are kept in.
        progress: is told before each kernel that is compiled.
        database: a database of trials, or its file: each kernel is scheduled by the best script in it, else by that of
            the kernel that is most like it, where that is legal, else by the shipped ones.
    """
    check_sizes(sizes)
    choice = ConvChoice(conv_algorithm, exact)
    report = report or Report()
    ctx = make_context()
    backend, attribute = find_backend(target)
    with no_collection():
        with report.phase("read"):
            module = _load_or_none(source, ctx)
        with report.phase("read the pipeline"):
            manager = pipeline_steps(backend, pipeline, ctx)
    own_pipeline = None if pipeline is None else manager
    compiler = _Compiler(backend, manager, schedule, threads, find_cache(cache), progress, choice, database)
    if module is None:

        def compile_module(module: ModuleOp) -> Executable:
            _set_target(module, backend, attribute, own_pipeline)
            return compiler.compile(module)

        return specialized_model(cast("str | ModelProto", source), compile_module)
    _set_target(module, backend, attribute, own_pipeline)
    symbolic = symbolic_inputs(module) if not sizes else None
    if symbolic is not None:
        return SymbolicExecutable(symbolic, lambda found: compiler.compile(module.clone(), found))
    return compiler.compile(module, sizes, report)


@dataclass(frozen=True)
class _Compiler:
    """How programs are compiled."""

    backend: Backend
    manager: PassManager
    schedule: Schedule | None
    threads: int
    cache: Cache | None
    progress: Progress | None
    choice: ConvChoice
    database: DatabaseSource | None = None

    def compile(
        self, module: ModuleOp, sizes: Mapping[str, int] | None = None, report: Report | None = None
    ) -> Executable:
        """Compiles a module, which is not what it was afterwards."""
        report = report or Report()
        with no_collection(), open_database(self.database) as tuned:
            executable = self._compile(module, sizes, report, tuned)
        if tuned is not None:
            report.schedules.update(tuned.choices.used)
        return executable

    def _compile(
        self, module: ModuleOp, sizes: Mapping[str, int] | None, report: Report, tuned: Tuned | None
    ) -> Executable:
        facts = ProgramFacts()
        facts.look(module)
        if tuned is not None and self.threads:
            # What is tuned is tuned for a number of threads.
            set_threads(module, self.threads)
        manager = _prepared(self.manager, self.schedule, sizes, self.choice, tuned)
        parts = split_at_schedules(manager) if self.backend.links_objects else None
        if parts is not None and rung_of(module) in ("graph", "te", "loop"):
            return self._compile_apart(module, *parts, facts, report, tuned)
        if tuned is not None and rung_of(module) in ("graph", "te", "loop"):
            manager = _with_scripts(manager, tuned)
        manager.run(make_context(), module, (report, facts))
        check_lowered(self.backend, module)
        signature = facts.known_signature()
        with report.phase("native code"):
            return self.backend.executable(module, signature, facts.constants(), threads=self.threads)

    def _compile_apart(
        self,
        module: ModuleOp,
        above: PassManager,
        below: PassManager,
        facts: ProgramFacts,
        report: Report,
        tuned: Tuned | None,
    ) -> Executable:
        """Compiles a program whose kernels are compiled one by one from where they are scheduled on."""
        ctx = make_context()
        has_script = self.schedule is not None
        before = len(above.steps) - int(has_script)
        # What is next does the same, and says what it found.
        naming = int(before > 0 and above.steps[before - 1].pass_.name == NameKernelsPass.name)
        replace(above, steps=above.steps[: before - naming]).run(ctx, module, (report, facts))
        with report.phase(NameKernelsPass.name):
            found = find_kernels(module)
        # The user's script sees the whole program.
        replace(above, steps=above.steps[before:]).run(ctx, module, (report, facts))
        choices = None if tuned is None else tuned.choices
        separate = SeparateCompiler(self.backend, below, ctx, self.cache, self.progress, choices=choices)
        separate.compile_kernels(module, found, changed=has_script)
        objects = {"main": separate.compile_rest(module, facts), **separate.objects}
        report.steps += separate.times.seconds.items()
        if choices is not None:
            found = tuple(replace(kernel, schedule=choices.used.get(kernel.name, "")) for kernel in found)
        with report.phase("load"):
            if self.cache is not None:
                self.cache.trim()
            signature, constants = facts.known_signature(), facts.constants()
            return self.backend.link(objects, signature, constants, kernels=found, threads=self.threads)


def _load_or_none(source: Source, ctx: Context) -> ModuleOp | None:
    """The IR of a source; None if that depends on what the inputs of an ONNX model hold."""
    if not is_onnx(source):
        return load_source(source, ctx)
    from ..frontends.onnx import UnknownValueError

    try:
        return load_source(source, ctx)
    except UnknownValueError:
        return None


def specialized_model(
    source: str | os.PathLike[str] | ModelProto, compile_module: Callable[[ModuleOp], Executable]
) -> ValueExecutable:
    """An ONNX model that is imported and compiled anew for the values of inputs that decide extents."""
    from ..frontends.onnx import UnknownValueError, import_onnx, model_inputs, read_model

    model, _ = read_model(source)
    parameters = [
        SymbolicParameter(name, dtype_name(type.element_type), cast(Any, graph.shape_of(type)))
        for name, type in model_inputs(model)
    ]

    def specialize(sizes: Mapping[str, int], values: Mapping[str, np.ndarray[Any, Any]]) -> Specialized:
        constants: dict[str, np.ndarray[Any, Any]] = {}
        while True:
            try:
                module = import_onnx(source, constants=constants, sizes=sizes)
            except UnknownValueError as error:
                new = [name for name in error.inputs if name not in constants]
                if not new:
                    raise
                constants.update((name, values[name]) for name in new)
            else:
                return compile_module(module), tuple(constants)

    return ValueExecutable(parameters, specialize)


def symbolic_inputs(module: ModuleOp) -> list[SymbolicParameter] | None:
    """The inputs of a program on the upper rungs, if an extent of one of them is symbolic."""
    entry = find_entry(module)
    if not isinstance(entry, func.FuncOp) or not any(isinstance(t, TensorType) for t in entry.function_type.inputs):
        return None
    from ..dialects.te import tensor_extents

    parameters: list[SymbolicParameter] = []
    for position, type in enumerate(entry.function_type.inputs.data):
        if not isinstance(type, TensorType):
            return None
        attributes = _attributes_of(entry, position)
        name = _argument_name(entry.body.blocks[0].args[position], attributes, position)
        tensor = cast("TensorType[Attribute]", type)
        dtype = dtype_name(tensor.element_type, attributes)
        parameters.append(SymbolicParameter(name, dtype, tensor_extents(tensor)))
    symbolic = any(True for parameter in parameters for dim in parameter.dims for _ in dim.symbols())
    return parameters if symbolic else None


def load(directory: str | os.PathLike[str], *, threads: int | None = None) -> Executable:
    """The program that `Executable.save` wrote into a directory."""
    return load_executable(os.fspath(directory), threads=threads)
