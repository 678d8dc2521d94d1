"""Kernels compiled apart: each distinct one once, from a module of its own, and not at all if the cache has it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    ModuleOp,
    UnitAttr,
    i64,
)
from xdsl.ir import Attribute, Operation
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from ..backends.backend import Backend, ObjectCode
from ..dialects.layout import LayoutAttr
from ..dialects.loop import LAYOUT, LIVE_BYTES, WORKSPACE
from ..dialects.structural_hash import structural_hash
from ..errors import CompileError
from ..passes.common.transform_interpreter import TransformInterpreterPass, read_script
from ..passes.loop.name_kernels import describe_kernel, kernel_hash, kernels, lone_kernels, name_kernels
from ..passes.loop.pack_constants import APART
from ..passes.pass_manager import Instrumentation, PassManager, Step
from ..runtime.artifact import Kernel
from ..runtime.cache import Cache, Entry, checksum, key_of
from ..runtime.versions import versions
from ..transform.layouts import pack_operands
from .tuned import Choices, Refused, schedule_in_place, warn_of

if TYPE_CHECKING:
    from ..autotune.database.lookup import FoundScript

Progress: TypeAlias = Callable[[int, int, Kernel, bool], None]
"""Is told before each kernel: which one it is, of how many, and whether the cache has it."""


@dataclass
class StepTimes(Instrumentation):
    """How long each step took in all modules together, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    _start: float = 0.0

    def before_pass(self, pass_: ModulePass, op: Operation) -> None:
        self._start = time.perf_counter()

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        self.add(pass_.name, time.perf_counter() - self._start)

    def add(self, name: str, seconds: float) -> None:
        """Counts some time as part of a step."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


def pipeline_key(manager: PassManager) -> dict[str, Any]:
    """All that the outcome of a pipeline depends on beside what it runs on: its text, the scripts that it names, and
    the versions of what runs."""
    scripts = [checksum(text.encode()) for text in _scripts(manager.steps)]
    return {"pipeline": str(manager.pipeline()), "scripts": scripts, "versions": versions()}


def _scripts(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        if isinstance(step.pass_, TransformInterpreterPass) and step.pass_.script is not None:
            yield read_script(step.pass_.script)


class Facts(Instrumentation, ABC):
    """What a program's callers need to know, gathered on the way down."""

    @abstractmethod
    def told(self) -> dict[str, Any]:
        """All of it, as plain data."""

    @abstractmethod
    def recall(self, told: Mapping[str, Any]) -> None:
        """Takes what `told` gave."""


class _Needs(Instrumentation):
    """What passes make of a kernel's arguments, before it is LLVM's: memory that it works in, and packed constants."""

    def __init__(self, kernel: func.FuncOp):
        self.name = kernel.sym_name.data
        self.given = len(kernel.function_type.inputs)
        self.workspaces: tuple[Attribute, ...] = ()
        self.live_bytes = 0
        self.packed: dict[int, PackedArgument] = {}

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        assert isinstance(op, ModuleOp)
        for each in op.ops:
            if isinstance(each, func.FuncOp) and each.sym_name.data == self.name:
                self.workspaces = each.function_type.inputs.data[self.given :]
                self.packed |= _packed_arguments(each)
                live = each.attributes.get(LIVE_BYTES)
                self.live_bytes = live.value.data if isinstance(live, IntegerAttr) else self.live_bytes


PackedArgument: TypeAlias = tuple[Attribute, LayoutAttr]
"""The type of an argument, and how callers lay it out."""


def _packed_arguments(function: func.FuncOp) -> dict[int, PackedArgument]:
    """The arguments of a function that are packed constants, by position."""
    found: dict[int, PackedArgument] = {}
    marks = function.arg_attrs.data if function.arg_attrs is not None else ()
    for position, (type, own) in enumerate(zip(function.function_type.inputs, marks, strict=True)):
        layout = own.data.get(LAYOUT)
        if isinstance(layout, LayoutAttr):
            found[position] = type, layout
    return found


@dataclass(frozen=True)
class _Compiled:
    """A kernel's code, the memory that it works in, and the constants that it takes in another layout."""

    object: ObjectCode
    workspaces: tuple[Attribute, ...] = ()
    live_bytes: int = 0
    packed: Mapping[int, PackedArgument] = field(default_factory=dict[int, PackedArgument])


@dataclass(frozen=True)
class _KernelKey:
    """What code of a kernel depends on beside the pipeline and a script."""

    name: str
    structure: str
    attributes: str


@dataclass
class _Once:
    """Says something the first time that it is called."""

    tell: Callable[[bool], None]
    told: bool = False

    def __call__(self, cached: bool) -> None:
        if not self.told:
            self.told = True
            self.tell(cached)


def _declaration(function: func.FuncOp) -> func.FuncOp:
    declaration = func.FuncOp.external(function.sym_name.data, function.function_type.inputs.data, [])
    declaration.arg_attrs = function.arg_attrs
    return declaration


def _declare_packed(declaration: func.FuncOp, packed: Mapping[int, PackedArgument]) -> None:
    """Says on a declaration which of its arguments are packed."""
    types = list(declaration.function_type.inputs)
    marks = list(declaration.arg_attrs.data) if declaration.arg_attrs else [DictionaryAttr({})] * len(types)
    for position, (type, layout) in packed.items():
        types[position] = type
        marks[position] = DictionaryAttr({**marks[position].data, LAYOUT: layout})
    declaration.function_type = FunctionType.from_lists(types, [])
    declaration.arg_attrs = ArrayAttr(marks)


@dataclass
class SeparateCompiler:
    """Compiles the kernels of a program, and what is left of it, by the last steps of a pipeline."""

    backend: Backend
    manager: PassManager
    ctx: Context
    cache: Cache | None = None
    progress: Progress | None = None
    times: StepTimes = field(default_factory=StepTimes)
    objects: dict[str, ObjectCode] = field(default_factory=dict[str, ObjectCode])
    choices: Choices | None = None
    """Who knows scripts for kernels, if somebody does."""
    _facts: dict[str, Any] | None = None

    def compile_kernels(self, module: ModuleOp, found: Sequence[Kernel], *, changed: bool) -> None:
        """Compiles kernels of a module, and puts declarations in their places. `changed`: they may not be any more what
        they were when their hashes were taken."""
        attributes = DictionaryAttr(module.attributes)
        facts = str(attributes)
        functions = {kernel.sym_name.data: kernel for kernel in kernels(module)}
        for number, kernel in enumerate(found):
            function = functions.get(kernel.name)
            # A script may have done anything.
            if function is not None:
                known = not changed or (self.cache is None and self.choices is None)
                structure = kernel.hash if known else kernel_hash(function)
                scripts = self._scripts(function, structure)
                key = _KernelKey(kernel.name, structure, facts)

                def tell(cached: bool, number: int = number, kernel: Kernel = kernel) -> None:
                    if self.progress is not None:
                        self.progress(number, len(found), kernel, cached)

                self._compile_kernel(function, attributes, key, scripts, tell)
        pack_operands(module)

    def _scripts(self, function: func.FuncOp, digest: str) -> Sequence[FoundScript]:
        return () if self.choices is None else self.choices.scripts(function, digest)

    def _compile_kernel(
        self,
        function: func.FuncOp,
        attributes: DictionaryAttr,
        key: _KernelKey,
        scripts: Sequence[FoundScript],
        tell: Callable[[bool], None],
    ) -> None:
        block = function.parent
        assert block is not None
        following = function.next_op
        function.detach()
        declaration = _declaration(function)
        compiled = self._compile(function, attributes, key, scripts, tell)
        if compiled.packed:
            _declare_packed(declaration, compiled.packed)
        if compiled.workspaces:
            declaration.attributes[WORKSPACE] = ArrayAttr(compiled.workspaces)
            declaration.attributes[LIVE_BYTES] = IntegerAttr(compiled.live_bytes, i64)
        if following is not None:
            block.insert_op_before(declaration, following)
        else:
            block.add_op(declaration)
        self.objects[declaration.sym_name.data] = compiled.object

    def _compile(
        self,
        function: func.FuncOp,
        attributes: DictionaryAttr,
        key: _KernelKey,
        scripts: Sequence[FoundScript],
        tell: Callable[[bool], None],
    ) -> _Compiled:
        """The code of a function that is in no module, as that of the public one of its own: what the cache has, or
        what comes of the first script that applies, or of the pipeline's own."""
        told = _Once(tell)
        function.sym_visibility = None
        apart = DictionaryAttr({**attributes.data, APART: UnitAttr()})

        choices = self.choices

        def attempt(found: FoundScript) -> _Compiled:
            assert choices is not None
            own = self._kernel_key(key, checksum(found.text.encode()))
            compiled = self._find(own)
            if compiled is not None:
                told(True)
                return compiled
            if self._was_refused(own):
                raise Refused
            told(False)
            try:
                compiled = self._finish(function, choices.scheduled(function, apart, found, self.ctx))
            except Exception:
                self._store_refusal(own)
                raise
            self._store(own, compiled)
            return compiled

        if choices is not None:
            compiled = choices.first(function.sym_name.data, scripts, attempt)
            if compiled is not None:
                return compiled
        own = self._kernel_key(key)
        compiled = self._find(own)
        told(compiled is not None)
        if compiled is None:
            compiled = self._finish(function, ModuleOp([function], dict(apart.data)))
            self._store(own, compiled)
        return compiled

    def _finish(self, function: func.FuncOp, module: ModuleOp) -> _Compiled:
        """Compiles the module that has a function, or what a script made of it."""
        needs = _Needs(function)
        self.manager.run(self.ctx, module, (self.times, needs))
        return _Compiled(self.native_code(module), needs.workspaces, needs.live_bytes, needs.packed)

    def compile_rest(self, module: ModuleOp, facts: Facts) -> ObjectCode:
        """Compiles what is left of a program when its kernels are declarations. `facts` knows what callers need."""
        lone = () if self.choices is None else lone_kernels(module)
        scripts = {function.sym_name.data: self._scripts(function, kernel_hash(function)) for function in lone}
        tried = [f"{found} {checksum(found.text.encode())}" for each in scripts.values() for found in each]
        key = self.key("rest", "", *program_structure(module), tried) if self.cache is not None else ""
        entry = self.cache.get("kernels", key) if self.cache is not None else None
        if entry is not None:
            try:
                facts.recall(entry.header["facts"])
                self._say(scripts, entry.header["schedules"])
                return object_of(entry)
            except (KeyError, ValueError, TypeError):
                pass
        code = self._compile_tuned(module, facts) if tried else None
        if code is None:
            self._say(scripts, {})
            self.manager.run(self.ctx, module, (self.times, facts))
            code = self.native_code(module)
        if self.cache is not None:
            used = {} if self.choices is None else {name: self.choices.used[name] for name in scripts}
            header = {"facts": facts.told(), "schedules": used, **object_facts(code)}
            self.cache.put("kernels", key, Entry(header, (code.code,)))
        return code

    def _say(self, names: Iterable[str], used: Mapping[str, str]) -> None:
        if self.choices is not None:
            self.choices.used.update((name, str(used.get(name, self.choices.otherwise(name)))) for name in names)

    def _compile_tuned(self, module: ModuleOp, facts: Facts) -> ObjectCode | None:
        """The code of a module whose public kernels are scheduled by what was found; None if that does not compile."""
        assert self.choices is not None
        copy = module.clone()
        schedule_in_place(copy, self.choices, self.ctx)
        try:
            self.manager.run(self.ctx, copy, (self.times, facts))
            return self.native_code(copy)
        # A script of another version may be refused by whatever comes after it.
        except Exception as error:
            warn_of("the program", error)
            return None

    def native_code(self, module: ModuleOp) -> ObjectCode:
        """The code of a module after the pipeline."""
        check_lowered(self.backend, module)
        start = time.perf_counter()
        code = self.backend.object_code(module)
        self.times.add("native code", time.perf_counter() - start)
        return code

    # the cache

    def _kernel_key(self, key: _KernelKey, script: str = "") -> str:
        return self.key("kernel", key.name, key.structure, key.attributes, [script] if script else ())

    def key(self, kind: str, name: str, structure: str, attributes: str, scripts: Sequence[str] = ()) -> str:
        """The key of code from IR with some structure, in a module with some attributes, by some scripts."""
        if self.cache is None:
            return ""
        if self._facts is None:
            self._facts = {"backend": self.backend.name, **pipeline_key(self.manager)}
        facts = self._facts
        if scripts:
            facts = {**facts, "tried": list(scripts)}
        return key_of(kind=kind, name=name, structure=structure, attributes=attributes, **facts)

    def _was_refused(self, key: str) -> bool:
        entry = self.cache.get("kernels", key) if self.cache is not None else None
        return entry is not None and entry.header.get("refused") is True

    def _store_refusal(self, key: str) -> None:
        if self.cache is not None:
            self.cache.put("kernels", key, Entry({"refused": True}))

    def _find(self, key: str) -> _Compiled | None:
        entry = self.cache.get("kernels", key) if self.cache is not None else None
        if entry is None:
            return None
        try:
            workspaces = tuple(Parser(self.ctx, text).parse_type() for text in entry.header["workspaces"])
            packed = {int(position): self._packed(*texts) for position, texts in entry.header["packed"].items()}
            return _Compiled(object_of(entry), workspaces, int(entry.header["live_bytes"]), packed)
        except (KeyError, ValueError, TypeError):
            return None

    def _packed(self, type: str, layout: str) -> PackedArgument:
        known = Parser(self.ctx, layout).parse_attribute()
        if not isinstance(known, LayoutAttr):
            raise ValueError(f"expected a layout, got '{layout}'")
        return Parser(self.ctx, type).parse_type(), known

    def _store(self, key: str, compiled: _Compiled) -> None:
        if self.cache is not None:
            workspaces = [str(type) for type in compiled.workspaces]
            packed = {position: [str(type), str(layout)] for position, (type, layout) in compiled.packed.items()}
            header = {
                "workspaces": workspaces,
                "live_bytes": compiled.live_bytes,
                "packed": packed,
                **object_facts(compiled.object),
            }
            self.cache.put("kernels", key, Entry(header, (compiled.object.code,)))


def object_facts(code: ObjectCode) -> dict[str, Any]:
    """What an entry says about native code."""
    return {"target": dict(code.target), "parallel": code.has_parallel_loops}


def object_of(entry: Entry) -> ObjectCode:
    """The native code in an entry."""
    (code,) = entry.blobs
    return ObjectCode(code, dict(entry.header["target"]), bool(entry.header["parallel"]))


def check_lowered(backend: Backend, module: ModuleOp) -> None:
    """Raises unless the pipeline has made a module what the code generator takes."""
    if not backend.is_lowered(module):
        left = sorted({op.name for op in module.walk() if not op.name.startswith(("llvm.", "builtin.module"))})
        raise CompileError(f"expected a pipeline that ends in LLVM, got one that leaves {', '.join(left[:5])}")


def program_structure(module: ModuleOp) -> tuple[str, str]:
    """The hash of a program but for its data, with the names that callers and linkers see; and its attributes."""
    hashes = [structural_hash(op, names=True) for op in module.ops if op.name != "graph.data"]
    return key_of(operations=hashes), str(DictionaryAttr(module.attributes))


def find_kernels(module: ModuleOp) -> tuple[Kernel, ...]:
    """The distinct kernels of a program on the loop rung, in order; they are named by their hashes from now on."""
    hashes = name_kernels(module)
    functions: Mapping[str, func.FuncOp] = {kernel.sym_name.data: kernel for kernel in kernels(module)}
    calls = Counter(
        op.callee.string_value()
        for function in module.ops
        if isinstance(function, func.FuncOp) and function.sym_name.data not in functions
        for op in function.walk()
        if isinstance(op, func.CallOp)
    )
    return tuple(Kernel(name, digest, calls[name], describe_kernel(functions[name])) for name, digest in hashes.items())
