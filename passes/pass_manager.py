"""Running passes: a pipeline's steps in order, with instrumentation around each."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TextIO, cast

from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ..errors import PipelineError
from .function_pass import FunctionPass
from .pass_options import build_pass, describe_pass
from .pipeline import AnchorNode, Node, Option, PassNode, Pipeline, Value, error_at, parse_pipeline


class PassRegistry(Protocol):
    """Where a pass is found by name."""

    def get(self, name: str) -> type[ModulePass]:
        """The class of pass `name`; a `PipelineError` that offers the nearest name if there is none."""
        ...

    def check(self, name: str) -> None:
        """The `PipelineError` that `get` would raise, without loading the pass."""
        ...

    def factories(self) -> Mapping[str, Callable[[], type[ModulePass]]]:
        """A factory for every pass by name."""
        ...


class Instrumentation:
    """What is told about each pass that runs; every method does nothing by default."""

    def before_pass(self, pass_: ModulePass, op: Operation) -> None:
        """`pass_` is about to run; `op` is the module that the pipeline runs on."""

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        """`pass_` has run."""

    def pass_failed(self, pass_: ModulePass, op: Operation, error: Exception) -> None:
        """`pass_` raised `error`; `op` may be in any state."""


@dataclass(frozen=True)
class Step:
    """A pass, and the operations below the root that it runs on: an empty path means the root itself."""

    pass_: ModulePass
    path: tuple[str, ...] = ()
    quiet: bool = False
    """Whether the step itself is not reported: it only runs other passes, which are."""

    def apply(self, runner: PassRunner, root: ModuleOp) -> None:
        """Run the pass on every operation that the path leads to."""
        for op in _targets(root, self.path):
            runner.apply(self.pass_, op)

    def run(self, runner: PassRunner, root: ModuleOp) -> None:
        """Run the pass and tell the instrumentation."""
        if self.quiet:
            self.apply(runner, root)
        else:
            run_instrumented(self.pass_, lambda: self.apply(runner, root), root, runner.instrumentation)


@dataclass(frozen=True)
class PassManager:
    """The steps of a pipeline, ready to run."""

    steps: tuple[Step, ...]
    registry: PassRegistry

    def run(self, ctx: Context, root: ModuleOp, instrumentation: Sequence[Instrumentation] = ()) -> None:
        """Run every step on `root`, telling `instrumentation` about each."""
        runner = PassRunner(ctx, self.registry, tuple(instrumentation))
        for step in self.steps:
            step.run(runner, root)

    def pipeline(self, start: int = 0) -> Pipeline:
        """The pipeline from step `start` on, as text would write it."""
        nodes = _regroup(tuple((step.path, step.pass_) for step in self.steps[start:]))
        return Pipeline((AnchorNode("builtin.module", nodes),))


def build_pipeline(pipeline: Pipeline | str, registry: PassRegistry) -> PassManager:
    """Look up every pass of a pipeline and convert its options."""
    tree = parse_pipeline(pipeline) if isinstance(pipeline, str) else pipeline
    nodes = tree.nodes
    # `builtin.module(…)` around everything is the root's own anchor.
    if len(nodes) == 1 and isinstance(nodes[0], AnchorNode) and nodes[0].op_name == "builtin.module":
        nodes = nodes[0].nested
    return PassManager(tuple(_steps(nodes, (), registry)), registry)


def _steps(nodes: Iterable[Node], path: tuple[str, ...], registry: PassRegistry) -> Iterable[Step]:
    for node in nodes:
        if isinstance(node, AnchorNode):
            if path and path[-1] == "func.func":
                raise error_at(node.span, f"expected a pass inside 'func.func', got '{node.op_name}'")
            yield from _steps(node.nested, (*path, node.op_name), registry)
            continue
        pass_ = build_pass(node, _lookup(node, registry))
        if path and path[-1] == "func.func" and not isinstance(pass_, FunctionPass):
            raise error_at(node.span, f"expected a pass that runs on 'func.func', got module pass '{node.name}'")
        yield Step(pass_, path)


def _lookup(node: PassNode, registry: PassRegistry) -> type[ModulePass]:
    try:
        return registry.get(node.name)
    except PipelineError as error:
        raise error_at(node.span, str(error)) from None


def _regroup(steps: tuple[tuple[tuple[str, ...], ModulePass], ...]) -> tuple[Node, ...]:
    """Neighbouring steps below the same anchor share it."""
    nodes: list[Node] = []
    index = 0
    while index < len(steps):
        path, pass_ = steps[index]
        end = index + 1
        if not path:
            nodes.append(describe_pass(pass_))
        else:
            while end < len(steps) and steps[end][0][:1] == path[:1]:
                end += 1
            nested = tuple((inner[1:], inner_pass) for inner, inner_pass in steps[index:end])
            nodes.append(AnchorNode(path[0], _regroup(nested)))
        index = end
    return tuple(nodes)


def _targets(root: Operation, path: tuple[str, ...]) -> tuple[Operation, ...]:
    if not path:
        return (root,)
    children = (op for region in root.regions for block in region.blocks for op in block.ops if op.name == path[0])
    return tuple(
        target
        for child in children
        if not (isinstance(child, FuncOp) and child.is_declaration)
        for target in _targets(child, path[1:])
    )


def run_instrumented(
    pass_: ModulePass, run: Callable[[], None], root: Operation, instrumentation: Sequence[Instrumentation]
) -> None:
    """Call `run`, which applies `pass_` somewhere in `root`, and tell `instrumentation` about it."""
    for each in instrumentation:
        each.before_pass(pass_, root)
    try:
        run()
        for each in reversed(instrumentation):
            each.after_pass(pass_, root)
    except Exception as error:
        for each in instrumentation:
            each.pass_failed(pass_, root, error)
        raise


class PassRunningPass(ModulePass, ABC):
    """A pass that runs other passes."""

    @abstractmethod
    def apply_with(self, runner: PassRunner, op: ModuleOp) -> None:
        """Run on `op`; other passes run through `runner`."""


@dataclass(frozen=True)
class PassRunner:
    """Runs single passes, in a context and with instrumentation; finds them by name."""

    ctx: Context
    registry: PassRegistry
    instrumentation: tuple[Instrumentation, ...] = ()

    def apply(self, pass_: ModulePass, op: Operation) -> None:
        """Run a pass on a module, or a function pass on a function, and tell nobody."""
        if isinstance(op, ModuleOp) and isinstance(pass_, PassRunningPass):
            pass_.apply_with(self, op)
        elif isinstance(op, ModuleOp):
            pass_.apply(self.ctx, op)
        elif isinstance(op, FuncOp) and isinstance(pass_, FunctionPass):
            pass_.apply_to_function(self.ctx, op)
        else:
            expected = "builtin.module or func.func" if isinstance(pass_, FunctionPass) else "builtin.module"
            raise PipelineError(f"pass '{pass_.name}' runs on {expected}, got '{op.name}'")

    def run(self, pass_: ModulePass, op: Operation) -> None:
        """Run a pass and tell the instrumentation."""
        root = op
        while (parent := root.parent_op()) is not None:
            root = parent
        run_instrumented(pass_, lambda: self.apply(pass_, op), root, self.instrumentation)

    def build(self, name: str, options: Mapping[str, object]) -> ModulePass:
        """The pass `name` with `options`, whose values are attributes or plain Python values."""
        node = PassNode(name, tuple(option_from_attribute(key, value) for key, value in options.items()))
        return build_pass(node, self.registry.get(name))


def option_from_attribute(name: str, value: object) -> Option:
    """An option as a pipeline writes it, from the attribute that a script gives."""
    key = name.replace("_", "-")
    if isinstance(value, UnitAttr):
        return Option(key)
    if isinstance(value, ArrayAttr):
        elements = cast(ArrayAttr[Attribute], value)
        return Option(key, tuple(_value_from_attribute(name, element) for element in elements))
    if isinstance(value, DenseArrayBase):
        return Option(key, tuple(_value_from_attribute(name, element) for element in value.get_values()))
    return Option(key, (_value_from_attribute(name, value),))


def _value_from_attribute(name: str, value: object) -> Value:
    match value:
        case IntegerAttr() if value.type == IntegerType(1):
            return Value("true" if value.value.data else "false")
        case bool():
            return Value("true" if value else "false")
        case IntegerAttr() | FloatAttr():
            return Value(str(value.value.data))
        case StringAttr():
            return Value(value.data, quoted=True)
        case SymbolRefAttr():
            return Value(value.string_value(), quoted=True)
        case int() | float():
            return Value(str(value))
        case str():
            return Value(value, quoted=True)
        case _:
            raise PipelineError(f"option '{name}': expected a number, a string or a list of these, got '{value}'")


class PrintIR(Instrumentation):
    """Prints the IR before and after the passes chosen."""

    def __init__(
        self,
        stream: TextIO,
        *,
        before: frozenset[str] = frozenset(),
        after: frozenset[str] = frozenset(),
        after_all: bool = False,
        generic: bool = False,
    ):
        self.stream = stream
        self.before = before
        self.after = after
        self.after_all = after_all
        self.generic = generic

    def before_pass(self, pass_: ModulePass, op: Operation) -> None:
        if pass_.name in self.before:
            self._print("Before", pass_, op)

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        if self.after_all or pass_.name in self.after:
            self._print("After", pass_, op)

    def pass_failed(self, pass_: ModulePass, op: Operation, error: Exception) -> None:
        if self.after_all or pass_.name in self.after:
            try:
                self._print("After", pass_, op, " Failed")
            # A pass that fails may leave anything behind.
            except Exception as second:
                self.stream.write(f"// does not print: {second}\n")

    def _print(self, when: str, pass_: ModulePass, op: Operation, outcome: str = "") -> None:
        self.stream.write(f"// -----// IR Dump {when} {pass_.name}{outcome} //----- //\n")
        Printer(stream=self.stream, print_generic_format=self.generic).print_op(op)
        self.stream.write("\n\n")
        self.stream.flush()


class Timing(Instrumentation):
    """Measures how long each pass takes; `phase` measures what is not a pass."""

    def __init__(self) -> None:
        self._records: list[tuple[int, str, float]] = []
        self._open: list[tuple[int, float]] = []

    def _start(self, name: str) -> None:
        self._open.append((len(self._records), time.perf_counter()))
        self._records.append((len(self._open) - 1, name, 0.0))

    def _stop(self) -> None:
        index, start = self._open.pop()
        depth, name, _ = self._records[index]
        self._records[index] = (depth, name, time.perf_counter() - start)

    def before_pass(self, pass_: ModulePass, op: Operation) -> None:
        self._start(pass_.name)

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        self._stop()

    def pass_failed(self, pass_: ModulePass, op: Operation, error: Exception) -> None:
        self._stop()

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        """Measure the body of a `with` statement."""
        self._start(name)
        try:
            yield
        finally:
            self._stop()

    def report(self, stream: TextIO) -> None:
        """Print the table: passes that other passes ran are indented below those."""
        total = sum(seconds for depth, _, seconds in self._records if depth == 0)
        rule = f"===-{'-' * 73}-==="
        rows = [f"{_timing_columns(seconds, total)}  {'  ' * depth}{name}" for depth, name, seconds in self._records]
        title = f"{'... Execution time report ...':^81}".rstrip()
        header = [
            rule,
            title,
            rule,
            f"  Total Execution Time: {total:.4f} seconds",
            "",
            "  ----Wall Time----  ----Name----",
        ]
        stream.write("\n".join([*header, *rows, f"{_timing_columns(total, total)}  Total", ""]))


def _timing_columns(seconds: float, total: float) -> str:
    return f"  {seconds:9.4f} ({100 * seconds / total if total else 100.0:5.1f}%)"


class VerifyEach(Instrumentation):
    """Verifies the IR after each pass."""

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        try:
            op.verify()
        except VerifyException as error:
            error.add_note(f"after pass '{pass_.name}'")
            raise
